"""The way to the providers: proxy, certificate authorities, names, connections, and this machine's clock.

An address is resolved, dialled as every request is (proxy, TLS, trust), and asked for its front page without any token:
the Date of that answer is what the clock is held against.

What is not here: whether a provider accepts a login (models.py).
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from rotom.accounts import provider_of
from rotom.config import Config
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, Verdict, fail, ok, skip, trouble, warn
from rotom.doctor.masks import is_public
from rotom.doctor.tools import Tools
from rotom.exits import CONFIG
from rotom.plain import helpers
from rotom.problem import Problem
from rotom.providers import Outgoing
from rotom.term import words
from rotom.upstream.client import Limits, headers_of, make_context, network_problems, request_of
from rotom.upstream.proxies import Proxies, Proxy, loopback

SECONDS = 6.0
"""For one step: a name, a connection, an answer."""

SKEW, MUCH_SKEW = 60.0, 300.0
"""Seconds by which the clock may be wrong before it is told, and before tokens are taken for over."""

CHECK = "rotom doctor"


async def check(tools: Tools) -> list[Finding]:
    """Everything of this subject."""
    case = tools.case
    found = await trio.to_thread.run_sync(_authorities, case, abandon_on_cancel=True)
    proxies = Proxies.of(case.environ)
    found += await _proxy(proxies)
    results: dict[str, tuple[list[Finding], float | None]] = {}

    async def reach(origin: str) -> None:
        results[origin] = await _reach(tools, origin, proxies)

    wanted = origins(case)
    async with helpers(), trio.open_nursery() as nursery:
        for origin in wanted:
            nursery.start_soon(reach, origin)
    reached = [one for origin in wanted for one in results[origin][0]]
    if len(reached) > 1 and all(one.verdict is Verdict.FAIL for one in reached):
        found.append(offline(reached, proxies.url is not None))
    else:
        found += reached
        found += _clock([skew for _, skew in results.values() if skew is not None])
    return found


def offline(failures: Sequence[Finding], proxied: bool = False) -> Finding:
    """One line instead of one for each address."""
    names = ", ".join(one.check.removeprefix("network.reach.") for one in failures if one.check != "network.reach")
    asked = f" ({names})" if names else ""
    why = "the proxy lets nothing through" if proxied else "this machine seems to be offline"
    advice = failures[0].advice or "check the network" + (", the proxy and NO_PROXY" if proxied else "")
    return fail("network.online", f"no provider is reached{asked}: {why}. {failures[0].sentence}", advice)


def origins(case: Case) -> list[str]:
    """The addresses that are asked: of the providers that are logged in, or of all of them where nobody is."""
    config = case.config
    table = addresses_of(config)
    logged_in = {provider_of(name) for name in case.opened.logins} & set(table)
    names = [name for name in table if case.wanted(name) and (not logged_in or name in logged_in)]
    urls = [url for name in names for url in table[name]]
    return list(dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)))


def addresses_of(config: Config) -> dict[str, list[str]]:
    """Provider -> the addresses that rotom asks for it."""
    return {
        "openai": [config.openai_issuer, config.openai_base_url],
        "chatgpt": [config.chatgpt_issuer, config.chatgpt_base_url],
        "grok": [config.grok_issuer, config.grok_base_url, config.grok_proxy_url],
        **{name: [url] for name, _, url in (entry.partition("=") for entry in config.endpoints)},
    }


def _authorities(case: Case) -> list[Finding]:
    """Whom TLS trusts."""
    check, file = "network.ca", case.config.ca_file
    try:
        make_context(file)
    except Problem as problem:
        return [trouble(check, problem)]
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if (value := case.environ.get(name)) and not Path(value).exists():
            return [fail(check, f"{name} names something that is not there", f"unset {name}", CONFIG)]
    if file is not None:
        return [ok(check, f"trusts the system's authorities and those in {file}")]
    default = ssl.get_default_verify_paths()
    held = default.cafile is not None or (default.capath is not None and bool(os.listdir(default.capath)))
    if os.name == "posix" and not held:
        return [fail(check, "the system has no certificate authorities", "install the package ca-certificates")]
    return [ok(check, "trusts the system's certificate authorities")]


async def _proxy(proxies: Proxies) -> list[Finding]:
    if proxies.url is None:
        return [ok("network.proxy", "no proxy is set: providers are asked directly")]
    try:
        proxy = proxies.choose("chatgpt.com", 443)
    except Problem as problem:
        return [trouble("network.proxy", problem)]
    if proxy is None:
        return [ok("network.proxy", f"{proxies.name} is set, and NO_PROXY takes the providers out")]
    what = f"the proxy that {proxies.name} names"
    took = await _timed(partial(_connect, proxy))
    if isinstance(took, str):
        return [fail("network.proxy", f"{what} is not reached: {took}", f"start it, or: unset {proxies.name}")]
    secret = ", with a user and a password" if proxy.authorization else ""
    return [ok("network.proxy", f"{what} is reached in {_milliseconds(took)}{secret}")]


async def _connect(proxy: Proxy) -> None:
    stream = await trio.open_tcp_stream(proxy.host, proxy.port)
    await stream.aclose()


async def _timed(call: Callable[[], Awaitable[object]]) -> float | str:
    """Seconds that it took, or why it failed."""
    began = trio.current_time()
    try:
        with trio.fail_after(SECONDS):
            await call()
    except trio.TooSlowError:
        return f"no answer within {SECONDS:g} seconds"
    except OSError as exc:
        cause: BaseException = exc
        while isinstance(cause.__cause__, BaseExceptionGroup):
            cause = cause.__cause__.exceptions[0]
        return getattr(cause, "strerror", None) or type(cause).__name__
    return trio.current_time() - began


async def _reach(tools: Tools, origin: str, proxies: Proxies) -> tuple[list[Finding], float | None]:
    """How an address is reached; and by how much its clock is ahead of ours."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    shown = parts.netloc if is_public(host) else "an address of yours"
    check = f"network.reach.{parts.netloc}" if is_public(host) else "network.reach"
    try:
        proxy = proxies.choose(host, port) if parts.scheme == "https" else None
    except Problem:
        return [skip(check, f"{shown} was not tried: the proxy cannot be used")], None
    named = ""
    if proxy is None and not loopback(host):
        took = await _timed(partial(trio.socket.getaddrinfo, host, port))
        if isinstance(took, str):
            return [
                fail(check, f"the name {shown} is not found: {took}", "check the network and its name server")
            ], None
        named = f"name {_milliseconds(took)}, "
    began = trio.current_time()
    try:
        wire = await tools.client.dial(origin, SECONDS)
    except Problem as problem:
        return [trouble(check, problem)], None
    wire.close()
    connected = trio.current_time() - began
    secure = "TLS " if parts.scheme == "https" else ""
    sentence = f"{shown}: {named}{secure}connection {_milliseconds(connected)}{' through the proxy' if proxy else ''}"
    try:
        skew = await _skew(tools, origin)
    except Problem as problem:
        return [warn(check, f"{sentence}; but no answer: {problem.message}", "try again in a minute")], None
    return [ok(check, sentence)], skew


async def _skew(tools: Tools, origin: str) -> float | None:
    """By how much the clock at an address is ahead of ours, as its answer's Date tells."""
    outgoing = Outgoing.get(f"{origin}/", (("user-agent", CHECK), ("accept", "*/*")))
    with network_problems():
        response = await tools.client.send(request_of(outgoing, Limits(SECONDS, SECONDS, SECONDS)), stream=True)
        now = time.time()
        await response.aclose()
    try:
        return parsedate_to_datetime(headers_of(response)["date"]).timestamp() - now
    except (KeyError, ValueError, TypeError):
        return None


def _clock(skews: list[float]) -> Iterator[Finding]:
    if not skews:
        yield skip("network.clock", "no provider told the time, so the clock was not checked")
        return
    skew = sorted(skews)[len(skews) // 2]
    if abs(skew) < SKEW:
        yield ok("network.clock", "the clock agrees with the providers'")
        return
    where = "behind" if skew > 0 else "ahead"
    sentence, advice = f"the clock is {words(abs(skew))} {where}", "set it: timedatectl set-ntp true"
    yield fail("network.clock", sentence, advice) if abs(skew) >= MUCH_SKEW else warn("network.clock", sentence, advice)


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))} ms"
