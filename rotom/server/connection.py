"""One connection: the h11 loop.

Theory of operation: a connection is a byte stream and one `h11.Connection`; its requests are answered one after the other.
The loop waits for a head (idle time limit until the first byte, head time limit after it), makes an `Exchange`, lets the
application answer, and goes round as long as h11 says that both sides are done. What the client sends while an answer is
under way (a pipelined request) is read ahead by the exchange's watcher into h11's buffer and found there.

h11 is lenient in places where RFC 9112 is not, and where a proxy in front of us might read the bytes differently than we
do; `strictly` refuses those heads. Every refusal ends the connection, after a pause in which the client can read it
(`linger`: closing at once with unread bytes makes the kernel send a reset that may overtake the answer).

What is not here: what an exchange offers to handlers (exchange.py), and accepting (listen.py).
"""

from __future__ import annotations

import re
import secrets
from typing import Any

import h11
import trio

from rotom.problem import Kind, Problem
from rotom.server import App, Gone, Limits
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange, response_head

READ = 1 << 16
LINGER_SECONDS = 2.0
QUOTED = re.compile(r":? *(?:bytearray\()?b['\"].*", re.DOTALL)
"""What h11 quotes of the client's own bytes in its messages: it may be a key."""


def new_request_id() -> str:
    """An id that no other exchange has."""
    return "req_" + secrets.token_hex(12)


class Connection:
    """One client's connection.

    Arguments:
      stream: a `trio.abc.Stream`; a `rotom.wire.Wire` for real sockets, whose `send_nowait` is used where it exists.
      app: what answers.
      peer: the client's address, for the log.
      local: the address that the client reached, for the Host check.
    """

    def __init__(
        self, stream: trio.abc.Stream, app: App, limits: Limits, drain: Drain, peer: str = "", local: str = ""
    ) -> None:
        self.stream = stream
        self.app = app
        self.limits = limits
        self.drain = drain
        self.peer = peer
        self.local = local
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head)
        self._fresh = True
        self._send_nowait: Any = getattr(stream, "send_nowait", None)

    async def run(self, turned_away: Problem | None = None) -> None:
        """Serve the connection to its end, or answer `turned_away` without reading anything.

        It ends quietly, whatever the client does; what nobody expected ends this connection only.
        """
        try:
            try:
                if turned_away is not None:
                    await self._refuse(turned_away)
                else:
                    while await self._exchange():
                        pass
            except Gone:
                pass
            await self.linger()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except Exception as exc:
            self.app.bug(exc, new_request_id())
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await self.stream.aclose()

    async def receive(self) -> bytes:
        """What there is to read, at most 64 KiB, into h11's buffer; ``b""`` at the end.

        Raises:
          Gone: the connection is broken.
        """
        try:
            data = bytes(await self.stream.receive_some(READ))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise Gone("hung up") from exc
        self.h11.receive_data(data)
        return data

    async def send(self, data: bytes) -> None:
        """Send all of `data` within the send limit.

        Raises:
          Gone: the client hung up, or does not take what we send.
        """
        try:
            sent = self._send_nowait(data) if self._send_nowait else 0
            if sent < len(data):
                with trio.fail_after(self.limits.send_seconds):
                    await self.stream.send_all(data[sent:] if sent else data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise Gone("hung up") from exc
        except trio.TooSlowError as exc:
            raise Gone("does not take what is sent") from exc

    async def _exchange(self) -> bool:
        """One request and its answer. Returns whether there may be another one."""
        request: h11.Request | None = None
        try:
            if (request := await self._head()) is None:
                return False
            strictly(request, self.limits.head)
            exchange = Exchange(self, request, new_request_id())
        except h11.RemoteProtocolError as exc:
            await self._refuse(self._malformed(exc), request)
            return False
        except Problem as problem:
            await self._refuse(problem, request)
            return False
        try:
            await self.app.handle(exchange)
            if not exchange.complete and not exchange.gone:
                raise RuntimeError("the handler returned without an answer")
        except Gone:
            exchange.gone = True
        except Problem as problem:
            await self._problem(exchange, problem)
        except h11.RemoteProtocolError as exc:  # in the body: a bad chunk, an end before its length
            await self._problem(exchange, self._malformed(exc))
        except Exception as exc:
            self.app.bug(exc, exchange.id)
            exchange.log["bug"] = True
            await self._problem(exchange, internal_error(exchange.id))
        finally:
            self.app.done(exchange)
        if self.h11.our_state is h11.DONE and self.h11.their_state is h11.DONE:
            self.h11.start_next_cycle()
            return True
        return False

    async def _head(self) -> h11.Request | None:
        """The next request's head, or None when the client has no more."""
        begun = bool(self.h11.trailing_data[0])
        first, self._fresh = self._fresh, False
        with self.drain.interruptible(trio.current_time() + self.limits.keepalive_seconds, first=first) as idle:
            if begun:
                await trio.lowlevel.checkpoint()  # pipelined requests shall not starve the other connections
            else:
                begun = bool(await self.receive())
        if idle.cancelled_caught or not begun:
            return None
        with trio.move_on_after(self.limits.head_seconds):
            while True:
                try:
                    event = self.h11.next_event()
                except ValueError:  # h11 before 0.16, which Debian has, given a length of thousands of digits
                    raise h11.RemoteProtocolError("bad Content-Length") from None
                if isinstance(event, h11.Request):
                    return event
                if event is not h11.NEED_DATA:
                    return None  # the client closed between two requests
                await self.receive()
        raise Problem(Kind.SLOW_CLIENT, "the request's head did not arrive in time", code="request_timeout")

    async def _problem(self, exchange: Exchange, problem: Problem) -> None:
        """Answer with the problem if nothing was answered yet; else the answer stays cut, which clients notice."""
        if exchange.gone or exchange.started:
            exchange.log.setdefault("code", problem.code or problem.kind.name.lower())
            return
        exchange.log["code"] = problem.code or problem.kind.name.lower()
        refusal = self.app.refusal(exchange, problem, exchange.id)
        try:
            await exchange.answer(refusal.status, refusal.headers, refusal.body)
        except Gone:
            exchange.gone = True

    def _malformed(self, exc: h11.RemoteProtocolError) -> Problem:
        """What a client is told whose bytes are not HTTP/1.1, without its bytes."""
        if exc.error_status_hint == 431:
            return _too_large_head(self.limits.head)
        reason = QUOTED.sub("", str(exc)) or "it cannot be read"
        return Problem(Kind.INVALID, f"this is not HTTP/1.1: {reason}", code="malformed_request")

    async def _refuse(self, problem: Problem, request: h11.Request | None = None) -> None:
        """Answer what never became an exchange, and end the connection."""
        request_id = new_request_id()
        self.app.refused(problem, request_id, self.peer)
        if self.h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        refusal = self.app.refusal(None, problem, request_id)
        headers = [*refusal.headers, ("content-length", str(len(refusal.body)))]
        out = self.h11.send(response_head(refusal.status, headers, request_id, last=True))
        if request is None or request.method != b"HEAD":
            out += self.h11.send(h11.Data(data=refusal.body))
        await self.send(out)

    async def linger(self) -> None:
        """Say that nothing more comes and let the client read what was sent, for a while."""
        if self.h11.our_state is h11.IDLE or self.h11.their_state is h11.CLOSED:
            return
        if not isinstance(self.stream, trio.abc.HalfCloseableStream):
            return
        await self.stream.send_eof()
        with self.drain.interruptible(trio.current_time() + LINGER_SECONDS):
            while await self.stream.receive_some(READ):
                pass


def strictly(request: h11.Request, limit: int) -> None:
    """Refuse heads that h11 lets pass and RFC 9112 does not.

    Raises:
      Problem: with the status for it.
    """
    names = [name for name, _ in request.headers]
    if len(request.method) + len(request.target) + sum(len(n) + len(v) + 4 for n, v in request.headers) > limit:
        raise _too_large_head(limit)
    if not request.http_version.startswith(b"1."):
        raise Problem(Kind.INVALID, "this server speaks HTTP/1.1", code="malformed_request")
    if b"transfer-encoding" in names:
        if b"content-length" in names:
            raise Problem(
                Kind.INVALID, "a request has content-length or transfer-encoding, not both", code="malformed_request"
            )
        if request.http_version == b"1.0":
            raise Problem(Kind.INVALID, "HTTP/1.0 has no transfer-encoding", code="malformed_request")


def internal_error(request_id: str) -> Problem:
    """What a client is told of a bug."""
    return Problem(
        Kind.INTERNAL, f"rotom failed to handle this; its log tells more under {request_id}", code="internal_error"
    )


def _too_large_head(limit: int) -> Problem:
    return Problem(Kind.HEAD_TOO_LARGE, f"the request's head is longer than {limit} bytes", code="head_too_large")
