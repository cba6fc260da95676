"""xAI's calls beside questions to models: pictures, compaction, counting tokens. Pure: a body in, a `Reply` out.

The fields are those of xAI's published schema (2026-09); everything else is refused, as `size` and `style` are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rotom.simulator import scenarios
from rotom.simulator.pictures import png_base64
from rotom.simulator.play import Refused, Reply, json_reply
from rotom.simulator.strict_forms import words
from rotom.simulator.xai_forms import NOT_FOUND, flat, invalid, unreadable, unsupported
from rotom.simulator.xai_models import IMAGE_MODELS, find
from rotom.simulator.xai_pen import TICKS_PER_TOKEN
from rotom.simulator.xai_scenarios import REFUSALS
from rotom.simulator.xai_strict import check_input
from rotom.sse import Json, dumps

GENERATION: Final = words(
    "model prompt n aspect_ratio resolution response_format quality user deferred storage_options"
)
EDIT: Final = GENERATION | words("image images mask")
RATIOS: Final = words("auto 1:1 16:9 9:16 4:3 3:4 3:2 2:3 2:1 1:2 19.5:9 9:19.5 20:9 9:20")
RESOLUTIONS: Final = {"1k": 1024, "1.5k": 1536, "2k": 2048}
"""Name -> the longer side in pixels, which is a guess."""
MOST_IMAGES: Final = 10
IMAGE_TICKS: Final = 200_000_000


def image(body: Json, *, edit: bool = False) -> Reply:
    """``/images/generations`` and ``/images/edits``.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in (EDIT if edit else GENERATION):
            raise unsupported(name)
    model, prompt = body.get("model"), body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise unreadable("missing field `prompt`")
    if model not in [*IMAGE_MODELS]:
        raise Refused(
            flat(404, NOT_FOUND, f"The model {model} does not exist or your team does not have access to it.")
        )
    wish = scenarios.find(prompt)
    if wish is not None and wish[0] in REFUSALS:
        raise Refused(REFUSALS[wish[0]][1])
    count = body.get("n") or 1
    if not isinstance(count, int) or not 1 <= count <= MOST_IMAGES:
        raise invalid(f"Invalid n: {count}. It must be between 1 and {MOST_IMAGES}.")
    if body.get("aspect_ratio") not in [None, *RATIOS]:
        raise invalid(f"Invalid aspect_ratio: {body['aspect_ratio']}")
    if body.get("resolution") not in [None, *RESOLUTIONS]:
        raise invalid(f"Invalid resolution: {body['resolution']}")
    if body.get("quality") is not None and model != "grok-imagine-image-2.0":
        raise invalid(f"Model {model} does not support quality.")
    form = body.get("response_format") or "url"
    if form not in ["url", "b64_json"]:
        raise invalid(f"Invalid response_format: {form}")
    if edit:
        _check_sources(body)
    width, height = _size(body.get("aspect_ratio") or "auto", body.get("resolution") or "1k")
    drawn = [png_base64(width, height, f"{prompt} {number}") for number in range(count)]
    data = [
        {"b64_json": one, "mime_type": "image/png"}
        if form == "b64_json"
        else {"url": f"data:image/png;base64,{one}", "mime_type": "image/png"}
        for one in drawn
    ]
    return json_reply(200, {"data": data, "usage": {"cost_in_usd_ticks": count * IMAGE_TICKS}})


def _size(ratio: str, resolution: str) -> tuple[int, int]:
    wide, high = (1.0, 1.0) if ratio == "auto" else (float(side) for side in ratio.split(":"))
    scale = RESOLUTIONS[resolution] / max(wide, high)
    return round(wide * scale), round(high * scale)


def _check_sources(body: Json) -> None:
    sources = body.get("images") or ([body["image"]] if body.get("image") else [])
    if not isinstance(sources, list) or not sources:
        raise invalid("An image is needed.")
    for source in sources:
        if not isinstance(source, dict) or not (source.get("url") or source.get("file_id") or source.get("image_url")):
            raise unreadable("image: missing field `url`")


def compact(body: Json, now: float, seal: Callable[[], str], known: Callable[[str], bool]) -> Reply:
    """``/responses/compact``: a history becomes one opaque item.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in ("model", "input"):
            raise unsupported(name)
    model = find(body.get("model"), "api")
    items = body.get("input")
    if not isinstance(items, list) or not items:
        raise unreadable("missing field `input`")
    check_input(items, known)
    blob, tokens = seal(), len(dumps(items)) // 4
    item = {"type": "compaction", "id": f"cmp_{blob[:24]}", "encrypted_content": blob}
    usage = {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 40,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens + 40,
        "cost_in_usd_ticks": (tokens + 40) * TICKS_PER_TOKEN,
        "dropped_message_count": 0,
    }
    head = {"id": f"cmp_{blob[24:48]}", "object": "response.compaction", "created_at": int(now), "model": model.id}
    return json_reply(200, {**head, "output": [item], "usage": usage})


def tokenize(body: Json) -> Reply:
    """``/tokenize-text``: a token for each word or so.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in ("model", "text", "user"):
            raise unsupported(name)
    find(body.get("model"), "api")
    if not isinstance(body.get("text"), str):
        raise unreadable("missing field `text`")
    cut = re.findall(r"\s?\w{1,6}|\s|[^\w\s]", body["text"])
    tokens = [
        {"token_id": sum(piece.encode()) % 100_000, "string_token": piece, "token_bytes": list(piece.encode())}
        for piece in cut
    ]
    return json_reply(200, {"token_ids": tokens})
