"""How the Responses API refuses values, in its own words: seen in many public reports of its errors, 2025 and 2026."""

from __future__ import annotations

from collections.abc import Iterable

from rotom.problem import Kind, Problem

_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    type(None): "null",
}


def bad_type(value: object, at: str, wanted: str) -> Problem:
    """A value of another type than `wanted`, which is a noun with its article."""
    got = _NAMES.get(type(value), "something else")
    return refused(f"Invalid type for '{at}': expected {wanted}, but got {got} instead.", "invalid_type", at)


def bad_value(value: object, at: str, allowed: Iterable[str]) -> Problem:
    """A word that is not among those allowed."""
    *words, last = (f"'{word}'" for word in allowed)
    known = f"{', '.join(words)}, and {last}" if len(words) > 1 else " and ".join((*words, last))
    return refused(f"Invalid value: '{str(value)[:100]}'. Supported values are: {known}.", "invalid_value", at)


def missing(at: str) -> Problem:
    """A field that must be there."""
    return refused(f"Missing required parameter: '{at}'.", "missing_required_parameter", at)


def unsupported(at: str, why: str) -> Problem:
    """A field that cannot be honoured; `why` is the rest of a sentence."""
    return refused(f"Unsupported parameter: '{at}' is not supported: {why}.", "unsupported_parameter", at)


def refused(message: str, code: str | None, at: str | None) -> Problem:
    """A refusal in other words."""
    return Problem(Kind.INVALID, message, code=code, param=at)
