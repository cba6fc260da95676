"""Images: plan a drawing, and have the provider draw it.

Theory of operation: a provider draws one image a call, over half a minute and in one piece, and each counts towards the
person's plan. So a request for several becomes as many calls side by side, some at a time; they hold places at the provider
as questions do. A call is only repeated when the first one surely drew nothing: the provider was not reached, turned it
away, or wants another token. When one fails the others are given up, and the client is told of that one.

What is not here: the Images API's own form (dialects/images/), and what a provider takes of it (providers/).
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from rotom.catalogue import Model
from rotom.drawing import Drawing
from rotom.gateway import Gateway, joined, not_logged_in
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Images, Provider, Reply, Token
from rotom.receipt import Receipt
from rotom.sse import Json
from rotom.upstream.client import Limits as TimeLimits
from rotom.upstream.flows import perform
from rotom.upstream.retry import delay

AT_ONCE = 4
"""Calls of one request that run side by side: as many as were seen to do so on the real service (by others, 2026-09)."""

_NOT_REACHED = frozenset({"connect_error", "connect_timeout", "proxy_error"})
_TURNED_AWAY = frozenset({Kind.RATE_LIMITED, Kind.UNAVAILABLE, Kind.OVERLOADED})


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """A drawing with the model and login that will draw it, the body of each call, and what is not honoured."""

    drawing: Drawing
    model: Model
    provider: Provider
    images: Images
    body: Json
    receipt: Receipt
    login: str


async def plan_images(gateway: Gateway, drawing: Drawing) -> ImagePlan:
    """Who draws this.

    Raises:
      Problem: UNAUTHENTICATED without any login; NOT_FOUND for a model that makes no images here; INVALID for what cannot
        be drawn, or, where `strict` is set, not as it was asked for.
    """
    if not (in_use := await gateway.in_use()):
        raise not_logged_in()
    found = (await gateway.catalogue()).find_image(drawing.asked)
    provider = gateway.providers[found.model.provider]
    images = provider.images
    if images is None:
        raise TypeError(f"{provider.name} has models for images and no way to them")
    body, receipt = images.take(drawing, found.model)
    if not found.exact and drawing.asked is not None:
        receipt = Receipt((), ((drawing.asked, found.model.id),)) + receipt
    if gateway.config.strict and (problem := receipt.problem()) is not None:
        raise problem
    return ImagePlan(drawing, found.model, provider, images, body, receipt, in_use[provider.name])


@asynccontextmanager
async def draw(
    gateway: Gateway, plan: ImagePlan, *, once: bool = False
) -> AsyncIterator[trio.MemoryReceiveChannel[Reply]]:
    """Have it drawn, and yield the provider's answers as they come: one for each image.

    Arguments:
      once: the client repeats by itself, so a failed call is not repeated here as well.

    Raises:
      Problem: from the block, when one of the calls fails.
    Cancellation: at any moment, and the provider's requests end with it; so they do when the block is left.
    """
    count = plan.drawing.count
    send, receive = trio.open_memory_channel[Reply](count)
    limiter = trio.CapacityLimiter(AT_ONCE)

    async def one(out: trio.MemorySendChannel[Reply]) -> None:
        async with out, limiter:
            await out.send(await _call(gateway, plan, once))

    async with helpers() as nursery, receive:
        async with send:
            for _ in range(count):
                nursery.start_soon(one, send.clone())
        yield receive


async def _call(gateway: Gateway, plan: ImagePlan, once: bool) -> Reply:
    login, begun, failures = plan.login, trio.current_time(), 0
    async with gateway.places[login].taken():
        while True:
            try:
                _, reply = await gateway.native(login, lambda token: _attempt(gateway, plan, token), counts=True)
                return reply
            except Problem as problem:
                failures += 1
                pause = delay(problem, failures, trio.current_time() - begun, random.random())  # noqa: S311
                harmless = problem.code in _NOT_REACHED or problem.kind in _TURNED_AWAY
                if pause is None or once or not harmless:
                    gateway.trouble(login, problem)
                    raise
            await trio.sleep(pause)


async def _attempt(gateway: Gateway, plan: ImagePlan, token: Token) -> Reply:
    config, provider = gateway.config, plan.provider
    outgoing = await trio.to_thread.run_sync(plan.images.dress, plan.body, plan.drawing.edit, token)
    limits = TimeLimits(config.connect_timeout, config.first_byte_timeout, config.idle_timeout)
    reply = await perform(gateway.client, outgoing, limits=limits)
    if windows := provider.windows(reply.headers):
        gateway.limits[plan.login] = joined(gateway.limits.get(plan.login), windows)
    if reply.status != 200:
        raise provider.refusal(reply.status, reply.headers, reply.body)
    return reply
