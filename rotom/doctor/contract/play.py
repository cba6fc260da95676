"""play: the requests of a table sent, one after the other, and the answers judged.

A refusal that is about the account (a limit, a login that is over) ends it: what follows could not be told either.

What is not here: what is asked and expected (the tables), and how it looks (command.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import trio

from rotom.catalogue import Model
from rotom.doctor.contract import Base, Expectation, Judged, Request, Table, base_turn, chatgpt, grok, openai, unknown
from rotom.doctor.contract.seen import TERMINAL, Seen, failed, read
from rotom.doctor.tools import Tools
from rotom.gateway import Gateway
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Token
from rotom.sse import Json, dumps, loads
from rotom.upstream.client import Client, Limits
from rotom.upstream.flows import perform
from rotom.upstream.handshake import HungUp, headers_of, shake

TABLES = {table.provider: table for table in (openai.TABLE, chatgpt.TABLE, grok.TABLE)}

SECONDS = 120.0
"""For one answer."""
LIMITS = Limits(15.0, SECONDS, 60.0)

ENDS = (401, 402, 429)
"""Statuses after which nothing more is asked."""


@dataclass(frozen=True, slots=True)
class Line:
    """One expectation with its judgement."""

    expectation: Expectation
    judged: Judged


def costs(table: Table) -> str:
    """What it means to play a table, for the person who is asked."""
    return f"{len(table.requests)} tiny requests to {table.whom}, of which a model answers {table.costly()}"


async def play(tools: Tools, provider: str, show: Callable[[Line], None], only: str | None = None) -> list[Line]:
    """The lines of a provider's table, in order; `show` is given each as soon as it is judged.

    Arguments:
      only: the name of one request, for tests.

    Raises:
      Problem: there is nothing to ask with: no token, no model.
    """
    gateway = tools.gateway
    assert gateway is not None
    base = await _base(gateway, provider, tools.logins()[provider])
    table = TABLES[provider]
    lines: list[Line] = []
    over: str | None = None
    for request in table.requests:
        if only not in (None, request.name):
            continue
        seen = failed(over) if over is not None else await _seen(tools.client, request, base)
        if seen.status in ENDS:
            over = f"not asked, after {seen.shown()}"
        for expectation in table.expectations:
            if expectation.request == request.name:
                line = Line(expectation, _judged(expectation, seen, base))
                lines.append(line)
                show(line)
    return lines


async def _base(gateway: Gateway, provider: str, login: str) -> Base:
    known = gateway.providers[provider]
    found: tuple[Token, tuple[list[Model], str | None]] = await gateway.native(login, gateway.played(known.models))
    token, (models, _) = found
    usable = [model for model in models if not (model.hidden or model.draws or model.retired)]
    if not usable:
        raise Problem(Kind.NOT_FOUND, f"{provider} lists no model to ask", code="model_not_found")
    preferred = [model for model in usable if model.id in PREFERRED]
    model = min(preferred or usable, key=lambda model: model.priority)
    return Base(gateway.config, known, token, model, tuple(models), base_turn())


PREFERRED = ("gpt-5.5", "grok-4.3")
"""The models that are asked where they are listed: old enough that everybody has them, and able to do it all."""


def _judged(expectation: Expectation, seen: Seen, base: Base) -> Judged:
    try:
        return expectation.judge(seen, base)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:  # of a form that nobody thought of
        return unknown(f"the answer could not be read ({type(exc).__name__})")


async def _seen(client: Client, request: Request, base: Base) -> Seen:
    try:
        outgoing = request.make(base)
        if outgoing is None:
            return failed(request.without)
        with trio.fail_after(SECONDS):
            if request.frame is not None:
                return await _on_socket(client, outgoing, request.frame(base))
            return read(await perform(client, outgoing, limits=LIMITS))
    except trio.TooSlowError:
        return failed(f"no answer within {SECONDS:g} seconds")
    except Problem as problem:
        return failed(f"the request failed ({problem.code or problem.kind.name.lower()})")


async def _on_socket(client: Client, outgoing: Outgoing, frame: Json) -> Seen:
    """One message on a WebSocket of its own, and the events up to the terminal one."""
    from trio_websocket import ConnectionClosed, ConnectionRejected

    wire = await client.dial(outgoing.url, LIMITS.connect)
    events: list[Json] = []
    try:
        async with helpers() as nursery:
            socket = await shake(nursery, wire, outgoing, LIMITS.connect, 16 << 20)
            await socket.send_message(dumps(frame).decode())
            while not events or events[-1].get("type") not in TERMINAL:
                value = loads((await socket.get_message()).encode())
                events.append(value if isinstance(value, dict) else {})
            await socket.aclose()
            return Seen(200, headers_of(socket.handshake_headers), tuple(events))
    except ConnectionRejected as exc:
        return Seen(exc.status_code, headers_of(exc.headers))
    except (ConnectionClosed, HungUp, httpx.HTTPError, ValueError):
        return failed("the WebSocket was closed")
    finally:
        wire.close()
