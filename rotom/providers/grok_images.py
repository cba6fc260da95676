"""Images of xAI: its own calls beside the turns.

``images/generations`` and ``images/edits`` take JSON, an edit too. They know no size but a ratio of edges and a resolution,
and mostly draw JPEG. The fields are those of xAI's published schema (2026-09) and of its client 1.0.41. One image is asked
for with each call. Plans without images are refused in xAI's words.

What is not here: what a refusal means (grok_refusals.py).
"""

from __future__ import annotations

from math import log

from rotom.catalogue import Model
from rotom.config import Config
from rotom.drawing import Drawing, encoded
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Token
from rotom.providers.grok_identity import base_url, identity
from rotom.receipt import Receipt
from rotom.sse import Json

RATIOS = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "2:1", "1:2")

LARGE = 2000
"""The longest edge from which on the larger resolution is asked for."""

WITH_QUALITY = "grok-imagine-image-2.0"
QUALITIES = {"low": "low", "medium": "medium", "standard": "medium", "high": "medium", "hd": "medium"}

DROPPED: dict[str, tuple[str | int, ...]] = {
    "background": ("auto", "opaque"),
    "input_fidelity": ("low",),
    "moderation": ("auto",),
    "output_compression": (100,),
    "output_format": ("jpeg",),
    "style": (),
}
"""Fields that xAI has not -> the values that ask for nothing else than it does."""


def dress(config: Config, origin: str, body: Json, edit: bool, token: Token) -> Outgoing:
    """The exact request to the origin in use for an account."""
    url = f"{base_url(config, origin)}/images/{'edits' if edit else 'generations'}"
    headers = (*identity(config, origin, token), ("content-type", "application/json"), ("accept", "application/json"))
    return Outgoing("POST", url, headers, encoded(body))


def take(drawing: Drawing, model: Model) -> tuple[Json, Receipt]:
    """The body as xAI takes it, and what of the request is not in it.

    Raises:
      Problem: INVALID for what cannot be drawn.
    """
    asked = drawing.body
    if "mask" in asked:
        message = "mask is not supported: Grok edits whole images; say in the prompt what is to be changed"
        raise Problem(Kind.INVALID, message, code="unsupported_parameter", param="mask", retry=False)
    mapped: list[tuple[str, str]] = []
    body: Json = {"model": model.id, "prompt": asked["prompt"], "n": 1, "response_format": "b64_json"}
    if drawing.edit:
        pictures = [{"url": picture["image_url"]} for picture in asked["images"]]
        body |= {"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}
    size = asked.get("size", "auto")
    if size != "auto":
        width, height = (int(edge) for edge in size.split("x"))
        body["aspect_ratio"] = ratio = nearest(width, height)
        body["resolution"] = "2k" if max(width, height) >= LARGE else "1k"
        mapped.append((f"size:{size}", ratio))
    elif not drawing.edit:
        body["aspect_ratio"] = "auto"
    dropped = [name for name, good in DROPPED.items() if name in asked and asked[name] not in good]
    quality = asked.get("quality", "auto")
    if model.id == WITH_QUALITY and quality in QUALITIES:
        body["quality"] = QUALITIES[quality]
        if QUALITIES[quality] != quality:
            mapped.append((f"quality:{quality}", QUALITIES[quality]))
    elif quality not in ("auto", "standard"):
        dropped.append("quality")
    return body, Receipt((*drawing.dropped, *dropped), tuple(mapped))


def nearest(width: int, height: int) -> str:
    """The ratio of edges that is nearest to that of a size."""

    def far(ratio: str) -> float:
        across, down = (int(edge) for edge in ratio.split(":"))
        return abs(log(width * down / (height * across)))

    return min(RATIOS, key=far)


def read(answer: Json) -> Json:
    """An answer with what OpenAI's has: the format, which xAI tells with each image, and counts of tokens or none, where
    xAI tells only what was paid."""
    out = dict(answer)
    data = answer.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    media = first.get("mime_type")
    if isinstance(media, str) and media.startswith("image/"):
        out["output_format"] = media.removeprefix("image/")
    usage = answer.get("usage")
    if not isinstance(usage, dict) or "total_tokens" not in usage:
        out.pop("usage", None)
    return out
