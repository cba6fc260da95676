"""``POST /v1/messages/count_tokens``: how many input tokens a request would have.

No provider behind rotom has an endpoint for this, so it is an estimate; dialects/messages/count.py says of what kind.
"""

from __future__ import annotations

from rotom.dialects.messages.count import estimate
from rotom.routes.generate import parse
from rotom.server.exchange import Exchange


async def count_tokens(exchange: Exchange) -> None:
    """Answer with the estimate."""
    body = parse(await exchange.body())
    await exchange.json(200, {"input_tokens": estimate(body)})
