"""ask: one turn to a provider; an `Answer` is its lists of events, one list for each read of the network.

Theory of operation: no task, queue or channel lies between the provider's bytes and the reader of an answer, so a slow
reader slows the provider and a cancelled one stops it. A stream is over with its terminal event; the end of the bytes
before that is an error, never a clean end. Events that a provider sends for its own clients only are kept back (the last
of each type is in `Answer.private`); the others pass the provider's reader, where it has one. After the terminal event the
end of the HTTP body gets a moment to arrive, for that decides whether the connection can be used again.

An `Answer` reads its events by a function that it is given, so that answers on WebSockets (sockets.py) are the same to
their readers.

What is not here: what an event means (a failure among them: `Provider.failure` is asked by the gateway), and retries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import httpx
import trio

from rotom.catalogue import Model
from rotom.config import Config
from rotom.fold import TERMINAL
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider, Token
from rotom.sse import Decoder, Event
from rotom.turn import Turn
from rotom.upstream.client import Limits, headers_of, problem_of, request_of
from rotom.upstream.transport import Body

REFUSAL_BYTES = 1 << 18
"""The most that is read of an error body."""
REFUSAL_SECONDS = 5.0
"""How long the rest of an error body is waited for."""
ANSWER_BYTES = 256 << 20
"""The longest answer: far above what any model says, far below what fills a memory."""
LINGER_SECONDS = 0.05


Read = Callable[[], Awaitable[list[Event]]]
"""Gives the next events, none or several; may be cancelled and called again. Raises a Problem when no more can come."""

Reader = Callable[[list[Event]], list[Event]]
"""Events of one read -> the same as OpenAI's own stream would have them; see `Provider.reader`."""


class Answer:
    """The answer of a provider as it comes in: iterate it for lists of events.

    Attributes:
      headers: those of the answer, lower case, and what private events said in their place since (`Provider.notes`).
      private: the last private event of each type.
      complete: the terminal event came.

    Iteration may be cancelled and taken up again. It raises a `Problem` when the stream breaks: codes
    ``stream_truncated``, ``connection_lost``, ``timeout``.
    """

    def __init__(
        self, headers: Mapping[str, str], read: Read, provider: Provider, reader: Reader | None = None
    ) -> None:
        self.headers = dict(headers)
        self.private: dict[str, Event] = {}
        self.complete = False
        self._read = read
        self._is_private = provider.private
        self._notes = provider.notes
        self._reader = reader
        self._ahead: list[Event] = []

    async def begin(self) -> list[Event]:
        """Wait for the first events; iteration gives them all the same.

        Raises: as iteration does.
        """
        self._ahead = await anext(self)
        return self._ahead

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        if self._ahead:
            events, self._ahead = self._ahead, []
            return events
        while not self.complete:
            if events := self._public(await self._read()):
                return events
        raise StopAsyncIteration

    def _public(self, events: list[Event]) -> list[Event]:
        out = []
        for event in events:
            kind = event.type
            if kind == "message":  # a stream without event fields: the JSON says the type as well
                if event.raw == b"[DONE]":
                    continue
                named = event.data.get("type")
                if isinstance(named, str) and named.isascii() and named.isprintable():
                    kind = event.type = named
            if kind in TERMINAL:
                if kind == "error":
                    self.headers.update(self._notes(event))
                out.append(event)
                self.complete = True
                break
            if not kind.startswith("response.") and self._is_private(kind):
                self.private[kind] = event
                self.headers.update(self._notes(event))
            else:
                out.append(event)
        return out if self._reader is None else self._reader(out)


class _Stream:
    """The body of an answer over HTTP as events."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._decoder = Decoder()
        self._size = 0

    async def read(self) -> list[Event]:
        try:
            data = await self._body.__anext__()
        except StopAsyncIteration:
            # The empty line after the last event may be missing, and only that: half an event is none.
            if (events := self._decoder.feed(b"\n\n")) and all(map(_is_whole, events)):
                return events
            raise truncated() from None
        except httpx.RequestError as exc:
            raise problem_of(exc) from exc
        self._size += len(data)
        if self._size > ANSWER_BYTES:
            raise endless()
        return self._decoder.feed(data)


def _is_whole(event: Event) -> bool:
    try:
        return bool(event.data)
    except Problem:
        return False


def truncated() -> Problem:
    """An answer ended without an end."""
    return Problem(Kind.UPSTREAM, "the provider ended its answer in the middle; ask again", code="stream_truncated")


def endless() -> Problem:
    """An answer is longer than anything that a model says."""
    return Problem(Kind.UPSTREAM, "the provider's answer has no end", code="answer_too_long", retry=False)


@asynccontextmanager
async def ask(
    client: httpx.AsyncClient, provider: Provider, model: Model, token: Token, turn: Turn, *, limits: Config
) -> AsyncIterator[Answer]:
    """Ask `provider`; inside the block the answer is under way. Leaving it early stops the provider.

    The limits for the connection and the first byte are kept here; that on silence is the caller's, who has one deadline
    for the whole answer instead of one for each read.

    Raises:
      Problem: what the provider's refusal means, or the network's failure.
    """
    status, headers, body = await _sent(client, provider.dress(turn, model, token), Limits.of(limits))
    try:
        if status != 200:
            problem = provider.refusal(status, headers, await beginning(body))
            problem.told = provider.told(headers)
            raise problem
        if (trouble := _not_a_stream(headers)) is not None:
            raise trouble
        answer = Answer(headers, _Stream(body).read, provider, provider.reader and provider.reader(turn))
        yield answer
        if answer.complete:
            await _finish(body)
    finally:
        await body.aclose()


async def _sent(client: httpx.AsyncClient, outgoing: Outgoing, limits: Limits) -> tuple[int, dict[str, str], Body]:
    # Only this much of an exchange is kept while its answer streams: httpx's objects hold the whole question.
    try:
        response = await client.send(request_of(outgoing, limits), stream=True)
    except httpx.RequestError as exc:
        raise problem_of(exc) from exc
    return response.status_code, headers_of(response), response.extensions["body"]


async def beginning(body: Body) -> bytes:
    """What can be had of an error body: it explains the status, so its own troubles do not count."""
    got = b""
    with suppress(httpx.RequestError), trio.move_on_after(REFUSAL_SECONDS):
        async for data in body:
            got += data
            if len(got) >= REFUSAL_BYTES:
                break
    return got[:REFUSAL_BYTES]


async def _finish(body: Body) -> None:
    with suppress(httpx.RequestError):
        await body.drain(LINGER_SECONDS)


def _not_a_stream(headers: Mapping[str, str]) -> Problem | None:
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        return Problem(
            Kind.UPSTREAM,
            f"the provider answered in an encoding that was not asked for ({coding})",
            code="not_a_stream",
        )
    form = headers.get("content-type", "").partition(";")[0].strip().lower()
    if form in ("", "text/event-stream"):
        return None
    return Problem(
        Kind.UPSTREAM,
        f"the provider answered 200 with {form} instead of a stream: something between here and there answers in its "
        "place (a proxy, or a sign-in page of the network)",
        code="not_a_stream",
        retry=False,
    )
