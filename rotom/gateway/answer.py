"""An answer under way: a provider's events as they pass, watched for their end.

Theory of operation: `hold` reads until the first event that carries content and keeps what comes, so that the gateway can
still throw the attempt away; from then on each read's events are handed on. What ends an answer is noticed here, whatever
the client is sent of it: the terminal event with its token counts, a failure (raised once the events before it were handed
over), or silence, which is one deadline on a scope of the caller's; it is off while the caller is busy with its client, so
that a slow client is never taken for a silent provider.

What is not here: which attempt this is and what becomes of a failure (the gateway).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import trio

from rotom.accounts import facts
from rotom.catalogue import Model
from rotom.fold import FAILED, FINISHED
from rotom.problem import Problem
from rotom.providers import Provider
from rotom.receipt import Receipt
from rotom.sse import Event, Json
from rotom.state.answers import Kept
from rotom.state.counts import Look
from rotom.turn import Turn
from rotom.upstream.stream import Answer as Source

PRELUDE = frozenset(
    {
        "response.created",
        "response.in_progress",
        "response.queued",
        "response.metadata",
        "keepalive",
        "ping",
    }
)
"""Events that say nothing of the answer yet. Overloads arrive behind them (seen by others on the Codex backend, 2026)."""

MOST_HELD = 1000
"""How many events are held back at most; a provider that sends more of them before any content gets them forwarded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A turn with the model and provider that will answer it, what is known of its tokens, and what is not honoured.

    Fields:
      parent: the earlier answer that it goes on from; own: its items beyond that.
      login: the name of the login that is asked; account: its owner (bonds.py).
    """

    turn: Turn
    model: Model
    provider: Provider
    look: Look
    receipt: Receipt = field(default_factory=Receipt)
    parent: Kept | None = None
    own: tuple[Json, ...] = ()
    login: str = ""
    account: str | None = None

    def facts(self) -> Json:
        """What the log says of it."""
        return {**facts(self.login), "dropped": self.receipt.dropped}


class Answer:
    """A provider's answer under way: iterate it for lists of events.

    Attributes:
      model: the model that was asked. served: the one that the provider says it used.
      secret: what no event that is passed on may quote.
      told: headers of the provider's answer that its own clients want.
      usage: the token counts, once the terminal event came; whole: whether that said that nothing is missing.
      retries: how many attempts died before this one.
    """

    def __init__(self, plan: Plan, source: Source, silence: trio.CancelScope, idle: float) -> None:
        self.model = plan.model
        self.served: str | None = None
        self.told: tuple[tuple[str, str], ...] = ()
        self.usage: Json | None = None
        self.whole = False
        self.retries = 0
        self.secret = b"\0"
        self._provider = plan.provider
        self._source = source
        self._silence = silence
        self._idle = idle
        self._held: list[Event] = []
        self._items: list[Event] = []
        self._problem: Problem | None = None
        self._over = False

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> list[Event]:
        if self._held:
            events, self._held = self._held, []
            return events
        while True:
            if self._problem is not None:
                raise self._problem
            if self._over:
                raise StopAsyncIteration
            if events := await self._read():
                return events

    async def hold(self) -> None:
        """Read until the first event with content, keeping what comes.

        Raises:
          Problem: the answer failed before it had content.
        """
        while not self._over and len(self._held) < MOST_HELD and all(event.type in PRELUDE for event in self._held):
            self._held += await self._read()
            if self._problem is not None and all(event.type in PRELUDE for event in self._held):
                raise self._problem

    async def _read(self) -> list[Event]:
        """One read's events, up to one that ends the answer."""
        self._silence.deadline = trio.current_time() + self._idle
        try:
            events = await anext(self._source)
        except StopAsyncIteration:
            self._over = True
            return []
        finally:
            self._silence.deadline = float("inf")
        for index, event in enumerate(events):
            if event.type in FINISHED:
                self._over = True
                self.whole = event.type != "response.incomplete"
                try:
                    self._note(event)
                except Problem as broken:  # it was cut; what came before it was not
                    self._problem = broken
                    return events[:index]
                return events[: index + 1]
            if event.type == "response.created" and self.served is None:
                self.served = _model_of(event)
            if event.type in FAILED and (problem := self._provider.failure(event)) is not None:
                # Passed on as it is, unless it quotes the login's own token.
                problem.event = event if self.secret not in event.raw else None
                problem.told = self._provider.told(self._source.headers)
                self._problem = problem
                return events[:index]
            if event.type == "response.output_item.done":
                self._items.append(event)
        return events

    def sealed(self) -> list[Any]:
        """The items among them that hold something encrypted."""
        found = []
        for event in self._items:
            if b'"encrypted_content"' in event.raw:
                with suppress(Problem):  # what is no JSON is not remembered
                    found.append(event.data.get("item"))
        return found

    def output(self) -> list[Json]:
        """The items that were completed, in their order."""
        found = [event.data for event in self._items]
        found.sort(key=lambda data: place if isinstance(place := data.get("output_index"), int) else 0)
        return [item for data in found if isinstance(item := data.get("item"), dict)]

    def _note(self, event: Event) -> None:
        response = event.data.get("response")
        usage = response.get("usage") if isinstance(response, dict) else None
        self.usage = usage if isinstance(usage, dict) else None
        self.served = self.served or _model_of(event)


def _model_of(event: Event) -> str | None:
    response = event.data.get("response")
    model = response.get("model") if isinstance(response, dict) else None
    return model if isinstance(model, str) and model else None
