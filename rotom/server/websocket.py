"""WebSocket: an exchange that goes on as messages in both directions, on the connection it came on.

Theory of operation: the request was read by h11 and has passed the guard like any other; it becomes a WebSocket only now.
trio-websocket wants to read the head itself, so it is given a stream that begins with a head again, made of the one fact
that it needs. Everything that could make it wait for ever or refuse in words of its own is checked before: an incomplete
handshake is answered here, as a Problem.

A `Socket` sends several messages in one write (`_Line.held`), under the connection's send limit, and is iterated for what
the client says, up to its end. What is sent after that end is dropped: whoever iterates is told, and nobody else need
care. An interrupted write leaves half a frame behind, after which nothing may follow: the line is torn.

trio-websocket keeps one message beyond the one that is being taken. As long as somebody takes them, pings are answered
and a hang-up is seen; so whoever handles a socket goes on iterating it while it works.

What is not here: what the messages mean (routes/websocket.py). Extensions (compression) and subprotocols are declined.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import h11
import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.server import Gone, Headers
from rotom.server.exchange import Exchange, usual_headers

if TYPE_CHECKING:
    from rotom.server.connection import Connection

READ = 1 << 16
"""A message of 16 MB takes 0.14 s with it and 0.23 s with the library's own 4 KiB (measured 2026-11)."""

FAREWELL_SECONDS = 1.0
"""How long a client may take to answer a close frame."""

_VERSION = "13"


def wanted(exchange: Exchange) -> bool:
    """Whether the request asks for a WebSocket, in whatever state its handshake is."""
    headers = exchange.headers
    return "upgrade" in _tokens(headers.get("connection", "")) and "websocket" in _tokens(headers.get("upgrade", ""))


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}


def _key(exchange: Exchange) -> str:
    """The handshake's key, once everything else about the handshake is right.

    Raises:
      Problem: INVALID or UPGRADE_REQUIRED.
    """
    headers = exchange.headers
    if exchange.method != "GET" or exchange.http_version != "1.1":
        raise _bad("a WebSocket begins with GET and HTTP/1.1")
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise _bad("a request for a WebSocket has no body")
    if headers.get("sec-websocket-version") != _VERSION:
        exchange.extra_headers.append(("sec-websocket-version", _VERSION))
        raise Problem(
            Kind.UPGRADE_REQUIRED, f"only version {_VERSION} of WebSocket is spoken here", code="websocket_version"
        )
    key = headers.get("sec-websocket-key", "")
    try:
        right = len(base64.b64decode(key.encode("latin-1"), validate=True)) == 16
    except binascii.Error:
        right = False
    if not right:
        raise _bad("sec-websocket-key is missing or is not 16 bytes in base64")
    return key


def _bad(message: str) -> Problem:
    return Problem(Kind.INVALID, message, code="websocket_handshake")


class _Line(trio.abc.Stream):
    """The connection as a stream for trio-websocket: a head first, and the connection's own limits.

    Attributes:
      held: what is sent waits for the next write, to go out with it.
    """

    def __init__(self, connection: Connection, head: bytes) -> None:
        self._connection = connection
        self._head = head
        self._waiting = b""
        self._torn = False
        self.held = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return bytes(await self._connection.stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._waiting += bytes(data)
        if self.held:
            return
        if self._torn:
            raise trio.BrokenResourceError
        out, self._waiting, self._torn = self._waiting, b"", True
        try:
            await self._connection.send(out)
        except Gone as exc:
            raise trio.BrokenResourceError from exc
        self._torn = False

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Nothing: the connection ends itself when its handler has returned."""


class Socket:
    """An open WebSocket. Iterate it for what the client sends, text as str and binary as bytes, up to its end.

    Attributes:
      code: with what the socket will be closed when its block is left; 1000, unless somebody knows better.
      reason: words that go with it, at most 123 bytes.
      draining: an awaitable event, as it were: ``await socket.draining()`` returns when the server is to end.
    """

    def __init__(self, websocket: Any, line: _Line, connection: Connection) -> None:
        from trio_websocket import ConnectionClosed

        self._websocket = websocket
        self._line = line
        self._lock = trio.Lock()
        self._closed = ConnectionClosed
        self.draining = connection.drain.wait
        self.code = 1000
        self.reason = ""

    def __aiter__(self) -> Socket:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            message: str | bytes = await self._websocket.get_message()
        except self._closed:
            raise StopAsyncIteration from None
        return message

    async def send(self, *messages: str) -> None:
        """Send these messages, in one write. Nothing happens when the client is gone."""
        if not messages:
            return
        async with self._lock:
            with suppress(self._closed):
                try:
                    self._line.held = True
                    for message in messages[:-1]:
                        await self._websocket.send_message(message)
                finally:
                    self._line.held = False
                await self._websocket.send_message(messages[-1])

    async def beat(self) -> None:
        """Send a sign of life (an unsolicited pong, RFC 6455 5.5.3), so that nothing between us and the client gives up."""
        async with self._lock:
            with suppress(self._closed):
                await self._websocket.pong()


@asynccontextmanager
async def websocket(exchange: Exchange, headers: Headers = ()) -> AsyncIterator[Socket]:
    """Turn the exchange into a WebSocket for as long as the block lasts, and close it in an orderly way after it.

    Arguments:
      headers: what the 101 answer shall carry beside the usual.

    Raises:
      Problem: INVALID or UPGRADE_REQUIRED when the handshake is not right; then nothing was sent.
    Cancellation: at any moment; the client is told 1001 (going away).
    """
    key = _key(exchange)
    connection = exchange.switch()
    from trio_websocket import wrap_server_stream  # 2.6 MiB that nobody needs before the first WebSocket

    usual = usual_headers([*headers, *exchange.extra_headers], exchange.id)
    async with helpers() as nursery:
        proposal = await wrap_server_stream(
            nursery,
            line := _Line(connection, _head(key)),
            max_message_size=connection.limits.body,
            receive_buffer_size=READ,
        )
        socket = Socket(await proposal.accept(extra_headers=usual), line, connection)
        seconds = FAREWELL_SECONDS
        try:
            yield socket
        except trio.Cancelled:
            # What reads for the client is cancelled too, so that its own close frame would never be seen.
            socket.code, seconds = 1001, 0.0
            raise
        except BaseException:
            socket.code = 1011
            raise
        finally:
            line.held = False
            with trio.CancelScope(shield=True), trio.move_on_after(max(seconds, 0.1)):
                await socket._websocket.aclose(socket.code, socket.reason or None)


def _head(key: str) -> bytes:
    """A request as trio-websocket wants to read it."""
    upgrade = [("upgrade", "websocket"), ("connection", "upgrade")]
    facts = [("host", "rotom"), ("sec-websocket-version", _VERSION), ("sec-websocket-key", key)]
    return h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target="/", headers=[*facts, *upgrade])) or b""
