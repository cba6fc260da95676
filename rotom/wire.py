"""A Wire: one TCP or TLS connection, as a Trio stream on a non-blocking stdlib socket.

Why not ``trio.SocketStream`` and ``trio.SSLStream``: a gateway spends its time in small reads and writes, and for each of
them they cost about a third to a half more CPU (measured 2026-11: more checkpoints, and a second buffer of TLS records).

Theory of operation: the socket never blocks. Reading waits for readability and then reads once, so that a read is
always a checkpoint and a stream that is read in a loop shares the machine fairly. Writing tries first, because a socket
is nearly always writable, and waits only for what is left; a write that went out whole is a cancellation point but lets
no other task run. Bytes leave the kernel only in a step that is not an await: a cancelled read loses nothing and may be
repeated. TLS is different in one point: bytes may wait inside OpenSSL where no readability can be seen, so a wire knows
whether its last read ended with "nothing more" (then it waits first) or not (then it tries first).

What is not here: HTTP, proxies, limits of time on reads and writes; whoever uses a wire wraps what it awaits.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

import trio
from trio.lowlevel import checkpoint, checkpoint_if_cancelled, wait_readable, wait_writable

T = TypeVar("T")

READ_SIZE = 65536
"""The most that one read gives: also what one TLS read joins (OpenSSL gives a record of 16 KiB at a time)."""


class Wire(trio.abc.HalfCloseableStream):
    """A connected socket as a stream.

    Arguments:
      sock: a connected stdlib socket, plain or ``ssl.SSLSocket`` after its handshake. The wire owns it from now on.
    """

    __slots__ = ("_closed", "_eager", "_sending", "_sock", "_tls")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # a Unix socket has no such option
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._eager = self._tls
        self._sending = False
        self._closed = False

    @classmethod
    async def open(cls, host: str, port: int, *, context: ssl.SSLContext | None = None, timeout: float) -> Wire:
        """Connect (happy eyeballs), with TLS when there is a `context`, within `timeout` seconds.

        Raises:
          OSError: no connection; ``ssl.SSLError``, which is one, when the handshake failed.
          trio.TooSlowError: not in time.
        """
        with trio.fail_after(timeout):
            stream = await trio.open_tcp_stream(host, port)
            wire = cls(socket.socket(fileno=stream.socket.detach()))
            if context is not None:
                await wire.start_tls(context, host)
            return wire

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from now on, as a client that expects the certificate of `host`. Closes the wire on failure."""
        try:
            tls = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
            self._sock, self._tls, self._eager = tls, True, True
            await self._do(tls.do_handshake)
        except BaseException:
            self.close()
            raise

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What there is, at least one byte and at most `max_bytes` (64 KiB when None); ``b""`` when the peer is done.

        May be cancelled and called again without losing a byte.

        Raises:
          trio.BrokenResourceError: the connection was reset or its TLS is broken.
          trio.ClosedResourceError: this side closed it.
          trio.BusyResourceError: another task is reading.
        """
        size = READ_SIZE if max_bytes is None else max_bytes
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        self._check_open()
        if self._tls:
            return await self._receive_tls(size)
        while True:
            await wait_readable(self._sock)
            try:
                return self._sock.recv(size)
            except BlockingIOError:
                continue
            except OSError as exc:
                raise self._broken(exc) from exc

    async def _receive_tls(self, size: int) -> bytes:
        if self._eager:
            await checkpoint()
        else:
            await wait_readable(self._sock)
        try:
            data: bytes = await self._do(self._sock.recv, size)
        except OSError as exc:
            raise self._broken(exc) from exc
        parts = [data]
        size -= len(data)
        self._eager = True
        while data and size > 0:
            try:
                data = self._sock.recv(size)
            except ssl.SSLWantReadError:
                self._eager = False
                break
            except OSError:  # what there was goes first; the next read meets the error again
                break
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it. When this is cancelled half way, nobody knows how much went out: close the wire.

        Raises:
          trio.BrokenResourceError: the peer is gone.
          trio.ClosedResourceError: this side closed it.
          trio.BusyResourceError: another task is sending.
        """
        await checkpoint_if_cancelled()
        self._check_open()
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        self._sending = True
        try:
            with memoryview(data).cast("B") as view:
                sent, size = 0, len(view)
                while sent < size:
                    try:
                        sent += self._sock.send(view[sent:] if sent else view)
                    except (BlockingIOError, ssl.SSLWantWriteError):
                        await wait_writable(self._sock)
                    except ssl.SSLWantReadError:
                        await wait_readable(self._sock)
        except OSError as exc:
            raise self._broken(exc) from exc
        finally:
            self._sending = False

    def send_nowait(self, data: bytes | memoryview) -> int:
        """Send what goes out at once, and say how much that was; 0 when the peer takes nothing now, or TLS must wait.

        Costs no await and no checkpoint: for senders that put a limit of time only on what is left.

        Raises: as `send_all`.
        """
        self._check_open()
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        try:
            return self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as exc:
            raise self._broken(exc) from exc

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until at least a part of a `send_all` would go out at once."""
        self._check_open()
        await wait_writable(self._sock)

    async def send_eof(self) -> None:
        """Tell the peer that nothing more comes; reading goes on. Not for TLS."""
        if self._tls:
            raise NotImplementedError("a TLS connection ends in both directions at once")
        await checkpoint_if_cancelled()
        self._check_open()
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            raise self._broken(exc) from exc

    async def aclose(self) -> None:
        """`close`, and a checkpoint."""
        self.close()
        await checkpoint()

    def close(self) -> None:
        """Close at once. Tasks that wait on the wire get ``trio.ClosedResourceError``. Harmless when closed already."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(RuntimeError):  # outside of a Trio run nobody can be waiting
            trio.lowlevel.notify_closing(self._sock)
        self._sock.close()

    def idle(self) -> bool:
        """Whether an unused connection is still open and silent; on anything else it must not be used again.

        A byte that should not be there is lost by this, so ask only between exchanges.
        """
        if self._closed:
            return False
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):  # OpenSSL eats session tickets on the way here
            return True
        except OSError:
            pass
        return False

    def fileno(self) -> int:
        """The file descriptor; -1 when closed."""
        return self._sock.fileno()

    @property
    def sock(self) -> socket.socket:
        """The socket itself, for its addresses."""
        return self._sock

    async def _do(self, call: Callable[..., T], *args: int) -> T:
        """Call until it neither wants to read nor to write."""
        while True:
            try:
                return call(*args)
            except (BlockingIOError, ssl.SSLWantReadError):
                await wait_readable(self._sock)
            except ssl.SSLWantWriteError:
                await wait_writable(self._sock)

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this connection is closed")

    def _broken(self, exc: OSError) -> trio.ClosedResourceError | trio.BrokenResourceError:
        if self._closed:
            return trio.ClosedResourceError("this connection is closed")
        return trio.BrokenResourceError(str(exc))
