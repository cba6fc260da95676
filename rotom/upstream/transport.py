"""The transport under the httpx client: HTTP/1.1 by h11 on wires.

Why not httpx's own: it hands over one item for each HTTP chunk, where we want one for each read of the socket, so that
everything one read brought is translated in one go and leaves in one send; and its connection pool is scanned at every
start and end of a request.

Theory of operation: a connection belongs either to one exchange or to the idle ones of its origin. The most recently
used idle one is taken first (the likeliest to be alive, and the others can grow old). It is looked at before: anything
but silence on it means that the provider has closed it. When it dies all the same before one byte of an answer came, the
request is repeated once, on a new connection. An exchange that ends in any other way than whole, cancellation included,
closes its connection: that is how a provider learns that nobody listens any more.

A `Body` is an iterator and not a generator, so that a cancelled ``__anext__`` may simply be called again. httpx's own
iterators around it end silently after a cancellation (tried with httpx 0.28): whoever needs that takes
``response.extensions["body"]``.

What is not here: redirects, cookies, HTTP/2, and time limits other than those in ``request.extensions["timeout"]``:
connect, write (for each piece of the body), read (the head of the answer) and idle (each read of its body; read's when
absent; None: none).
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import h11
import httpx
import trio

from rotom.problem import Kind, Problem
from rotom.upstream.proxies import Proxies, loopback, tunnel
from rotom.wire import Wire

Origin = tuple[str, str, int]

MAX_HEAD = 1 << 18
MAX_IDLE = 32
"""Idle connections kept for one origin."""
MAX_IDLE_SECONDS = 60.0
PIECE = 1 << 18
"""What is sent under one write limit, so that a slow uplink is told apart from a dead one."""


@dataclass(slots=True)
class Link:
    """A connection with the state of HTTP on it, and since when it is idle."""

    wire: Wire
    conn: h11.Connection
    idle_since: float = 0.0


class Stale(Exception):
    """The connection closed before the first byte of an answer."""


class Body(httpx.AsyncByteStream):
    """The body of an answer: one item for each read of the socket. `__anext__` may be cancelled and called again."""

    def __init__(self, link: Link, seconds: float | None, keep: Callable[[Link], None]) -> None:
        self._link: Link | None = link
        self._seconds = seconds
        self._keep = keep
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        link = self._link
        while not self._ended and link is not None:
            if data := self._parsed(link.conn):
                return data
            if self._ended:
                break
            try:
                if self._seconds is None:
                    received = await link.wire.receive_some()
                else:
                    with trio.fail_after(self._seconds):
                        received = await link.wire.receive_some()
            except trio.TooSlowError:
                raise httpx.ReadTimeout(f"the provider was silent for {self._seconds:g} seconds") from None
            except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
                raise httpx.ReadError(f"the connection broke in the middle of the answer: {exc}") from exc
            link.conn.receive_data(received)
        raise StopAsyncIteration

    def _parsed(self, conn: h11.Connection) -> bytes:
        # All the data that is there already.
        parts = []
        try:
            while isinstance(event := conn.next_event(), h11.Data):
                parts.append(event.data)
        except h11.RemoteProtocolError as exc:
            if parts:  # what came whole goes first; h11 says the same again at the next call
                return b"".join(parts)
            raise httpx.RemoteProtocolError(f"the answer ended in the middle: {exc}") from exc
        if event is not h11.NEED_DATA:
            self._ended = True
        return b"".join(parts)

    async def drain(self, seconds: float) -> None:
        """Give the end of an answer whose content is known to be over a moment to arrive: then the connection is kept."""
        with trio.move_on_after(seconds):
            async for _ in self:
                pass

    async def aclose(self) -> None:
        """Done with it: the connection goes back when the answer was read to its end, else it is closed."""
        link, self._link = self._link, None
        if link is None:
            return
        conn = link.conn
        if conn.our_state is h11.DONE and conn.their_state is h11.DONE and not conn.trailing_data[0]:
            conn.start_next_cycle()
            self._keep(link)
        else:
            link.wire.close()


class Transport(httpx.AsyncBaseTransport):
    """Connections to providers.

    Arguments:
      context: makes the TLS context; called once, at the first TLS connection (it takes 20 ms).
      proxies: the environment's proxy.
    """

    def __init__(self, context: Callable[[], ssl.SSLContext], proxies: Proxies) -> None:
        self._make_context = context
        self._context: ssl.SSLContext | None = None
        self._proxies = proxies
        self._idle: dict[Origin, deque[Link]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; return when the head of the answer is there."""
        origin = _origin(request.url)
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        body = request.content if isinstance(request.stream, httpx.ByteStream) else await request.aread()
        link = self._take(origin)
        if link is not None:
            try:
                return await self._exchange(origin, link, request, body, limits)
            except Stale:
                pass
        wire = await self.dial(request.url, limits.get("connect"))
        link = Link(wire, h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD))
        try:
            return await self._exchange(origin, link, request, body, limits)
        except Stale:
            raise httpx.RemoteProtocolError("the provider closed the connection without an answer") from None

    async def dial(self, url: httpx.URL, seconds: float | None) -> Wire:
        """A new connection to the origin of `url`, through its proxy and with TLS, within so many seconds.

        Raises:
          httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError; Problem: for an origin that is not spoken to.
        """
        scheme, host, port = _origin(url)
        proxy = self._proxies.choose(host, port) if scheme == "https" else None
        by = f" through the proxy {proxy.host}" if proxy else ""
        try:
            with trio.fail_after(inf if seconds is None else seconds):
                wire = await Wire.open(*((proxy.host, proxy.port) if proxy else (host, port)), timeout=inf)
                try:
                    if proxy is not None:
                        await tunnel(wire, host, port, proxy)
                    if scheme == "https":
                        await wire.start_tls(self._tls(), host)
                except BaseException:
                    wire.close()
                    raise
        except trio.TooSlowError:
            raise httpx.ConnectTimeout(f"no connection to {host}{by} within {seconds:g} seconds") from None
        except ssl.SSLCertVerificationError as exc:
            raise httpx.ConnectError(f"the certificate of {host} is not trusted: {exc.verify_message}") from exc
        except (OSError, trio.BrokenResourceError) as exc:
            raise httpx.ConnectError(f"no connection to {host}{by}: {_reason(exc)}") from exc
        return wire

    async def aclose(self) -> None:
        """Close the idle connections; those in an exchange close with it."""
        self._closed = True
        for links in self._idle.values():
            for link in links:
                link.wire.close()
        self._idle.clear()

    def _take(self, origin: Origin) -> Link | None:
        self._prune()
        links = self._idle.get(origin, ())
        while links:
            link = links.pop()
            if link.wire.idle():
                return link
            link.wire.close()
        return None

    def _put(self, origin: Origin, link: Link) -> None:
        if self._closed:
            link.wire.close()
            return
        link.idle_since = trio.current_time()
        links = self._idle.setdefault(origin, deque())
        links.append(link)
        if len(links) > MAX_IDLE:
            links.popleft().wire.close()
        self._prune()

    def _prune(self) -> None:
        # The oldest lie at the left.
        oldest = trio.current_time() - MAX_IDLE_SECONDS
        for links in self._idle.values():
            while links and links[0].idle_since < oldest:
                links.popleft().wire.close()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._make_context()
        return self._context

    async def _exchange(
        self, origin: Origin, link: Link, request: httpx.Request, body: bytes, limits: dict[str, float | None]
    ) -> httpx.Response:
        try:
            await self._send(link, request, body, limits.get("write"))
            head = await self._receive_head(link, limits.get("read"))
        except BaseException:  # cancellation too: in the middle of an exchange a connection is of no more use
            link.wire.close()
            raise
        stream = Body(link, limits.get("idle", limits.get("read")), lambda link: self._put(origin, link))
        extensions: dict[str, Any] = {"http_version": b"HTTP/1.1", "body": stream}
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=stream, extensions=extensions)

    async def _send(self, link: Link, request: httpx.Request, body: bytes, seconds: float | None) -> None:
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"transfer-encoding"]
        conn = link.conn
        try:
            start = h11.Request(method=request.method, target=request.url.raw_path, headers=headers)
            data = conn.send(start) or b""
            data += (conn.send(h11.Data(data=body)) or b"") if body else b""
            data += conn.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError:  # what h11 says of it may quote a token
            raise httpx.LocalProtocolError("the request holds characters that HTTP does not allow in a head") from None
        try:
            with memoryview(data) as view:
                at = link.wire.send_nowait(view[:PIECE])  # nearly always all of it, and no limit of time is needed
                while at < len(view):
                    with trio.fail_after(inf if seconds is None else seconds):
                        await link.wire.send_all(view[at : at + PIECE])
                    at += PIECE
        except trio.TooSlowError:
            raise httpx.WriteTimeout(f"the provider took nothing for {seconds:g} seconds") from None
        except trio.BrokenResourceError:
            pass  # closed on us; an early answer (413, say) may still wait to be read

    async def _receive_head(self, link: Link, seconds: float | None) -> h11.Response:
        heard = False
        try:
            with trio.fail_after(inf if seconds is None else seconds):
                while True:
                    event = link.conn.next_event()
                    if isinstance(event, h11.Response):
                        return event
                    if event is h11.NEED_DATA:
                        data = await link.wire.receive_some()
                        if not data and not heard:
                            raise Stale
                        heard = True
                        link.conn.receive_data(data)
                    elif not isinstance(event, h11.InformationalResponse):
                        raise httpx.RemoteProtocolError("the provider closed the connection without an answer")
        except trio.TooSlowError:
            raise httpx.ReadTimeout(f"the provider did not begin its answer within {seconds:g} seconds") from None
        except h11.RemoteProtocolError as exc:
            raise httpx.RemoteProtocolError(f"the provider's answer is not HTTP: {exc}") from exc
        except trio.BrokenResourceError as exc:
            if not heard:
                raise Stale from exc
            raise httpx.ReadError(f"the connection broke in the head of the answer: {exc}") from exc


def _origin(url: httpx.URL) -> Origin:
    scheme, host = url.scheme, url.host
    if scheme == "https":
        return scheme, host, url.port or 443
    if scheme == "http" and loopback(host):
        return scheme, host, url.port or 80
    raise Problem(
        Kind.INVALID,
        f"{scheme}://{host} is not spoken to: providers are reached over https (http only on this machine)",
    )


def _reason(exc: BaseException) -> str:
    # Happy eyeballs wraps the reasons of all addresses in a group under a summary; the first one says most.
    cause = exc.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return str(cause or exc) or type(exc).__name__
