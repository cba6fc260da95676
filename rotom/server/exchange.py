"""One exchange: a request and its answer, as a handler sees them.

Theory of operation: the answer has one of two shapes. `answer` sends head and body whole. Or `start` notes the head of a
stream, `send` sends some of it (the head goes out with the first piece, so that until then an error can still have its own
status) and `finish` ends it. `attended` is the block in which a handler waits for somebody else (a provider): it has one
helper task that reads ahead, so that a hang-up is seen at once and cancels the block, and that sends a pulse whenever
nothing was sent for a while. The helper and the handler share the sending side under one lock; every state change is made
before the first await, so that a cancelled send leaves a connection that is known to be broken.

A hang-up has one form inside the block: cancellation. Afterwards `gone` says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import h11
import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.server import Gone, Headers
from rotom.server.body import body_parts
from rotom.sse import dumps

if TYPE_CHECKING:
    from rotom.server.connection import Connection

REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
READ_AHEAD = 1 << 16
ABSOLUTE = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)


class Exchange:
    """One request and its answer.

    Attributes:
      method, target, path, query, http_version: of the request line; `path` is as sent, not decoded.
      headers: lower-case names; repeated ones joined with a comma.
      params: what the route's pattern matched.
      id: the request id, sent as ``x-request-id``.
      peer, local: the client's address and the one it reached.
      extra_headers: response headers that every answer of this exchange carries.
      body_limit: the route's own limit on the body; None: the server's.
      log: what the log line shall tell beside the obvious.
      status: of the answer, once it is decided.
      started: something of the answer was sent. complete: all of it was. gone: the client hung up before that.
      begun_at, first_at: trio times of the request and of the first byte of the answer.
    """

    def __init__(self, connection: Connection, request: h11.Request, request_id: str) -> None:
        self._connection = connection
        self.id = request_id
        self.method = request.method.decode("ascii", "replace")
        headers: dict[str, str] = {}
        for raw_name, raw_value in request.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.http_version = request.http_version.decode("ascii", "replace")
        self.target, host = origin_form(request.target.decode("ascii", "replace"), self.method)
        if host is not None:
            headers["host"] = host
        self.headers: Mapping[str, str] = headers
        self.path, _, self._query = self.target.partition("?")
        self.params: dict[str, str] = {}
        self.peer = connection.peer
        self.local = connection.local
        self.extra_headers: list[tuple[str, str]] = []
        self.body_limit: int | None = None
        self.log: dict[str, Any] = {}
        self.status: int | None = None
        self.started = False
        self.complete = False
        self.gone = False
        self.begun_at = trio.current_time()
        self.first_at: float | None = None
        self._head: h11.Response | None = None
        self._bodiless = False
        self._lock = trio.Lock()
        self._scope: trio.CancelScope | None = None
        self._speak_at = float("inf")
        self._every = float("inf")

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one the last."""
        return dict(parse_qsl(self._query, keep_blank_values=True))

    async def body(self) -> bytes:
        """The whole body, unpacked when it came with gzip. Packed or not, it may have `body_limit` bytes.

        To be read before the answer is decided: a body that nobody wanted by then is dropped.

        Raises:
          Problem: TOO_LARGE, SLOW_CLIENT, MEDIA_TYPE for another content-encoding, INVALID for broken gzip.
          Gone: the client hung up.
        """
        whole = bytearray()  # not a list: a body may come in single bytes
        async for part in self.parts():
            whole += part
        return bytes(whole)

    def parts(self) -> AsyncGenerator[bytes, None]:
        """The same piece by piece, for a body that is not to be held in memory. To be iterated to its end or closed."""
        limit = self._connection.limits.body if self.body_limit is None else self.body_limit
        return body_parts(self._connection, self.headers, limit)

    async def answer(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Send the whole answer.

        Raises:
          Gone: the client hung up.
        """
        self._decide(status, headers if status == 204 else [*headers, ("content-length", str(len(body)))])
        await self.send(body)
        await self.finish()

    async def json(self, status: int, value: object, headers: Headers = ()) -> None:
        """Send `value` as the whole answer."""
        await self.answer(status, [("content-type", "application/json"), *headers], dumps(value))

    def start(self, status: int, headers: Headers = ()) -> None:
        """Note the head of a streamed answer; it is sent with the first piece."""
        self._decide(status, headers)

    def _decide(self, status: int, headers: Headers) -> None:
        if self.started:
            raise RuntimeError("the answer has begun already")
        last = not self._read_up() or self._connection.drain.begun
        self._head = response_head(status, [*headers, *self.extra_headers], self.id, last)
        self._bodiless = self.method == "HEAD" or status in (204, 304)
        self.status = status

    def _read_up(self) -> bool:
        """Whether the request is here to its end, so that another may follow. A body that nobody wanted is dropped."""
        conn = self._connection.h11
        try:
            while conn.their_state is h11.SEND_BODY:
                if conn.next_event() is h11.NEED_DATA:
                    return False
        except h11.RemoteProtocolError:
            return False
        return conn.their_state is not h11.ERROR

    def switch(self) -> Connection:
        """Hand the connection over to another protocol. This exchange counts as answered, and nothing follows it.

        The request must have asked for it, with an ``upgrade`` header, and have no body.

        Raises:
          Problem: INVALID when bytes of that protocol are here already, before the client could know that it is spoken.
        """
        conn = self._connection.h11
        if not self._read_up() or conn.trailing_data[0]:
            raise Problem(
                Kind.INVALID, "the client went on before its connection was upgraded", code="malformed_request"
            )
        conn.send(h11.InformationalResponse(status_code=101, headers=[]))  # whoever takes over sends its own
        self.status, self.started, self.complete = 101, True, True
        self.first_at = trio.current_time()
        return self._connection

    async def send(self, data: bytes) -> None:
        """Send some of the answer.

        Raises:
          Gone: the client hung up (outside of `attended`, where it is a cancellation instead).
        """
        await self._own_sending()
        try:
            await self._send(data)
        finally:
            self._lock.release()

    async def _own_sending(self) -> None:
        try:
            self._lock.acquire_nowait()  # an eighth of what `async with` costs
        except trio.WouldBlock:
            await self._lock.acquire()

    async def _send(self, data: bytes) -> None:
        if self.gone:
            raise Gone("hung up before")
        conn = self._connection.h11
        out = b""
        if not self.started:
            if self._head is None:
                raise RuntimeError("nothing was decided yet")
            self.started = True
            self.first_at = trio.current_time()
            out = conn.send(self._head)
        if data and not self._bodiless:
            out += conn.send(h11.Data(data=data))
        try:
            await self._connection.send(out)
        except Gone:
            self._lost()
            if self._scope is None:
                raise
            await trio.lowlevel.checkpoint()  # the scope is cancelled: this raises
        except BaseException:
            conn.send_failed()
            raise
        self._speak_at = trio.current_time() + self._every

    async def finish(self) -> None:
        """End the answer. A client that hangs up from now on had it all, and nobody is told.

        Raises:
          Gone: the client hung up before.
        """
        if self.complete:
            return
        if not self.started:
            await self.send(b"")
        await self._own_sending()
        try:
            if self.gone:  # since the last piece was sent: nothing had to be waited for, and so nothing was cancelled
                raise Gone("hung up before")
            self.complete = True
            self._speak_at = float("inf")
            if data := self._connection.h11.send(h11.EndOfMessage()):
                await self._connection.send(data)
        except Gone:
            if not self.complete:
                raise
            self._lost()
        except BaseException:
            self._connection.h11.send_failed()
            raise
        finally:
            self._lock.release()

    def _lost(self) -> None:
        """The client hung up, or takes nothing: whoever works for it may stop."""
        self._connection.h11.send_failed()
        if not self.complete:
            self.gone = True
            if self._scope is not None:
                self._scope.cancel()

    def part(self, facts: Mapping[str, Any]) -> None:
        """Something within a long exchange is over, a turn on a WebSocket: its own log line, with these facts."""
        self._connection.app.part(self, facts)

    @asynccontextmanager
    async def attended(
        self, pulse: Callable[[], bytes] | None = None, every: float = float("inf")
    ) -> AsyncIterator[None]:
        """Cancel the block as soon as the client hangs up; call for a pulse after each `every` seconds of silence.

        The request's body must have been read. After the block, look at `gone`. A block that is left by an exception
        raises that exception.
        """
        self._every = every
        self._speak_at = trio.current_time() + every
        async with helpers() as nursery:
            self._scope = nursery.cancel_scope
            nursery.start_soon(self._attend, pulse)
            try:
                yield
                async with self._lock:  # never cut a pulse in two
                    nursery.cancel_scope.cancel()
            finally:
                self._scope = None

    async def _attend(self, pulse: Callable[[], bytes] | None) -> None:
        """The watcher is the ticker: reading ahead from the client, up to the moment when it is time to speak."""
        stream, conn, left = self._connection.stream, self._connection.h11, READ_AHEAD
        try:
            while True:
                with trio.CancelScope(deadline=self._speak_at if pulse else float("inf")):
                    if left <= 0:  # enough pipelined bytes are held: stop reading
                        await trio.sleep_forever()
                    data = bytes(await stream.receive_some(left))
                    conn.receive_data(data)
                    left -= len(data)
                    if not data:
                        break
                    continue
                if pulse is None:
                    continue
                async with self._lock:
                    if trio.current_time() >= self._speak_at:  # else a frame went out meanwhile
                        await self._send(pulse())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self._lost()


def origin_form(target: str, method: str) -> tuple[str, str | None]:
    """The request target as path and query, and the Host that it names itself, which then counts.

    Raises:
      Problem: INVALID for a target that only proxies take.
    """
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return target, None
    if whole := ABSOLUTE.fullmatch(target):
        host, rest = whole.groups()
        return rest if rest.startswith("/") else f"/{rest}", host
    raise Problem(Kind.INVALID, "the request's target is not a path", code="malformed_request")


@lru_cache(1)
def _date(now: int) -> bytes:
    """The date header: the same for every answer of a second."""
    return formatdate(now, usegmt=True).encode("ascii")


def response_head(status: int, headers: Headers, request_id: str, last: bool) -> h11.Response:
    """The head of an answer, with what every answer carries. `last`: the connection ends with it, as `headers` may say."""
    close = ("connection", "close")
    if last and close not in headers:
        headers = [*headers, close]
    return h11.Response(status_code=status, reason=REASONS.get(status, b""), headers=usual_headers(headers, request_id))


def usual_headers(headers: Headers, request_id: str) -> list[tuple[bytes, bytes]]:
    """`headers` and what every answer carries."""
    return [
        *((name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers),
        (b"date", _date(int(time.time()))),
        (b"x-request-id", request_id.encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
