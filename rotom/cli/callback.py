"""The loopback end of a browser login: the page that the provider sends the browser to once the person has consented.

It is rotom's own HTTP server with two routes: the callback, which must carry the state of this login, and ``/cancel``, by
which another login program asks for the port (Codex CLI 0.169 does so; seen 2026-11). Anything else gets a short
refusal, and the login goes on waiting: a stray request must not end it. Whoever is not on this machine's loopback, or
comes by another host name (DNS rebinding), is refused.

What is not here: what the callback brings (providers/oauth.py), and what else a person may do meanwhile (consent.py).
"""

from __future__ import annotations

import contextlib
import hmac
import html
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.server import Limits, Refusal
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange
from rotom.server.listen import Address, bound, open_listeners, serve

LIMITS = Limits(body=0, head_seconds=10, body_seconds=10, keepalive_seconds=10, send_seconds=10, connections=16)
HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("connection", "close"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
)

PREFLIGHT = (
    ("access-control-allow-methods", "GET"),
    ("access-control-allow-private-network", "true"),
    ("connection", "close"),
)
"""For a consent page that brings the callback by a script: browsers ask first, since it leads to this machine."""

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>rotom</title>
<style>body{{font:1.1em/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em}}</style>
<h1>{title}</h1><p>{text}</p></html>
"""


class Callback:
    """Waits for the browser. It is an application of rotom's server.

    Attributes:
      port: the loopback port it listens on.
      state: the state of the question that is open; no callback is good before it is set.
    """

    def __init__(self, port: int, path: str, origins: Collection[str] = ()) -> None:
        self.port = port
        self.state: str | None = None
        self._path = path
        self._origins = origins
        self._arrived = trio.Event()
        self._query: str | None = None

    async def answer(self) -> str:
        """The query of the callback, when it has come.

        Raises:
          Problem: CONFLICT when another login program has asked for the port.
        """
        await self._arrived.wait()
        if self._query is None:
            raise Problem(
                Kind.CONFLICT,
                "another login was started on this machine and has taken this one's place",
                hint="finish that one, or run: rotom login",
            )
        return self._query

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request; a good callback is handed over whether or not the browser waits for its page."""
        host, _, port = exchange.headers.get("host", "").rpartition(":")
        if host.lower() not in HOSTS or port != str(self.port):
            raise Problem(Kind.FORBIDDEN, "This address is for logins on this machine only.")
        origin = exchange.headers.get("origin")
        if origin is not None and origin in self._origins and exchange.path == self._path:
            exchange.extra_headers += [("access-control-allow-origin", origin), ("vary", "origin")]
            if exchange.method == "OPTIONS":
                await exchange.answer(204, PREFLIGHT, b"")
                return
        if exchange.method != "GET" or exchange.path not in (self._path, "/cancel"):
            raise Problem(Kind.NOT_FOUND, "There is nothing here but the end of a login.")
        if exchange.path == "/cancel":
            # Programs may ask this, pages may not: browsers say where a request comes from.
            if {"origin", "referer", "sec-fetch-site"} & exchange.headers.keys():
                raise Problem(Kind.FORBIDDEN, "A web page cannot cancel a login.")
            await self._take(exchange, None, "Cancelled", "The login was cancelled.")
            return
        query = exchange.target.partition("?")[2]
        given = parse_qs(query)
        state = given.get("state", [""])[0]
        if self.state is None or not hmac.compare_digest(state.encode(), self.state.encode()):
            raise Problem(
                Kind.INVALID,
                "This is the answer to another login attempt. Use the address that the terminal shows now.",
            )
        if "code" in given:
            title, text = "Almost there", "rotom has what it needs; the terminal shows whether the login worked."
        else:
            title, text = "Not logged in", "The provider did not agree to the login; the terminal says why."
        await self._take(exchange, query, title, text)

    async def _take(self, exchange: Exchange, query: str | None, title: str, text: str) -> None:
        try:
            await exchange.answer(200, HEADERS, _page(title, f"{text} You can close this window."))
        finally:
            if not self._arrived.is_set():
                self._query = query
                self._arrived.set()

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        """A refusal as a page."""
        return Refusal(int(problem.kind), HEADERS, _page("Not taken", problem.message))

    def bug(self, exc: Exception, request_id: str) -> None:
        """Bugs come out of `callback` below."""
        raise exc

    def done(self, exchange: Exchange) -> None:
        """Nothing is logged here."""

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """Nothing is logged here."""


@asynccontextmanager
async def callback(ports: Sequence[int], path: str, origins: Collection[str] = ()) -> AsyncIterator[Callback | None]:
    """Listen on the first of the ports that is free, for the time of the block; None when none is.

    Arguments:
      origins: web origins whose scripts may bring the callback.
    """
    for port in ports:
        try:
            listeners = await open_listeners([Address("127.0.0.1", port)])
        except Problem:
            continue
        app = Callback(bound(listeners)[0].port, path, origins)
        with contextlib.suppress(Problem):  # localhost may mean either; a machine without IPv6 is fine
            listeners += await open_listeners([Address("::1", app.port)])
        async with helpers() as nursery:
            await nursery.start(serve, listeners, app, LIMITS, Drain(), 0.0)
            yield app
        return
    yield None


def _page(title: str, text: str) -> bytes:
    return PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
