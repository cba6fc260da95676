"""Steps: what a scenario tells the simulator to do with one answer, one after the other.

A scenario is a generator of steps. It has no I/O and no clock of its own: the simulator performs each step before it asks
for the next one, so that a step which notes the time notes the time at which it is sent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from rotom.sse import Event, Json, dumps


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with a whole body instead of a stream. Only as the first step that sends something."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """Send the head of the stream alone. Without it the head goes out with the first events."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class At:
    """Do nothing until so many seconds after the first `At` of this answer: a pace that does not drift."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Do nothing until the client hangs up."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection in the middle of the answer."""


@dataclass(frozen=True, slots=True)
class Framed:
    """Bytes that hold HTTP chunks already: several chunks leave in one write. For measuring."""

    data: bytes


Step = Event | list[Event] | bytes | Reply | Open | Wait | At | Stall | Cut | Framed
"""An event or bytes are one write and one HTTP chunk; so is a list of events."""

Play = Iterator[Step]


def json_reply(status: int, value: Json, *headers: tuple[str, str]) -> Reply:
    """A JSON answer."""
    return Reply(status, dumps(value), (("content-type", "application/json"), *headers))


def detail(status: int, text: str) -> Reply:
    """A refusal in the first of the backend's two families: ``{"detail": text}``."""
    return json_reply(status, {"detail": text})


def error(
    status: int,
    message: str,
    code: str | None = None,
    param: str | None = None,
    type: str | None = "invalid_request_error",
    headers: tuple[tuple[str, str], ...] = (),
    **more: object,
) -> Reply:
    """A refusal in the second family: ``{"error": {...}}``."""
    return json_reply(
        status, {"error": {"message": message, "type": type, "param": param, "code": code, **more}}, *headers
    )


def unauthorized(code: str, message: str) -> Reply:
    """The backend's 401, which calls itself plain text (seen by others on 2026-09-28)."""
    body = dumps({"error": {"message": message, "type": None, "code": code, "param": None}, "status": 401})
    return Reply(
        401,
        body,
        (
            ("content-type", "text/plain; charset=utf-8"),
            ("x-openai-authorization-error", "401"),
            ("x-openai-ide-error-code", code),
            ("x-error-json", base64.b64encode(body).decode()),
        ),
    )


class Refused(Exception):
    """A request that the real backend would refuse; holds the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}: {reply.body[:200]!r}")
        self.reply = reply


@dataclass(slots=True)
class Received:
    """A request that came, for tests to look at.

    Fields:
      method, path, query, headers: of its head; `path` without the query.
      body: the JSON object or the form fields in it; None when it had neither.
      at: trio time of its arrival; ended_at: of the end of its answer; None while it goes on.
      gone: the client hung up before the answer was complete; `ended_at` says when that was seen.
      scenario: what was played, for questions to a model.
      status: of the answer.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float
    body: Json | None = None
    ended_at: float | None = None
    gone: bool = False
    scenario: str | None = None
    status: int | None = None
