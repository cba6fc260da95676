"""What the Codex service tells its own clients by events where an answer over HTTP has headers.

On a WebSocket only the handshake has headers, so each answer tells its limits and the like by private events (seen by Codex
CLI 0.169, 2026-11). They are given back as the headers that stand for the same, so that one reader knows both. Names are
taken from an allow list and values as far as a header can hold them: these may go on to clients.

What is not here: what the headers mean (openai_refusals.py).
"""

from __future__ import annotations

from rotom.problem import Problem
from rotom.providers.loose import object_in
from rotom.sse import Event, Json

_NAMES = ("x-codex-", "openai-", "x-models-etag", "x-reasoning-included", "x-request-id", "x-oai-request-id")
"""Beginnings of the names of headers that answers over HTTP have."""

_WINDOW = {"used_percent": "used-percent", "window_minutes": "window-minutes", "reset_at": "reset-at"}
_CREDITS = {"has_credits": "has-credits", "unlimited": "unlimited", "balance": "balance"}


def notes(event: Event) -> dict[str, str]:
    """The headers that stand for the same as a private event, or that come with an error on a WebSocket; lower case."""
    try:
        match event.type:
            case "codex.response.metadata" | "error":
                return _headers(object_in(event.data.get("headers")))
            case "codex.rate_limits":
                return _headers(_limits(event.data))
    except Problem:  # not JSON: an answer does not fail for what nobody asked for
        pass
    return {}


def _limits(data: Json) -> Json:
    limits = object_in(data.get("rate_limits"))
    found: Json = {"x-codex-plan-type": data.get("plan_type")}
    for name in ("primary", "secondary"):
        window = object_in(limits.get(name))
        found |= {f"x-codex-{name}-{word}": window.get(key) for key, word in _WINDOW.items()}
    credit = object_in(data.get("credits"))
    return found | {f"x-codex-credits-{word}": credit.get(key) for key, word in _CREDITS.items()}


def _headers(values: Json) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        text = str(value) if isinstance(value, str | int | float) else ""
        name = name.lower()
        if name.startswith(_NAMES) and text and all(word.isascii() and word.isprintable() for word in (name, text)):
            found[name] = text
    return found
