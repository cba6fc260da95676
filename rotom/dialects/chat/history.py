"""The ``messages`` of a request -> ``instructions`` and ``input`` items of a Responses request.

What stands at the beginning for the system becomes the instructions; later messages of that kind become developer messages
in their place, and so do the first ones where there are no others: nothing is dropped, and input is never empty.

The calls of the former API (``function_call``) have no ids: they get some by their order, and a function's result belongs
to the oldest call of that name which has none.

What is not here: how calls and results are paired (dialects/pairing.py). Reasoning that clients give back as text is left
out: a model is given its own back, encrypted, or none, and this API has no place for that.
"""

from __future__ import annotations

from rotom.dialects.chat.content import read_content
from rotom.dialects.fields import field, objects, required, too_many, within
from rotom.dialects.names import call_id, short_name
from rotom.dialects.pairing import Run, add_said, pair
from rotom.dialects.responses.refuse import bad_type, bad_value, missing, refused
from rotom.sse import Json
from rotom.turn import message, output_text

MOST_MESSAGES = 100_000
"""As many as Anthropic takes. No model's window holds that much; going through millions holds up others."""

ROLES = ("developer", "system", "user", "assistant", "tool", "function")


def read_history(messages: object) -> tuple[str, list[Json]]:
    """The instructions and the items of a conversation.

    Raises:
      Problem: INVALID, naming the place.
    """
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise bad_type(messages, "messages", "an array of objects")
    if not messages:
        raise refused(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "empty_array",
            "messages",
        )
    if len(messages) > MOST_MESSAGES:
        raise too_many("messages", MOST_MESSAGES, len(messages))
    first: list[list[Json]] = []
    runs: list[Run] = []
    legacy = _Legacy()
    for where, entry in objects(messages, "messages"):
        role = required(entry, "role", str, where)
        if role in ("system", "developer"):
            parts = read_content(entry.get("content"), within(where, "content"))
            if not runs and all(part["type"] == "input_text" for part in parts):
                first.append(parts)
            elif parts:
                runs.append((False, [message("developer", parts)]))
        elif role == "user":
            parts = read_content(entry.get("content"), within(where, "content"))
            runs.append((False, [message("user", parts)] if parts else []))
        elif role == "assistant":
            add_said(runs, _assistant(entry, where, legacy))
        elif role == "tool":
            runs.append((False, [_result(entry, required(entry, "tool_call_id", str, where), where)]))
        elif role == "function":
            runs.append((False, [_result(entry, legacy.result(required(entry, "name", str, where)), where)]))
        else:
            raise bad_value(role, within(where, "role"), ROLES)
    items = pair(runs)
    if not items:
        items = [message("developer", parts) for parts in first if parts]
        first = []
    if not items:
        raise refused("Invalid 'messages': at least one message with content is required.", "empty_content", "messages")
    return "\n\n".join(text for parts in first if (text := "\n".join(part["text"] for part in parts))), items


def _assistant(entry: Json, where: str, legacy: _Legacy) -> list[Json]:
    items: list[Json] = []
    parts = _said(entry.get("content"), within(where, "content"))
    if refusal := field(entry, "refusal", str, where):
        parts.append({"type": "refusal", "refusal": refusal})
    if parts:
        items.append(message("assistant", parts))
    calls = field(entry, "tool_calls", list, where) or []
    items += [_call(call, place) for place, call in objects(calls, within(where, "tool_calls"))]
    if (call := field(entry, "function_call", dict, where)) is not None:
        place = within(where, "function_call")
        name = required(call, "name", str, place)
        items.append(_function_call(legacy.call(name), name, required(call, "arguments", str, place)))
    return items


def _said(content: object, where: str) -> list[Json]:
    """What the assistant said, as output parts."""
    if content is None:
        return []
    if isinstance(content, str):
        return [output_text(content)] if content else []
    if not isinstance(content, list):
        raise bad_type(content, where, "one of a string or array of objects")
    parts = []
    for place, part in objects(content, where):
        match required(part, "type", str, place):
            case "text":
                if text := required(part, "text", str, place):
                    parts.append(output_text(text))
            case "refusal":
                if text := required(part, "refusal", str, place):
                    parts.append({"type": "refusal", "refusal": text})
            case kind:
                raise bad_value(kind, within(place, "type"), ("text", "refusal"))
    return parts


def _call(call: Json, where: str) -> Json:
    name = call_id(required(call, "id", str, where))
    match field(call, "type", str, where) or "function":
        case "function":
            place = within(where, "function")
            function = required(call, "function", dict, where)
            return _function_call(
                name, required(function, "name", str, place), required(function, "arguments", str, place)
            )
        case "custom":
            place = within(where, "custom")
            custom = required(call, "custom", dict, where)
            return {
                "type": "custom_tool_call",
                "call_id": name,
                "name": short_name(required(custom, "name", str, place)),
                "input": required(custom, "input", str, place),
            }
        case kind:
            raise bad_value(kind, within(where, "type"), ("function", "custom"))


def _function_call(name: str, function: str, arguments: str) -> Json:
    # An empty text is how a call without arguments looks in an answer; as input it must be an object.
    return {
        "type": "function_call",
        "call_id": name,
        "name": short_name(function),
        "arguments": arguments if arguments.strip() else "{}",
    }


def _result(entry: Json, name: str, where: str) -> Json:
    content = entry.get("content")
    # A function of the former API may answer nothing at all.
    parts = [] if content is None and entry["role"] == "function" else read_content(content, within(where, "content"))
    output: object = parts
    if all(part["type"] == "input_text" for part in parts):
        output = "\n".join(part["text"] for part in parts)  # an empty result is an empty text, never a missing one
    return {"type": "function_call_output", "call_id": call_id(name), "output": output or ""}


class _Legacy:
    """Ids for the calls of the former API, which has none."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[str, list[str]] = {}

    def call(self, name: str) -> str:
        """The id of one more call of that function."""
        self._count += 1
        self._open.setdefault(name, []).append(f"call_function_{self._count}")
        return f"call_function_{self._count}"

    def result(self, name: str) -> str:
        """The id of the oldest call of that function which has no result; a new one when nobody called."""
        if waiting := self._open.get(name):
            return waiting.pop(0)
        self._count += 1
        return f"call_function_{self._count}"
