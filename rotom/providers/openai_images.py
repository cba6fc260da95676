"""Images of the Codex service: its own calls beside the turns, which no model has a say in.

``images/generations`` and ``images/edits`` take a small JSON body and answer in the form of the public Images API, whole.
The fields are those of Codex CLI 0.169 (2026-11): prompt, background, model, quality, size, and an edit's ``images``.
Others have measured what becomes of them (2026-09, several programs and accounts): prompt, background and images count; the
model, the quality, the size and the format are taken, and mostly chosen anew; a number of images is taken, and one comes.
So each image is a call of its own, and what was really drawn is what the answer says.

``output_format`` and ``mask`` go along in the public API's form: the first was seen to be taken, of the second nothing is
known. What the service has no field for at all stays here.
"""

from __future__ import annotations

import re
from typing import Any

from rotom.catalogue import Model
from rotom.config import Config
from rotom.drawing import Drawing, encoded
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Token
from rotom.providers.openai_identity import base_url, identity
from rotom.receipt import Receipt
from rotom.sse import Json

QUALITIES = {"standard": "auto", "hd": "high", "xhigh": "high", "max": "high"}
"""Qualities that the service does not have: of retired models, and of models that a ChatGPT login does not reach."""

SIZES = {"256x256": "1024x1024", "512x512": "1024x1024"}
"""Sizes of retired models, which are below what the models of today draw."""

MOST_EDGE = 3840
STEP = 16

REFUSED = {
    "svg": "drawings as SVG are not made by this provider",
    "frame_count": "animations are not made by this provider",
    "frame_duration_ms": "animations are not made by this provider",
    "markup": "this provider takes no markup; say in the prompt what is to be changed, or send a mask",
}
"""Fields that ask for something else than an image as there is one."""

DROPPED: dict[str, tuple[Any, ...]] = {
    "complexity": (),
    "input_fidelity": ("low",),
    "moderation": ("auto",),
    "output_compression": (100,),
    "style": (),
}
"""Fields that the service has not -> the values that ask for nothing."""


def take(drawing: Drawing, model: Model) -> tuple[Json, Receipt]:
    """The body as the service takes it, and what of the request is not in it.

    Raises:
      Problem: INVALID for what cannot be drawn.
    """
    asked = drawing.body
    for name, why in REFUSED.items():
        if name in asked:
            raise _refused(name, f"{name} is not supported: {why}", "unsupported_parameter")
    if asked.get("output_format") in ("gif", "svg"):
        message = f"output_format '{asked['output_format']}' is not supported: this provider draws png, jpeg or webp"
        raise _refused("output_format", message, "unsupported_value")
    mapped = []
    for name, others in (("quality", QUALITIES), ("size", SIZES)):
        if (value := asked.get(name)) in others:
            asked = {**asked, name: others[value]}
            mapped.append((f"{name}:{value}", others[value]))
    _check_size(asked.get("size", "auto"))
    body: Json = {"images": asked["images"]} if drawing.edit else {}
    body["prompt"] = asked["prompt"]
    body["background"] = asked.get("background", "auto")
    body["model"] = model.id
    body["quality"] = asked.get("quality", "auto")
    body["size"] = asked.get("size", "auto")
    if asked.get("output_format") in ("jpeg", "webp"):
        body["output_format"] = asked["output_format"]
    if drawing.edit and "mask" in asked:
        body["mask"] = asked["mask"]
    dropped = [name for name, good in DROPPED.items() if name in asked and asked[name] not in good]
    return body, Receipt((*drawing.dropped, *dropped), tuple(mapped))


def dress(config: Config, body: Json, edit: bool, token: Token) -> Outgoing:
    """The exact request of one call. May take long (an edit's images): for a thread."""
    url = f"{base_url(config, token)}/images/{'edits' if edit else 'generations'}"
    headers = (*identity(config, token), ("content-type", "application/json"), ("accept", "*/*"))
    return Outgoing("POST", url, headers, encoded(body))


def _check_size(size: str) -> None:
    """The rules of the models that take any size (the SDK's documentation of openai 3.54)."""
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if match is None:
        return
    width, height = int(match[1]), int(match[2])
    why = None
    if width % STEP or height % STEP:
        why = f"Width and height must both be divisible by {STEP}."
    elif max(width, height) > 3 * min(width, height):
        why = "The aspect ratio must be between 1:3 and 3:1."
    elif max(width, height) > MOST_EDGE:
        why = f"The longest edge must be {MOST_EDGE} or less."
    if why is not None:
        raise _refused("size", f"Invalid size '{size}'. {why}", "invalid_value")


def _refused(param: str, message: str, code: str) -> Problem:
    return Problem(Kind.INVALID, message, code=code, param=param)
