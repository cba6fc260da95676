"""Performing: does the steps of a scenario (play.py) on an exchange, one after the other."""

from __future__ import annotations

import trio

from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange
from rotom.simulator.play import At, Cut, Framed, Open, Play, Reply, Stall, Wait
from rotom.sse import encode


async def perform(
    exchange: Exchange, steps: Play, head: list[tuple[str, str]] | None = None, pace: float = 0.0
) -> None:
    """Do the steps.

    Arguments:
      head: the headers of a stream.
      pace: seconds before each delta, unless the scenario keeps the time itself.

    Raises:
      Problem: where the scenario cuts; the server leaves the answer unfinished then.
    """
    headers = head or [("content-type", "text/event-stream; charset=utf-8")]
    begun: float | None = None
    for step in steps:
        if isinstance(step, Reply):
            await send_reply(exchange, step)
            return
        if isinstance(step, Wait):
            await trio.sleep(step.seconds)
            continue
        if isinstance(step, At):
            begun = trio.current_time() if begun is None else begun
            await trio.sleep_until(begun + step.seconds)
            continue
        if isinstance(step, Stall):
            await trio.sleep_forever()
        if isinstance(step, Cut):
            raise Problem(Kind.UPSTREAM, "cut by the scenario", code="cut")
        if exchange.status is None:
            exchange.start(200, headers)
        if isinstance(step, Open):
            await exchange.send(b"")
        elif isinstance(step, Framed):
            # Past h11, which would cost as much as what is to be measured; its writer keeps no state between chunks.
            await exchange._connection.send(step.data)
        elif isinstance(step, bytes):
            await exchange.send(step)
        elif isinstance(step, list):
            await exchange.send(encode(step))
        else:
            if begun is None and pace and step.type.endswith(".delta"):
                await trio.sleep(pace)
            await exchange.send(encode([step]))
        await trio.lowlevel.checkpoint()
    if exchange.status is None:
        exchange.start(200, headers)
        await exchange.send(b"")
    await exchange.finish()


async def send_reply(exchange: Exchange, reply: Reply) -> None:
    """Answer with a whole body."""
    await exchange.answer(reply.status, reply.headers, reply.body)
