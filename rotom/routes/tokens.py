"""``POST /v1/messages/count_tokens``: how many input tokens a request would have.

No provider behind rotom has an endpoint for this. What one reported for the same conversation is known, and the rest is
estimated; a header tells how good the number is.
"""

from __future__ import annotations

import trio

from rotom.dialects.messages import DIALECT
from rotom.gateway import Gateway
from rotom.routes.generate import LARGE, parse
from rotom.server.exchange import Exchange
from rotom.server.routing import Handler
from rotom.turn import Turn

HEADER = "x-rotom-count"
"""``exact``: as reported for this very conversation; ``learned``: partly so, or corrected by it; ``estimated``."""


def count_tokens(gateway: Gateway) -> Handler:
    """The handler: answers for a request that could be asked; here it needs no max_tokens."""

    async def handler(exchange: Exchange) -> None:
        body = await exchange.body()

        def read() -> Turn:
            return DIALECT.read({"max_tokens": 1, **parse(body)}, exchange.headers)

        turn = read() if len(body) <= LARGE else await trio.to_thread.run_sync(read)
        count = await gateway.count(turn)
        exchange.extra_headers.append((HEADER, count.how))
        await exchange.json(200, {"input_tokens": count.tokens})

    return handler
