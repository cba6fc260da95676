"""The ``input`` of a request of the Responses API -> items in their full form.

What is known of a type is checked, so that a wrong type is told in the API's own words with its place; what else is in an
item stays as it is, and so do items of types that are not known. Whether calls and results belong together is the
provider's to say: it refuses what does not, in the words that clients know.
"""

from __future__ import annotations

import hashlib

from rotom.dialects.responses.attached import check_file, check_image
from rotom.dialects.responses.refuse import bad_type, bad_value, missing, refused
from rotom.sse import Json
from rotom.turn import input_text, message, output_text

MOST_ITEMS = 100_000
"""As many as Anthropic takes messages. No model's window holds that much; going through millions holds up others."""

LONGEST_ID = 64

_ROLES = ("assistant", "system", "developer", "user")

_TEXTS = {
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id",),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id",),
    "item_reference": ("id",),
}
"""Type of item -> fields that must be texts."""

_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def read_input(value: object) -> list[Json]:
    """The items of an input.

    Raises:
      Problem: INVALID, naming the place.
    """
    if isinstance(value, str):
        return [message("user", [input_text(value)])]
    if not isinstance(value, list):
        raise bad_type(value, "input", "one of an array of objects or string")
    if len(value) > MOST_ITEMS:
        raise refused(f"input has {len(value)} items; there may be {MOST_ITEMS}", "array_above_max_length", "input")
    return [_item(item, f"input[{index}]") for index, item in enumerate(value)]


def _item(item: object, at: str) -> Json:
    if not isinstance(item, dict):
        raise bad_type(item, at, "an object")
    kind = item.get("type")
    if kind is None:
        # Messages and references may come without their type.
        kind = "item_reference" if item.keys() - {"type"} == {"id"} else "message"
        item = {"type": kind, **{name: value for name, value in item.items() if name != "type"}}
    elif not isinstance(kind, str):
        raise bad_type(kind, f"{at}.type", "a string")
    for name in _TEXTS.get(kind, ()):
        if name not in item:
            raise missing(f"{at}.{name}")
        if not isinstance(item[name], str):
            raise bad_type(item[name], f"{at}.{name}", "a string")
    if kind == "message":
        return _message(item, at)
    if kind in _OUTPUTS:
        _parts(item.get("output"), f"{at}.output")
    if kind == "function_call" and not item["arguments"].strip():
        item = {**item, "arguments": "{}"}  # a call without arguments comes back as it came; the provider wants JSON
    call_id = item.get("call_id")
    if isinstance(call_id, str) and len(call_id) > LONGEST_ID:
        item = {**item, "call_id": short_id(call_id)}
    return item


def short_id(call_id: str) -> str:
    """An id that the provider takes, the same for a call and its result: other gateways make longer ones."""
    if len(call_id) <= LONGEST_ID:
        return call_id
    return f"call_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _message(item: Json, at: str) -> Json:
    role = item.get("role")
    if role is None:
        raise missing(f"{at}.role")
    if role not in _ROLES:
        raise (
            bad_value(role, f"{at}.role", _ROLES) if isinstance(role, str) else bad_type(role, f"{at}.role", "a string")
        )
    content = item.get("content")
    if isinstance(content, str):
        return {**item, "content": [output_text(content) if role == "assistant" else input_text(content)]}
    _parts(content, f"{at}.content")
    return item


def _parts(value: object, at: str) -> None:
    """Refuse what is neither a text nor a list of parts."""
    if value is None:
        raise missing(at)
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise bad_type(value, at, "one of an array of objects or string")
    for index, part in enumerate(value):
        here = f"{at}[{index}]"
        if not isinstance(part, dict):
            raise bad_type(part, here, "an object")
        if part.get("type") is None:
            raise missing(f"{here}.type")
        if not isinstance(part["type"], str):
            raise bad_type(part["type"], f"{here}.type", "a string")
        for name in ("text", "image_url", "file_data", "refusal"):
            if name in part and not isinstance(part[name], str | None):
                raise bad_type(part[name], f"{here}.{name}", "a string")
        if part.get("image_url") is not None:
            check_image(part["image_url"], f"{here}.image_url")
        if part.get("file_data") is not None:
            check_file(part["file_data"], f"{here}.file_data")
