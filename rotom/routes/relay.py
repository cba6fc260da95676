"""Relaying one answer: a provider's events through a renderer to whoever sends them on, and what is to be told of it.

The way of every answer to a client that waits, whatever carries it: a stream, a whole body, a WebSocket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rotom.dialects import Renderer
from rotom.fold import FINISHED
from rotom.gateway import Gateway
from rotom.gateway.answer import Answer, Plan
from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.state.answers import Answers


async def relay(
    gateway: Gateway,
    plan: Plan,
    answer: Answer,
    renderer: Renderer,
    send: Callable[[list[Event]], Awaitable[None]],
    facts: Json,
    answers: Answers | None = None,
) -> None:
    """Send the frames of an answer up to its end, all those of one upstream read together.

    Arguments:
      send: is given frames; never none.
      facts: is told of the answer what the log line shall tell.
      answers: see `Gateway.remember`.

    Raises:
      Problem: the answer broke.
    """
    feed = renderer.feed
    try:
        async for events in answer:
            frames = list[Event]()
            try:
                for event in events:
                    frames += feed(event)
            except Problem:
                if frames:  # what came before it in the same read was said, and is told
                    await send(frames)
                raise
            if renderer.over:
                frames += renderer.close()
                await remember(gateway, plan, frames, answers)
            if frames:
                await send(frames)
            if renderer.over:
                break
    finally:
        facts |= {"served": answer.served or answer.model.id, "retries": answer.retries}
        if answer.usage is not None:
            facts |= _tokens(answer.usage)


async def remember(gateway: Gateway, plan: Plan, frames: list[Event], answers: Answers | None = None) -> None:
    """Keep an answer that may be kept, before its last frame leaves."""
    if (plan.turn.keep or answers is not None) and frames and frames[-1].type in FINISHED:
        await gateway.remember(plan, frames[-1].data["response"], answers)


def _tokens(usage: Json) -> Json:
    given, made = (usage.get(name) for name in ("input_tokens_details", "output_tokens_details"))
    return {
        "input": usage.get("input_tokens"),
        "cached": given.get("cached_tokens") if isinstance(given, dict) else None,
        "output": usage.get("output_tokens"),
        "reasoning": made.get("reasoning_tokens") if isinstance(made, dict) else None,
    }
