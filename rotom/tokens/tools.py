"""How many tokens a request's tools take.

OpenAI's models do not read JSON schemas: tools are written as TypeScript types, descriptions as comments (known from
the published format of its open models). The same is written here, near enough to be counted. What a schema says beside
types, names, choices, defaults and descriptions (patterns, bounds, formats) never reaches the model.
"""

from __future__ import annotations

import json
from typing import Any

from rotom.sse import Json
from rotom.tokens.text import text_tokens

_DEEPEST = 12
_INDENT = "    "
_NAMES = {"integer": "number", "object": "{\n}"}
_FRAME = 12
"""Tokens around the list of all functions."""


def tools_tokens(tools: Any) -> float:
    """About how many tokens the ``tools`` of a Responses request take."""
    if not isinstance(tools, list) or not tools:
        return 0.0
    return _FRAME + sum(text_tokens(typescript(tool)) for tool in tools if isinstance(tool, dict))


def typescript(tool: Json) -> str:
    """One tool as the model reads it."""
    kind = tool.get("type")
    if kind == "namespace" and isinstance(tool.get("tools"), list):
        inner = [typescript(one) for one in tool["tools"] if isinstance(one, dict)]
        return _comment(tool) + f"namespace {tool.get('name')} {{\n\n" + "".join(inner) + "}\n"
    if kind != "function":
        return json.dumps({key: value for key, value in tool.items() if key != "type"}, ensure_ascii=False)
    schema = tool.get("parameters")
    wanted = _type(schema, 0) if isinstance(schema, dict) and schema.get("properties") else ""
    given = f"(_: {wanted})" if wanted else "()"
    return f"{_comment(tool)}type {tool.get('name')} = {given} => any;\n\n"


def _comment(schema: Json, indent: str = "") -> str:
    text = schema.get("description")
    return "".join(f"{indent}// {line}\n" for line in text.splitlines()) if isinstance(text, str) else ""


def _type(schema: Any, depth: int) -> str:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "any"
    for group in ("oneOf", "anyOf", "allOf"):
        if isinstance(choices := schema.get(group), list) and choices:
            return " | ".join(_type(choice, depth + 1) for choice in choices)
    if isinstance(choices := schema.get("enum"), list):
        return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_NAMES.get(str(one), str(one)) for one in kind)
    if kind == "array":
        inner = _type(schema.get("items"), depth + 1)
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    fields = schema.get("properties")
    if not isinstance(fields, dict):
        return "any" if kind is None else _NAMES.get(str(kind), str(kind))
    needed = schema.get("required")
    needed = needed if isinstance(needed, list) else []
    inner = "".join(_field(name, field, name in needed, depth) for name, field in fields.items())
    return f"{{\n{inner}{_INDENT * depth}}}"


def _field(name: str, field: Any, needed: bool, depth: int) -> str:
    known = field if isinstance(field, dict) else {}
    indent = _INDENT * depth
    default = f" // default: {json.dumps(known['default'], ensure_ascii=False)}" if "default" in known else ""
    return f"{_comment(known, indent)}{indent}{name}{'' if needed else '?'}: {_type(field, depth + 1)},{default}\n"
