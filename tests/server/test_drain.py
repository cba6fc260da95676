"""Drain: who waits is sent home, who works is not."""

import trio

from rotom.server.drain import Drain


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
