"""duplex: a WebSocket to a provider that is somebody's for as long as it lasts, messages both ways.

Theory of operation: dialled like every other connection to a provider (proxy, TLS) and handed to trio-websocket, which
costs 2 MiB and is imported when the first one is opened. What comes waits in nobody's queue: trio-websocket holds one
message back, so a slow reader slows the provider. It would wait for ever for a provider that hangs up inside the
handshake (seen in 0.12), so its stream is ours until the socket is open.

What is not here: turns on a WebSocket, which are lent to one after the other, and what the messages mean.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any
from urllib.parse import urlsplit

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider
from rotom.upstream.client import WRITE_SECONDS, Client, Limits
from rotom.wire import Wire

FAREWELL_SECONDS = 1.0
MESSAGE = 16 << 20
"""The longest message."""
READ = 1 << 16


class Duplex:
    """An open WebSocket. Iterate it for what the provider sends, text as str and binary as bytes, up to its end.

    Attributes:
      code: with what the provider closed it; None: it did not, or the connection broke.
    """

    def __init__(self, websocket: Any) -> None:
        from trio_websocket import ConnectionClosed

        self._websocket = websocket
        self._closed = ConnectionClosed
        self.code: int | None = None

    def __aiter__(self) -> Duplex:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            message: str | bytes = await self._websocket.get_message()
        except self._closed as exc:
            self.code = exc.reason.code if exc.reason is not None else None
            raise StopAsyncIteration from None
        return message

    async def send(self, message: str) -> None:
        """Send this message. Nothing happens when the provider is gone: whoever iterates is told.

        Raises:
          Problem: TIMEOUT when it takes nothing.
        """
        with trio.move_on_after(WRITE_SECONDS) as patience:
            try:
                await self._websocket.send_message(message)
            except self._closed:
                return
        if patience.cancelled_caught:
            raise Problem(Kind.TIMEOUT, "the provider does not take what is sent", code="timeout", retry=False)


@asynccontextmanager
async def duplex(client: Client, provider: Provider, outgoing: Outgoing, limits: Limits) -> AsyncIterator[Duplex]:
    """Open a WebSocket for a block; leaving it closes it.

    Arguments:
      outgoing: the handshake: its address, with http or https, and the headers that are not the handshake's own.

    Raises:
      Problem: what the provider's refusal means, or the network's failure.
    """
    from trio_websocket import ConnectionRejected

    wire = await client.dial(outgoing.url, limits.connect)
    line = _UntilOpen(wire)
    try:
        async with helpers() as nursery:
            websocket = await _open(nursery, line, outgoing, limits.first_byte)
            line.open = True
            try:
                yield Duplex(websocket)
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(FAREWELL_SECONDS):
                    await websocket.aclose()
    except ConnectionRejected as exc:
        if exc.status_code < 400:
            raise _no_websocket() from None
        raise provider.refusal(exc.status_code, _headers(exc.headers), exc.body or b"") from None
    except _HungUp:
        message = "the connection to the provider failed: it hung up in the WebSocket handshake"
        raise Problem(Kind.UPSTREAM, message, code="connection_lost") from None
    except Problem:
        raise
    except Exception as exc:
        if line.open:
            raise
        raise _no_websocket() from exc
    finally:
        wire.close()


class _HungUp(Exception):
    """The provider hung up in the handshake."""


class _UntilOpen(trio.abc.Stream):
    """A wire whose end inside the handshake is an error."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.open = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        try:
            data = await self._wire.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            if self.open:
                raise
            data = b""
        if not data and not self.open:
            raise _HungUp
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._wire.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._wire.aclose()


async def _open(nursery: trio.Nursery, line: Any, outgoing: Outgoing, seconds: float | None) -> Any:
    """The handshake. What the provider refuses comes out of the nursery."""
    from trio_websocket import wrap_client_stream

    parts = urlsplit(outgoing.url)
    try:
        with trio.fail_after(inf if seconds is None else seconds):
            return await wrap_client_stream(
                nursery,
                line,
                parts.netloc,
                f"{parts.path}?{parts.query}" if parts.query else parts.path,
                extra_headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in outgoing.headers],
                max_message_size=MESSAGE,
                receive_buffer_size=READ,
            )
    except trio.TooSlowError:
        message = f"the provider did not answer the handshake within {seconds:g} seconds"
        raise Problem(Kind.TIMEOUT, message, code="timeout", retry=False) from None


def _no_websocket() -> Problem:
    return Problem(
        Kind.UPSTREAM,
        "the provider's answer to the WebSocket handshake is not right: something between here and there answers in its "
        "place (a proxy, or a sign-in page of the network)",
        code="not_a_websocket",
        retry=False,
    )


def _headers(raw: Any) -> dict[str, str]:
    return {name.decode("ascii", "replace").lower(): value.decode("latin-1") for name, value in raw}
