"""A small value that fits a JSON schema, for answers in a form that the client dictates. Pure.

Not a validator and no generator of every value: it understands what clients send (types, enums, const, references inside
the schema, alternatives, the usual string formats and bounds) and takes the first thing that fits. Nothing fits a schema
that is none, so it gives null for that.
"""

from __future__ import annotations

import math
from typing import Any, Final

from rotom.sse import Json

FORMATS: Final = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T12:00:00Z",
    "time": "12:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
DEEPEST: Final = 12


def sample(schema: Json, name: str = "", words: str = "example") -> Any:
    """A value that fits `schema`.

    Arguments:
      name: of the field that it is for.
      words: what a free string says.
    """
    try:
        return _sample(schema, schema, name, words or "example", 0)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):  # keywords with values of other types
        return None


def _sample(schema: object, root: Json, name: str, words: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _sample(_resolve(reference, root), root, name, words, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for group in ("anyOf", "oneOf"):
        if schema.get(group):
            return _sample(schema[group][0], root, name, words, depth + 1)
    if schema.get("allOf"):
        merged: Json = {}
        for part in schema["allOf"]:
            inside = _sample(part, root, name, words, depth + 1)
            if not isinstance(inside, dict):
                return inside
            merged |= inside
        return merged
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "string"
    return _of_type(kind, schema, root, name, words, depth)


def _of_type(kind: str, schema: Json, root: Json, name: str, words: str, depth: int) -> Any:
    if kind == "object":
        fields = schema.get("properties") or {}
        wanted = schema.get("required") if depth > 3 else fields
        return {
            field: _sample(fields.get(field) or {"type": "string"}, root, field, words, depth + 1)
            for field in wanted or ()
        }
    if kind == "array":
        count = max(1 if depth < 6 else 0, int(schema.get("minItems") or 0))
        return [_sample(schema.get("items") or {}, root, name, words, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _number(kind, schema)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = FORMATS.get(str(schema.get("format")), words)
    text = text.ljust(int(schema.get("minLength") or 0), ".")
    return text[: int(schema["maxLength"])] if isinstance(schema.get("maxLength"), int) else text


def _number(kind: str, schema: Json) -> Any:
    low = schema.get("minimum")
    if low is None and isinstance(schema.get("exclusiveMinimum"), (int, float)):
        low = schema["exclusiveMinimum"] + 1
    step = schema.get("multipleOf")
    if low is None or (low < 0 and not step):  # zod's integers begin at -9007199254740991
        low = min(1, schema.get("maximum", 1))
    value = math.ceil(low / step) * step if step else low
    return math.ceil(value) if kind == "integer" else value


def _resolve(reference: str, root: Json) -> object:
    here: object = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here
