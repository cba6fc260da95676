"""Planning a turn: which login is asked for it, with which model, and with what.

Theory of operation. Everything that a turn refers to (an earlier answer, items) is put in, so that it can be asked of a
provider that keeps nothing. A conversation stays with the login that it began with (bonds.py), its model is found among
those of the logins in question, and what a provider cannot read of another's items is left out (memory.py).

What is not here: what names mean (catalogue.py), and asking (asking.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import trio

from rotom.gateway import Gateway, not_logged_in
from rotom.gateway.advice import moved
from rotom.gateway.answer import Plan
from rotom.gateway.bonds import Seat, seat
from rotom.gateway.memory import conversation as conversation_of
from rotom.gateway.memory import drafted, may_go, recall, whole
from rotom.problem import Kind, Problem
from rotom.receipt import Receipt
from rotom.sse import Json
from rotom.state.answers import Answers, Kept
from rotom.state.counts import Count, Look
from rotom.turn import Turn
from rotom.upstream.logins import Login

QUICK = 16_000
"""Characters whose tokens are estimated while a client waits for its answer: 0.5 ms at most."""
MANY = 20_000
"""Items and parts beyond which a conversation is looked at in a thread; it takes some microseconds for each."""
LONG = 256_000
"""Characters beyond which an estimate is made in a thread: other answers would stutter."""


async def plan(
    gateway: Gateway,
    turn: Turn,
    answers: Answers | None = None,
    *,
    conversation: str | None = None,
    alone: bool = False,
) -> Plan:
    """See `Gateway.plan`."""
    if not (logins := await gateway.keeper.logins()):
        raise not_logged_in()
    parent, own = recall(turn, gateway.answers if answers is None else answers)
    conversation = None if alone else turn.session or conversation
    seats = _seats(gateway, logins, conversation, parent, own)
    found = (await gateway.catalogue(seat.login for seat in seats.values())).find(turn.asked)
    model = found.model
    if model.draws:
        raise Problem(
            Kind.INVALID,
            f"{model.id} makes images and answers no questions: POST /v1/images/generations or /v1/images/edits",
            code="model_not_supported",
            param="model",
            retry=False,
        )
    provider = gateway.providers[model.provider]
    seat = seats[provider.name]
    earlier = await conversation_of(parent)
    whole((*earlier, *own), provider.name, seat.owner, gateway.bonds.maker)
    own, earlier = (
        [item for item in items if may_go(item, provider.name, model.id, seat.owner)] for items in (own, earlier)
    )
    readable = gateway.bonds.tie(provider.name, conversation, seat, own)
    if readable is not None:
        own, earlier = ([item for item in items if readable(item)] for items in (own, earlier))
    if seat.lost:
        gateway.say("info", moved(provider.name, seat.login))
    items = [*earlier, *own]
    extra: dict[str, Any] = {**turn.extra, "provider": provider.name, "model": model.id, "context": model.context}
    mapped = [] if found.exact else [(turn.asked, model.id)]
    body: Json = {"model": model.id, "input": items}
    if found.effort is not None:
        reasoning = turn.body.get("reasoning")
        reasoning = reasoning if isinstance(reasoning, dict) else {}
        if reasoning.get("effort") not in (None, found.effort):
            mapped.append((f"effort:{reasoning['effort']}", found.effort))
        body["reasoning"] = {**reasoning, "effort": found.effort}
    planned = turn.with_body(**body)
    receipt = Receipt(turn.dropped, (*mapped, *turn.mapped)) + provider.receipt(planned, model)
    if gateway.config.strict and (problem := receipt.problem()) is not None:
        raise problem
    look = await _look(gateway, model.id, planned.body)
    if look.size <= QUICK:
        extra["input_tokens"] = gateway.counts.count(look).tokens
    return Plan(
        replace(planned, extra=extra),
        model,
        provider,
        look,
        receipt,
        parent=parent,
        own=tuple(own),
        login=seat.login,
        account=seat.owner,
    )


def _seats(
    gateway: Gateway, logins: Mapping[str, Login], conversation: str | None, parent: Kept | None, own: Sequence[Any]
) -> dict[str, Seat]:
    """Provider -> the login that a conversation goes with there."""
    seats = {}
    for name in gateway.providers:
        if (used := gateway.keeper.in_use.get(name)) is None:
            continue
        began = parent.account if parent is not None and parent.provider == name else None
        began = began or gateway.bonds.began(name, conversation, own)
        seats[name] = seat(name, logins, used, began, name in gateway.keeper.moved)
    return seats


async def remember(gateway: Gateway, plan: Plan, response: Json, answers: Answers | None = None) -> None:
    """See `Gateway.remember`."""
    store = gateway.answers if plan.turn.keep else answers
    if store is not None and response.get("status") in ("completed", "incomplete"):
        store.keep(await drafted(response, plan.own), plan.parent, plan.provider.name, plan.account)


async def count(gateway: Gateway, turn: Turn) -> Count:
    """See `Gateway.count`."""
    parent, own = recall(turn, gateway.answers)
    turn = turn.with_body(input=[*await conversation_of(parent), *own])
    try:
        name = (await gateway.catalogue()).resolve(turn.asked).id
    except Problem:
        name = turn.asked
    return await counted(gateway, await _look(gateway, name, turn.body))


async def _look(gateway: Gateway, model: str, body: Json) -> Look:
    parts = sum(len(part) for item in body["input"] if isinstance(part := item.get("content"), list))
    if len(body["input"]) + parts > MANY:
        return await trio.to_thread.run_sync(gateway.counts.look, model, body)
    return gateway.counts.look(model, body)


async def counted(gateway: Gateway, look: Look) -> Count:
    """The input tokens of what was looked at."""
    if look.size > LONG:
        await trio.to_thread.run_sync(look.weigh)
    return gateway.counts.count(look)
