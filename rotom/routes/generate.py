"""The route of every dialect: read, run, render.

What a client that wants a stream gets is written as it comes: all frames of one upstream read leave in one send. The
head of the answer is held until there is something to say, so that an error before it has its own status. A client that
does not want a stream gets the fold of the very same frames.
"""

from __future__ import annotations

from dataclasses import replace

import trio

from rotom.dialects import Dialect
from rotom.gateway import Gateway
from rotom.gateway.answer import Answer, Plan
from rotom.problem import Kind, Problem
from rotom.receipt import HEADER, safe
from rotom.routes.relay import relay
from rotom.server.exchange import Exchange
from rotom.server.routing import Handler
from rotom.sse import Event, Json, encode, loads
from rotom.turn import Turn

LARGE = 4 << 20
"""Bodies over this many bytes are read in a thread: 60 MiB of small blocks take seconds, in which others must be served."""

SERVED = "x-rotom-model"

EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("x-accel-buffering", "no")]


def parse(body: bytes, what: str = "body") -> Json:
    """The body, or what else it is, as a JSON object.

    Raises:
      Problem: INVALID, saying where the JSON is broken.
    """
    try:
        value = loads(body)
    except UnicodeDecodeError as exc:
        raise Problem(Kind.INVALID, f"the {what} is not UTF-8", code="invalid_json") from exc
    except ValueError as exc:
        raise Problem(Kind.INVALID, f"the {what} is not JSON: {exc}", code="invalid_json") from exc
    except RecursionError as exc:
        raise Problem(Kind.INVALID, f"the {what}'s JSON is nested too deeply", code="invalid_json") from exc
    if not isinstance(value, dict):
        raise Problem(Kind.INVALID, f"the {what} is JSON, but not an object", code="invalid_json")
    return value


def generate(dialect: Dialect, gateway: Gateway) -> Handler:
    """The handler of a dialect's endpoint."""

    async def handler(exchange: Exchange) -> None:
        exchange.log["dialect"] = dialect.name
        body = await exchange.body()

        def read() -> Turn:
            return dialect.read(parse(body), exchange.headers)

        turn = read() if len(body) <= LARGE else await trio.to_thread.run_sync(read)
        turn = replace(turn, extra={**turn.extra, "request_id": exchange.id})
        exchange.log |= {"model": turn.asked, "stream": turn.stream, "dropped": turn.dropped}
        plan = await gateway.plan(turn)
        exchange.log |= plan.facts()
        if (told := plan.receipt.header()) is not None:
            exchange.extra_headers.append((HEADER, told))
        if turn.stream:
            await _stream(dialect, gateway, plan, exchange)
        else:
            whole = await answered(dialect, gateway, plan, exchange)
            if whole is not None:
                await exchange.json(200, *whole)

    return handler


async def _stream(dialect: Dialect, gateway: Gateway, plan: Plan, exchange: Exchange) -> None:
    renderer = dialect.renderer(plan.turn)

    def pulse() -> bytes:
        if not exchange.started:  # the head goes out before it is known which model answers
            exchange.start(200, EVENT_STREAM)
        return encode(renderer.pulse())

    async def send(frames: list[Event]) -> None:
        exchange.log.setdefault("first", trio.current_time() - exchange.begun_at)
        await exchange.send(encode(frames))

    async with exchange.attended(pulse, gateway.config.ping_interval):
        try:
            async with gateway.run(plan, once=repeats(exchange)) as answer:
                if not exchange.started:
                    exchange.start(200, EVENT_STREAM + _told(dialect, answer))
                await relay(gateway, plan, answer, renderer, send, exchange.log)
                await exchange.finish()
        except Problem as problem:
            if not exchange.started:
                raise
            exchange.log["code"] = problem.code or problem.kind.name.lower()
            await exchange.send(encode(renderer.fail(problem)))
            await exchange.finish()


async def answered(
    dialect: Dialect, gateway: Gateway, plan: Plan, exchange: Exchange
) -> tuple[Json, list[tuple[str, str]]] | None:
    """The whole answer for a client that did not ask for a stream, and the headers that belong to it; None when the client
    hung up before.

    Raises:
      Problem: there is no answer.
    """
    whole = list[Event]()

    async def collect(frames: list[Event]) -> None:
        exchange.log.setdefault("first", trio.current_time() - exchange.begun_at)
        whole.extend(frames)

    async with exchange.attended():
        async with gateway.run(plan, once=repeats(exchange)) as answer:
            await relay(gateway, plan, answer, dialect.renderer(plan.turn), collect, exchange.log)
        return dialect.fold(whole), _told(dialect, answer)


def _told(dialect: Dialect, answer: Answer) -> list[tuple[str, str]]:
    """The header that names the model which the provider says it used, and those of the provider's own that the dialect's
    clients understand."""
    served = [(SERVED, safe(answer.served))] if answer.served else []
    return [*served, *answer.told] if dialect.vendor else served


def repeats(exchange: Exchange) -> bool:
    """Whether the client asks this for the second time already: the SDKs say so, Claude Code too (seen in 2.1.330). The
    log then tells how often it had asked before."""
    count = exchange.headers.get("x-stainless-retry-count", "0")
    if count in ("", "0"):
        return False
    exchange.log["repeat"] = count
    return True
