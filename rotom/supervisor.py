"""What the service manager is told of this process, and what it expects to hear: systemd's notification protocol.

Theory of operation: systemd names a datagram socket in $NOTIFY_SOCKET; lines such as ``READY=1`` go there, in one datagram
each time, without waiting: a manager that does not read must not hold up what serves people. With $WATCHDOG_USEC it wants
to hear ``WATCHDOG=1`` at least that often; a task of the event loop says it, so that a loop that is stuck is found out and
the process started anew. The same task tells what the process does now (``STATUS=``), where that has changed.

Facts: sd_notify(3), sd_watchdog_enabled(3) and systemd.service(5). Without the variables nothing is done, and on platforms
without such sockets there are no such variables.

What is not here: the sockets that a manager hands over (server/listen.py), units and commands for them (service/).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import trio

LEAST_SECONDS = 13.0
"""How long a service runs that ends by itself. One that is started more than five times a minute (units.py) has failed for
systemd, which then closes its socket as well, and clients are refused."""

STATUS_SECONDS = 10.0
"""How old what the manager knows of us may be."""


class Supervisor:
    """The way to the service manager.

    Arguments:
      environ: where the manager says how to reach it.
      pid: this process.

    Attributes:
      there: there is one.
    """

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # an abstract one
            self._address = "\0" + self._address[1:]
        self._status = ""
        self.there = bool(self._address)
        self.watchdog = _watchdog(environ, os.getpid() if pid is None else pid) if self._address else None

    def ready(self) -> None:
        """It serves: after the start, and after a reload."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is read again; `ready` says that this is over."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    async def run(
        self, status: Callable[[], str], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Say that the event loop is alive, and what it does, until cancelled. Returns at once where nobody listens.

        Arguments:
          status: one line for people: what the process does now.
        """
        task_status.started()
        if not self._address:
            return
        pause = STATUS_SECONDS if self.watchdog is None else min(STATUS_SECONDS, self.watchdog / 2)
        while True:
            lines = [] if self.watchdog is None else ["WATCHDOG=1"]
            if (now := " ".join(status().split())) != self._status:
                self._status = now
                lines.append(f"STATUS={now}")
            if lines:
                self._tell(*lines)
            await trio.sleep(pause)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
            way.setblocking(False)
            way.sendto("\n".join(lines).encode(), self._address)


def _watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two signs of life, at most; None: nobody waits for any."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None  # another process is meant
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None
