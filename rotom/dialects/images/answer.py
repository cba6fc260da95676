"""What a provider drew -> the answer of the Images API, whole or as events.

The provider's answers have this API's form already, one for each call that was made; what they say of themselves (size,
quality, format, tokens) is passed on as it is, for that is what was drawn, whatever was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rotom.dialects.responses.problems import problem as error_body
from rotom.drawing import Drawing
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

LOOK = ("background", "output_format", "quality", "size")
"""What an answer says of how its images look, under the names in which it is asked for."""


def read_answer(value: object) -> Json:
    """A provider's answer to one call.

    Raises:
      Problem: UPSTREAM when there is no image in it.
    """
    data = value.get("data") if isinstance(value, dict) else None
    images = [image for image in data if _is_image(image)] if isinstance(data, list) else []
    if not isinstance(value, dict) or not images:
        message = "the provider answered without an image"
        raise Problem(Kind.UPSTREAM, message, code="no_image", retry=False)
    return {**value, "data": images}


def whole(drawing: Drawing, answers: Sequence[Json]) -> Json:
    """All answers as one, with as many images as were asked for at most."""
    first = answers[0]
    data = [image for answer in answers for image in answer["data"]][: drawing.count]
    usage = _sum([answer["usage"] for answer in answers if isinstance(answer.get("usage"), dict)])
    out = {**first, "created": _created(first), "data": data} | ({"usage": usage} if usage else {})
    if (who := _identifier(drawing)) is not None:
        out["safety_identifier"] = who
    return out


def completed(drawing: Drawing, answer: Json) -> list[Event]:
    """The events that tell of one answer: one for each image; the tokens are in the last one."""
    kind = "image_edit.completed" if drawing.edit else "image_generation.completed"
    look = {name: answer.get(name) or drawing.body.get(name) or "auto" for name in LOOK}
    if look["output_format"] == "auto":
        look["output_format"] = "png"
    who = _identifier(drawing)
    events = []
    for image in answer["data"]:
        last = image is answer["data"][-1]
        data = {
            "type": kind,
            "b64_json": image.get("b64_json"),
            "created_at": _created(answer),
            **look,
            "usage": _sum([answer["usage"]] if last and isinstance(answer.get("usage"), dict) else []) or NOTHING,
        }
        events.append(Event(kind, data=data if who is None else {**data, "safety_identifier": who}))
    return events


def failed(problem: Problem) -> Event:
    """The event that ends a stream which has begun and broke: SDKs raise on its ``error``."""
    return Event("error", data={"type": "error", **error_body(problem, "")})


def differences(drawing: Drawing, answer: Json) -> tuple[tuple[str, str], ...]:
    """(what was asked for, what was drawn), where the two are known to differ: ``size:1024x1024`` and ``1254x1254``."""
    found = []
    for name in LOOK:
        asked, drawn = drawing.body.get(name, "auto"), answer.get(name)
        if asked != "auto" and isinstance(drawn, str) and drawn not in (asked, "auto", ""):
            found.append((f"{name}:{asked}", drawn))
    return tuple(found)


NOTHING: Json = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
"""The tokens of an image that are told with another one; the SDK's events must have some."""


def _is_image(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(name), str) for name in ("b64_json", "url"))


def _created(answer: Json) -> int:
    created = answer.get("created")
    return created if isinstance(created, int) and not isinstance(created, bool) else int(time.time())


def _identifier(drawing: Drawing) -> str | None:
    """What the API gives back of the request."""
    return drawing.body.get("safety_identifier") or drawing.body.get("user") or None


def _sum(usages: Sequence[Json]) -> Json:
    """Token counts added up, the nested ones too."""
    out: Json = {}
    for usage in usages:
        for name, value in usage.items():
            if isinstance(value, dict):
                out[name] = _sum([out[name], value] if isinstance(out.get(name), dict) else [value])
            elif isinstance(value, int) and not isinstance(value, bool):
                known = out.get(name, 0)
                out[name] = value + (known if isinstance(known, int) else 0)
    return out
