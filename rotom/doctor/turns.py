"""A real tiny question to each provider, through the whole of rotom: a client, the server, a dialect, the login.

The server that runs is asked where there is one; else one is opened for this, on a free port of this machine. It costs a
little of the limit, so somebody has to say yes first (cli/doctor.py).
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import trio

from rotom.batching import Batching
from rotom.catalogue import Model
from rotom.doctor.finding import Finding, fail, ok, skip, warn
from rotom.doctor.tools import LOCAL_SECONDS, Tools, key_header
from rotom.gateway import Gateway
from rotom.log import Log
from rotom.plain import helpers
from rotom.problem import Problem
from rotom.routes import DIALECTS, Application
from rotom.routes.guard import Rules
from rotom.running import root_of
from rotom.server import Limits, listen
from rotom.server.drain import Drain
from rotom.sse import Decoder

SECONDS = 90.0
"""For one answer; a model may think."""

SMALL = ("mini", "nano", "lite")
"""Words in the names of small models."""

QUESTION = "Reply with the one word: pong"


async def check(tools: Tools) -> list[Finding]:
    """Ask, and say how it went."""
    logins = tools.logins()
    if tools.gateway is None or not logins:
        return [skip("turns", "no login works, so nobody was asked")]
    results: dict[str, Finding] = {}
    async with _server(tools, tools.gateway) as (client, whose):

        async def ask(gateway: Gateway, provider: str) -> None:
            results[provider] = await _asked(client, gateway, provider, whose)

        async with helpers(), trio.open_nursery() as nursery:
            for provider in logins:
                nursery.start_soon(ask, tools.gateway, provider)
    return [results[provider] for provider in logins]


@asynccontextmanager
async def _server(tools: Tools, gateway: Gateway) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of the server that runs, or of one made for this; and words for which it is."""
    timeout = httpx.Timeout(SECONDS, connect=LOCAL_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=timeout) as client:
        if tools.running is not None and tools.running.provider is None:
            address = tools.running.addresses[0]
            try:
                answer = await client.get(f"{root_of(address)}/", headers=key_header(tools.case))
                if answer.status_code == 200 and answer.json().get("name") == "rotom":
                    client.base_url = httpx.URL(root_of(address))
                    client.headers.update(key_header(tools.case))
                    yield client, "by the server that runs"
                    return
            except (httpx.HTTPError, ValueError, AttributeError):
                pass
        async with helpers() as nursery:
            log = Log(io.StringIO(), "json", "error")
            app = Application(gateway, Batching(gateway, log, DIALECTS), Rules(), log)
            listeners = await listen.open_listeners([listen.Address("127.0.0.1", 0)])
            await nursery.start(partial(listen.serve, listeners, app, Limits(), Drain(), 0.0))
            client.base_url = httpx.URL(f"http://{listen.bound(listeners)[0]}")
            yield client, "by a server made for this"


async def _asked(client: httpx.AsyncClient, gateway: Gateway, provider: str, whose: str) -> Finding:
    check = f"turns.{provider}"
    model = await small(gateway, provider)
    if model is None:
        return skip(check, f"{provider}: no model is known to ask")
    effort = f":{model.efforts[0]}" if model.efforts and model.efforts[0] in ("none", "low") else ""
    body = {
        "model": f"{provider}/{model.id}{effort}",
        "max_tokens": 64,
        "stream": True,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    began = trio.current_time()
    first, kinds, refusal = None, list[str](), None
    try:
        with trio.fail_after(SECONDS):
            async with client.stream("POST", "/v1/messages", json=body) as answer:
                if answer.status_code != 200:
                    refusal = _words(await answer.aread())
                else:
                    decoder = Decoder()
                    async for data in answer.aiter_raw():
                        for event in decoder.feed(data):
                            kinds.append(event.type)
                            if event.type == "content_block_delta" and first is None:
                                first = trio.current_time() - began
                            if event.type == "error":
                                refusal = _words(event.raw)
    except trio.TooSlowError:
        return fail(check, f"{provider}: {model.id} did not answer within {SECONDS:g} s", "try again; rotom status")
    except httpx.HTTPError as exc:
        return fail(check, f"{provider}: the answer broke off ({type(exc).__name__})", "rotom status")
    if refusal is not None:
        return fail(check, f"{provider}: {model.id} was refused: {refusal}", "rotom status")
    took = trio.current_time() - began
    if "message_stop" not in kinds:
        return fail(check, f"{provider}: the answer of {model.id} has no end", "try again")
    if first is None:
        return warn(check, f"{provider}: {model.id} answered {whose} without a word, in {took:.1f} s", "try again")
    return ok(check, f"{provider}: {model.id} answered {whose}; first word in {first:.1f} s, all in {took:.1f} s")


async def small(gateway: Gateway, provider: str) -> Model | None:
    """The model that is asked: the fallback where it is this provider's, for people's tools use that one; else a small one,
    else the first."""
    login = gateway.keeper.in_use.get(provider)
    models = gateway.lists.models(login or provider)
    usable = [model for model in models if not (model.hidden or model.retired or model.draws)]
    try:
        fallback = (await gateway.catalogue()).fallback()
    except Problem:
        fallback = None
    if fallback is not None and fallback.provider == provider:
        return fallback
    named = [model for model in usable if any(word in model.id for word in SMALL)]
    return next(iter([*named, *sorted(usable, key=lambda model: model.priority)]), None)


def _words(body: bytes) -> str:
    """What an error of the Messages API says."""
    import json

    try:
        value = json.loads(body)
        return str(value["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return "its words could not be read"
