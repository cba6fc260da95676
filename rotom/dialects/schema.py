"""JSON schemas of clients, made into ones that Responses takes.

Schemas of MCP servers arrive as their authors wrote them (seen with Claude Code, 2026-11). Responses wants an object with
properties at the top, without alternatives, and arrays that say what is in them; it refuses the whole request otherwise.
What a schema says is kept as far as that allows; where alternatives at the top are joined, it allows more than before.
"""

from __future__ import annotations

from typing import Any

from rotom.sse import Json

_CHOICES = ("anyOf", "oneOf", "allOf")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_LISTED = (*_CHOICES, "prefixItems", "items")
_LOOSE = ("oneOf", "allOf", "not", "if", "patternProperties", "dependentRequired")


def normal_schema(schema: Json) -> Json:
    """A schema with what Responses asks for and without what it does not know."""
    normal: Json = {key: value for key, value in _filled(schema).items() if key != "$schema"}
    if isinstance(target := _target(normal), dict):
        normal = {**target, **{key: value for key, value in normal.items() if key != "$ref"}}
    if any(isinstance(normal.get(key), list) for key in _CHOICES):
        normal = _joined(normal)
    if normal.get("type") != "object":
        normal["type"] = "object"
    if not isinstance(normal.get("properties"), dict):
        normal["properties"] = {}
    return normal


def _filled(schema: Any) -> Any:
    """A schema whose arrays all say what is in them."""
    if not isinstance(schema, dict):
        return schema
    out = dict(schema)
    for key in _NAMED:
        if isinstance(inner := out.get(key), dict):
            out[key] = {name: _filled(part) for name, part in inner.items()}
    for key in _SINGLE:
        if isinstance(inner := out.get(key), dict):
            out[key] = _filled(inner)
    for key in _LISTED:
        if isinstance(inner := out.get(key), list):
            out[key] = [_filled(part) for part in inner]
    kind = out.get("type")
    if (kind == "array" or (isinstance(kind, list) and "array" in kind)) and not (
        "items" in out or "prefixItems" in out
    ):
        out["items"] = {}
    return out


def _target(schema: Json) -> Any:
    """What a reference at the top of a schema points to, within it."""
    name = schema.get("$ref")
    if not isinstance(name, str) or not name.startswith("#/"):
        return None
    target: Any = schema
    for step in name[2:].split("/"):
        target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    return target


def _joined(schema: Json) -> Json:
    """A schema whose alternatives at the top are one object: with the properties of all of them, of which those are
    required that each one requires."""
    out = {key: value for key, value in schema.items() if key not in _CHOICES}
    properties = dict(out["properties"]) if isinstance(out.get("properties"), dict) else {}
    required = _names(out.get("required"))
    for key in _CHOICES:
        branches = _objects(schema.get(key))
        branches = [
            {**target, **part} if isinstance(target := _target({**out, **part}), dict) else part for part in branches
        ]
        wants = []
        for part in branches:
            inner = part.get("properties")
            for name, value in inner.items() if isinstance(inner, dict) else ():
                properties.setdefault(name, value)
            wants.append(_names(part.get("required")))
        if wants:
            common = [name for names in wants for name in names]
            required += [n for n in dict.fromkeys(common) if key == "allOf" or all(n in names for names in wants)]
    out["properties"] = properties
    if required:
        out["required"] = list(dict.fromkeys(required))
    if any(_objects(schema.get(key)) for key in _CHOICES):
        out.pop("additionalProperties", None)  # it was said of the properties beside it alone
    return out


def _objects(value: Any) -> list[Json]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def is_strict(schema: Any) -> bool:
    """Whether a schema keeps the rules of strict mode: a provider refuses it otherwise, and without strict takes it."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if any(key in schema for key in _LOOSE) or not any(k in schema for k in ("type", "anyOf", "$ref", "enum", "const")):
        return False
    if "properties" in schema or schema.get("type") == "object":
        properties = schema.get("properties")
        if not isinstance(properties, dict) or schema.get("additionalProperties") is not False:
            return False
        if set(_names(schema.get("required"))) != set(properties):
            return False
        if not all(is_strict(item) for item in properties.values()):
            return False
    parts = [schema.get(key) for key in ("items", "anyOf")]
    parts += [list(defs.values()) for key in ("$defs", "definitions") if isinstance(defs := schema.get(key), dict)]
    return all(is_strict(part) for part in parts)
