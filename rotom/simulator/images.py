"""What the backend's own calls for images answer: scenarios, as for questions. Pure.

They draw one image whatever number is asked for, as PNG whatever format, and say so, as the real ones were seen to (by
others, 2026-09). The size and the quality that were asked for are drawn here; the real ones mostly choose them anew, which
the scenario ``image_other`` does.
"""

from __future__ import annotations

from rotom.simulator.pictures import png_base64
from rotom.simulator.play import Play, Reply, Wait, error, json_reply
from rotom.simulator.scenarios_ask import Ask, Table
from rotom.simulator.scenarios_refusals import FAILURES
from rotom.simulator.stream import new_id
from rotom.simulator.strict_images import size_of

scenario = Table()


def play(name: str, ask: Ask) -> Play | None:
    """The steps of a scenario for images; None where there is none of that name."""
    return scenario[name].play(ask) if name in scenario else None


@scenario("image", "an image of the size that was asked for")
def draw(ask: Ask) -> Play:
    """The usual answer."""
    width, height = size_of(ask.body)
    quality = ask.body.get("quality", "auto")
    yield _answer(ask, width, height, "medium" if quality == "auto" else quality)


@scenario("image_other", "an image of another size and quality than was asked for")
def _other(ask: Ask) -> Play:
    yield _answer(ask, 1254, 1254, "low")


@scenario("image_slow", "an image that takes its time (seconds=20)")
def _slow(ask: Ask) -> Play:
    yield Wait(ask.number("seconds", 20))
    yield from draw(ask)


@scenario("image_blocked", "400: the prompt is declined by moderation")
def _blocked(ask: Ask) -> Play:
    message = "Your request was rejected by the safety system. safety_violations=[violence]."
    yield error(400, message, "moderation_blocked", "", "image_generation_user_error")


@scenario("image_unreadable", "400: an image that cannot be read")
def _unreadable(ask: Ask) -> Play:
    message = "Invalid image file or mode for image 1, please check your image file."
    yield error(400, message, "invalid_image_file", "", "image_generation_user_error")


@scenario("image_not_included", "429: the plan has no images")
def _not_included(ask: Ask) -> Play:
    yield error(429, FAILURES["usage_not_included"], type="usage_not_included", plan_type="free")


@scenario("image_none", "an answer without an image")
def _none(ask: Ask) -> Play:
    yield json_reply(200, {"created": int(ask.clock()), "data": []})


def _answer(ask: Ask, width: int, height: int, quality: str) -> Reply:
    body = ask.body
    transparent = body.get("background") == "transparent"
    given = 85 * len(body.get("images", ()))
    said = -(-len(body["prompt"]) // 4) + 5
    drawn = {"low": 272, "medium": 1056, "high": 4160}[quality]
    value = {
        "created": int(ask.clock()),
        "background": "transparent" if transparent else "opaque",
        "data": [
            {
                "b64_json": png_base64(width, height, body["prompt"], transparent=transparent),
                "generation_id": new_id("gen"),
            }
        ],
        "output_format": "png",
        "quality": quality,
        "size": f"{width}x{height}",
        "usage": {
            "input_tokens": given + said,
            "input_tokens_details": {"image_tokens": given, "text_tokens": said},
            "output_tokens": drawn,
            "total_tokens": given + said + drawn,
        },
    }
    headers = ask.quota.headers(ask.account, ask.clock())
    return json_reply(200, value, *headers, ("x-codex-imagegen-request-id", "simulated"))
