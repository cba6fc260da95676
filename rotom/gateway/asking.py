"""Asking a provider, and seeing to it that a dead attempt is never noticed.

Theory of operation. Before anything is yielded, events are held back until one of them carries content: an attempt that
dies before that (an overload told inside a 200, a lost connection, a token that just expired) leaves no trace and may be
repeated. From then on every event passes as it comes, and whatever goes wrong is raised to the caller, once the events
before it were handed over.

Two limits of time stand over a provider: for the first byte, and for silence between two reads.

What is not here: one answer under way (answer.py), and what is asked (planning.py).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from rotom.gateway import Gateway, joined
from rotom.gateway.advice import advice, final
from rotom.gateway.answer import Answer, Plan
from rotom.gateway.mending import MENDED, detoured, origin_of, without_reasoning
from rotom.gateway.planning import counted
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.receipt import safe
from rotom.seldom import Seldom
from rotom.turn import Turn
from rotom.upstream import stream
from rotom.upstream.keeper import REFUSED
from rotom.upstream.retry import delay

if TYPE_CHECKING:
    from rotom.upstream import sockets
else:
    sockets = Seldom("rotom.upstream.sockets")

OVERFLOW = frozenset({"context_length_exceeded", "context_too_large"})

WARN_SECONDS = 3600.0
"""How long a warning that another model answered than was asked is good for."""

MOST_WARNED = 100
"""Pairs of models that are remembered for that."""


@asynccontextmanager
async def run(gateway: Gateway, plan: Plan, *, spare: bool = False, once: bool = False) -> AsyncIterator[Answer]:
    """See `Gateway.run`."""
    try:
        with trio.CancelScope() as silence:
            async with gateway.places[plan.login].taken(spare=spare), AsyncExitStack() as stack:
                answer = await _first_content(gateway, plan, silence, stack, once)
                _compare(gateway, answer)
                try:
                    yield answer
                finally:
                    gateway.bonds.learn(plan.provider.name, plan.account or "", answer.sealed())
                    if answer.usage is not None:
                        gateway.counts.learn(plan.look, answer.usage, answer.output() if answer.whole else ())
    except Problem as problem:
        if problem.code in OVERFLOW and problem.limit is None and plan.model.context is not None:
            # Whatever we think, the provider knows that it is too much.
            tokens = (await counted(gateway, plan.look)).tokens
            problem.limit = max(tokens, plan.model.context + 1), plan.model.context
        gateway.trouble(plan.login, problem)
        raise
    if silence.cancelled_caught:
        silent = _silent(gateway.config.idle_timeout)
        gateway.trouble(plan.login, silent)
        raise silent


def _compare(gateway: Gateway, answer: Answer) -> None:
    """Warn, once in a while, when the provider says that another model answers than the one that was asked."""
    asked, served, now = answer.model.id, answer.served, time.time()
    if served is None or served in answer.model.served_as:
        return
    if re.fullmatch(re.escape(asked) + r"(-20\d\d-?\d\d-?\d\d)?", served, re.IGNORECASE):
        return
    if now - gateway.warned.get((asked, served), -WARN_SECONDS) < WARN_SECONDS:
        return
    if len(gateway.warned) >= MOST_WARNED:
        gateway.warned.clear()
    gateway.warned[asked, served] = now
    gateway.say("warning", f"the provider answers with the model {safe(served)} where {asked} was asked for")


async def _first_content(
    gateway: Gateway, plan: Plan, silence: trio.CancelScope, stack: AsyncExitStack, once: bool
) -> Answer:
    """Try until an answer has content, as often as that makes sense. The live attempt's resources go to `stack`."""
    name, begun, failures = plan.login, trio.current_time(), 0
    with advice(name):
        token = await gateway.keeper.token(name)
    renewed = False
    mended: set[Callable[[Turn], Turn]] = set()
    elsewhere: Problem | None = None
    while True:
        attempt, origin = AsyncExitStack(), origin_of(plan.provider, token)
        try:
            answer = await attempt.enter_async_context(_attempt(gateway, plan, token, silence))
            await answer.hold()
        except Problem as problem:
            await attempt.aclose()
            if problem.code == "token_refused" and not renewed:
                renewed = True
                with advice(name):
                    token = await gateway.keeper.renew(name, REFUSED, token)
            elif (mend := MENDED.get(problem.code or "")) is not None and mend not in mended:
                mended.add(mend)
                if mend is without_reasoning:
                    gateway.bonds.spoil(plan.provider.name, plan.account or "", plan.turn.body["input"])
                plan = replace(plan, turn=mend(plan.turn))
            elif elsewhere is None and detoured(plan.provider, problem, token, origin):
                elsewhere = problem
            else:
                failures += 1
                pause = delay(problem, failures, trio.current_time() - begun, random.random())  # noqa: S311
                if pause is None or once:
                    if elsewhere is not None:
                        problem.message += f" (another address had refused before: {elsewhere.message})"
                    raise final(problem, name) from problem
                await trio.sleep(pause)
        except BaseException:
            await attempt.aclose()
            raise
        else:
            answer.retries = failures + renewed + len(mended) + (elsewhere is not None)
            stack.push_async_callback(attempt.aclose)
            return answer


@asynccontextmanager
async def _attempt(gateway: Gateway, plan: Plan, token: Token, silence: trio.CancelScope) -> AsyncIterator[Answer]:
    async with _ask(gateway, plan, token) as source:
        _learn(gateway, plan, source.headers)
        answer = Answer(plan, source, silence, gateway.config.idle_timeout)
        answer.secret = token.access.encode()
        answer.served = source.headers.get("openai-model")
        answer.told = plan.provider.told(source.headers)
        try:
            yield answer
        finally:
            if source.private:
                _learn(gateway, plan, source.headers)


def _ask(gateway: Gateway, plan: Plan, token: Token) -> AbstractAsyncContextManager[stream.Answer]:
    provider, model, turn, config = plan.provider, plan.model, plan.turn, gateway.config
    if config.upstream_transport == "http" or provider.dress_socket is None or gateway.nursery is None:
        return stream.ask(gateway.client, provider, model, token, turn, limits=config)
    if gateway.sockets is None:
        gateway.sockets = sockets.Sockets(gateway.client, gateway.nursery, gateway.say)
    return gateway.sockets.ask(provider, model, token, turn, limits=config)


def _learn(gateway: Gateway, plan: Plan, headers: Mapping[str, str]) -> None:
    """What an answer says beside the answer: the account's limits, and whether the list of models changed."""
    if windows := plan.provider.windows(headers):
        gateway.limits[plan.login] = joined(gateway.limits.get(plan.login), windows)
    if etag := headers.get("x-models-etag"):
        gateway.lists.saw_etag(plan.login, etag)


def _silent(seconds: float) -> Problem:
    return Problem(
        Kind.TIMEOUT,
        f"the provider sent nothing for {seconds:g} seconds, so rotom gave up",
        code="provider_silent",
        retry=False,  # clients would wait as long again, ten times
    )
