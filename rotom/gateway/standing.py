"""The state of the logins: what `rotom status` shows, and renewals because a person wants them.

All logins are asked side by side, so that a provider that is slow or down does not hide the others.

What is not here: the form of the documents (rotom/status.py).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

import trio

from rotom.accounts import provider_of
from rotom.gateway import Gateway, Limits
from rotom.gateway.advice import advice
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token
from rotom.status import LoginStatus, Renewal
from rotom.upstream.keeper import ASKED, Keeper
from rotom.upstream.logins import Login

USAGE_SECONDS = 60.0
"""How long what a provider said of its limits is good for; asking often is a pattern that gets accounts banned."""

PATIENCE = 20.0
"""Seconds that a provider has to renew a token, and to tell of its limits."""

LATE = "late"
"""Code of what took longer."""

T = TypeVar("T")


async def statuses(gateway: Gateway, names: Iterable[str] | None = None) -> list[LoginStatus]:
    """Every login with its limits, asked of the provider when what is known of them is older than a minute.

    Arguments:
      names: these logins only.
    """
    known = await gateway.keeper.logins()
    wanted = ordered(gateway.providers, known if names is None else [name for name in names if name in known])
    return await _side_by_side([partial(_status, gateway, name, known[name]) for name in wanted])


async def renewals(keeper: Keeper, names: Iterable[str]) -> list[Renewal]:
    """Renew these logins now, because a person wants it."""
    return await _side_by_side([partial(_renewal, keeper, name) for name in names])


def ordered(providers: Mapping[str, Provider], logins: Iterable[str]) -> list[str]:
    """Names of logins, provider by provider; those of other providers are left out."""
    order = list(providers)
    ours = [name for name in logins if provider_of(name) in providers]
    return sorted(ours, key=lambda name: order.index(provider_of(name)))


async def _side_by_side(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """What the calls return, in their order."""
    results: dict[int, T] = {}

    async def run(number: int, call: Callable[[], Awaitable[T]]) -> None:
        results[number] = await call()

    async with helpers(), trio.open_nursery() as nursery:
        for number, call in enumerate(calls):
            nursery.start_soon(run, number, call)
    return [results[number] for number in sorted(results)]


async def _status(gateway: Gateway, name: str, login: Login) -> LoginStatus:
    provider = gateway.keeper.provider(name)
    status = LoginStatus(
        name,
        provider.title,
        login.token or Token(""),
        problem=login.problem.message if login.problem is not None else None,
        in_use=gateway.keeper.in_use.get(provider.name) == name,
        trouble=gateway.troubles.get(name),
    )
    try:
        with advice(name), _patience("renew the token"):
            token = await gateway.keeper.token(name)
    except Problem as problem:
        return replace(status, problem=problem.message, active=problem.code == LATE)
    limits = gateway.limits.get(name)
    if limits is None or time.time() - limits.at > USAGE_SECONDS:
        try:
            token, limits = await _usage(gateway, provider, name, token)
        except Problem as problem:
            active = problem.kind is not Kind.UNAUTHENTICATED
            status = replace(status, problem=problem.message, active=active)
    if limits is not None:
        token = replace(token, email=token.email or limits.email, plan=limits.plan or token.plan)
        status = replace(status, windows=limits.windows, windows_at=limits.at)
    origin = provider.origin(token) if provider.origin is not None else None
    return replace(status, token=token, origin=origin)


async def _usage(gateway: Gateway, provider: Provider, name: str, token: Token) -> tuple[Token, Limits]:
    """Ask the provider for the limits.

    Raises:
      Problem: they could not be had.
    """
    with _patience("tell of its limits"):
        token, usage = await gateway.native(name, gateway.played(provider.usage), token)
    limits = gateway.limits[name] = Limits(usage.windows, time.time(), usage.plan, usage.email)
    return token, limits


@contextmanager
def _patience(what: str) -> Iterator[None]:
    """Give a provider some time for a block. A renewal that takes longer goes on by itself."""
    with trio.move_on_after(PATIENCE) as scope:
        yield
    if scope.cancelled_caught:
        raise Problem(Kind.TIMEOUT, f"the provider did not {what} within {PATIENCE:g} seconds", code=LATE)


async def _renewal(keeper: Keeper, name: str) -> Renewal:
    provider = keeper.provider(name)
    try:
        with advice(name):
            token = await keeper.renew(name, ASKED)
    except Problem as problem:
        # A key is not renewed, and some tokens must not be before their time: nothing is wrong with that.
        idle = problem.code == "too_early" or (problem.code == "cannot_renew" and provider.login_key is not None)
        return Renewal(name, provider.title, problem=problem, failed=not idle)
    return Renewal(name, provider.title, token)
