"""Performing: does the steps of a scenario (play.py) on an exchange, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import trio

from rotom.fold import TERMINAL
from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange
from rotom.simulator.play import At, Cut, Framed, Open, Play, Reply, Stall, Wait, json_reply
from rotom.sse import Event, Json, encode


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


async def perform_whole(
    exchange: Exchange, steps: Play, output: Callable[[], list[Json]], head: list[tuple[str, str]]
) -> None:
    """Do the steps of an answer that is not streamed, and send what the last event says.

    Arguments:
      output: the items of the answer.

    Raises:
      Problem: where the scenario cuts, or ends without a last event.
    """
    begun = trio.current_time()
    for step in steps:
        if isinstance(step, Reply):
            await send_reply(exchange, step)
            return
        if isinstance(step, Wait):
            await trio.sleep(step.seconds)
        elif isinstance(step, At):
            await trio.sleep_until(begun + step.seconds)
        elif isinstance(step, Stall):
            await trio.sleep_forever()
        elif isinstance(step, Cut):
            break
        for event in step if isinstance(step, list) else [step]:
            if not isinstance(event, Event) or event.type == ":":
                continue
            if "response" in event.data and event.type in TERMINAL:
                response = {**event.data["response"], "output": output()}
                await send_reply(exchange, json_reply(200, response, *head))
                return
            if "error" in event.data or event.type == "error":
                await send_reply(exchange, json_reply(500, event.data))
                return
    raise Problem(Kind.UPSTREAM, "cut by the scenario", code="cut")


async def send_reply(exchange: Exchange, reply: Reply) -> None:
    """Answer with a whole body."""
    await exchange.answer(reply.status, reply.headers, reply.body)
