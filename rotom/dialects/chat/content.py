"""Content parts of Chat Completions -> content parts of Responses.

What a person or a program says: text, images, files. A part whose content cannot be carried over is refused with a sentence
that says which; a part that carries nothing (an empty text) gives no part.

What is not here: what the assistant said (history.py).
"""

from __future__ import annotations

from rotom.dialects.fields import field, objects, required, within
from rotom.dialects.responses.attached import check_file, check_image
from rotom.dialects.responses.refuse import bad_type, bad_value, missing, refused
from rotom.sse import Json
from rotom.turn import input_text

PARTS = ("text", "image_url", "file")
DETAILS = ("auto", "low", "high", "original")


def read_content(content: object, where: str) -> list[Json]:
    """A content, which is a text or a list of parts, as input parts.

    Raises:
      Problem: INVALID, naming the place.
    """
    if isinstance(content, str):
        return [input_text(content)] if content else []
    if content is None:
        raise missing(where)
    if not isinstance(content, list):
        raise bad_type(content, where, "one of a string or array of objects")
    return [part for place, item in objects(content, where) for part in _part(item, place)]


def _part(part: Json, where: str) -> list[Json]:
    match required(part, "type", str, where):
        case "text":
            text = required(part, "text", str, where)
            return [input_text(text)] if text else []
        case "image_url":
            return [_image(part.get("image_url"), within(where, "image_url"))]
        case "file":
            return [_file(required(part, "file", dict, where), within(where, "file"))]
        case "input_audio":
            raise refused(
                f"{where}: the models behind rotom do not listen; audio is not supported", "unsupported_content", where
            )
        case kind:
            raise bad_value(kind, within(where, "type"), PARTS)


def _image(value: object, where: str) -> Json:
    if isinstance(value, str):  # not by the book, and common
        check_image(value, where)
        return {"type": "input_image", "image_url": value}
    if not isinstance(value, dict):
        raise missing(where) if value is None else bad_type(value, where, "an object")
    image: Json = {"type": "input_image", "image_url": required(value, "url", str, where)}
    check_image(image["image_url"], within(where, "url"))
    detail = field(value, "detail", str, where)
    if detail is not None:
        if detail not in DETAILS:
            raise bad_value(detail, within(where, "detail"), DETAILS)
        image["detail"] = detail
    return image


def _file(value: Json, where: str) -> Json:
    if field(value, "file_id", str, where) is not None:
        raise refused(
            f"{where}: files that were uploaded to OpenAI cannot be reached; send the file itself as file_data",
            "unsupported_content",
            within(where, "file_id"),
        )
    data = required(value, "file_data", str, where)
    check_file(data, within(where, "file_data"))
    if not data.startswith("data:"):
        data = f"data:application/pdf;base64,{data}"
    name = field(value, "filename", str, where)
    return {"type": "input_file", "filename": name or "document.pdf", "file_data": data}
