"""Tools of Chat Completions -> tools of Responses, and the choice among them.

The same tools, one level flatter: what stands in ``function`` or ``custom`` there stands in the tool itself here. The
functions of the former API are functions like others. A schema that asks for strict mode goes as it is, so that the
provider's own words come back where it does not keep the rules; others are made ones that it takes (dialects/schema.py).
"""

from __future__ import annotations

from typing import Any

from rotom.dialects.fields import field, objects, required, too_many, within
from rotom.dialects.names import short_name
from rotom.dialects.responses.refuse import bad_type, bad_value, missing, refused
from rotom.dialects.schema import normal_schema
from rotom.sse import Json

MOST_TOOLS = 10_000

CHOICES = ("none", "auto", "required")


def read_tools(body: Json) -> tuple[list[Json], dict[str, str]]:
    """The request's tools, its functions of the former API, and its search.

    Returns:
      Responses tools, and the map from each shortened name to the client's name.

    Raises:
      Problem: INVALID, naming the place.
    """
    names: dict[str, str] = {}
    made: list[Json] = []
    for field_name, read in (("tools", _tool), ("functions", _function)):
        given = field(body, field_name, list) or []
        if len(given) > MOST_TOOLS:
            raise too_many(field_name, MOST_TOOLS, len(given))
        for where, tool in objects(given, field_name):
            name, one = read(tool, where)
            made.append(one)
            if name is not None and one["name"] != name:
                names[one["name"]] = name
    if (options := field(body, "web_search_options", dict)) is not None:
        made.append(_search(options))
    return made, names


_Named = tuple[str | None, Json]
"""What the client calls a tool, and the tool."""


def _tool(tool: Json, where: str) -> _Named:
    kind = required(tool, "type", str, where)
    if kind == "function":
        return _function(required(tool, "function", dict, where), within(where, "function"))
    if kind == "custom":
        return _custom(required(tool, "custom", dict, where), within(where, "custom"))
    return None, dict(tool)  # the provider's own: web_search and the like


def _named(kind: str, tool: Json, where: str) -> tuple[str, Json]:
    name: str = required(tool, "name", str, where)
    if not name:
        raise missing(within(where, "name"))
    made: Json = {"type": kind, "name": short_name(name)}
    if description := field(tool, "description", str, where):
        made["description"] = description
    return name, made


def _function(function: Json, where: str) -> _Named:
    name, made = _named("function", function, where)
    schema = field(function, "parameters", dict, where)
    # Chat means false where nothing is said, Responses true.
    strict = field(function, "strict", bool, where) is True
    return name, {**made, "parameters": schema_of(schema or {}, strict), "strict": strict}


def schema_of(schema: Json, strict: bool) -> Json:
    """A schema as the provider takes it."""
    if not strict or not schema:
        return {**normal_schema(schema), **({"additionalProperties": False, "required": []} if strict else {})}
    return {key: value for key, value in schema.items() if key != "$schema"}


def _custom(custom: Json, where: str) -> _Named:
    name, made = _named("custom", custom, where)
    form, place = field(custom, "format", dict, where), within(where, "format")
    if form is None:
        return name, made
    match required(form, "type", str, place):
        case "text":
            return name, {**made, "format": {"type": "text"}}
        case "grammar":
            grammar = field(form, "grammar", dict, place)
            grammar, place = (form, place) if grammar is None else (grammar, within(place, "grammar"))
            words = {word: required(grammar, word, str, place) for word in ("syntax", "definition")}
            return name, {**made, "format": {"type": "grammar", **words}}
        case kind:
            raise bad_value(kind, within(place, "type"), ("text", "grammar"))


def _search(options: Json) -> Json:
    where = "web_search_options"
    tool: Json = {"type": "web_search"}
    if size := field(options, "search_context_size", str, where):
        tool["search_context_size"] = size
    if (place := field(options, "user_location", dict, where)) is not None:
        inner = required(place, "approximate", dict, within(where, "user_location"))
        known = {name: inner[name] for name in ("city", "country", "region", "timezone") if inner.get(name) is not None}
        tool["user_location"] = {"type": "approximate", **known}
    return tool


def read_choice(body: Json, tools: list[Json]) -> Any:
    """The request's ``tool_choice``, or the former API's ``function_call``.

    Raises:
      Problem: INVALID, also for a tool that is not there.
    """
    name = "tool_choice" if body.get("tool_choice") is not None else "function_call"
    choice = body.get(name)
    if choice is None:
        return "auto"
    if isinstance(choice, str):
        if choice not in CHOICES:
            raise bad_value(choice, name, CHOICES)
        if choice == "required" and not tools:
            raise refused(f"'{name}' is only allowed when 'tools' are specified.", None, name)
        return choice
    if not isinstance(choice, dict):
        raise bad_type(choice, name, "one of a string or object")
    known = {str(tool["type"]) for tool in tools}, {tool["name"] for tool in tools if isinstance(tool.get("name"), str)}
    if name == "function_call":
        return _chosen({"type": "function", "function": choice}, name, *known)
    if choice.get("type") != "allowed_tools":
        return _chosen(choice, name, *known)
    allowed = required(choice, "allowed_tools", dict, name)
    place = within(name, "allowed_tools")
    mode = required(allowed, "mode", str, place)
    if mode not in ("auto", "required"):
        raise bad_value(mode, within(place, "mode"), ("auto", "required"))
    listed = objects(required(allowed, "tools", list, place), within(place, "tools"))
    return {"type": "allowed_tools", "mode": mode, "tools": [_chosen(tool, where, *known) for where, tool in listed]}


def _chosen(choice: Json, where: str, kinds: set[str], names: set[str]) -> Json:
    """One tool, by kind and name, that is among those of the request."""
    kind = required(choice, "type", str, where)
    if kind not in ("function", "custom"):
        if kind not in kinds:
            raise _not_found(kind, where)
        return {"type": kind}
    name = required(required(choice, kind, dict, where), "name", str, within(where, kind))
    if (short := short_name(name)) not in names:
        raise _not_found(name, where)
    return {"type": kind, "name": short}


def _not_found(name: str, where: str) -> Exception:
    return refused(f"Tool choice '{name[:100]}' not found in 'tools' parameter.", "invalid_value", where)
