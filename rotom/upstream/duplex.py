"""duplex: a WebSocket to a provider that is somebody's for as long as it lasts, messages both ways.

Theory of operation: dialled like every other connection to a provider (proxy, TLS) and handed to trio-websocket. What
comes waits in nobody's queue: trio-websocket holds one message back, so a slow reader slows the provider.

What is not here: WebSockets that are lent to one turn after the other (websocket.py), and what the messages mean.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider
from rotom.upstream.client import WRITE_SECONDS, Client, Limits
from rotom.upstream.handshake import HungUp, headers_of, shake

FAREWELL_SECONDS = 1.0
MESSAGE = 16 << 20
"""The longest message."""


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
    opened = False
    try:
        async with helpers() as nursery:
            websocket = await shake(nursery, wire, outgoing, limits.first_byte, MESSAGE)
            opened = True
            try:
                yield Duplex(websocket)
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(FAREWELL_SECONDS):
                    await websocket.aclose()
    except ConnectionRejected as exc:
        if exc.status_code < 400:
            raise _no_websocket() from None
        raise provider.refusal(exc.status_code, headers_of(exc.headers), exc.body or b"") from None
    except HungUp:
        message = "the connection to the provider failed: it hung up in the WebSocket handshake"
        raise Problem(Kind.UPSTREAM, message, code="connection_lost") from None
    except Problem:
        raise
    except Exception as exc:
        if opened:
            raise
        if isinstance(exc, trio.TooSlowError):
            message = f"the provider did not answer the WebSocket handshake within {limits.first_byte:g} seconds"
            raise Problem(Kind.TIMEOUT, message, code="timeout", retry=False) from None
        raise _no_websocket() from exc
    finally:
        wire.close()


def _no_websocket() -> Problem:
    return Problem(
        Kind.UPSTREAM,
        "the provider's answer to the WebSocket handshake is not right: something between here and there answers in its "
        "place (a proxy, or a sign-in page of the network)",
        code="not_a_websocket",
        retry=False,
    )
