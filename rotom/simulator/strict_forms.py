"""The words in which the public Responses API refuses values, for everything in strict.py and strict_input.py."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from rotom.simulator.play import Refused, error
from rotom.sse import Json

LONGEST_ID: Final = 64
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")


def words(text: str) -> frozenset[str]:
    """The words in a text."""
    return frozenset(text.split())


def tool_name(name: object, at: str) -> None:
    """Refuse what is no name for a tool."""
    short_text(name, at)
    if not TOOL_NAME.fullmatch(str(name)):
        raise Refused(
            error(
                400,
                f"Invalid '{at}': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                "invalid_value",
                at,
            )
        )


def short_text(value: object, at: str) -> None:
    """Refuse what is no text of at most 64 characters."""
    if not isinstance(value, str):
        raise bad_type(at, "a string", value)
    if len(value) > LONGEST_ID:
        raise Refused(
            error(
                400,
                f"Invalid '{at}': string too long. Expected a string with maximum length {LONGEST_ID}, "
                f"but got a string with length {len(value)} instead.",
                "string_above_max_length",
                at,
            )
        )


def only(value: Json, allowed: Collection[str], at: str) -> None:
    """Refuse an object with other fields."""
    for name in value:
        if name not in allowed:
            raise Refused(error(400, f"Unknown parameter: '{at}.{name}'.", "unknown_parameter", f"{at}.{name}"))


def only_fields(body: Json, allowed: Collection[str]) -> None:
    """Refuse a request with other fields."""
    for name in body:
        if name not in allowed:
            raise Refused(error(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name))


def bad_value(value: object, at: str, allowed: Collection[str]) -> Refused:
    """The refusal of a value that is not among those allowed."""
    return Refused(
        error(400, f"Invalid value: '{value}'. Supported values are: {listed(allowed)}.", "invalid_value", at)
    )


def bad_type(at: str, wanted: str, value: object) -> Refused:
    """The refusal of a value of another type."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    got = names.get(type(value), "a number")
    return Refused(
        error(400, f"Invalid type for '{at}': expected {wanted}, but got {got} instead.", "invalid_type", at)
    )


def listed(values: Collection[str]) -> str:
    """Values in a sentence."""
    quoted = [f"'{value}'" for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
