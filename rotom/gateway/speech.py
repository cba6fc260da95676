"""Speech: a provider's own text to speech, passed through as it comes.

Theory of operation: the first provider that speaks and is logged in is asked, with a place at it like any question. A token
that it refuses is renewed once; nothing else is repeated, for each call counts. The answer is handed on piece by piece, as
the network gives it; a silence that is too long ends it.

What is not here: which fields there are (providers/), and the routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from rotom.gateway import Gateway, not_logged_in
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider, Reply, Speech, Token
from rotom.sse import Json, dumps
from rotom.upstream.client import Limits
from rotom.upstream.duplex import Duplex, duplex
from rotom.upstream.flows import perform
from rotom.upstream.passing import Passing, passed

AUDIO = ("audio/", "application/json", "application/octet-stream")
"""Beginnings of content types that an answer may have."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A provider that speaks, with which login, and how."""

    provider: Provider
    login: str
    speech: Speech


class Talk:
    """A WebSocket with a provider: iterate it for messages to hand to the client."""

    def __init__(self, line: Duplex, speech: Speech, secret: str) -> None:
        self._line = line
        self._frame = speech.frame
        self._secret = secret

    @property
    def code(self) -> int | None:
        """With what the provider closed it; None: it did not, or the connection broke."""
        return self._line.code

    def __aiter__(self) -> Talk:
        return self

    async def __anext__(self) -> str:
        while True:
            message = await anext(self._line)
            # Nothing binary is known to be sent; and whatever quotes the login's own token goes no further.
            if isinstance(message, str) and self._secret not in message:
                return message

    async def send(self, message: Json) -> None:
        """Send a client's message.

        Raises:
          Problem: INVALID for one that is not known to be taken; TIMEOUT when the provider takes nothing.
        """
        await self._line.send(dumps(self._frame(message)).decode())


async def speaker(gateway: Gateway) -> Speaker:
    """Who speaks.

    Raises:
      Problem: UNAUTHENTICATED without any login; NOT_FOUND when none of those logged in speaks.
    """
    served = await gateway.in_use()
    if not served:
        raise not_logged_in()
    for name, login in served.items():
        provider = gateway.providers[name]
        if provider.speech is not None:
            return Speaker(provider, login, provider.speech)
    able = [name for name, provider in gateway.providers.items() if provider.speech is not None]
    advice = f"; log in to one that does: rotom login --provider {able[0]}" if able else ""
    raise Problem(
        Kind.NOT_FOUND,
        f"none of the providers that are logged in ({', '.join(served)}) turns text into speech{advice}",
        code="no_speech",
        retry=False,
    )


@asynccontextmanager
async def say(gateway: Gateway, who: Speaker, body: Json) -> AsyncIterator[Passing]:
    """Have a text spoken; inside the block the answer is under way.

    Raises:
      Problem: on entry when there is no answer, from iteration when it breaks.
    Cancellation: at any moment, and the provider's request ends with it; so it does when the block is left.
    """
    provider = who.provider
    async with gateway.places[who.login].taken(), AsyncExitStack() as stack:

        async def attempt(token: Token) -> Passing:
            outgoing = who.speech.say(body, token)
            return await stack.enter_async_context(passed(gateway.client, provider, outgoing, _limits(gateway)))

        _, answer = await gateway.native(who.login, attempt)
        if not answer.headers.get("content-type", "").strip().lower().startswith(AUDIO):
            raise _no_audio()
        yield answer


@asynccontextmanager
async def talk(gateway: Gateway, who: Speaker, query: Mapping[str, str]) -> AsyncIterator[Talk]:
    """Have a WebSocket with the provider for a block.

    Raises:
      Problem: on entry when there is none.
    """
    provider = who.provider
    async with gateway.places[who.login].taken(), AsyncExitStack() as stack:

        async def attempt(token: Token) -> Duplex:
            outgoing = who.speech.connect(query, token)
            return await stack.enter_async_context(duplex(gateway.client, provider, outgoing, _limits(gateway)))

        token, line = await gateway.native(who.login, attempt)
        yield Talk(line, who.speech, token.access)


async def voices(gateway: Gateway, who: Speaker, voice: str | None = None) -> Reply:
    """The provider's voices, or one of them, in its own words.

    Raises:
      Problem: there is no answer.
    """

    async def attempt(token: Token) -> Reply:
        outgoing: Outgoing = who.speech.voices(voice, token)
        reply = await perform(gateway.client, outgoing, limits=_limits(gateway))
        if reply.status != 200:
            raise who.provider.refusal(reply.status, reply.headers, reply.body)
        return reply

    _, reply = await gateway.native(who.login, attempt)
    return reply


def _limits(gateway: Gateway) -> Limits:
    config = gateway.config
    return Limits(config.connect_timeout, config.first_byte_timeout, config.idle_timeout)


def _no_audio() -> Problem:
    return Problem(
        Kind.UPSTREAM,
        "the provider answered 200 without audio: something between here and there answers in its place (a proxy, or a "
        "sign-in page of the network)",
        code="not_audio",
        retry=False,
    )
