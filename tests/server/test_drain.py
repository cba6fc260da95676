"""Drain: who waits is sent home, who works is not."""

import trio

from rotom.server.drain import FIRST_WORD_SECONDS, Drain


async def test_waiting_ends_when_the_end_begins(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    drain, ended = Drain(), list[str]()

    async def waits() -> None:
        with drain.interruptible() as scope:
            await trio.sleep_forever()
        assert scope.cancelled_caught
        ended.append("waits")

    async def works() -> None:
        with drain.interruptible():
            await trio.sleep(1)
        await trio.sleep(10)
        ended.append("works")

    nursery.start_soon(waits)
    nursery.start_soon(works)
    await trio.sleep(5)
    assert not drain.begun
    drain.begin()
    drain.begin()
    await drain.wait()
    await trio.testing.wait_all_tasks_blocked()
    assert (drain.begun, ended) == (True, ["waits"])
    await trio.sleep(10)
    assert ended == ["waits", "works"]


async def test_who_comes_late_is_sent_home_too() -> None:
    drain = Drain()
    drain.begin()
    with drain.interruptible() as scope:
        await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_waiting_has_a_deadline(autojump_clock: trio.abc.Clock) -> None:
    with Drain().interruptible(trio.current_time() + 7) as scope:
        await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() == 7


async def test_the_first_word_has_a_moment(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    drain, ended = Drain(), dict[str, float]()

    async def waits(name: str, deadline: float) -> None:
        with drain.interruptible(deadline, first=True):
            await trio.sleep_forever()
        ended[name] = trio.current_time()

    nursery.start_soon(waits, "new", 100.0)
    nursery.start_soon(waits, "nearly over", 5.5)
    await trio.sleep(5)
    drain.begin()
    nursery.start_soon(waits, "late", 100.0)
    await trio.sleep(10)
    assert ended == {"new": 5 + FIRST_WORD_SECONDS, "nearly over": 5.5, "late": 5 + FIRST_WORD_SECONDS}


async def test_quiet_is_when_nobody_was_connected_for_so_long(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    drain = Drain()

    async def client(begin: float, end: float) -> None:
        await trio.sleep_until(begin)
        with drain.connected():
            await trio.sleep_until(end)

    for span in ((4, 40), (6, 7), (44, 45), (54.5, 56)):
        nursery.start_soon(client, *span)
    await drain.quiet(10)
    assert trio.current_time() == 66
    assert drain.connections == 0
    await drain.quiet(10)
    assert trio.current_time() == 66
