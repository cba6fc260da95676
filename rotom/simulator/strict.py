"""What the Codex backend refuses in a question, with its own words. Pure.

The real backend works from an allow list at every level, and so does this: whatever a gateway forwards by accident must
fail here and not at the user's. The texts are the backend's where they were seen (issues of third-party clients, 2026);
those of the public Responses API stand in where only the refusal itself is known. Order: the request as a whole, its input,
its tools, then the model's own limits.

What is not here: login and headers (codex.py), and models (models.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rotom.simulator.models import SimulatedModel
from rotom.simulator.play import Refused, detail, error
from rotom.simulator.strict_forms import bad_type, bad_value, listed, only, short_text, tool_name, words
from rotom.simulator.strict_images import check_tool
from rotom.simulator.strict_input import check_input as check_input
from rotom.sse import Json

FIELDS: Final = words(
    "model instructions input tools tool_choice parallel_tool_calls reasoning store stream include prompt_cache_key text"
    " service_tier client_metadata"
)
INCLUDES: Final = words(
    "reasoning.encrypted_content web_search_call.action.sources web_search_call.results message.output_text.logprobs"
    " message.input_image.image_url file_search_call.results code_interpreter_call.outputs"
)
TOOL_TYPES: Final = words("function custom namespace tool_search web_search image_generation local_shell")


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
        short_text(key, "prompt_cache_key")
    for value in body.get("include") or []:
        if value not in INCLUDES:
            raise bad_value(value, "include", sorted(INCLUDES))
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default", "priority"):
        raise Refused(detail(400, f"Unsupported service_tier: {tier}"))
    if _holds(body, "prompt_cache_breakpoint"):
        raise Refused(detail(400, "prompt_cache_breakpoint is not supported on this model"))
    if not isinstance(body.get("parallel_tool_calls", True), bool):
        raise bad_type("parallel_tool_calls", "a boolean", body["parallel_tool_calls"])


def check_tools(body: Json) -> None:
    """Refuse tools, their schemas, or a choice among them.

    Raises:
      Refused: with the answer.
    """
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise bad_type("tools", "an array of objects", tools)
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
        raise bad_value(choice, "tool_choice", ["none", "auto", "required"])
    else:
        wanted = choice.get("name") if choice.get("type") in ("function", "custom") else choice.get("type")
        if not isinstance(wanted, str) or (wanted not in names and wanted != "allowed_tools"):
            raise Refused(error(400, f"Tool choice '{wanted}' not found in 'tools' parameter.", param="tool_choice"))


def check_limits(body: Json, model: SimulatedModel, lite: bool) -> None:
    """Refuse what this model does not do.

    Raises:
      Refused: with the answer.
    """
    reasoning = body.get("reasoning") or {}
    if not isinstance(reasoning, dict):
        raise bad_type("reasoning", "an object", reasoning)
    only(reasoning, {"effort", "summary", "context"}, "reasoning")
    effort = reasoning.get("effort")
    if effort is not None and effort not in model.accepted_efforts:
        raise Refused(
            error(
                400,
                f"Unsupported value: '{effort}' is not supported with the '{model.slug}' model. "
                f"Supported values are: {listed(model.accepted_efforts)}.",
                "unsupported_value",
                "reasoning.effort",
            )
        )
    if reasoning.get("summary") not in (None, "auto", "concise", "detailed", "none"):
        raise bad_value(reasoning["summary"], "reasoning.summary", ["concise", "detailed", "auto"])
    if lite:
        name = "X-OpenAI-Internal-Codex-Responses-Lite"
        if body.get("parallel_tool_calls") is not False:
            raise Refused(error(400, f"{name} requires `parallel_tool_calls` to be false.", "unsupported_value"))
        if reasoning.get("context") != "all_turns":
            raise Refused(error(400, f"{name} requires `reasoning.context` to be all_turns.", "unsupported_value"))
    _check_text(body.get("text") or {})
    _check_word(body)


def _check_word(body: Json) -> None:
    """The public API's rule for free JSON; what the instructions say does not count."""
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") != "json_object":
        return
    messages = [item.get("content") for item in body["input"] if isinstance(item, dict) and "role" in item]
    if "json" not in str(messages).lower():
        raise Refused(
            error(
                400,
                "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
                "'json_object'.",
                param="input",
            )
        )


def _check_text(text: object) -> None:
    if not isinstance(text, dict):
        raise bad_type("text", "an object", text)
    only(text, {"format", "verbosity"}, "text")
    if text.get("verbosity") not in (None, "low", "medium", "high"):
        raise bad_value(text["verbosity"], "text.verbosity", ["low", "medium", "high"])
    form = text.get("format") or {"type": "text"}
    if form.get("type") not in ("text", "json_object", "json_schema"):
        raise bad_value(form.get("type"), "text.format.type", ["text", "json_object", "json_schema"])
    if form["type"] == "json_schema":
        for name in ("name", "schema"):
            if not form.get(name):
                param = f"text.format.{name}"
                raise Refused(
                    error(400, f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
                )
        only(form, {"type", "name", "schema", "strict", "description"}, "text.format")
        tool_name(form["name"], "text.format.name")
        subject = f"response_format '{form['name']}'"
        check_schema(form["schema"], bool(form.get("strict")), subject, "text.format.schema", "invalid_json_schema")


def _check_tool(tool: object, at: str, names: set[object]) -> None:
    if not isinstance(tool, dict):
        raise bad_type(at, "an object", tool)
    kind = tool.get("type")
    if not isinstance(kind, str) or kind not in TOOL_TYPES:
        raise Refused(detail(400, f"Unsupported tool type: {kind}"))
    if kind in ("function", "custom", "namespace"):
        if not isinstance(tool.get("name"), str):
            raise Refused(
                error(400, f"Missing required parameter: '{at}.name'.", "missing_required_parameter", f"{at}.name")
            )
        tool_name(tool["name"], f"{at}.name")
        names.add(tool["name"])
    else:
        names.add(kind)
    if kind == "image_generation":
        check_tool(tool, at)
    elif kind == "function":
        only(tool, {"type", "name", "description", "strict", "parameters", "defer_loading"}, at)
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
        inside = tool.get("tools", [])
        if not isinstance(inside, list):
            raise bad_type(f"{at}.tools", "an array of objects", inside)
        for index, inner in enumerate(inside):
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
        for name, kind, noun in (("properties", dict, "object"), ("required", list, "array")):
            if name in part and not isinstance(part[name], kind):
                raise bad(where, f"{part[name]!r:.100} is not of type '{noun}'")
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
        inside = schema.get(group)
        for number, part in enumerate(inside if isinstance(inside, list) else []):
            if isinstance(part, dict):
                yield from _schemas(part, (*context, group, str(number)))


def _holds(value: object, key: str) -> bool:
    """Whether an object with that key is anywhere in content parts: items, their content and outputs."""
    if isinstance(value, dict):
        return key in value or any(_holds(value.get(name), key) for name in ("input", "content", "output"))
    return isinstance(value, list) and any(_holds(part, key) for part in value)
