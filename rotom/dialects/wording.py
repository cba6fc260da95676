"""The words in which OpenAI's APIs refuse a request, and the reading of typed fields that uses them. Pure.

``null`` is the same as a missing field, as it is there. A place is written as they write it: ``messages[3].content``.

What is not here: which fields there are (the dialects' readers).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import Json

_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
}


def refused(param: str, message: str, code: str | None = None) -> Problem:
    """The request is wrong at `param`."""
    return Problem(Kind.INVALID, message, param=param, code=code)


def missing(param: str) -> Problem:
    """A field that must be there is not."""
    return refused(param, f"Missing required parameter: '{param}'.", "missing_required_parameter")


def wrong_type(param: str, wanted: str, value: object) -> Problem:
    """A value of another type than `wanted`, which is said with its article."""
    got = "null" if value is None else _NAMES.get(type(value), "something else")
    return refused(param, f"Invalid type for '{param}': expected {wanted}, but got {got} instead.", "invalid_type")


def wrong_value(param: str, value: object, allowed: Collection[str]) -> Problem:
    """A value that is not among those that there are."""
    *first, last = [f"'{word}'" for word in allowed]
    listed = f"{', '.join(first)}, and {last}" if first else last
    shown = str(value)[:100]
    return refused(param, f"Invalid value: '{shown}'. Supported values are: {listed}.", "invalid_value")


def too_many(param: str, most: int, number: int) -> Problem:
    """A list that is too long."""
    return refused(
        param,
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {number} instead.",
        "array_above_max_length",
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
    raise wrong_type(within(where, name), _NAMES[kind], found)


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
            raise wrong_type(within(where, index), "an object", item)
    return [(within(where, index), item) for index, item in enumerate(value)]
