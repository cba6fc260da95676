"""HTTP/1.1 on Trio streams, by hand on h11. Knows nothing about models.

listen.py binds and accepts; connection.py runs the loop of one connection; exchange.py is what a handler sees of one
request and its answer, body.py reads its body, websocket.py makes a WebSocket of it; routing.py finds the handler; drain.py
is the polite end. What an error looks like to a client is the application's word: the server only asks for it
(`App.refusal`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rotom.problem import Problem

if TYPE_CHECKING:
    from rotom.server.exchange import Exchange

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a client may make us hold or wait for. Sizes in bytes, times in seconds.

    Fields:
      head: the longest request head.
      body: the longest body, after unpacking; a route may set its own.
      head_seconds: from the first byte of a head to its last.
      body_seconds: the patience with a body that does not arrive; each `BODY_RATE` bytes that do arrive buy a second more.
      keepalive_seconds: how long an idle connection is kept.
      send_seconds: how long a client may refuse to take what we send.
      connections: how many may be open at once; one more is answered 503.
    """

    head: int = 64 << 10
    body: int = 64 << 20
    head_seconds: float = 30
    body_seconds: float = 60
    keepalive_seconds: float = 300
    send_seconds: float = 120
    connections: int = 1024


class Gone(Exception):
    """The client is no longer there. Never leaves the server package."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer: what the application makes of a Problem for the client that asked for `path`."""

    status: int
    headers: Headers
    body: bytes


class App(Protocol):
    """What the server serves."""

    async def handle(self, exchange: Exchange) -> None:
        """Answer one exchange. A Problem that is raised before the answer began becomes `refusal`."""
        ...

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        """A Problem in the form that the client understands; there is no exchange when no head could be read."""
        ...

    def bug(self, exc: Exception, request_id: str) -> None:
        """An exception that nobody expected: log it. The client is told the id only."""
        ...

    def done(self, exchange: Exchange) -> None:
        """The exchange is over, well or not: write its log line."""
        ...

    def part(self, exchange: Exchange, facts: Mapping[str, Any]) -> None:
        """Part of a long exchange is over (a turn on a WebSocket): write a log line with these facts."""
        ...

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """A connection or a head was refused before there was an exchange: write a log line."""
        ...
