"""Drain: ending a server politely.

Who works may finish, within the grace that the caller grants; who merely waits for a client's next word is sent home at
once. Without this an idle keep-alive connection would make every stop last the whole grace. A client that has just come and
not said anything yet gets a moment for its first word: it was told that somebody is there.

It counts the connections, too, so that a server which may end when nobody needs it can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

FIRST_WORD_SECONDS = 1.0


class Drain:
    """Knows who waits for a client, and whether the end has begun.

    Attributes:
      connections: how many clients are connected.
    """

    def __init__(self) -> None:
        self.begun = False
        self.connections = 0
        self._quiet_since = trio.current_time()
        self._waiting: dict[trio.CancelScope, float] = {}
        self._end = trio.Event()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """A client is connected for a block."""
        self.connections += 1
        try:
            yield
        finally:
            self.connections -= 1
            self._quiet_since = trio.current_time()

    async def quiet(self, seconds: float) -> None:
        """Wait until nobody has been connected for so long."""
        while self.connections or trio.current_time() < self._quiet_since + seconds:
            start = trio.current_time() if self.connections else self._quiet_since
            await trio.sleep_until(start + seconds)

    @contextmanager
    def interruptible(self, deadline: float = float("inf"), *, first: bool = False) -> Iterator[trio.CancelScope]:
        """A scope around waiting for a client's next word: cancelled when the end begins, or at `deadline`.

        Arguments:
          first: it is the first word of a connection, for which there is a moment even then.
        """
        patience = FIRST_WORD_SECONDS if first else 0.0
        with trio.CancelScope(deadline=deadline) as scope:
            if self.begun:
                _end(scope, patience)
            self._waiting[scope] = patience
            try:
                yield scope
            finally:
                del self._waiting[scope]

    def begin(self) -> None:
        """Send home who waits now and who will."""
        self.begun = True
        self._end.set()
        for scope, patience in self._waiting.items():
            _end(scope, patience)

    async def wait(self) -> None:
        """Wait until the end begins."""
        await self._end.wait()


def _end(scope: trio.CancelScope, patience: float) -> None:
    if patience:
        scope.deadline = min(scope.deadline, trio.current_time() + patience)
    else:
        scope.cancel()
