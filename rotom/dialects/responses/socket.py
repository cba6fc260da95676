"""The Responses API on a WebSocket: what a client's message asks for, and what goes back beside the events of answers.

The messages are those of OpenAI's WebSocket mode (guide and SDK 3.54, 2026-11): ``response.create`` holds the body of a
POST, and names a *lane* (``stream_id``) if the client wants several answers at once; every event of its answer names that
lane again. An error that a POST would be answered with comes as a message of type ``error``.

What is not here: lanes as queues, sockets and time (routes/websocket.py), and what a body means (read.py).
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rotom.dialects.responses.problems import problem as error_body
from rotom.dialects.responses.problems import vendor_status
from rotom.dialects.responses.read import HINTS
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

MOST_LANES = 32
"""Lanes with a name that a connection may have, as on the real service."""

_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ENVELOPE = frozenset({"type", "stream_id", "generate", "stream"})
_KINDS = ("response.create", "response.steer")
_TOLD_WITH = "ws_request_header_"
_NOTES, _LIMITS = "response.metadata", "codex.rate_limits"
_UNANSWERED = frozenset({"response.processed"})
"""What some versions of the Codex CLI tell the service without waiting for a word (in its sources of mid-2026)."""


@dataclass(frozen=True, slots=True)
class Create:
    """A question on a socket.

    Fields:
      body: what a POST would hold.
      lane: the client's name for the queue that it stands in; None: the one without a name.
      warm: nothing shall be generated: the client prepares what its next question will go on from.
      size: characters of the message.
    """

    body: Json
    lane: str | None
    warm: bool
    size: int = 0


def lane(message: Json) -> str | None:
    """The lane that a message names.

    Raises:
      Problem: INVALID for one that is no name.
    """
    name = message.get("stream_id")
    if name is None:
        return None
    if not isinstance(name, str) or not _LANE.fullmatch(name):
        raise Problem(
            Kind.INVALID,
            "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, "
            "numbers, underscores, hyphens, and periods.",
            code="invalid_stream_id",
            param="stream_id",
        )
    return name


def read(message: Json, size: int = 0) -> Create | Event | None:
    """What a message of that size wants: a question; or the event that it is answered with at once; or nothing.

    Raises:
      Problem: INVALID for a message that is none of those that there are.
    """
    kind = message.get("type")
    if kind == "response.create":
        generate = message.get("generate")
        if generate is not None and not isinstance(generate, bool):
            raise Problem(Kind.INVALID, "generate must be true or false", code="invalid_type", param="generate")
        options = message.get("prompt_cache_options")
        warm = generate is False or (isinstance(options, dict) and options.get("prewarm") is True)
        body = {name: value for name, value in message.items() if name not in _ENVELOPE}
        return Create({**body, "stream": True}, lane(message), warm, size)
    if kind == "response.steer":
        return _unsteered(message)
    if isinstance(kind, str) and kind in _UNANSWERED:
        return None
    if kind is None:
        raise Problem(Kind.INVALID, "a message needs a type", code="missing_required_parameter", param="type")
    shown = kind if isinstance(kind, str) and len(kind) <= 100 else type(kind).__name__
    known = " and ".join(f"'{name}'" for name in _KINDS)
    raise Problem(
        Kind.INVALID, f"Invalid value: '{shown}'. Supported values are: {known}.", code="invalid_value", param="type"
    )


def _unsteered(message: Json) -> Event:
    """``response.steer.failed``: an answer under way cannot be told more, for providers take nothing in while they speak.

    The input goes back, as the API promises, so that a client may send it with its next question.
    """
    previous, given = message.get("previous_response_id"), message.get("input")
    whole = isinstance(previous, str) and isinstance(given, str | list) and bool(given)
    error = {
        "type": "invalid_request_error",
        "code": "steering_not_supported" if whole else "invalid_input",
        "message": "rotom cannot steer a response; send the input with the next response.create"
        if whole
        else "response.steer needs a previous_response_id and an input",
    }
    steer = {"previous_response_id": previous if isinstance(previous, str) else "", "input": given}
    kind = "response.steer.failed"
    return Event(kind, data={"type": kind, "error": error, "steer": steer, "sequence_number": 0})


def too_many_lanes() -> Problem:
    """One more lane than there may be."""
    return Problem(
        Kind.INVALID,
        f"This WebSocket connection has reached its maximum number of distinct stream IDs ({MOST_LANES}). Reuse an "
        "existing stream_id or open a new WebSocket connection.",
        code="websocket_stream_limit_reached",
        param="stream_id",
    )


def error(problem: Problem) -> Event:
    """The message that a problem is told with. Headers that help are in the error for the SDK, beside it for Codex CLI."""
    given = dict(problem.told)
    if problem.retry_after is not None:
        given["retry-after"] = str(max(0, math.ceil(problem.retry_after)))
    told: Json = error_body(problem, "")["error"]
    data: Json = {"type": "error", "status": vendor_status(problem), "error": told}
    if given:
        told["headers"] = data["headers"] = given
    return Event("error", data=data)


def hints(body: Json, handshake: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that a POST would have had: those of the handshake, and those that Codex CLI 0.169 tells with each
    question in ``client_metadata``, as they may change (seen 2026-11)."""
    metadata = body.get("client_metadata")
    if not isinstance(metadata, dict):
        return handshake
    told = {name: metadata.get(name, metadata.get(_TOLD_WITH + name.replace("-", "_"))) for name in HINTS}
    good = {n: v for n, v in told.items() if isinstance(v, str) and v.isascii() and v.isprintable() and len(v) < 4096}
    return {**handshake, **good}


def of_codex(handshake: Mapping[str, str]) -> bool:
    """Whether the Codex CLI is at the other end, which knows events that are no part of the public API."""
    return "responses_websockets=" in handshake.get("openai-beta", "")


def notes(headers: Mapping[str, str]) -> list[Event]:
    """What the provider's own headers say, as events in which Codex CLI finds it where there are no headers."""
    if not headers:
        return []
    events = [Event(_NOTES, data={"type": _NOTES, "headers": dict(headers)})]
    windows = {name: window for name in ("primary", "secondary") if (window := _window(headers, name)) is not None}
    if windows:
        data = {"type": _LIMITS, "plan_type": headers.get("x-codex-plan-type"), "rate_limits": windows}
        events.append(Event(_LIMITS, data=data))
    return events


def _window(headers: Mapping[str, str], name: str) -> Json | None:
    try:
        return {
            "used_percent": float(headers[f"x-codex-{name}-used-percent"]),
            "window_minutes": int(headers[f"x-codex-{name}-window-minutes"]),
            "reset_at": int(headers[f"x-codex-{name}-reset-at"]),
        }
    except (KeyError, ValueError):
        return None


def warmed(model: str) -> list[Event]:
    """The events of an answer without anything in it, for what a client prepares; the provider is not asked."""
    response: Json = {
        "id": f"resp_{os.urandom(16).hex()}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
    }
    usage = {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
    done = {**response, "status": "completed", "completed_at": response["created_at"], "usage": usage}
    kinds = (("response.created", response), ("response.in_progress", response), ("response.completed", done))
    return [
        Event(kind, data={"type": kind, "response": value, "sequence_number": number})
        for number, (kind, value) in enumerate(kinds)
    ]


def messages(frames: Iterable[Event], lane: str | None) -> list[str]:
    """The frames as texts to send, with the name of their lane. What is no JSON object, as SSE's comments, is left out."""
    raws = [frame.raw.strip() for frame in frames if frame.type != ":"]
    raws = [raw for raw in raws if raw.startswith(b"{") and raw.endswith(b"}")]
    if lane is not None:
        suffix = b',"stream_id":"%b"}' % lane.encode()  # its letters need no escapes
        raws = [raw[:-1] + suffix if raw != b"{}" else raw for raw in raws]
    return [raw.decode() for raw in raws]
