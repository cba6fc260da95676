"""Places: how many requests are in flight at a provider for an account, and who goes first.

People first: who asks for a person takes a place while there is one, and otherwise waits in line. Batches take what is
to spare: no place while anybody waits, and never the last one, so that a person who comes finds it free.

Theory of operation: a place that is given back goes straight to the first in line, so that nobody can slip in between;
what is left of it may go to a batch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


class Places:
    """The places at one provider.

    Attributes:
      most: how many there are; `busy`: how many are taken.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.busy = 0
        self._people = trio.lowlevel.ParkingLot()
        self._spare = trio.lowlevel.ParkingLot()

    @asynccontextmanager
    async def taken(self, *, spare: bool = False) -> AsyncIterator[None]:
        """Hold a place for a block, waiting for it first.

        Arguments:
          spare: for a batch.
        """
        if self._may_spare() if spare else self.busy < self.most:
            self.busy += 1
        else:
            await (self._spare if spare else self._people).park()  # who wakes us has taken the place for us
        try:
            yield
        finally:
            self.busy -= 1
            self._hand_out()

    def resize(self, most: int) -> None:
        """There are more or fewer places from now on; who has one keeps it."""
        self.most = most
        self._hand_out()

    @property
    def waiting(self) -> int:
        """How many people wait."""
        return len(self._people)

    def _may_spare(self) -> bool:
        return not self._people and self.busy < max(1, self.most - 1)

    def _hand_out(self) -> None:
        while self._people and self.busy < self.most:
            self.busy += 1
            self._people.unpark()
        while self._spare and self._may_spare():
            self.busy += 1
            self._spare.unpark()


class AllPlaces(dict[str, Places]):
    """The places at the providers, by login: limits are an account's. Made when they are first wanted."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, login: str) -> Places:
        places = self[login] = Places(self._most)
        return places

    def resize(self, most: int) -> None:
        """There are more or fewer at each from now on."""
        self._most = most
        for places in self.values():
            places.resize(most)
