"""Places: people go first, in their order; batches take what is to spare."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from rotom.places import Places


class Floor:
    """Tasks that want places; each keeps its own until it is told to leave."""

    def __init__(self, most: int, nursery: trio.Nursery) -> None:
        self.places = Places(most)
        self.inside: list[str] = []
        self._leave: dict[str, trio.CancelScope] = {}
        self._nursery = nursery

    async def comes(self, *names: str) -> list[str]:
        for name in names:
            self._nursery.start_soon(self._one, name)
            await wait_all_tasks_blocked()
        return self.inside

    async def leaves(self, *names: str) -> list[str]:
        for name in names:
            self._leave[name].cancel()
        await wait_all_tasks_blocked()
        return self.inside

    async def _one(self, name: str) -> None:
        with trio.CancelScope() as self._leave[name]:
            async with self.places.taken(spare=name.startswith("batch")):
                self.inside.append(name)
                try:
                    await trio.sleep_forever()
                finally:
                    self.inside.remove(name)


async def test_people_wait_in_their_order(nursery: trio.Nursery) -> None:
    floor = Floor(2, nursery)
    assert await floor.comes("a", "b", "c", "d") == ["a", "b"]
    assert floor.places.waiting == 2
    assert await floor.leaves("b") == ["a", "c"]
    assert await floor.leaves("a", "c") == ["d"]
    assert (floor.places.busy, floor.places.waiting) == (1, 0)


async def test_batches_leave_one_place_and_wait_behind_people(nursery: trio.Nursery) -> None:
    floor = Floor(3, nursery)
    assert await floor.comes("batch1", "batch2", "batch3") == ["batch1", "batch2"]
    assert await floor.comes("a") == ["batch1", "batch2", "a"]
    await floor.comes("b")
    assert await floor.leaves("batch1") == ["batch2", "a", "b"], "though batch3 came long before b"
    assert await floor.leaves("a") == ["batch2", "b"], "one place is left free"
    assert await floor.leaves("b") == ["batch2", "batch3"]


async def test_of_one_place_a_batch_may_have_that(nursery: trio.Nursery) -> None:
    floor = Floor(1, nursery)
    assert await floor.comes("batch1", "a", "batch2") == ["batch1"]
    assert await floor.leaves("batch1") == ["a"]
    assert await floor.leaves("a") == ["batch2"]


async def test_who_stops_waiting_takes_no_place(nursery: trio.Nursery) -> None:
    floor = Floor(1, nursery)
    await floor.comes("a", "b", "c", "batch")
    assert await floor.leaves("b", "batch") == ["a"]
    assert await floor.leaves("a") == ["c"]
    assert await floor.leaves("c") == []
    assert floor.places.busy == 0


async def test_all_leave_at_once(nursery: trio.Nursery) -> None:
    floor = Floor(2, nursery)
    await floor.comes("a", "b", "c", "d", "batch")
    assert await floor.leaves("a", "b", "c", "d", "batch") == []
    assert (floor.places.busy, floor.places.waiting) == (0, 0)
    assert await floor.comes("e", "f", "g") == ["e", "f"]


async def test_more_places_are_handed_out_and_fewer_are_not_taken_away(nursery: trio.Nursery) -> None:
    floor = Floor(1, nursery)
    await floor.comes("a", "b", "c", "batch")
    floor.places.resize(4)
    await wait_all_tasks_blocked()
    assert sorted(floor.inside) == ["a", "b", "c"]
    floor.places.resize(1)
    await floor.leaves("a")
    assert sorted(await floor.comes("d")) == ["b", "c"]
    assert await floor.leaves("b", "c") == ["d"]


async def test_a_place_is_given_back_when_its_block_fails(autojump_clock: Any) -> None:
    places = Places(1)
    for _ in range(3):
        try:
            async with places.taken():
                raise ZeroDivisionError
        except ZeroDivisionError:
            assert places.busy == 0
