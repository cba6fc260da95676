"""Fields of a provider's JSON, read so that a wrong type is the same as a missing field."""

from __future__ import annotations

from rotom.sse import Json


def object_of(data: Json, name: str) -> Json:
    """An object; an empty one when it is missing."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def count_of(data: Json, name: str) -> int:
    """A whole number; 0 when it is missing."""
    value = data.get(name)
    return value if isinstance(value, int) else 0


def objects_of(data: Json, name: str) -> list[Json]:
    """A list of objects; what is none counts as an empty one, so that places stay."""
    value = data.get(name)
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
