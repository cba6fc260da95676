"""What the Codex backend refuses in a question, with its own words. Pure.

The real backend works from an allow list at every level, and so does this: whatever a gateway forwards by accident must
fail here and not at the user's. The texts are the backend's where they were seen (issues of third-party clients, 2026);
those of the public Responses API stand in where only the refusal itself is known. Order: the request as a whole, its input,
its tools, then the model's own limits.

What is not here: login and headers (codex.py), and models (models.py).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from rotom.simulator.models import SimulatedModel
from rotom.simulator.play import Refused, detail, error
from rotom.sse import Json


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELDS: Final = _words(
    "model instructions input tools tool_choice parallel_tool_calls reasoning store stream include prompt_cache_key text"
    " service_tier client_metadata"
)
LONGEST_ID: Final = 64
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
INCLUDES: Final = _words(
    "reasoning.encrypted_content web_search_call.action.sources web_search_call.results message.output_text.logprobs"
    " message.input_image.image_url file_search_call.results code_interpreter_call.outputs"
)
TOOL_TYPES: Final = _words("function custom namespace tool_search web_search image_generation local_shell")
IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")

_COMMON = "type id status internal_chat_message_metadata_passthrough"
ITEMS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    kind: (prefix, _words(f"{_COMMON} {fields}"))
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
    kind: _words(f"type {fields}")
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


def check_request(body: Json) -> None:
    """Refuse a request whose own fields are not what this backend takes.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in FIELDS:
            raise Refused(detail(400, f"Unsupported parameter: {name}"))
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refused(error(400, "Missing required parameter: 'model'.", "missing_required_parameter", "model"))
    if body.get("store") is not False:
        raise Refused(detail(400, "Store must be set to false"))
    if body.get("stream") is not True:
        raise Refused(detail(400, "Stream must be set to true"))
    if not isinstance(body.get("instructions"), str):
        raise Refused(detail(400, "Instructions are required"))
    if not isinstance(body.get("input"), list):
        raise Refused(detail(400, "Input must be a list"))
    if not body["input"]:
        raise Refused(error(400, 'One of "input" or "previous_response_id" must be provided.', "missing_parameter"))
    key = body.get("prompt_cache_key")
    if key is not None:
        _short_text(key, "prompt_cache_key")
    for value in body.get("include") or []:
        if value not in INCLUDES:
            raise _value(value, "include", sorted(INCLUDES))
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default", "priority"):
        raise Refused(detail(400, f"Unsupported service_tier: {tier}"))
    if _holds(body, "prompt_cache_breakpoint"):
        raise Refused(detail(400, "prompt_cache_breakpoint is not supported on this model"))
    if not isinstance(body.get("parallel_tool_calls", True), bool):
        raise _type("parallel_tool_calls", "a boolean", body["parallel_tool_calls"])


def check_input(items: list[object], known: Known) -> None:
    """Refuse items that this backend does not take.

    Raises:
      Refused: with the answer.
    """
    for index, item in enumerate(items):
        at = f"input[{index}]"
        if not isinstance(item, dict):
            raise _type(at, "an object", item)
        kind = item.get("type", "message" if "role" in item else None)
        if kind not in ITEMS:
            raise _value(kind, f"{at}.type", ITEMS)
        prefix, fields = ITEMS[kind]
        _only(item, fields, at)
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


def check_tools(body: Json) -> None:
    """Refuse tools, their schemas, or a choice among them.

    Raises:
      Refused: with the answer.
    """
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise _type("tools", "an array of objects", tools)
    names: set[object] = set()
    for index, tool in enumerate(tools or []):
        _check_tool(tool, f"tools[{index}]", names)
    choice = body.get("tool_choice")
    if choice is None or choice in ("auto", "none"):
        return
    if choice == "required":
        if not tools:
            raise Refused(
                error(400, "Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")
            )
    elif not isinstance(choice, dict):
        raise _value(choice, "tool_choice", ["none", "auto", "required"])
    else:
        wanted = choice.get("name") if choice.get("type") in ("function", "custom") else choice.get("type")
        if wanted not in names and wanted != "allowed_tools":
            raise Refused(error(400, f"Tool choice '{wanted}' not found in 'tools' parameter.", param="tool_choice"))


def check_limits(body: Json, model: SimulatedModel, lite: bool) -> None:
    """Refuse what this model does not do.

    Raises:
      Refused: with the answer.
    """
    reasoning = body.get("reasoning") or {}
    if not isinstance(reasoning, dict):
        raise _type("reasoning", "an object", reasoning)
    _only(reasoning, {"effort", "summary", "context"}, "reasoning")
    effort = reasoning.get("effort")
    if effort is not None and effort not in model.accepted_efforts:
        raise Refused(
            error(
                400,
                f"Unsupported value: '{effort}' is not supported with the '{model.slug}' model. "
                f"Supported values are: {_list(model.accepted_efforts)}.",
                "unsupported_value",
                "reasoning.effort",
            )
        )
    if reasoning.get("summary") not in (None, "auto", "concise", "detailed", "none"):
        raise _value(reasoning["summary"], "reasoning.summary", ["concise", "detailed", "auto"])
    if lite:
        name = "X-OpenAI-Internal-Codex-Responses-Lite"
        if body.get("parallel_tool_calls") is not False:
            raise Refused(error(400, f"{name} requires `parallel_tool_calls` to be false.", "unsupported_value"))
        if reasoning.get("context") != "all_turns":
            raise Refused(error(400, f"{name} requires `reasoning.context` to be all_turns.", "unsupported_value"))
    _check_text(body.get("text") or {})


def _check_text(text: object) -> None:
    if not isinstance(text, dict):
        raise _type("text", "an object", text)
    _only(text, {"format", "verbosity"}, "text")
    if text.get("verbosity") not in (None, "low", "medium", "high"):
        raise _value(text["verbosity"], "text.verbosity", ["low", "medium", "high"])
    form = text.get("format") or {"type": "text"}
    if form.get("type") not in ("text", "json_object", "json_schema"):
        raise _value(form.get("type"), "text.format.type", ["text", "json_object", "json_schema"])
    if form["type"] == "json_schema":
        for name in ("name", "schema"):
            if not form.get(name):
                param = f"text.format.{name}"
                raise Refused(
                    error(400, f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
                )
        _only(form, {"type", "name", "schema", "strict", "description"}, "text.format")
        _tool_name(form["name"], "text.format.name")
        subject = f"response_format '{form['name']}'"
        check_schema(form["schema"], bool(form.get("strict")), subject, "text.format.schema", "invalid_json_schema")


def _check_tool(tool: object, at: str, names: set[object]) -> None:
    if not isinstance(tool, dict):
        raise _type(at, "an object", tool)
    kind = tool.get("type")
    if kind not in TOOL_TYPES:
        raise Refused(detail(400, f"Unsupported tool type: {kind}"))
    if kind in ("function", "custom", "namespace"):
        if not isinstance(tool.get("name"), str):
            raise Refused(
                error(400, f"Missing required parameter: '{at}.name'.", "missing_required_parameter", f"{at}.name")
            )
        _tool_name(tool["name"], f"{at}.name")
        names.add(tool["name"])
    else:
        names.add(kind)
    if kind == "function":
        _only(tool, {"type", "name", "description", "strict", "parameters", "defer_loading"}, at)
        schema = tool.get("parameters")
        if schema is not None:
            check_schema(
                schema,
                bool(tool.get("strict")),
                f"function '{tool['name']}'",
                f"{at}.parameters",
                "invalid_function_parameters",
            )
    elif kind == "namespace":
        for index, inner in enumerate(tool.get("tools") or []):
            _check_tool(inner, f"{at}.tools[{index}]", names)


def check_schema(schema: object, strict: bool, subject: str, param: str, code: str) -> None:
    """Refuse a JSON schema that the backend cannot make a grammar of.

    Raises:
      Refused: with the answer.
    """

    def bad(context: str, why: str) -> Refused:
        return Refused(error(400, f"Invalid schema for {subject}: In context={context}, {why}.", code, param))

    if not isinstance(schema, dict) or schema.get("type") != "object":
        kind = schema.get("type") if isinstance(schema, dict) else None
        raise Refused(
            error(
                400,
                f"Invalid schema for {subject}: schema must be a JSON Schema of 'type: \"object\"', "
                f"got 'type: \"{kind}\"'.",
                code,
                param,
            )
        )
    if "properties" not in schema:
        raise bad("()", "object schema missing properties")
    for context, part in _schemas(schema, ()):
        where = "(" + ", ".join(f"'{step}'" for step in context) + ")"
        if part.get("type") == "array" and "items" not in part and "prefixItems" not in part:
            raise bad(where, "array schema missing items")
        if strict and part.get("type") == "object":
            if part.get("additionalProperties") is not False:
                raise bad(where, "'additionalProperties' is required to be supplied and to be false")
            for name in part.get("properties") or {}:
                if name not in (part.get("required") or []):
                    raise bad(
                        where,
                        "'required' is required to be supplied and to be an array including every key in "
                        f"properties. Missing '{name}'",
                    )


def _schemas(schema: Json, context: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    yield context, schema
    for group in ("properties", "$defs", "definitions"):
        inside = schema.get(group)
        if isinstance(inside, dict):
            for name, part in inside.items():
                if isinstance(part, dict):
                    yield from _schemas(part, (*context, group, name))
    if isinstance(schema.get("items"), dict):
        yield from _schemas(schema["items"], (*context, "items"))
    for group in ("anyOf", "oneOf", "allOf"):
        for number, part in enumerate(schema.get(group) or []):
            if isinstance(part, dict):
                yield from _schemas(part, (*context, group, str(number)))


def _check_id(value: object, prefix: str, at: str) -> None:
    if value is None:
        return
    _short_text(value, f"{at}.id")
    if not str(value).startswith(prefix):
        message = f"Invalid '{at}.id': '{value}'. Expected an ID that begins with '{prefix}'."
        raise Refused(error(400, message, "invalid_value", f"{at}.id"))


def _check_message(item: Json, at: str) -> None:
    role, content = item.get("role"), item.get("content")
    if role == "system":
        raise Refused(detail(400, "System messages are not allowed"))
    if role not in ("user", "developer", "assistant"):
        raise _value(role, f"{at}.role", ["assistant", "system", "developer", "user"])
    if item.get("phase") not in (None, "commentary", "final_answer", "partial_answer"):
        raise _value(item["phase"], f"{at}.phase", ["commentary", "final_answer"])
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise _type(f"{at}.content", "one of an array of objects or string", content)
    _check_parts(content, ANSWERED if role == "assistant" else SAID, f"{at}.content")


def _check_parts(parts: list[object], allowed: Collection[str], at: str) -> None:
    for index, part in enumerate(parts):
        here = f"{at}[{index}]"
        if not isinstance(part, dict):
            raise _type(here, "an object", part)
        kind = part.get("type")
        if kind not in allowed:
            raise _value(kind, f"{here}.type", allowed)
        _only(part, PARTS[str(kind)], here)
        if kind in ("input_text", "output_text") and not isinstance(part.get("text"), str):
            raise _type(f"{here}.text", "a string", part.get("text"))
        if kind == "input_image" and isinstance(part.get("image_url"), str):
            _check_image(part["image_url"], f"{here}.image_url")
        if kind == "input_image" and part.get("detail") not in (None, "auto", "low", "high", "original"):
            raise _value(part["detail"], f"{here}.detail", ["low", "high", "auto", "original"])


def _check_image(url: str, at: str) -> None:
    if not url.startswith("data:"):
        return
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
            raise _type(f"{at}.{name}", "a string", item.get(name))
    _short_text(item["call_id"], f"{at}.call_id")
    _tool_name(item["name"], f"{at}.name")


def _check_output(item: Json, at: str) -> None:
    output = item.get("output")
    if not isinstance(item.get("call_id"), str):
        raise _type(f"{at}.call_id", "a string", item.get("call_id"))
    if isinstance(output, list):
        _check_parts(output, SAID, f"{at}.output")
    elif not isinstance(output, str):
        raise _type(f"{at}.output", "one of an array of objects or string", output)


def _check_pairs(items: list[Json]) -> None:
    """Each call has its output and each output its call, in that order."""
    for kind, words in CALLS.items():
        answer = "tool_search_output" if kind == "tool_search_call" else f"{kind}_output"
        open_calls: dict[object, None] = {}
        closed: set[object] = set()
        for item in items:
            call_id = item.get("call_id")
            if item.get("type") == kind:
                open_calls[call_id] = None
            elif item.get("type") == answer:
                if call_id not in open_calls and call_id not in closed:
                    message = f"No tool call found for {words} output with call_id {call_id}."
                    raise Refused(error(400, message, param="input"))
                open_calls.pop(call_id, None)
                closed.add(call_id)
        for call_id in open_calls:
            raise Refused(error(400, f"No tool output found for {words} {call_id}.", param="input"))


def _tool_name(name: object, at: str) -> None:
    _short_text(name, at)
    if not TOOL_NAME.fullmatch(str(name)):
        raise Refused(
            error(
                400,
                f"Invalid '{at}': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                "invalid_value",
                at,
            )
        )


def _short_text(value: object, at: str) -> None:
    if not isinstance(value, str):
        raise _type(at, "a string", value)
    if len(value) > LONGEST_ID:
        raise Refused(
            error(
                400,
                f"Invalid '{at}': string too long. Expected a string with maximum length {LONGEST_ID}, "
                f"but got a string with length {len(value)} instead.",
                "string_above_max_length",
                at,
            )
        )


def _only(value: Json, allowed: Collection[str], at: str) -> None:
    for name in value:
        if name not in allowed:
            raise Refused(error(400, f"Unknown parameter: '{at}.{name}'.", "unknown_parameter", f"{at}.{name}"))


def _value(value: object, at: str, allowed: Collection[str]) -> Refused:
    return Refused(
        error(400, f"Invalid value: '{value}'. Supported values are: {_list(allowed)}.", "invalid_value", at)
    )


def _type(at: str, wanted: str, value: object) -> Refused:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    got = names.get(type(value), "a number")
    return Refused(
        error(400, f"Invalid type for '{at}': expected {wanted}, but got {got} instead.", "invalid_type", at)
    )


def _list(values: Collection[str]) -> str:
    quoted = [f"'{value}'" for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


def _holds(value: object, key: str) -> bool:
    """Whether an object with that key is anywhere in content parts: items, their content and outputs."""
    if isinstance(value, dict):
        return key in value or any(_holds(value.get(name), key) for name in ("input", "content", "output"))
    return isinstance(value, list) and any(_holds(part, key) for part in value)
