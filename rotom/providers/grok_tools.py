"""The tools of a turn as xAI takes them, and the way back from its calls to the client's.

xAI knows functions, flat and with an object for a schema, and tools of its own that run on its servers. What clients of
OpenAI offer besides is made into functions: free-form (*custom*) tools become functions with one text, tools in
namespaces get the namespace into their name, a search for tools on the client's side becomes a function of that name.
`calls` says what each function's name stands for, so that the answer's calls can be given back in the client's form
(grok_events.py). All of it follows from the turn alone, and a name always becomes the same name.

What is not here: the items of the conversation (grok_items.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import Json

MOST_TOOLS = 350
MOST_DOMAINS = 5
LONGEST_NAME = 64

PLAIN_NAMESPACES = (None, "", "functions")
"""Namespaces whose tools are called by their bare names (Codex CLI 0.169, 2026-11)."""

HOSTED: dict[str, tuple[str, ...]] = {
    "web_search": ("filters", "allowed_domains", "excluded_domains", "user_location", "enable_image_understanding"),
    "x_search": (
        *("allowed_x_handles", "excluded_x_handles", "from_date", "to_date"),
        *("enable_image_understanding", "enable_video_understanding"),
    ),
    "code_interpreter": (),
    "image_generation": ("action",),
    "file_search": ("vector_store_ids", "max_num_results"),
    "mcp": (
        *("server_label", "server_url", "server_description", "allowed_tools", "authorization", "headers"),
        "require_approval",
    ),
}
"""Tools that run at xAI -> their options that it takes; others are refused (`search_context_size`, `container`, ...)."""

DRAWS = 4.6
"""The first version of Grok that draws (reported, 2026-09)."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a function's name stands for: a tool of this kind (function, custom, tool_search), name and namespace."""

    kind: str
    name: str
    namespace: str | None = None

    @property
    def plain(self) -> bool:
        """Whether a call of it needs no change on its way back, but for a shortened name."""
        return self.kind == "function" and self.namespace is None


def wire_name(name: str, namespace: object = None) -> str:
    """The name of the function that stands for a tool."""
    if isinstance(namespace, str) and namespace not in PLAIN_NAMESPACES:
        name = f"{namespace}{name}" if namespace.endswith("__") else f"{namespace}__{name}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def calls(body: Json) -> dict[str, Call]:
    """Names of functions at xAI -> what they stand for, where that is not a function of that very name."""
    found: dict[str, Call] = {}
    for tool, namespace in _offered(body):
        call = _call(tool, namespace)
        if call is not None and not (call.plain and wire_name(call.name) == call.name):
            found[wire_name(call.name, call.namespace)] = call
    return found


def tools(body: Json, model_id: str) -> tuple[list[Json], list[str]]:
    """The tools to send, and the words for what is left out of those offered.

    Raises:
      Problem: INVALID when there are more of them than xAI takes, or when one asks for more than it has.
    """
    found: dict[str, Json] = {}
    dropped: list[str] = []
    for tool, namespace in _offered(body):
        call = _call(tool, namespace)
        if call is not None:
            # A tool that is told twice is refused; the later one is what the client knows now.
            found[f"function {wire_name(call.name, call.namespace)}"] = _function(tool, call)
            continue
        kind = str(tool.get("type"))
        kind = "web_search" if kind.startswith("web_search_preview") else kind
        if kind not in HOSTED or (kind == "image_generation" and not draws(model_id)):
            dropped.append(f"tools.{kind}")
        elif kind == "web_search" and tool.get("external_web_access") is False:
            # The client wants a search that reaches no web: the other provider's index. Here a search always does.
            dropped.append("tools.web_search")
        else:
            found[str(tool.get("server_label") if kind == "mcp" else kind)] = _hosted(kind, tool, dropped)
    if len(found) > MOST_TOOLS:
        raise Problem(
            Kind.INVALID,
            f"there are {len(found)} tools, and Grok takes {MOST_TOOLS} at most: offer fewer of them",
            code="too_many_tools",
            param="tools",
            retry=False,
        )
    return list(found.values()), dropped


def choice(asked: Any, sent: list[Json]) -> Any:
    """The tool choice to send along with these tools; None: none.

    Raises:
      Problem: INVALID when a tool must be called that is not among them.
    """
    if asked is None or asked in ("auto", "none"):
        return asked if sent else None
    if asked == "required":
        if not sent:
            raise _no_such_tool("any")
        return asked
    if not isinstance(asked, dict):
        return asked if sent else None  # the provider has the words for it
    kind = str(asked.get("type"))
    if kind == "allowed_tools":
        allowed = [_one(one, sent) for one in asked.get("tools") or () if isinstance(one, dict)]
        known = [one for one in allowed if one is not None]
        if not known:
            raise _no_such_tool("those of allowed_tools")
        return {"type": "allowed_tools", "mode": asked.get("mode") or "auto", "tools": known}
    found = _one(asked, sent)
    if found is None:
        raise _no_such_tool(str(asked.get("name") or kind))
    # xAI cannot be made to call one of its own tools but as the only one that is allowed.
    return found if "name" in found else {"type": "allowed_tools", "mode": "required", "tools": [found]}


def draws(model_id: str) -> bool:
    """Whether a model makes images."""
    match = re.match(r"grok-(\d+(?:\.\d+)?)(?=-|$)", model_id)
    return match is not None and float(match[1]) >= DRAWS


def _offered(body: Json) -> Iterator[tuple[Json, str | None]]:
    """Every tool with its namespace: those of the request, and those that the conversation brought."""
    items = body.get("input")
    brought = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    for entries in (
        body.get("tools"),
        *(item.get("tools") for item in brought if item.get("type") in ("additional_tools", "tool_search_output")),
    ):
        for tool in entries if isinstance(entries, list) else ():
            if not isinstance(tool, dict):
                continue
            if tool.get("type") != "namespace":
                yield tool, None
                continue
            space = tool.get("name")
            for inner in tool.get("tools") or ():
                if isinstance(inner, dict):
                    yield inner, None if space in PLAIN_NAMESPACES else str(space)


def _call(tool: Json, namespace: str | None) -> Call | None:
    kind, name = tool.get("type"), tool.get("name")
    if kind in ("function", "custom") and isinstance(name, str):
        return Call(str(kind), name, namespace)
    if kind == "tool_search" and tool.get("execution") == "client":
        return Call("tool_search", "tool_search")
    return None


def _function(tool: Json, call: Call) -> Json:
    function: Json = {"type": "function", "name": wire_name(call.name, call.namespace)}
    description = tool.get("description")
    words = [description] if isinstance(description, str) and description else []
    if call.kind == "custom":
        form = tool.get("format")
        if isinstance(form, dict) and isinstance(form.get("definition"), str):
            words.append(f"The input must match this {form.get('syntax') or ''} grammar:\n{form['definition']}")
        # A text that may be left out was left out (reported of grok-4.3, 2026): it is required.
        parameters: Any = {
            "type": "object",
            "properties": {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}},
            "required": ["input"],
        }
    else:
        parameters = object_schema(tool.get("parameters"))
    if words:
        function["description"] = "\n\n".join(words)
    return function | {"parameters": parameters}


def object_schema(schema: Any) -> Json:
    """A schema that has an object at its root. Alternatives there are joined: it then allows more than before."""
    if not isinstance(schema, dict):
        return {"type": "object", "properties": {}}
    unions = [name for name in ("anyOf", "oneOf", "allOf") if isinstance(schema.get(name), list)]
    out = {name: value for name, value in schema.items() if name not in ("$schema", *unions)}
    known = out.get("properties")
    properties: Json = dict(known) if isinstance(known, dict) else {}
    for name in unions:
        for branch in schema[name]:
            inner = branch.get("properties") if isinstance(branch, dict) else None
            for key, value in inner.items() if isinstance(inner, dict) else ():
                properties.setdefault(key, value)
    if unions:
        out.pop("additionalProperties", None)  # it was said of the properties beside it alone
    return {**out, "type": "object", "properties": properties}


def _hosted(kind: str, tool: Json, dropped: list[str]) -> Json:
    # What is left out of a search changes its size at most; these would change what is searched.
    dropped += [f"{kind}.{name}" for name in ("ranking_options",) if tool.get(name)]
    if kind == "file_search" and tool.get("filters"):
        raise Problem(
            Kind.INVALID,
            "Grok's file_search takes no filters",
            code="unsupported_parameter",
            param="tools",
            retry=False,
        )
    out = {"type": kind} | {name: tool[name] for name in HOSTED[kind] if tool.get(name) is not None}
    filters = out.get("filters")
    for place in (out, filters if isinstance(filters, dict) else {}):
        for name in ("allowed_domains", "excluded_domains"):
            if isinstance(domains := place.get(name), list) and len(domains) > MOST_DOMAINS:
                raise Problem(
                    Kind.INVALID,
                    f"Grok's web_search takes {MOST_DOMAINS} domains at most, not {len(domains)}",
                    code="invalid_value",
                    param="tools",
                    retry=False,
                )
    return out


def _one(asked: Json, sent: list[Json]) -> Json | None:
    """The form of one tool in a choice, if it is among those sent."""
    kind, name = str(asked.get("type")), asked.get("name")
    if kind in ("function", "custom", "tool_search"):
        wanted = wire_name(str(name or kind), asked.get("namespace"))
        known = any(tool["type"] == "function" and tool["name"] == wanted for tool in sent)
        return {"type": "function", "name": wanted} if known else None
    kind = "web_search" if kind.startswith("web_search_preview") else kind
    if not any(tool["type"] == kind for tool in sent):
        return None
    return {"type": kind} | (
        {"server_label": asked["server_label"]} if kind == "mcp" and "server_label" in asked else {}
    )


def _no_such_tool(name: str) -> Problem:
    return Problem(
        Kind.INVALID,
        f"tool_choice asks for {name[:100]!r}, which is not among the tools that Grok can be given",
        code="invalid_value",
        param="tool_choice",
        retry=False,
    )
