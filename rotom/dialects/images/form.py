"""An edit as multipart/form-data, the form in which SDKs send it -> the same in the API's JSON form.

Fields are texts here, so numbers and truth values are read from them; files become data URLs. Several images come as
several parts ``image[]`` (the SDKs), ``image`` (programs of old) or ``image[0]``.
"""

from __future__ import annotations

import re
from typing import Any

from rotom.dialects.images.pictures import data_url, invalid
from rotom.dialects.images.read import MOST_IMAGES
from rotom.multipart import Field, read_form
from rotom.sse import Json

NUMBERS = frozenset({"n", "output_compression", "partial_images", "frame_count", "frame_duration_ms"})
SWITCHES = {"true": True, "false": False, "True": True, "False": False, "1": True, "0": False}

_ARRAY = re.compile(r"\[\d*\]")
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)


def read_edit_form(content_type: str, body: bytes) -> Json:
    """The body of an edit in its JSON form.

    Raises:
      Problem: INVALID, naming the field.
    """
    out: Json = {}
    images: list[Json] = []
    for field in read_form(content_type, body):
        name = _ARRAY.sub("", field.part.name, count=1)
        if name == "image":
            if len(images) >= MOST_IMAGES:
                message = f"Invalid 'image': array too long. Expected at most {MOST_IMAGES} images."
                raise invalid(message, "array_above_max_length", "image")
            images.append(_picture(field, "image"))
        elif name in out:
            raise invalid(f"Duplicate parameter: '{name[:100]}'.", "duplicate_parameter", name[:100])
        elif name == "mask":
            out[name] = _picture(field, name, png=True)
        elif name == "svg" or name.startswith("svg["):
            out["svg"] = {}
        elif field.part.filename is not None:
            out[name] = field.part.filename  # no field that the API knows but `markup` is a file
        else:
            out[name] = _value(name, field.text())
    if images:
        out["images"] = images
    return out


def _picture(field: Field, name: str, *, png: bool = False) -> Json:
    if field.part.filename is None and field.data[:5].lower() in (b"data:", b"http:", b"https"):
        return {"image_url": field.text()}  # a URL where a file belongs
    return {"image_url": data_url(field.data, name, png=png)}


def _value(name: str, text: str) -> Any:
    if text == "" and name != "prompt":
        return None
    if name in NUMBERS and _WHOLE.fullmatch(text):
        return int(text)
    if name == "stream":
        return SWITCHES.get(text, text)
    return text
