"""Typed fields of a client's JSON, refused in the words of OpenAI's APIs where they are wrong. Pure.

``null`` is the same as a missing field, as it is there. A place is written as they write it: ``messages[3].content``.

What is not here: which fields there are (the dialects' readers), and the words (responses/refuse.py).
"""

from __future__ import annotations

from typing import Any

from rotom.dialects.responses.refuse import bad_type, missing, refused
from rotom.problem import Problem
from rotom.sse import Json

_NOUNS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
}


def too_many(param: str, most: int, number: int) -> Problem:
    """A list that is too long."""
    return refused(
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {number} instead.",
        "array_above_max_length",
        param,
    )


def too_small(param: str, least: int, number: int) -> Problem:
    """A number below what makes sense."""
    return refused(
        f"Invalid '{param}': integer below minimum value. Expected a value >= {least}, but got {number} instead.",
        "integer_below_min_value",
        param,
    )


def within(where: str, name: str | int) -> str:
    """The place of a field or an element inside of `where`."""
    if isinstance(name, int):
        return f"{where}[{name}]"
    return f"{where}.{name}" if where else name


def field(value: Json, name: str, kind: type, where: str = "") -> Any:
    """A field that must be of type `kind` where it is there; None where not. An int is a good float, a bool is no int.

    Raises:
      Problem: INVALID for another type.
    """
    found = value.get(name)
    if found is None or type(found) is kind or (kind is float and type(found) is int):
        return found
    raise bad_type(found, within(where, name), _NOUNS[kind])


def required(value: Json, name: str, kind: type, where: str = "") -> Any:
    """The same for a field that must be there.

    Raises:
      Problem: INVALID when it is missing, or of another type.
    """
    found = field(value, name, kind, where)
    if found is None:
        raise missing(within(where, name))
    return found


def objects(value: list[Any], where: str) -> list[tuple[str, Json]]:
    """The elements of a list of objects, each with its place.

    Raises:
      Problem: INVALID for an element that is no object.
    """
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise bad_type(item, within(where, index), "an object")
    return [(within(where, index), item) for index, item in enumerate(value)]
