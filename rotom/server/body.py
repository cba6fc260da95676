"""The body of a request: read within limits of size and time, and unpacked.

What is not here: whether its type is one that the route takes (routes/guard.py), and what it says.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import TYPE_CHECKING

import h11
import trio

from rotom.problem import Kind, Problem
from rotom.server import Gone

if TYPE_CHECKING:
    from rotom.server.connection import Connection

BODY_RATE = 16 << 10
UNPACK = 1 << 20


async def body_parts(connection: Connection, headers: Mapping[str, str], limit: int) -> AsyncGenerator[bytes, None]:
    """The body of the request that `connection` is at, piece by piece as it arrives: at most `limit` bytes, packed or not.

    Raises:
      Problem: TOO_LARGE, SLOW_CLIENT, MEDIA_TYPE for another content-encoding, INVALID for broken gzip.
      Gone: the client hung up.
    """
    unpack = _unpacker(headers)
    if int(headers.get("content-length", 0)) > limit:  # h11 let only digits pass
        raise _too_large(limit, connection.limits.body)
    conn, size, unpacked = connection.h11, 0, 0
    if conn.they_are_waiting_for_100_continue:
        await connection.send(conn.send(h11.InformationalResponse(status_code=100, headers=[])))
    begun = trio.current_time()
    while True:
        event = conn.next_event()
        if isinstance(event, h11.Data):
            size += len(event.data)
            if size > limit:
                raise _too_large(limit, connection.limits.body)
            if unpack is None:
                yield bytes(event.data)
                continue
            for part in unpack(event.data):
                unpacked += len(part)
                if unpacked > limit:
                    raise _too_large(limit, connection.limits.body)
                yield part
                await trio.lowlevel.checkpoint()
        elif event is h11.NEED_DATA:
            await _receive(connection, begun + connection.limits.body_seconds + size / BODY_RATE)
        else:
            break
    if unpack is not None and not unpack.complete:
        raise Problem(Kind.INVALID, "the gzip body is cut short", code="malformed_request")


async def _receive(connection: Connection, deadline: float) -> None:
    with trio.move_on_at(deadline) as patience:
        if not await connection.receive():
            raise Gone("hung up inside the body")
    if patience.cancelled_caught:
        raise Problem(Kind.SLOW_CLIENT, "the request's body did not arrive in time", code="request_timeout")


def _unpacker(headers: Mapping[str, str]) -> Gunzip | None:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return Gunzip()
    raise Problem(
        Kind.MEDIA_TYPE, f"content-encoding {encoding!r} is not understood; gzip and identity are", code="encoding"
    )


class Gunzip:
    """Unpacks gzip in pieces of at most 1 MiB, so that a bomb is seen before it fills memory."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(31)
        self.complete = False

    def __call__(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if self.complete:
                    self._inflate = zlib.decompressobj(31)  # another member follows
                    self.complete = False
                piece = self._inflate.decompress(data, UNPACK)
                if piece:
                    yield piece
                self.complete = self._inflate.eof
                data = self._inflate.unused_data if self.complete else self._inflate.unconsumed_tail
        except zlib.error as exc:
            raise Problem(
                Kind.INVALID, "the body is not gzip, as content-encoding says", code="malformed_request"
            ) from exc


def _too_large(limit: int, usual: int) -> Problem:
    """The body is longer than allowed, here or anywhere."""
    advice = "; the setting max_body raises the limit" if limit == usual else ""
    return Problem(
        Kind.TOO_LARGE,
        f"the request's body is longer than {limit} bytes{advice}",
        code="request_too_large",
    )
