"""What the Codex backend refuses in the items of a question. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection
from typing import Final

from rotom.simulator.play import Refused, detail, error
from rotom.simulator.strict_forms import bad_type, bad_value, only, short_text, tool_name, words
from rotom.sse import Json

IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")

_COMMON = "type id status internal_chat_message_metadata_passthrough"
ITEMS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    kind: (prefix, words(f"{_COMMON} {fields}"))
    for kind, prefix, fields in (
        ("message", "msg", "role content phase"),
        ("reasoning", "rs", "summary content encrypted_content"),
        ("function_call", "fc", "call_id name namespace arguments"),
        ("function_call_output", "fc", "call_id output"),
        ("custom_tool_call", "ctc", "call_id name namespace input"),
        ("custom_tool_call_output", "ctc", "call_id output"),
        ("local_shell_call", "lsh", "call_id action"),
        ("local_shell_call_output", "lsh", "call_id output"),
        ("tool_search_call", "tsc", "call_id arguments execution"),
        ("tool_search_output", "tso", "call_id tools execution"),
        ("web_search_call", "ws", "action"),
        (
            "image_generation_call",
            "ig",
            "result revised_prompt action background output_format quality size",
        ),
        ("additional_tools", "at", "role tools"),
        ("compaction", "cmp", "encrypted_content"),
        ("compaction_trigger", "", ""),
        ("agent_message", "amsg", "content author"),
        ("configuration_update", "cu", "reasoning model"),
    )
}
"""Item type -> (what its id begins with, its fields)."""

PARTS: Final[dict[str, frozenset[str]]] = {
    kind: words(f"type {fields}")
    for kind, fields in (
        ("input_text", "text"),
        ("input_image", "image_url detail file_id"),
        ("input_file", "filename file_data file_id file_url"),
        ("output_text", "text annotations logprobs"),
        ("refusal", "refusal"),
    )
}
SAID: Final = ("input_text", "input_image", "input_file")
ANSWERED: Final = ("output_text", "refusal")
CALLS: Final = {
    "function_call": "function call",
    "custom_tool_call": "custom tool call",
    "local_shell_call": "local shell call",
    "tool_search_call": "tool search call",
}

Known = Callable[[str], bool]
"""Whether the simulator sealed this ``encrypted_content`` itself."""


def check_input(items: list[object], known: Known) -> None:
    """Refuse items that this backend does not take.

    Raises:
      Refused: with the answer.
    """
    for index, item in enumerate(items):
        at = f"input[{index}]"
        if not isinstance(item, dict):
            raise bad_type(at, "an object", item)
        kind = item.get("type", "message" if "role" in item else None)
        if kind not in ITEMS:
            raise bad_value(kind, f"{at}.type", ITEMS)
        prefix, fields = ITEMS[kind]
        only(item, fields, at)
        _check_id(item.get("id"), prefix, at)
        if kind == "message":
            _check_message(item, at)
        elif kind == "reasoning":
            _check_reasoning(item, at, known)
        elif kind == "compaction":
            _check_sealed(item.get("encrypted_content"), known)
        elif kind in ("function_call", "custom_tool_call"):
            _check_call(item, at, "arguments" if kind == "function_call" else "input")
        elif kind in ("function_call_output", "custom_tool_call_output"):
            _check_output(item, at)
    _check_pairs([item for item in items if isinstance(item, dict)])


def _check_id(value: object, prefix: str, at: str) -> None:
    if value is None:
        return
    short_text(value, f"{at}.id")
    if not str(value).startswith(prefix):
        message = f"Invalid '{at}.id': '{value}'. Expected an ID that begins with '{prefix}'."
        raise Refused(error(400, message, "invalid_value", f"{at}.id"))


def _check_message(item: Json, at: str) -> None:
    role, content = item.get("role"), item.get("content")
    if role == "system":
        raise Refused(detail(400, "System messages are not allowed"))
    if role not in ("user", "developer", "assistant"):
        raise bad_value(role, f"{at}.role", ["assistant", "system", "developer", "user"])
    if item.get("phase") not in (None, "commentary", "final_answer", "partial_answer"):
        raise bad_value(item["phase"], f"{at}.phase", ["commentary", "final_answer"])
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise bad_type(f"{at}.content", "one of an array of objects or string", content)
    _check_parts(content, ANSWERED if role == "assistant" else SAID, f"{at}.content")


def _check_parts(parts: list[object], allowed: Collection[str], at: str) -> None:
    for index, part in enumerate(parts):
        here = f"{at}[{index}]"
        if not isinstance(part, dict):
            raise bad_type(here, "an object", part)
        kind = part.get("type")
        if kind not in allowed:
            raise bad_value(kind, f"{here}.type", allowed)
        only(part, PARTS[str(kind)], here)
        if kind in ("input_text", "output_text") and not isinstance(part.get("text"), str):
            raise bad_type(f"{here}.text", "a string", part.get("text"))
        if kind == "input_image" and isinstance(part.get("image_url"), str):
            check_image(part["image_url"], f"{here}.image_url")
        if kind == "input_image" and part.get("detail") not in (None, "auto", "low", "high", "original"):
            raise bad_value(part["detail"], f"{here}.detail", ["low", "high", "auto", "original"])


def check_image(url: str, at: str) -> None:
    """Refuse a data URL that holds no image.

    Raises:
      Refused: with the answer.
    """
    if url.startswith(("https://", "http://")):
        return
    if not url.startswith("data:"):
        message = f"Invalid '{at}'. Expected a valid URL, but got a value with an invalid format."
        raise Refused(error(400, message, "invalid_value", at))
    kind, comma, data = url[5:].partition(",")
    mime = kind.removesuffix(";base64")
    good = bool(comma) and kind.endswith(";base64") and mime in IMAGE_TYPES
    if good:
        try:
            good = bool(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            good = False
    if not good:
        raise Refused(
            error(
                400,
                f"Invalid '{at}'. Expected a base64-encoded data URL with an image MIME type "
                f"(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got '{mime[:40]}'.",
                "invalid_value",
                at,
            )
        )


def _check_reasoning(item: Json, at: str, known: Known) -> None:
    if not isinstance(item.get("summary"), list):
        raise Refused(
            error(400, f"Missing required parameter: '{at}.summary'.", "missing_required_parameter", f"{at}.summary")
        )
    sealed = item.get("encrypted_content")
    if sealed is not None:
        _check_sealed(sealed, known)
    elif item.get("id"):
        raise Refused(
            error(
                404,
                f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input.",
                param="input",
            )
        )


def _check_sealed(sealed: object, known: Known) -> None:
    if not isinstance(sealed, str) or not known(sealed):
        shown = f"{str(sealed)[:4]}...{str(sealed)[-4:]}"
        raise Refused(
            error(
                400,
                f"The encrypted content {shown} could not be verified. "
                "Reason: Encrypted content could not be decrypted or parsed.",
                "invalid_encrypted_content",
            )
        )


def _check_call(item: Json, at: str, field: str) -> None:
    for name in ("call_id", "name", field):
        if not isinstance(item.get(name), str):
            raise bad_type(f"{at}.{name}", "a string", item.get(name))
    short_text(item["call_id"], f"{at}.call_id")
    tool_name(item["name"], f"{at}.name")


def _check_output(item: Json, at: str) -> None:
    output = item.get("output")
    if not isinstance(item.get("call_id"), str):
        raise bad_type(f"{at}.call_id", "a string", item.get("call_id"))
    if isinstance(output, list):
        _check_parts(output, SAID, f"{at}.output")
    elif not isinstance(output, str):
        raise bad_type(f"{at}.output", "one of an array of objects or string", output)


def _check_pairs(items: list[Json]) -> None:
    """Each call has its output and each output its call, in that order."""
    for kind, called in CALLS.items():
        answer = "tool_search_output" if kind == "tool_search_call" else f"{kind}_output"
        open_calls: dict[object, None] = {}
        closed: set[object] = set()
        for item in items:
            call_id = item.get("call_id")
            if item.get("type") == kind:
                open_calls[call_id] = None
            elif item.get("type") == answer:
                if call_id not in open_calls and call_id not in closed:
                    message = f"No tool call found for {called} output with call_id {call_id}."
                    raise Refused(error(400, message, param="input"))
                open_calls.pop(call_id, None)
                closed.add(call_id)
        for call_id in open_calls:
            raise Refused(error(400, f"No tool output found for {called} {call_id}.", param="input"))
