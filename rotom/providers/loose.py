"""Values in JSON and headers from elsewhere, read so that a wrong type is the same as a missing value."""

from __future__ import annotations

import json
from typing import Any

from rotom.providers import Reply
from rotom.sse import Json


def object_of(reply: Reply) -> Json:
    """The JSON object in a reply; empty when there is none."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return object_in(value)


def object_in(value: object) -> Json:
    """An object; an empty one when it is none."""
    return value if isinstance(value, dict) else {}


def text(*values: object) -> str | None:
    """The first of the values that is a text with something in it."""
    return next((value for value in values if isinstance(value, str) and value), None)


def number(value: Any) -> float | None:
    """A number that can be counted with, perhaps as a text; None when it is none, negative, or beyond all sense."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found < 1e12 else None
