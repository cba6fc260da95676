"""Compaction by a call of the provider's own: a conversation goes in, and what stands for it comes out.

What is not here: providers that compact in an answer, to a ``compaction_trigger`` (routes/responses.py asks them so), and
what a client makes of it.
"""

from __future__ import annotations

import json

from rotom.gateway import Gateway
from rotom.gateway.answer import Plan
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.sse import Json
from rotom.upstream.client import Limits
from rotom.upstream.flows import perform


async def compacted(gateway: Gateway, plan: Plan) -> Json:
    """What the provider makes of the conversation of a turn, in the form of OpenAI's API.

    Arguments:
      plan: of a turn whose provider has such a call.

    Raises:
      Problem: what its refusal means; UPSTREAM when it answers with something else.
    Cancellation: at any moment, and the provider's request ends with it.
    """
    provider, config = plan.provider, gateway.config
    compact = provider.compact
    if compact is None:
        raise TypeError(f"{provider.name} has no call for compaction")

    async def call(token: Token) -> Json:
        limits = Limits(config.connect_timeout, config.first_byte_timeout, config.idle_timeout)
        reply = await perform(gateway.client, compact(plan.turn, plan.model, token), limits=limits)
        if reply.status != 200:
            raise provider.refusal(reply.status, reply.headers, reply.body)
        try:
            value = json.loads(reply.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("output"), list):
            message = "the provider was asked for a compaction and answered with something else"
            raise Problem(Kind.UPSTREAM, message, code="upstream_error", retry=False)
        return value

    async with gateway.places[plan.login].taken():
        _, value = await gateway.native(plan.login, call, counts=True)
    gateway.bonds.learn(provider.name, plan.account or "", value["output"])
    return value
