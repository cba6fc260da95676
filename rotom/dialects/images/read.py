"""A request of the Images API, in its JSON form -> a Drawing.

Types and words are checked here against the API's own, with its own refusals, so that a mistake is told at once and not
after a minute of drawing; what a provider makes of the values is the provider's to say (providers/). A field that the API
does not know is dropped, and told: programs for other image makers send many (``seed``, ``negative_prompt``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rotom.dialects.images.pictures import checked_url, invalid
from rotom.drawing import Drawing
from rotom.problem import Problem
from rotom.sse import Json

MOST_IMAGES = 16
"""As many as the API takes to edit."""

Check = Callable[[Any, str], Any]
"""(value, field) -> the value, or a Problem."""


def read_generation(body: Json) -> Drawing:
    """The drawing that a generation asks for.

    Raises:
      Problem: INVALID, naming the field.
    """
    return _drawing(body, GENERATION, edit=False)


def read_edit(body: Json) -> Drawing:
    """The drawing that an edit asks for. Images are `images` of objects with an `image_url`, as in the API's JSON form, or
    `image`: one URL or several.

    Raises:
      Problem: INVALID, naming the field.
    """
    known = {name: value for name, value in body.items() if name != "image"}
    if known.get("images") is None and body.get("image") is not None:
        images = body["image"] if isinstance(body["image"], list) else [body["image"]]
        known["images"] = [{"image_url": image} if isinstance(image, str) else image for image in images]
    if known.get("images") is None:
        raise _missing("image")
    return _drawing(known, EDIT, edit=True)


def _drawing(body: Json, fields: dict[str, Check], *, edit: bool) -> Drawing:
    asked = {name: value for name, value in body.items() if value is not None}
    if "prompt" not in asked:
        raise _missing("prompt")
    taken = {name: check(asked[name], name) for name, check in fields.items() if name in asked}
    if taken.get("background") == "transparent" and taken.get("output_format") == "jpeg":
        message = "Transparent background is not supported for output_format 'jpeg'; use 'png' or 'webp'."
        raise invalid(message, "invalid_value", "background")
    return Drawing(
        taken,
        edit=edit,
        count=taken.get("n", 1),
        stream=taken.get("stream", False),
        dropped=tuple(name for name in asked if name not in fields),
    )


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise bad_type(field, "a string", value)
    return value


def _prompt(value: Any, field: str) -> str:
    if not _text(value, field).strip():
        raise invalid(f"Invalid '{field}': empty string. Say what is to be drawn.", "empty_string", field)
    return str(value)


def _words(*words: str) -> Check:
    def check(value: Any, field: str) -> str:
        if _text(value, field) not in words:
            listed = ", ".join(f"'{word}'" for word in words[:-1])
            message = f"Invalid value: '{value[:100]}'. Supported values are: {listed}, and '{words[-1]}'."
            raise invalid(message, "invalid_value", field)
        return str(value)

    return check


def _whole(least: int, most: int | None = None) -> Check:
    def check(value: Any, field: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad_type(field, "an integer", value)
        if value < least:
            message = f"Invalid '{field}': integer below minimum value. Expected a value >= {least}, but got less."
            raise invalid(message, "integer_below_min_value", field)
        if most is not None and value > most:
            message = f"Invalid '{field}': integer above maximum value. Expected a value <= {most}, but got more."
            raise invalid(message, "integer_above_max_value", field)
        return value

    return check


def _switch(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise bad_type(field, "a boolean", value)
    return value


def _size(value: Any, field: str) -> str:
    size = _text(value, field).strip().lower()
    if size != "auto" and not re.fullmatch(r"[1-9]\d{1,4}x[1-9]\d{1,4}", size, re.ASCII):
        message = f"Invalid size '{size[:40]}'. It must be 'auto' or WIDTHxHEIGHT such as '1024x1024'."
        raise invalid(message, "invalid_value", field)
    return size


def _object(value: Any, field: str) -> Json:
    if not isinstance(value, dict):
        raise bad_type(field, "an object", value)
    return value


def _images(value: Any, field: str) -> list[Json]:
    if not isinstance(value, list):
        raise bad_type(field, "an array of objects", value)
    if not value:
        raise invalid(f"Invalid '{field}': empty array. Give the image that is to be edited.", "empty_array", field)
    if len(value) > MOST_IMAGES:
        message = f"Invalid '{field}': array too long. Expected at most {MOST_IMAGES} images, but got {len(value)}."
        raise invalid(message, "array_above_max_length", field)
    return [_image(image, f"{field}[{index}]") for index, image in enumerate(value)]


def _image(value: Any, field: str, *, png: bool = False) -> Json:
    url = _object(value, field).get("image_url")
    if isinstance(url, dict):  # as Chat Completions has it
        url = url.get("url")
    if url is None and value.get("file_id") is not None:
        message = f"'{field}.file_id' is not supported: files cannot be reached from here. Send the image itself."
        raise invalid(message, "unsupported_parameter", f"{field}.file_id")
    if url is None:
        raise _missing(f"{field}.image_url")
    return {"image_url": checked_url(_text(url, f"{field}.image_url"), f"{field}.image_url", png=png)}


def _mask(value: Any, field: str) -> Json:
    return _image({"image_url": value} if isinstance(value, str) else value, field, png=True)


def _response_format(value: Any, field: str) -> str:
    if _words("url", "b64_json")(value, field) == "url":
        # A URL would have to outlive the answer, and the real API refuses this for every model that it still has.
        message = "response_format 'url' is not supported: images are given as base64. Use 'b64_json', or leave it out."
        raise invalid(message, "unsupported_value", field)
    return str(value)


def _anything(value: Any, field: str) -> Any:
    return value


_COMMON: dict[str, Check] = {
    "prompt": _prompt,
    "model": _text,
    "n": _whole(1, 10),
    "size": _size,
    "quality": _words("low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"),
    "background": _words("transparent", "opaque", "auto"),
    "output_format": _words("png", "webp", "jpeg", "gif", "svg"),
    "output_compression": _whole(0, 100),
    "moderation": _words("low", "auto"),
    "stream": _switch,
    "partial_images": _whole(0, 3),
    "response_format": _response_format,
    "complexity": _words("low", "medium", "high"),
    "frame_count": _whole(2, 16),
    "frame_duration_ms": _whole(1),
    "svg": _object,
    "safety_identifier": _text,
    "user": _text,
}

GENERATION: dict[str, Check] = {**_COMMON, "style": _words("vivid", "natural")}
"""The fields of a generation: those of the SDK's own types (openai 3.54), which a test holds them against."""

EDIT: dict[str, Check] = {
    **_COMMON,
    "images": _images,
    "mask": _mask,
    "markup": _anything,
    "input_fidelity": _words("high", "low"),
}
"""The fields of an edit; the SDK's `image` has become `images` here."""


def bad_type(field: str, wanted: str, value: object) -> Problem:
    """A value of another type."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", float: "a decimal number"}
    got = names.get(type(value), "an integer")
    return invalid(f"Invalid type for '{field}': expected {wanted}, but got {got} instead.", "invalid_type", field)


def _missing(field: str) -> Problem:
    return invalid(f"Missing required parameter: '{field}'.", "missing_required_parameter", field)
