"""What the Responses API has beside asking: answers that are kept, compaction, and counts of tokens.

Answers are kept by the gateway, in memory. Nothing runs in the background here, so that there is nothing to cancel.
"""

from __future__ import annotations

from typing import Any

import trio

from rotom.dialects.responses import DIALECT
from rotom.dialects.responses.stored import compaction, number, page, replay
from rotom.gateway import Gateway
from rotom.gateway.compaction import compacted
from rotom.problem import Kind, Problem
from rotom.receipt import HEADER as RECEIPT
from rotom.routes.generate import EVENT_STREAM, LARGE, answered, parse
from rotom.routes.tokens import HEADER as COUNT
from rotom.server.exchange import Exchange
from rotom.sse import Json, encode
from rotom.state.answers import Kept
from rotom.turn import Turn


class Responses:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def get(self, exchange: Exchange) -> None:
        """An answer that is kept; with ``stream=true`` its events once more, those after ``starting_after``."""
        kept, query = self._kept(exchange), exchange.query
        if query.get("stream", "").lower() not in ("true", "1"):
            await exchange.json(200, kept.response)
            return
        after = number(query["starting_after"], "starting_after") if query.get("starting_after") else -1
        exchange.start(200, EVENT_STREAM)
        await exchange.send(encode(replay(kept.response)[max(after + 1, 0) :]))
        await exchange.finish()

    async def delete(self, exchange: Exchange) -> None:
        """Forget an answer. Those that went on from it are not touched."""
        kept = self._kept(exchange)
        self._gateway.answers.delete(kept.id)
        await exchange.json(200, {"id": kept.id, "object": "response", "deleted": True})

    async def input_items(self, exchange: Exchange) -> None:
        """What an answer was given, page by page."""
        kept, query = self._kept(exchange), exchange.query
        await exchange.json(200, await trio.to_thread.run_sync(lambda: page(kept.context(), query)))

    async def cancel(self, exchange: Exchange) -> None:
        """Refused: only what runs in the background could be cancelled. Others hang up."""
        self._kept(exchange)
        raise Problem(Kind.INVALID, "Cannot cancel a synchronous response.", retry=False)

    async def compact(self, exchange: Exchange) -> None:
        """A conversation made shorter by the provider: by a call of its own, or by its answer to a ``compaction_trigger``
        behind it."""
        turn = await _read(exchange, {"stream": False, "store": False})
        exchange.log |= {"dialect": DIALECT.name, "model": turn.asked}
        plan = await self._gateway.plan(turn)
        native = plan.provider.compact is not None
        if not native:
            trigger = {"type": "compaction_trigger"}
            plan = await self._gateway.plan(turn.with_body(input=[*turn.body["input"], trigger]))
        exchange.log |= plan.facts()
        if (told := plan.receipt.header()) is not None:
            exchange.extra_headers.append((RECEIPT, told))
        if native:
            async with exchange.attended():
                await exchange.json(200, await compacted(self._gateway, plan))
        elif (whole := await answered(DIALECT, self._gateway, plan, exchange)) is not None:
            response, headers = whole
            await exchange.json(200, compaction(response, plan.turn.body["input"]), headers)

    async def input_tokens(self, exchange: Exchange) -> None:
        """How many tokens the input of a request has, as well as that is known here."""
        count = await self._gateway.count(await _read(exchange, {}, {"model": "unknown"}))
        exchange.extra_headers.append((COUNT, count.how))
        await exchange.json(200, {"object": "response.input_tokens", "input_tokens": count.tokens})

    def _kept(self, exchange: Exchange) -> Kept:
        id = exchange.params["id"]
        if (kept := self._gateway.answers.get(id)) is None:
            raise Problem(Kind.NOT_FOUND, f"Response with id '{id[:200]}' not found.", retry=False)
        return kept


async def _read(exchange: Exchange, fixed: Json, defaults: Json | None = None) -> Turn:
    """The turn in a body that is like a request for an answer."""
    body = await exchange.body()

    def read() -> Turn:
        asked: dict[str, Any] = {name: value for name, value in parse(body).items() if value is not None}
        return DIALECT.read({**(defaults or {}), **asked, **fixed}, exchange.headers)

    return read() if len(body) <= LARGE else await trio.to_thread.run_sync(read)
