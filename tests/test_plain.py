"""A nursery that never raises a group, and which exception it chooses."""

import pytest
import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem


def problem(name: str) -> Problem:
    return Problem(Kind.INVALID, name)


async def fails(exc: BaseException) -> None:
    raise exc


async def test_helpers_end_with_the_block() -> None:
    ended = []

    async def helper() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(True)

    async with helpers() as nursery:
        nursery.start_soon(helper)
        await trio.lowlevel.checkpoint()
    assert ended == [True]


@pytest.mark.parametrize(
    ("own", "helper", "seen"),
    [
        (problem("own"), None, "own"),
        (None, problem("helper"), "helper"),
        (problem("own"), problem("helper"), "own"),
        (KeyError("own"), problem("helper"), "'own'"),
        (problem("own"), KeyError("helper"), "'helper'"),
        (KeyError("own"), KeyError("helper"), "'own'"),
        (problem("own"), SystemExit("helper"), "helper"),
        (KeyError("own"), KeyboardInterrupt("helper"), "helper"),
    ],
)
async def test_which_exception_comes_out(own: BaseException | None, helper: BaseException | None, seen: str) -> None:
    async def block() -> None:
        async with helpers() as nursery:
            if helper is not None:
                nursery.start_soon(fails, helper)
            if own is not None:
                raise own
            await trio.sleep_forever()

    with pytest.raises(type(helper) if seen.strip("'") == "helper" else type(own), match=seen):
        await block()


async def test_what_the_block_raises_comes_before_what_its_helper_raised_earlier() -> None:
    async def block() -> None:
        async with helpers() as nursery:
            nursery.start_soon(fails, problem("helper"))
            try:
                await trio.sleep_forever()
            finally:
                raise problem("own")

    with pytest.raises(Problem, match="own"):
        await block()


async def test_two_levels_deep() -> None:
    async def block() -> None:
        async with helpers(), helpers() as inner:
            inner.start_soon(fails, problem("inner"))
            await trio.sleep_forever()

    with pytest.raises(Problem, match="inner"):
        await block()


async def test_a_group_that_a_helper_raises_is_opened() -> None:
    async def group() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails, problem("deep"))

    async def block() -> None:
        async with helpers() as nursery:
            nursery.start_soon(group)
            await trio.sleep_forever()

    with pytest.raises(Problem, match="deep"):
        await block()


async def test_the_cause_and_context_stay() -> None:
    cause = OSError("why")
    with pytest.raises(Problem) as raised:
        async with helpers():
            raise problem("own") from cause
    assert raised.value.__cause__ is cause
    assert not isinstance(raised.value.__context__, BaseExceptionGroup)


async def test_cancellation_from_outside_goes_through(autojump_clock: trio.abc.Clock) -> None:
    after = False
    with trio.move_on_after(1) as scope:
        async with helpers() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await trio.sleep_forever()
        after = True
    assert scope.cancelled_caught
    assert not after


async def test_a_block_that_its_helper_cancels_just_ends(autojump_clock: trio.abc.Clock) -> None:
    async def stops(scope: trio.CancelScope) -> None:
        await trio.sleep(1)
        scope.cancel()

    async with helpers() as nursery:
        nursery.start_soon(stops, nursery.cancel_scope)
        await trio.sleep_forever()
    assert trio.current_time() == 1


async def test_leaving_early_is_leaving() -> None:
    async def leaves() -> str:
        async with helpers() as nursery:
            nursery.start_soon(trio.sleep_forever)
            return "left"
        raise AssertionError

    assert await leaves() == "left"
