"""The routes of text to speech, in the provider's own form: nothing of OpenAI's or Anthropic's is translated to it.

Theory of the WebSocket: one to the provider is opened first, so that what it refuses has a status; then the client's. One
task hands on what the client says, each message checked, and another what the provider says; whichever side ends, both
do. Nothing waits between the two, so a slow side slows the other. Who says nothing for long is sent away, for a connection
to the provider is not free.

What is not here: who speaks and how (gateway/speech.py), and which fields there are (providers/).
"""

from __future__ import annotations

import trio

from rotom.accounts import facts
from rotom.gateway import Gateway
from rotom.gateway.speech import Talk, say, speaker, talk, voices
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.routes.generate import parse
from rotom.server.exchange import Exchange
from rotom.server.websocket import Socket, wanted, websocket
from rotom.sse import dumps

MOST_TEXT = 1 << 20
"""The longest message with a text to speak; a provider takes much less."""

LIFE_SECONDS = 3600.0
QUIET_SECONDS = 600.0
"""How long a WebSocket may last, and how long both sides of it may be silent."""


class Speech:
    """The handlers of ``/v1/tts`` and what is under it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def say(self, exchange: Exchange) -> None:
        """POST: a text in; audio out as it comes, or audio and timestamps as JSON."""
        exchange.log["dialect"] = "speech"
        body = parse(await exchange.body())
        who = await speaker(self._gateway)
        exchange.log |= facts(who.login)
        async with exchange.attended(), say(self._gateway, who, body) as sound:
            exchange.start(200, [("content-type", sound.headers["content-type"])])
            async for piece in sound:
                exchange.log.setdefault("first", trio.current_time() - exchange.begun_at)
                await exchange.send(piece)
            await exchange.finish()

    async def voices(self, exchange: Exchange) -> None:
        """GET: the voices that there are, or one of them."""
        exchange.log["dialect"] = "speech"
        who = await speaker(self._gateway)
        exchange.log |= facts(who.login)
        async with exchange.attended():
            reply = await voices(self._gateway, who, exchange.params.get("voice"))
            await exchange.answer(200, [("content-type", "application/json")], reply.body)

    async def talk(self, exchange: Exchange) -> None:
        """GET, as a WebSocket: text in pieces in, audio in pieces out."""
        if not wanted(exchange):
            exchange.extra_headers.append(("allow", "POST"))
            raise Problem(
                Kind.METHOD,
                f"{exchange.path} takes POST; GET is for WebSockets",
                code="method_not_allowed",
                retry=False,
            )
        if not self._gateway.config.websocket:
            message = "WebSockets are switched off (the setting websocket); use POST"
            raise Problem(Kind.UPGRADE_REQUIRED, message, code="no_websocket")
        exchange.log["dialect"] = "speech"
        who = await speaker(self._gateway)
        exchange.log |= facts(who.login)
        async with talk(self._gateway, who, exchange.query) as provider, websocket(exchange) as client:
            await _Session(client, provider).run()


class _Session:
    """One client's WebSocket, while both ends are open."""

    def __init__(self, client: Socket, provider: Talk) -> None:
        self._client = client
        self._provider = provider
        self._over = trio.CancelScope()
        self._quiet = trio.CancelScope(deadline=trio.current_time() + QUIET_SECONDS)

    async def run(self) -> None:
        """Hand on what both say until one of them ends it, or its time is over."""
        with self._over:
            async with helpers() as nursery:
                nursery.start_soon(self._upward)
                nursery.start_soon(self._downward)
                nursery.start_soon(self._leave)
                with self._quiet:
                    await trio.sleep(LIFE_SECONDS)
                self._end(1000, "its time is over" if not self._quiet.cancelled_caught else "nobody said anything")
                await trio.sleep_forever()

    async def _upward(self) -> None:
        async for message in self._client:
            self._quiet.deadline = trio.current_time() + QUIET_SECONDS
            try:
                await self._provider.send(_read(message))
            except Problem as problem:
                await self._client.send(_error(problem))
                if problem.kind is Kind.TIMEOUT:  # half a message went out, so nothing may follow
                    self._end(1011, "the provider takes nothing")
        self._end(1000)

    async def _downward(self) -> None:
        async for message in self._provider:
            self._quiet.deadline = trio.current_time() + QUIET_SECONDS
            await self._client.send(message)
        if self._provider.code == 1000:
            self._end(1000)
        else:
            self._end(1011, "the connection to the provider ended")

    async def _leave(self) -> None:
        await self._client.draining()
        self._end(1001)

    def _end(self, code: int, reason: str = "") -> None:
        self._client.code, self._client.reason = code, reason
        self._over.cancel()


def _read(message: str | bytes) -> dict[str, object]:
    if isinstance(message, bytes):
        raise Problem(Kind.INVALID, "messages are JSON in text frames, not binary", code="invalid_json")
    if len(message) > MOST_TEXT:
        raise Problem(Kind.TOO_LARGE, f"the message is longer than {MOST_TEXT} characters", code="request_too_large")
    return parse(message.encode("utf-8", "replace"))


def _error(problem: Problem) -> str:
    """A problem in the form of the provider's own errors."""
    return dumps({"type": "error", "message": problem.message, "code": problem.code, "param": problem.param}).decode()
