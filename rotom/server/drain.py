"""Drain: ending a server politely.

Who works may finish, within the grace that the caller grants; who merely waits for a client's next word is sent home at
once. Without this an idle keep-alive connection would make every stop last the whole grace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Drain:
    """Knows who waits for a client, and whether the end has begun."""

    def __init__(self) -> None:
        self.begun = False
        self._waiting: set[trio.CancelScope] = set()
        self._end = trio.Event()

    @contextmanager
    def interruptible(self, deadline: float = float("inf")) -> Iterator[trio.CancelScope]:
        """A scope around waiting for a client's next word: cancelled when the end begins, or at `deadline`."""
        with trio.CancelScope(deadline=deadline) as scope:
            if self.begun:
                scope.cancel()
            self._waiting.add(scope)
            try:
                yield scope
            finally:
                self._waiting.discard(scope)

    def begin(self) -> None:
        """Send home who waits now and who will."""
        self.begun = True
        self._end.set()
        for scope in self._waiting:
            scope.cancel()

    async def wait(self) -> None:
        """Wait until the end begins."""
        await self._end.wait()
