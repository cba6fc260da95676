"""A request of the Responses API -> a Turn: the body as it is, its types checked, ``input`` always a list of items.

What it refers to (``previous_response_id``, items by their ids) is put in by the gateway. Conversations and prompts that
are stored elsewhere, and what runs without a client (``background``), are refused clearly rather than answered without
their context. A field that is null is not there. What a field that the provider does not take becomes is told by the
provider's receipt; rotom-api(7) has a table of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rotom.dialects.responses.items import read_input
from rotom.dialects.responses.refuse import bad_type, bad_value, missing, refused, unsupported
from rotom.sse import Json
from rotom.turn import Turn

_REFUSED = {
    "conversation": "conversations are stored by OpenAI; send their items as input, or use previous_response_id",
    "prompt": "stored prompts cannot be reached through rotom; send their text as instructions and input",
}

_SESSION_HEADERS = ("session-id", "session_id", "thread-id", "conversation_id")

HINTS = ("x-codex-turn-state", "x-codex-beta-features", "x-openai-internal-codex-responses-lite")
"""Headers of the vendor's own client that are for the provider: where its turn goes on, what it can do, and the reduced
form of requests (seen in Codex CLI 0.169, 2026-11)."""

MOST_TOOLS = 10_000

MOST_PAIRS = 16
"""Of metadata, as in the public API. All of it goes back with several events of each answer."""

Check = Callable[[Any, str], None]


def read(body: Json, headers: Mapping[str, str]) -> Turn:
    """The question in a request.

    Raises:
      Problem: INVALID, naming the field.
    """
    body = {name: value for name, value in body.items() if value is not None}
    for name, check in CHECKS.items():
        if name in body:
            check(body[name], name)
    asked = body.get("model", "").strip()
    if not asked:
        raise missing("model")
    previous = body.get("previous_response_id")
    if previous is not None and "conversation" in body:
        raise refused(
            "Mutually exclusive parameters. Ensure you are only providing one of: "
            "'previous_response_id' or 'conversation'.",
            "mutually_exclusive_parameters",
            None,
        )
    for name, why in _REFUSED.items():
        if name in body:
            raise unsupported(name, why)
    if body.get("background") is True:
        raise unsupported("background", "rotom answers while the client waits, or not at all")
    if "input" not in body and previous is None:
        raise missing("input")
    return Turn(
        body={**body, "model": asked, "input": read_input(body.get("input", []))},
        asked=asked,
        stream=body.get("stream") is True,
        session=_session(body, headers),
        # What is not ASCII cannot be in the header of a request that is made.
        hints={name: value for name in HINTS if (value := headers.get(name)) is not None and value.isascii()},
        previous=previous,
        keep=body.get("store") is not False,
    )


def _session(body: Json, headers: Mapping[str, str]) -> str | None:
    return body.get("prompt_cache_key") or next(
        (value for name in _SESSION_HEADERS if (value := headers.get(name))), None
    )


# Types -----------------------------------------------------------------------------------------------------------------


def _of(kind: type | tuple[type, ...], wanted: str) -> Check:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise bad_type(value, at, wanted)

    return check


_text = _of(str, "a string")
_switch = _of(bool, "a boolean")
_whole = _of(int, "an integer")
_number = _of((int, float), "a decimal")
_object = _of(dict, "an object")


def _one_of(*words: str) -> Check:
    def check(value: Any, at: str) -> None:
        _text(value, at)
        if value not in words:
            raise bad_value(value, at, words)

    return check


def _list_of(check: Check, wanted: str) -> Check:
    def check_all(value: Any, at: str) -> None:
        if not isinstance(value, list):
            raise bad_type(value, at, f"an array of {wanted}")
        for index, item in enumerate(value):
            check(item, f"{at}[{index}]")

    return check_all


def _with(**fields: Check) -> Check:
    def check(value: Any, at: str) -> None:
        _object(value, at)
        for name, inner in fields.items():
            if value.get(name) is not None:
                inner(value[name], f"{at}.{name}")

    return check


def _texts(value: Any, at: str) -> None:
    _object(value, at)
    if len(value) > MOST_PAIRS:
        message = (
            f"Invalid '{at}': too many properties. Expected an object with at most {MOST_PAIRS} properties, but got an "
            f"object with {len(value)} properties instead."
        )
        raise refused(message, "object_above_max_properties", at)
    for name, inner in value.items():
        _text(inner, f"{at}.{name}")


def _tool(value: Any, at: str) -> None:
    _object(value, at)
    if "type" not in value:
        raise missing(f"{at}.type")
    _text(value["type"], f"{at}.type")
    if value["type"] in ("function", "custom", "namespace"):
        if value.get("name") is None:
            raise missing(f"{at}.name")
        _text(value["name"], f"{at}.name")
    if value.get("parameters") is not None:
        _object(value["parameters"], f"{at}.parameters")


def _tools(value: Any, at: str) -> None:
    if isinstance(value, list) and len(value) > MOST_TOOLS:
        raise refused(f"tools has {len(value)} entries; there may be {MOST_TOOLS}", "array_above_max_length", at)
    _list_of(_tool, "objects")(value, at)


def _choice(value: Any, at: str) -> None:
    if isinstance(value, dict):
        if "type" not in value:
            raise missing(f"{at}.type")
        _text(value["type"], f"{at}.type")
        if value["type"] in ("function", "custom"):
            if value.get("name") is None:
                raise missing(f"{at}.name")
            _text(value["name"], f"{at}.name")
    elif not isinstance(value, str):
        raise bad_type(value, at, "one of an object or string")
    elif value not in ("none", "auto", "required"):
        raise bad_value(value, at, ("none", "auto", "required"))


CHECKS: Mapping[str, Check] = {
    "access_programs": _object,
    "background": _switch,
    "background_options": _object,
    "client_metadata": _object,
    "context_management": _list_of(_object, "objects"),
    "image": _object,
    "include": _list_of(_text, "strings"),
    "instructions": _text,
    "max_output_tokens": _whole,
    "max_tool_calls": _whole,
    "metadata": _texts,
    "model": _text,
    "moderation": _object,
    "parallel_tool_calls": _switch,
    "previous_response_id": _text,
    "prompt_cache_key": _text,
    "prompt_cache_options": _object,
    "prompt_cache_retention": _text,
    "reasoning": _with(effort=_text, summary=_text, generate_summary=_text),
    "safety_identifier": _text,
    "service_tier": _text,
    "store": _switch,
    "stream": _switch,
    "stream_options": _with(include_obfuscation=_switch),
    "temperature": _number,
    "text": _with(format=_object, verbosity=_text),
    "tool_choice": _choice,
    "tools": _tools,
    "top_logprobs": _whole,
    "top_p": _number,
    "truncation": _one_of("auto", "disabled"),
    "user": _text,
}
"""Field -> its type."""
