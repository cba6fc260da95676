"""passed: an answer whose bytes are handed on as they come, whatever they are.

What is not here: streams of events (stream.py), and answers that are wanted whole (flows.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider
from rotom.upstream.client import Limits, headers_of, problem_of, request_of
from rotom.upstream.stream import ANSWER_BYTES, beginning
from rotom.upstream.transport import Body


class Passing:
    """The answer: its headers, lower case, and its body, which is iterated for pieces.

    Iteration raises a `Problem` when the body breaks: codes ``connection_lost``, ``timeout``, ``answer_too_long``.
    """

    def __init__(self, headers: Mapping[str, str], body: Body) -> None:
        self.headers = headers
        self._body = body
        self._size = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            data: bytes = await self._body.__anext__()
        except httpx.RequestError as exc:
            raise problem_of(exc) from exc
        self._size += len(data)
        if self._size > ANSWER_BYTES:
            raise Problem(Kind.UPSTREAM, "the provider's answer has no end", code="answer_too_long", retry=False)
        return data


@asynccontextmanager
async def passed(
    client: httpx.AsyncClient, provider: Provider, outgoing: Outgoing, limits: Limits
) -> AsyncIterator[Passing]:
    """Ask; inside the block the answer is under way. Leaving it early stops the provider.

    Raises:
      Problem: what the provider's refusal means, or the network's failure.
    """
    try:
        response = await client.send(request_of(outgoing, limits), stream=True)
    except httpx.RequestError as exc:
        raise problem_of(exc) from exc
    status, headers, body = response.status_code, headers_of(response), response.extensions["body"]
    try:
        if status != 200:
            raise provider.refusal(status, headers, await beginning(body))
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding != "identity":
            message = f"the provider answered in an encoding that was not asked for ({coding[:40]!r})"
            raise Problem(Kind.UPSTREAM, message, code="encoding", retry=False)
        yield Passing(headers, body)
    finally:
        await body.aclose()
