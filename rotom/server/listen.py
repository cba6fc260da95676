"""Binding and accepting: several addresses, CIDR selectors, sockets that a service manager hands over, a bound on open
connections, and the polite end.

What is not here: signals and what else a program does while it serves (rotom/serve.py).
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import trio

from rotom.problem import Kind, Problem
from rotom.server import App, Limits
from rotom.server.connection import Connection
from rotom.server.drain import Drain
from rotom.server.interfaces import local_addresses
from rotom.wire import Wire

DEFAULT_PORT = 14550
BACKLOG = 512
FIRST_INHERITED = 3


@dataclass(frozen=True, slots=True)
class Address:
    """One address to listen on. `host` is a literal or a name; `port` 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only programs of this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False


def addresses(binds: Iterable[str]) -> list[Address]:
    """The addresses that bind texts stand for: ``HOST:PORT``, ``[V6]:PORT``, ``HOST``, ``A.B.C.D/N:PORT``.

    Raises:
      Problem: INVALID for a text that is none of these, or a range in which this machine has no address.
    """
    found: list[Address] = []
    for text in binds:
        host, port = _split(text)
        if "/" not in host:
            found.append(Address(host, port))
            continue
        try:
            network = ipaddress.IPv4Network(host, strict=False)
        except ValueError as exc:
            raise _unusable(text, "it is not an IPv4 range like 192.168.1.0/24") from exc
        if network.is_loopback:
            found.append(Address("127.0.0.1", port))  # every 127.x address is this machine: one is enough
            continue
        inside = [a for a in local_addresses() if ipaddress.IPv4Address(a) in network]
        if not inside:
            raise _unusable(text, "this machine has no address in that range")
        found.extend(Address(a, port) for a in inside)
    return list(dict.fromkeys(found))


def _split(text: str) -> tuple[str, int]:
    host, port = text.strip(), ""
    if host.startswith("["):
        host, closed, rest = host[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise _unusable(text, "an IPv6 address is written [ADDRESS]:PORT")
        port = rest[1:]
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    elif ":" in host:
        raise _unusable(text, "an IPv6 address is written [ADDRESS]:PORT")
    if not host or host.isdigit():
        raise _unusable(text, "it names no address; for all of them write 0.0.0.0 or [::]")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise _unusable(text, "the port is not a number from 0 to 65535")
    return host, int(port) if port else DEFAULT_PORT


def _unusable(text: str, why: str) -> Problem:
    return Problem(Kind.INVALID, f"cannot bind to {text!r}: {why}", code="bad_bind")


async def open_listeners(wanted: Sequence[Address]) -> list[trio.SocketListener]:
    """A listener for each address.

    Raises:
      Problem: UNAVAILABLE when one cannot be bound; those opened before are closed again.
    """
    listeners: list[trio.SocketListener] = []
    try:
        for address in wanted:
            try:
                listeners.extend(await _bind(address))
            except OSError as exc:
                raise Problem(
                    Kind.UNAVAILABLE, f"cannot listen on {address}: {_why(exc)}", code="bind_failed", hint=_hint(exc)
                ) from exc
    except BaseException:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners


async def _bind(address: Address) -> list[trio.SocketListener]:
    try:
        ipaddress.ip_address(address.host.partition("%")[0])
    except ValueError:  # a name: every address it stands for
        return await trio.open_tcp_listeners(address.port, host=address.host, backlog=BACKLOG)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # there, SO_REUSEADDR lets another program take the port away
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        await sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return [trio.SocketListener(sock)]


def inherited(environ: MutableMapping[str, str]) -> list[trio.SocketListener]:
    """The listening sockets that the service manager has handed over; none is usual.

    By sd_listen_fds(3): $LISTEN_PID is whom they are for, $LISTEN_FDS how many there are, and the first is number 3. The
    variables are taken away, since programs that we start would believe them.

    Raises:
      Problem: with code ``bad_bind`` for one that is no TCP socket that listens; all of them are closed then.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    sockets: list[socket.socket] = []
    try:
        for number in range(FIRST_INHERITED, FIRST_INHERITED + int(count)):
            os.set_inheritable(number, False)
            sockets.append(one := socket.socket(fileno=number))
            listens = one.type == socket.SOCK_STREAM and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if one.family not in (socket.AF_INET, socket.AF_INET6) or not listens:
                message = "the service manager hands over a socket that is none for TCP connections"
                raise Problem(Kind.INVALID, message, code="bad_bind", hint="ListenStream=127.0.0.1:14550")
    except (OSError, Problem) as exc:
        for one in sockets:
            one.close()
        if isinstance(exc, Problem):
            raise
        message = f"the service manager hands over {count} sockets, of which one cannot be used: {exc.strerror}"
        raise Problem(Kind.INVALID, message, code="bad_bind") from exc
    return [trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in sockets]


def _why(exc: OSError) -> str:
    return {
        errno.EADDRINUSE: "another program has this port",
        errno.EACCES: "that needs more rights (ports below 1024 do)",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }.get(exc.errno or 0, exc.strerror or "the name is not known")


def _hint(exc: OSError) -> str | None:
    if exc.errno == errno.EADDRINUSE:
        return "rotom doctor tells which; to choose another: rotom serve --bind 127.0.0.1:0"
    return None


def bound(listeners: Iterable[trio.SocketListener]) -> list[Address]:
    """The addresses that listeners really have."""
    return [Address(*listener.socket.getsockname()[:2]) for listener in listeners]


async def serve(
    listeners: list[trio.SocketListener],
    app: App,
    limits: Limits,
    drain: Drain,
    grace: float,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept and serve until `drain` begins; then finish what runs, for at most `grace` seconds.

    Resource handling: the listeners are closed when accepting ends.
    Cancellation: ends at once, cutting what runs.
    """

    async def connection(stream: trio.SocketStream) -> None:
        with drain.connected(), suppress(OSError):  # the client may be gone before we can ask the socket anything
            peer, local = _name(stream.socket.getpeername()), _name(stream.socket.getsockname())
            wire = Wire(socket.socket(fileno=stream.socket.detach()))
            served = Connection(wire, app, limits, drain, peer, local)
            await served.run(_full(limits) if drain.connections > limits.connections else None)

    async with trio.open_nursery() as connections:
        accepting = trio.CancelScope()

        async def accept() -> None:
            with accepting:
                await trio.serve_listeners(connection, listeners, handler_nursery=connections)

        connections.start_soon(accept)
        task_status.started()  # clients that come before `accept` runs wait in the backlog
        await drain.wait()
        accepting.cancel()  # which closes the listeners
        connections.cancel_scope.deadline = trio.current_time() + grace


def _full(limits: Limits) -> Problem:
    return Problem(
        Kind.UNAVAILABLE,
        f"rotom has {limits.connections} connections open, which is its limit (max_connections)",
        code="too_many_connections",
        retry_after=1,
    )


def _name(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return str(Address(address[0], address[1]))
