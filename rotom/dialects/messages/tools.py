"""Tools of the Messages API -> tools of the Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rotom.dialects.messages.content import bad, field
from rotom.dialects.names import short_name
from rotom.dialects.schema import is_strict, normal_schema
from rotom.sse import Json

MOST_TOOLS = 10_000


def read_tools(tools: object, loaded: list[str]) -> tuple[list[Json], dict[str, str], list[str]]:
    """The request's tools.

    Arguments:
      tools: the request's ``tools``.
      loaded: names of deferred tools in the order in which the conversation loaded them.

    Returns:
      Responses tools, the map from each tool's name there to the client's name, and what was left out.
    """
    if not isinstance(tools, list):
        raise bad("tools", "Input should be a list")
    if len(tools) > MOST_TOOLS:
        raise bad("tools", f"List should have at most {MOST_TOOLS} items after validation, not {len(tools)}")
    first: list[Json] = []
    deferred: dict[str, Json] = {}
    names: dict[str, str] = {}
    dropped: list[str] = []
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        where = f"tools.{index}"
        if not isinstance(tool, dict):
            raise bad(where, "Input should be a tool")
        kind = tool.get("type") or "custom"
        if not isinstance(kind, str):
            raise bad(f"{where}.type", "Input should be a valid string")
        if kind.startswith("web_search_"):
            first.append(_web_search(tool, dropped))
            continue
        if kind.startswith("tool_search_tool_"):
            continue  # deferred tools are all offered at once: there is nothing to search for
        if kind != "custom" and not kind.startswith(tuple(_CLIENT_TOOLS)):
            dropped.append(f"tools.{kind}")  # a tool that Anthropic's servers would run
            continue
        name = field(tool, "name", where)
        if name in seen:
            raise bad(f"{where}.name", f"Tool names must be unique; {name!r} is there twice")
        seen.add(name)
        if name == "DeferredToolPlaceholder":
            continue  # Claude Code's stand-in for tools that are not loaded yet; nothing to call (seen 2026-11)
        if name == "image_generation":
            first.append({"type": "image_generation"})
            continue
        names[short_name(name)] = name
        dropped += [f"tools.{option}" for option in _not_honoured(tool, kind)]
        if tool.get("defer_loading") is True:
            deferred[name] = _function(tool, kind, where)
        else:
            first.append(_function(tool, kind, where))
    # Loaded tools come behind the others, the first loaded first: the list then only ever grows at its end, whatever
    # place the client gives them, and the provider's prompt cache holds.
    order = [name for name in loaded if name in deferred] + [name for name in deferred if name not in loaded]
    return first + [deferred[name] for name in order], {k: v for k, v in names.items() if k != v}, dropped


def _function(tool: Json, kind: str, where: str) -> Json:
    schema = tool.get("input_schema")
    if kind != "custom":
        schema = next(schema for prefix, schema in _CLIENT_TOOLS.items() if kind.startswith(prefix))
    if schema is None:
        schema = {}
    if not isinstance(schema, dict):
        raise bad(f"{where}.input_schema", "Input should be a JSON schema object")
    function: Json = {"type": "function", "name": short_name(tool["name"])}
    if isinstance(description := tool.get("description"), str) and description:
        function["description"] = description
    function["parameters"] = normal_schema(schema)
    # Schemas of MCP servers come as they are (oneOf, free objects, formats): strict mode would refuse them.
    function["strict"] = tool.get("strict") is True and is_strict(function["parameters"])
    return function


def _not_honoured(tool: Json, kind: str) -> list[str]:
    """Options of a tool that are left out."""
    found = []
    if tool.get("input_examples"):
        found.append("input_examples")
    if tool.get("strict") is True and not (kind == "custom" and is_strict(normal_schema(_schema(tool)))):
        found.append("strict")
    callers = tool.get("allowed_callers")
    if isinstance(callers, list) and callers and "direct" not in callers:
        found.append("allowed_callers")  # it would be for code on Anthropic's servers alone
    return found


def _schema(tool: Json) -> Json:
    schema = tool.get("input_schema")
    return schema if isinstance(schema, dict) else {}


def _web_search(tool: Json, dropped: list[str]) -> Json:
    hosted: Json = {"type": "web_search"}
    if isinstance(allowed := tool.get("allowed_domains"), list) and allowed:
        hosted["filters"] = {"allowed_domains": allowed}
    if isinstance(place := tool.get("user_location"), dict):
        hosted["user_location"] = place
    if tool.get("blocked_domains"):
        dropped.append("web_search.blocked_domains")
    return hosted


def read_choice(choice: object, tools: list[Json]) -> tuple[Any, bool]:
    """The request's ``tool_choice`` as (tool_choice, whether several calls at once are allowed)."""
    if choice is None:
        return "auto", True
    if not isinstance(choice, dict):
        raise bad("tool_choice", "Input should be an object")
    parallel = choice.get("disable_parallel_tool_use") is not True
    match choice.get("type"):
        case "auto":
            return "auto", parallel
        case "any":
            return "required", parallel
        case "none":
            return "none", parallel
        case "tool":
            name = field(choice, "name", "tool_choice")
            if name in ("web_search", "image_generation") and {"type": name} in [{"type": t["type"]} for t in tools]:
                return {"type": name}, parallel
            if short_name(name) not in [tool.get("name") for tool in tools]:
                raise bad("tool_choice.name", f"Tool {name!r} not found in the provided tools")
            return {"type": "function", "name": short_name(name)}, parallel
        case other:
            raise bad("tool_choice.type", f"Input should be auto, any, tool or none, not {other!r}")


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required}


_STRING: Json = {"type": "string"}
_LINES: Json = {
    "type": "array",
    "items": {"type": "integer"},
    "description": "First and last line, from 1; -1: the end",
}

# Tools that the client runs and whose schema Anthropic's models know by heart; ours must be told.
_CLIENT_TOOLS: Mapping[str, Json] = {
    "bash_": _object([], command=_STRING, restart={"type": "boolean", "description": "Restart the shell"}),
    "text_editor_": _object(
        ["command", "path"],
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]},
        path=_STRING,
        view_range=_LINES,
        file_text=_STRING,
        old_str=_STRING,
        new_str=_STRING,
        insert_line={"type": "integer"},
        insert_text=_STRING,
    ),
    "memory_": _object(
        ["command"],
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
        path=_STRING,
        view_range=_LINES,
        file_text=_STRING,
        old_str=_STRING,
        new_str=_STRING,
        insert_line={"type": "integer"},
        insert_text=_STRING,
        old_path=_STRING,
        new_path=_STRING,
    ),
}
