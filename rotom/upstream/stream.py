"""ask: one turn to a provider; an `Answer` is its lists of events, one list for each read of the network.

Theory of operation: no task, queue or channel lies between the provider's bytes and the reader of an answer, so a slow
reader slows the provider and a cancelled one stops it. A stream is over with its terminal event; the end of the bytes
before that is an error, never a clean end. Events that a provider sends for its own clients only are kept back (the last
of each type is in `Answer.private`). After the terminal event the end of the HTTP body gets a moment to arrive, for that
decides whether the connection can be used again.

What is not here: what an event means (a failure among them: `Provider.failure` is asked by the gateway), and retries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
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


class Answer:
    """The answer of a provider as it comes in: iterate it for lists of events.

    `headers` are those of the 200, lower case. Iteration may be cancelled and taken up again. It raises a `Problem`
    when the stream breaks: codes ``stream_truncated``, ``connection_lost``, ``timeout``.
    """

    def __init__(self, headers: Mapping[str, str], body: Body, provider: Provider) -> None:
        self.headers = headers
        self.private: dict[str, Event] = {}
        self._body = body
        self._is_private = provider.private
        self._decoder = Decoder()
        self._size = 0
        self.complete = False

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        while not self.complete:
            try:
                data = await self._body.__anext__()
            except StopAsyncIteration:
                # The empty line after the last event may be missing, and only that.
                if events := self._public(self._decoder.feed(b"\n\n")):
                    return events
                raise Problem(
                    Kind.UPSTREAM,
                    "the provider ended its answer in the middle; ask again",
                    code="stream_truncated",
                ) from None
            except httpx.RequestError as exc:
                raise problem_of(exc) from exc
            self._size += len(data)
            if self._size > ANSWER_BYTES:
                raise Problem(Kind.UPSTREAM, "the provider's answer has no end", code="answer_too_long", retry=False)
            if events := self._public(self._decoder.feed(data)):
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
                out.append(event)
                self.complete = True
                break
            if not kind.startswith("response.") and self._is_private(kind):
                self.private[kind] = event
            else:
                out.append(event)
        return out


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
            problem = provider.refusal(status, headers, await _beginning(body))
            problem.told = provider.told(headers)
            raise problem
        if (trouble := _not_a_stream(headers)) is not None:
            raise trouble
        answer = Answer(headers, body, provider)
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


async def _beginning(body: Body) -> bytes:
    # What can be had of an error body: it explains the status, so its own troubles do not count.
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
