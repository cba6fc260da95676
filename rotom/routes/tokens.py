"""``POST /v1/messages/count_tokens``: how many input tokens a request would have.

No provider behind rotom has an endpoint for this, so it is an estimate; dialects/messages/count.py says of what kind.
"""

from __future__ import annotations

import trio

from rotom.dialects.messages import DIALECT
from rotom.dialects.messages.count import estimate
from rotom.routes.generate import LARGE, parse
from rotom.server.exchange import Exchange


async def count_tokens(exchange: Exchange) -> None:
    """Answer with the estimate of a request that could be asked; here it needs no max_tokens."""
    data = await exchange.body()

    def count() -> int:
        body = parse(data)
        DIALECT.read({"max_tokens": 1, **body}, exchange.headers)
        return estimate(body)

    tokens = count() if len(data) <= LARGE else await trio.to_thread.run_sync(count)
    await exchange.json(200, {"input_tokens": tokens})
