"""shake: the handshake of a WebSocket to a provider, over a wire that is there already.

trio-websocket 0.12 waits for ever when the other end hangs up inside the handshake, and knows no proxies: the stream that
it is given is ours (`_UntilOpen`). It costs 2 MiB, so it is imported when the first socket is opened.

What is not here: what a socket is for (websocket.py, duplex.py), and what a refusal of it means.
"""

from __future__ import annotations

from math import inf
from typing import Any
from urllib.parse import urlsplit

import trio

from rotom.providers import Outgoing
from rotom.wire import Wire

READ = 1 << 16


class HungUp(Exception):
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
            raise HungUp
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._wire.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._wire.aclose()


async def shake(nursery: trio.Nursery, wire: Wire, outgoing: Outgoing, seconds: float | None, longest: int) -> Any:
    """The open WebSocket of trio-websocket.

    Arguments:
      nursery: where it is read; what goes wrong in the handshake comes out of it: `HungUp`, trio-websocket's
        ``ConnectionRejected``, and what an answer that is none makes it raise.
      outgoing: its address and headers.
      seconds: the most that it may take; longest: the longest message, in characters.

    Raises:
      trio.TooSlowError: no answer in time.
    """
    from trio_websocket import wrap_client_stream

    parts = urlsplit(outgoing.url)
    line: Any = _UntilOpen(wire)
    with trio.fail_after(inf if seconds is None else seconds):
        websocket = await wrap_client_stream(
            nursery,
            line,
            parts.netloc,
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            extra_headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in outgoing.headers],
            max_message_size=longest,
            receive_buffer_size=READ,
        )
    line.open = True
    return websocket


def headers_of(raw: Any) -> dict[str, str]:
    """The headers of its answer, lower case."""
    return {name.decode("ascii", "replace").lower(): value.decode("latin-1") for name, value in raw}
