"""One WebSocket to a provider, from its handshake to its end.

Theory of operation: a `Socket` is dialled like every other connection to a provider (proxy, TLS) and handed to
trio-websocket. Its life is one task: it opens the socket, takes what comes, answers and sends pings, and closes it when it
was idle for too long, or too old: before the provider would end it. Whoever asks on it reads from a channel of its own,
which is bounded: a slow reader slows the provider. What comes when nobody asked is dropped.

What is not here: the handshake itself (handshake.py), which turn gets which socket, and HTTP in its place (sockets.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider
from rotom.sse import Event, Json, dumps
from rotom.upstream.client import WRITE_SECONDS, Client, Limits
from rotom.upstream.handshake import HungUp, headers_of, shake
from rotom.upstream.increment import Memory
from rotom.upstream.stream import truncated
from rotom.upstream.transport import PIECE
from rotom.wire import Wire

IDLE_SECONDS = 300.0
OLD_SECONDS = 3300.0
"""The provider ends a socket after an hour; none is used for another turn when it is nearly that old."""
PING_SECONDS = 30.0
PONG_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
OFF_SECONDS = 60.0
"""How long it makes no sense to try again after a socket did not work."""
UNSUPPORTED_SECONDS = 600.0
"""And after the provider said that it has none (426)."""
MESSAGE = 64 << 20
"""The longest message, in characters: as the longest event of a stream."""
AHEAD = 64
"""Messages that may wait for a slow reader; then the connection is no longer read."""

_POLITE = (1000, 1001)
_TYPE = re.compile(r'\s*\{\s*"type"\s*:\s*"([a-z0-9_.]+)"')


class Lost(Exception):
    """A socket did not come to the first event of an answer.

    Arguments:
      why: for the log. off: how long it makes no sense to try again, in seconds.
    """

    def __init__(self, why: str, off: float = OFF_SECONDS) -> None:
        super().__init__(why)
        self.off = off


class Socket:
    """One WebSocket.

    Attributes:
      handshake: what opened it, and what may use it.
      headers: of the handshake's answer, for the first turn on it.
      memory: what the other end remembers, between two turns. last: the id of its last answer.
      busy: lent to a turn. over: of no use any more.
      opened_at, idle_since: trio times.
    """

    def __init__(self, handshake: Outgoing) -> None:
        self.handshake = handshake
        self.headers: dict[str, str] = {}
        self.memory: Memory | None = None
        self.last: str | None = None
        self.busy = True
        self.over = False
        self.opened_at = self.idle_since = 0.0
        self._heard = 0
        self._wire: Wire | None = None
        self._websocket: Any = None
        self._inbox: trio.MemorySendChannel[str | bytes] | None = None
        self._answer: trio.MemoryReceiveChannel[str | bytes] | None = None

    async def live(self, client: Client, limits: Limits, provider: Provider, started: Callable[[], None]) -> None:
        """Open it, keep it, close it. Calls `started` when it is open; what happens after that only ends it.

        Raises:
          Lost: it cannot be opened. Problem: the token is not accepted.
        """
        from trio_websocket import ConnectionClosed, ConnectionRejected

        try:
            self._wire = await client.dial(self.handshake.url, limits.connect)
        except Problem as problem:
            raise Lost(problem.message) from problem
        try:
            async with helpers() as nursery:
                self._websocket = websocket = await shake(nursery, self._wire, self.handshake, limits.connect, MESSAGE)
                self.headers = headers_of(websocket.handshake_headers)
                self.opened_at = self.idle_since = trio.current_time()
                nursery.start_soon(self._take)
                started()
                await self._stay()
                self.over = True
                with trio.move_on_after(FAREWELL_SECONDS):
                    await websocket.aclose()
        except ConnectionClosed:
            pass  # the provider closed it, or the network did; a turn on it is told by the end of its answer
        except ConnectionRejected as exc:
            raise _refused(exc.status_code, headers_of(exc.headers), exc.body or b"", provider) from None
        except HungUp:
            raise Lost("the provider hung up in the handshake") from None
        except (Lost, trio.Cancelled):
            raise
        except Exception as exc:
            if self._websocket is not None:
                raise
            if isinstance(exc, trio.TooSlowError):
                raise Lost(f"the provider did not answer the handshake within {limits.connect:g} seconds") from None
            raise Lost(f"the provider's answer to the handshake is not right ({type(exc).__name__})") from None
        finally:
            self.close()

    async def _take(self) -> None:
        """Hand on what comes. What comes when nobody asked (a late word, a notice before the end) is dropped."""
        while True:
            message = await self._websocket.get_message()
            self._heard += 1
            if self._inbox is not None:
                with suppress(trio.ClosedResourceError):
                    await self._inbox.send(message)

    async def _stay(self) -> None:
        """Return when it is time to close: idle for too long, too old, or the other end does not answer a ping."""
        while True:
            await trio.sleep(PING_SECONDS)
            if self.busy:  # a slow reader holds up pongs as well; silence in an answer has a limit of its own
                continue
            now = trio.current_time()
            if now - self.idle_since >= IDLE_SECONDS or now - self.opened_at >= OLD_SECONDS:
                return
            heard = self._heard
            with trio.move_on_after(PONG_SECONDS) as waiting:
                await self._websocket.ping()
            if waiting.cancelled_caught and heard == self._heard:
                return

    def usable(self, now: float) -> bool:
        """Whether a turn may take it."""
        return not self.busy and not self.over and now - self.opened_at < OLD_SECONDS

    async def ask(self, message: Json) -> None:
        """Send a question; `receive` gives the answer.

        Raises:
          Problem: it cannot be sent: ``connection_lost``.
        """
        from trio_websocket import ConnectionClosed

        text = dumps(message).decode()
        self._inbox, self._answer = trio.open_memory_channel[str | bytes](AHEAD)
        try:
            with trio.fail_after(WRITE_SECONDS * (1 + len(text) // PIECE)):
                await self._websocket.send_message(text)
        except (ConnectionClosed, trio.TooSlowError):
            raise _broken() from None

    async def receive(self) -> list[Event]:
        """The events that are there; waits for the first. May be cancelled and called again.

        Raises:
          Problem: ``connection_lost``, ``stream_truncated``, or what came is no event.
        """
        assert self._answer is not None
        try:
            messages = [await self._answer.receive()]
        except trio.EndOfChannel:
            reason = self._websocket.closed
            if reason is not None and reason.code in _POLITE:
                raise truncated() from None
            raise _broken() from None
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while len(messages) < AHEAD:
                messages.append(self._answer.receive_nowait())
        return [_event(message) for message in messages]

    def release(self, last: str | None, memory: Memory | None) -> None:
        """The turn is over, and well."""
        self._end()
        self.last, self.memory, self.headers = last, memory, {}
        self.busy, self.idle_since = False, trio.current_time()

    def close(self) -> None:
        """Close it at once."""
        self.over = True
        self._end()
        if self._wire is not None:
            self._wire.close()

    def _end(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
        self._inbox = None


def _refused(status: int, headers: dict[str, str], body: bytes, provider: Provider) -> Exception:
    if status == 401:
        return provider.refusal(status, headers, body)
    if status == 426:
        return Lost("the provider has none for this account (426)", UNSUPPORTED_SECONDS)
    return Lost(f"the provider refused it ({status})")


def _broken() -> Problem:
    return Problem(
        Kind.UPSTREAM,
        "the connection to the provider failed: the WebSocket closed in the middle of the answer",
        code="connection_lost",
    )


def _event(message: str | bytes) -> Event:
    """A message as an event: its JSON says the type."""
    if isinstance(message, bytes):
        raise Problem(Kind.UPSTREAM, "the provider sent a binary message, where JSON should be", code="not_a_stream")
    raw = message.encode().replace(b"\r", b" ")  # white space there, and the end of a line in an event stream
    if found := _TYPE.match(message):
        return Event(found[1], raw)
    event = Event("message", raw)
    named = event.data.get("type")
    if isinstance(named, str) and named.isascii() and named.isprintable():
        event.type = named
    return event
