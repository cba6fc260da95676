"""Flows over the network: a provider's dialogue is played, step by step.

A network failure is thrown into the flow as a Problem, where it may be handled or pass through to the caller. A flow
that is cancelled is closed.

What is not here: what the steps say (providers/), and how a person is asked (whoever plays a login gives `person`).
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import trio

from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode, Earlier, Flow, Outgoing, Pause, Reply, Step, Token, Verify
from rotom.upstream.client import Limits, headers_of, network_problems, request_of

REPLY_BYTES = 64 << 20

Person = Callable[[Authorize | DeviceCode], Awaitable[str | None]]
"""Shows a step to a person; returns what the flow is to be sent."""


async def play(
    client: httpx.AsyncClient,
    flow: Flow,
    *,
    person: Person | None = None,
    earlier: Token | None = None,
    limits: Limits | None = None,
) -> Any:
    """Play `flow` to its end and return what it returns.

    Arguments:
      person: is shown what a person must see. earlier: the login that this one replaces.

    Raises:
      Problem: what the flow raises.
    """
    ended, value = _step(flow.__next__)
    try:
        while not ended:
            try:
                came = await _do(client, value, person, earlier, limits)
            except Problem as problem:
                ended, value = _step(lambda problem=problem: flow.throw(problem))  # type: ignore[misc]
            else:
                ended, value = _step(lambda came=came: flow.send(came))  # type: ignore[misc]
    finally:
        flow.close()
    return value


def _step(advance: Callable[[], Step]) -> tuple[bool, Any]:
    # StopIteration must not leave a coroutine.
    try:
        return False, advance()
    except StopIteration as stop:
        return True, stop.value


async def _do(
    client: httpx.AsyncClient, step: Step, person: Person | None, earlier: Token | None, limits: Limits | None
) -> Any:
    match step:
        case Outgoing():
            return await perform(client, step, limits=limits)
        case Pause(seconds):
            await trio.sleep(seconds)
            return None
        case Earlier():
            return earlier
        case Verify(token, keys, provider):
            from rotom.upstream.signatures import verify  # cryptography takes its time to load

            verify(token, keys, provider)
            return None
        case _:
            if person is None:
                raise TypeError(f"this flow asks a person ({type(step).__name__}) and there is none")
            return await person(step)


async def perform(client: httpx.AsyncClient, outgoing: Outgoing, *, limits: Limits | None = None) -> Reply:
    """Send one request and read its whole answer, whatever the status.

    Raises:
      Problem: the network failed, or the answer is over 64 MiB.
    """
    if limits is None:
        known = client.timeout
        limits = Limits(known.connect, known.read, known.read, known.write)
    with network_problems():
        response = await client.send(request_of(outgoing, limits), stream=True)
        try:
            parts, size = [], 0
            async for part in response.extensions.get("body", response.stream):
                parts.append(part)
                size += len(part)
                if size > REPLY_BYTES:
                    raise _too_long()
        finally:
            await response.aclose()
    return Reply(response.status_code, headers_of(response), _unpacked(response, b"".join(parts)))


def _unpacked(response: httpx.Response, data: bytes) -> bytes:
    """The body without a coding that was not asked for, which some machine in between may put on it; and no bomb."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity") or not data:
        return data
    inflate = zlib.decompressobj(47)  # gzip or zlib, as it comes
    with suppress(zlib.error):
        plain = inflate.decompress(data, REPLY_BYTES)
        if inflate.unconsumed_tail:
            raise _too_long()
        if inflate.eof:
            return plain
    message = f"the provider answered in an encoding that was not asked for ({coding[:40]!r})"
    raise Problem(Kind.UPSTREAM, message, code="encoding", retry=False)


def _too_long() -> Problem:
    return Problem(Kind.UPSTREAM, "the provider's answer is too long", retry=False)
