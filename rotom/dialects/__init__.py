"""Client dialects: how a question is read and how an answer is rendered. No I/O in here, and no trio.

A dialect is a pair (reader, renderer) to and from the Responses form that the inside of rotom speaks. The answer to a
client that did not ask for a stream is the *fold* of the dialect's own stream, so that the two can never disagree.

What more than one dialect needs stands beside them: floor.py (items in order), fast.py (text deltas unread), stop.py,
bundle.py, pairing.py (calls and results), names.py, schema.py, fields.py (of requests) and loose.py (of answers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.turn import Turn


class Renderer(Protocol):
    """Responses events in, frames of the dialect out. Made afresh for each answer; holds the state of one stream.

    Attributes:
      over: nothing more of the answer is wanted: `close` ends it, and the provider may be stopped.
    """

    over: bool

    def feed(self, event: Event) -> list[Event]:
        """The frames that this event of the provider causes: often one, sometimes none.

        Raises:
          Problem: when the event says that the answer failed and the stream cannot say it by itself.
        """
        ...

    def close(self) -> list[Event]:
        """Frames that end an answer which is `over`, where the end is still to be told."""
        ...

    def pulse(self) -> list[Event]:
        """Frames that keep a silent connection alive. The first one commits the opening of the answer if need be."""
        ...

    def fail(self, problem: Problem) -> list[Event]:
        """Frames that end a stream which has begun and then broke."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One client-side API.

    Fields:
      name: messages, chat, responses.
      endpoint: POST here to ask.
      read: (JSON body, lower-case headers) -> Turn, or raises a Problem of kind INVALID naming the field.
      renderer: a fresh renderer for the answer to a turn.
      fold: the frames of one whole answer -> the final object of a client that did not ask for a stream.
      problem: the error body when nothing was sent yet: (problem, request id) -> JSON.
      status: the HTTP status this API uses for a problem.
      vendor: whether clients understand the headers of the provider's own answers.
      headers: extra response headers this API uses for a problem (retry-after is added for every dialect).
    """

    name: str
    endpoint: str
    read: Callable[[Json, Mapping[str, str]], Turn]
    renderer: Callable[[Turn], Renderer]
    fold: Callable[[Iterable[Event]], Json]
    problem: Callable[[Problem, str], Json]
    status: Callable[[Problem], int]
    headers: Callable[[Problem], list[tuple[str, str]]]
    vendor: bool = False
