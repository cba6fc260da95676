"""What xAI refuses in a question to a model. Pure.

As strict.py for the Codex backend: an allow list at every level, so that what a gateway forwards by accident fails here.
The fields are those of xAI's published schema (2026-09); the refusals those that programs reported in 2026, in xAI's words
where those are known. Order: the request, its input, its tools, then the model's limits.

What is not here: login and headers (xai.py), and which models there are (xai_models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from rotom.simulator.strict_forms import words
from rotom.simulator.xai_forms import invalid, unreadable, unsupported
from rotom.simulator.xai_models import XaiModel
from rotom.sse import Json

FIELDS: Final = words(
    "model input instructions max_output_tokens max_turns temperature top_p top_k min_p parallel_tool_calls"
    " previous_response_id prompt_cache_key reasoning reasoning_effort safety_identifier user search_parameters"
    " service_tier store stream text tool_choice tools include logprobs top_logprobs context_management stream_tool_calls"
)
TYPES: Final = {
    "instructions": str,
    "prompt_cache_key": str,
    "user": str,
    "safety_identifier": str,
    "include": list,
    "stream": bool,
    "store": bool,
    "parallel_tool_calls": bool,
    "stream_tool_calls": bool,
    "logprobs": bool,
}
TIERS: Final = ("default", "priority", "fast")
MOST_TOOLS: Final = 350
TOOL_FIELDS: Final = {
    "function": words("type name description parameters strict"),
    "web_search": words("type filters allowed_domains excluded_domains user_location enable_image_understanding"),
    "x_search": words(
        "type allowed_x_handles excluded_x_handles from_date to_date enable_image_understanding enable_video_understanding"
    ),
    "code_interpreter": words("type"),
    "image_generation": words("type action"),
    "file_search": words("type vector_store_ids max_num_results"),
    "mcp": words(
        "type server_label server_url server_description allowed_tools authorization headers require_approval"
    ),
    "shell": words("type"),
    "tool_search": words("type"),
}
"""Tool type -> its fields. What others send beside them is refused or stripped by every program that asks xAI."""
ROLES: Final = ("user", "assistant", "system", "developer")
PARTS: Final = {
    "input_text": words("type text"),
    "output_text": words("type text annotations logprobs"),
    "input_image": words("type image_url detail"),
    "input_file": words("type file_data file_url file_id filename"),
}
ITEMS: Final = {
    "message": words("type id status role content name"),
    "reasoning": words("type id status summary content encrypted_content"),
    "function_call": words("type id status call_id name arguments"),
    "function_call_output": words("type id status call_id output"),
    "web_search_call": words("type id status action"),
    "custom_tool_call": words("type id status call_id name input"),
    "code_interpreter_call": words("type id status code container_id outputs"),
    "file_search_call": words("type id status queries results"),
    "image_generation_call": words("type id status prompt result action"),
    "mcp_call": words("type id status name server_label arguments output error"),
    "shell_call_output": words("type id status call_id output max_output_length"),
    "compaction": words("type id encrypted_content"),
}
_NO_VARIANT: Final = "input: data did not match any variant of untagged enum ModelInput"

Known = Callable[[str], bool]
"""Whether the simulator sealed this ``encrypted_content`` itself."""


def check_request(body: Json, origin: str) -> None:
    """Refuse a request whose own fields are not what xAI takes.

    Arguments:
      origin: ``api`` or ``proxy``.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in FIELDS:
            raise unsupported(name)
    if not isinstance(body.get("input"), str | list) or not body["input"]:
        raise unreadable("missing field `input`")
    if body.get("previous_response_id") is not None:
        if origin == "proxy":
            raise unsupported("previous_response_id")
        if body.get("instructions") is not None:
            raise invalid("Cannot specify both instructions and previous_response_id.")
        raise invalid(f"Response with id={body['previous_response_id']} not found.")
    for name, wanted in TYPES.items():
        if body.get(name) is not None and not isinstance(body[name], wanted):
            raise unreadable(f"{name}: invalid type")
    if not all(isinstance(name, str) for name in body.get("include") or ()):
        raise unreadable("include: invalid type")
    for name, least, most in (
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("max_output_tokens", 1, None),
        ("top_k", 0, None),
    ):
        _check_number(body.get(name), name, least, most)
    if body.get("service_tier") not in [None, *TIERS]:
        raise invalid(f"Invalid service tier: {body['service_tier']}")
    text = body.get("text") or {}
    if not isinstance(text, dict):
        raise unreadable("text: invalid type, expected struct TextConfig")
    for name in text:
        if name != "format":
            raise unsupported(f"text.{name}")
    _check_format(text.get("format") or {"type": "text"})


def check_input(items: str | list[object], known: Known) -> None:
    """Refuse items that xAI does not take.

    Raises:
      Refused: with the answer.
    """
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            raise unreadable(_NO_VARIANT)
        kind = str(item.get("type", "message" if "role" in item else None))
        if kind not in ITEMS or not item.keys() <= ITEMS[kind]:
            raise unreadable(_NO_VARIANT)
        if kind == "message":
            _check_message(item)
        elif kind == "reasoning":
            if ("content" in item and item["content"] is None) or not isinstance(item.get("summary"), list):
                raise unreadable(_NO_VARIANT)
            if "encrypted_content" in item:
                _check_sealed(item["encrypted_content"], known)
        elif kind == "compaction":
            _check_sealed(item.get("encrypted_content"), known)
        elif kind == "custom_tool_call" and not str(item.get("call_id")).startswith("xs_call_"):
            raise unreadable(_NO_VARIANT)  # of a client's own custom tool, which xAI does not have
        elif kind == "function_call" and not all(
            isinstance(item.get(n), str) for n in ("call_id", "name", "arguments")
        ):
            raise unreadable(_NO_VARIANT)
        elif kind == "function_call_output":
            _check_output(item)


def check_tools(body: Json) -> None:
    """Refuse tools, their schemas, or a choice among them.

    Raises:
      Refused: with the answer.
    """
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise unreadable("tools: invalid type, expected a sequence")
    if not tools:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                raise invalid(f"A {name} was set on the request but no tools were specified.")
        return
    if len(tools) > MOST_TOOLS:
        raise invalid(f"The number of tools exceeds the maximum of {MOST_TOOLS}.")
    names: set[str] = set()
    for tool in tools:
        _check_tool(tool, names)
    _check_choice(body.get("tool_choice"), names)


def check_limits(body: Json, model: XaiModel, name: str) -> None:
    """Refuse what this model does not do.

    Arguments:
      name: what the request calls the model.

    Raises:
      Refused: with the answer.
    """
    reasoning = body.get("reasoning")
    if reasoning is not None and body.get("reasoning_effort") is not None:
        raise invalid("Cannot specify both reasoning and reasoning_effort.")
    if reasoning is not None and not isinstance(reasoning, dict):
        raise unreadable("reasoning: invalid type, expected struct ReasoningConfig")
    for field in reasoning or {}:
        if field not in ("effort", "summary", "generate_summary"):
            raise unsupported(f"reasoning.{field}")
    effort = (reasoning or {}).get("effort") or body.get("reasoning_effort")
    if effort is not None and not model.efforts:
        raise invalid(f"Model {name} does not support parameter reasoningEffort.")
    if effort is not None and effort not in [*model.efforts]:  # these words are a guess
        raise invalid(f"Invalid reasoning effort for model {name}: {effort}. Supported: {', '.join(model.efforts)}.")
    for tool in body.get("tools") or ():
        if tool.get("type") == "image_generation" and not model.images:
            raise invalid(f"Model {name} does not support the image_generation tool.")


def _check_number(value: object, name: str, least: float, most: float | None) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise unreadable(f"{name}: invalid type, expected a number")
    if value < least or (most is not None and value > most):
        raise invalid(f"Invalid {name}: {value}")


def _check_format(form: object) -> None:
    if not isinstance(form, dict) or form.get("type") not in ["text", "json_object", "json_schema"]:
        raise unreadable("text.format: unknown variant, expected one of `text`, `json_object`, `json_schema`")
    if form["type"] == "json_schema" and not isinstance(form.get("schema"), dict):
        raise unreadable("text.format: missing field `schema`")


def _check_message(item: Json) -> None:
    if item.get("role") not in ROLES:
        raise unreadable(_NO_VARIANT)
    if not isinstance(item.get("content"), str):
        _check_parts(item.get("content"), PARTS)


def _check_parts(parts: object, allowed: Collection[str]) -> None:
    if not isinstance(parts, list):
        raise unreadable(_NO_VARIANT)
    for part in parts:
        kind = str(part.get("type")) if isinstance(part, dict) else ""
        if not isinstance(part, dict) or kind not in allowed or not part.keys() <= PARTS[kind]:
            raise unreadable(_NO_VARIANT)
        if kind in ("input_text", "output_text") and not isinstance(part.get("text"), str):
            raise unreadable(_NO_VARIANT)
        if kind == "input_image" and not isinstance(part.get("image_url"), str):
            raise unreadable(_NO_VARIANT)


def _check_output(item: Json) -> None:
    if not isinstance(item.get("call_id"), str):
        raise unreadable(_NO_VARIANT)
    if not isinstance(item.get("output"), str):
        _check_parts(item.get("output"), ("input_text", "input_image", "input_file"))


def _check_sealed(sealed: object, known: Known) -> None:
    # That a blob of another maker, or null, is a 400 that names the field is reported; the words are a guess.
    if not isinstance(sealed, str) or not known(sealed):
        raise invalid("Could not decrypt the provided encrypted_content.")


def _check_tool(tool: object, names: set[str]) -> None:
    kind = str(tool.get("type")) if isinstance(tool, dict) else ""
    if not isinstance(tool, dict) or kind not in TOOL_FIELDS:
        raise unreadable(f"tools: unknown variant `{kind}`")
    for field in tool:
        if field not in TOOL_FIELDS[kind]:
            raise unsupported(f"tools.{kind}.{field}")
    if kind != "function":
        names.add(kind)
        return
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise unreadable("tools: missing field `name`")
    if name in names:
        raise invalid(f"Duplicate tool name: {name}")
    names.add(name)
    _check_schema(tool.get("parameters"), name)


def _check_schema(schema: object, name: str) -> None:
    """The root must be an object, or a union of nothing but objects that say so."""
    if schema is None:
        raise unreadable("tools: missing field `parameters`")
    if not isinstance(schema, dict):
        raise invalid(f"Invalid schema for tool {name}: the root must be an object.")
    groups = [schema[name] for name in ("anyOf", "oneOf") if isinstance(schema.get(name), list)]
    branches = [branch for group in groups for branch in group]
    roots = branches if branches and "type" not in schema else [schema]
    if not all(isinstance(root, dict) and root.get("type") == "object" for root in roots):
        raise invalid(f"Invalid schema for tool {name}: the root must be an object.")


def _check_choice(choice: object, names: set[str]) -> None:
    if choice is None or choice in ["auto", "none", "required"]:
        return
    if not isinstance(choice, dict):
        raise unreadable("tool_choice: data did not match any variant of untagged enum ModelToolChoice")
    if choice.get("type") == "function" and str(choice.get("name")) in names:
        return
    wanted = choice.get("tools") if choice.get("type") == "allowed_tools" else None
    wanted = wanted if isinstance(wanted, list) and wanted else [None]
    found = [isinstance(one, dict) and str(one.get("name") or one.get("type")) in names for one in wanted]
    if choice.get("mode") in ["auto", "required"] and all(found):
        return
    raise invalid("Invalid tool_choice: the tool is not among the tools of the request.")
