"""A nursery that is invisible to its caller: what the block raises comes out as it was, never as an exception group.

Trio reports every failure inside a nursery as a group, since several tasks may fail at once. Where a nursery only holds
helpers of one block (a watcher, a ticker, a renewal), its caller wants the one exception that stands for what happened.

Which one that is: KeyboardInterrupt and SystemExit first; then a bug, since bugs must not hide behind expected errors;
then what the block itself raised; then what a helper raised; `trio.Cancelled` only when there is nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import trio

from rotom.problem import Problem


def leaves(exc: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group that are no groups themselves."""
    if isinstance(exc, BaseExceptionGroup):
        for part in exc.exceptions:
            yield from leaves(part)
    else:
        yield exc


def one_of(group: BaseException, own: BaseException | None = None) -> BaseException:
    """The one exception that stands for `group`; `own` is what the block itself raised."""
    real = [exc for exc in leaves(group) if not isinstance(exc, trio.Cancelled)]
    for exc in real:
        if isinstance(exc, KeyboardInterrupt | SystemExit):
            return exc
    for some in ([exc for exc in real if not isinstance(exc, Problem)], real):
        if some:
            return own if own is not None and own in some else some[0]
    return own if own is not None else next(leaves(group))


@asynccontextmanager
async def helpers() -> AsyncIterator[trio.Nursery]:
    """A nursery for a block's helpers, cancelled when the block ends. It never raises a group.

    Cancellation: a cancelled outer scope cancels block and helpers, and comes out as `trio.Cancelled`.
    """
    own: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as exc:
                own = exc
                raise
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        one = one_of(group, own)
        context, cause = one.__context__, one.__cause__
        try:
            raise one
        finally:
            one.__context__, one.__cause__ = context, cause  # it did not happen "during handling of" the group
            del one, own, group
