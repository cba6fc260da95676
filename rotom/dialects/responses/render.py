"""Responses events in, Responses frames out: the same, without what is private to a provider.

Text deltas pass without being looked at. The terminal event is completed with the output where the provider leaves it out
(rotom/fold.py). Events that are not known pass through untouched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from rotom.dialects.responses.problems import problem as error_body
from rotom.fold import TERMINAL, Collector
from rotom.fold import fold as fold_events
from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.turn import Turn


class Renderer:
    """Renders one answer."""

    def __init__(self, turn: Turn) -> None:
        self._asked = turn.asked
        self._collector = Collector()
        self._last: Event | None = None
        self.over = False

    def feed(self, event: Event) -> list[Event]:
        """The event itself: what is private to a provider never gets this far (Provider.private)."""
        kind = event.type
        if kind == "response.output_text.delta":
            self._last = self._collector.feed(event)
            return [event]
        if self.over:
            return []
        self.over = kind in TERMINAL
        if kind == "error" and isinstance(error := event.data.get("error"), dict):
            # Its other form, as the WebSocket has it: SDKs expect the fields flat.
            flat = {name: error.get(name) for name in ("code", "message", "param")}
            event = Event(kind, data={"type": "error", **flat, "sequence_number": self._number()})
        self._last = self._collector.feed(event)
        return [self._last]

    def close(self) -> list[Event]:
        """Nothing: what ends an answer is an event of the provider."""
        return []

    def pulse(self) -> list[Event]:
        """A comment: SDKs skip it, and no event may come before ``response.created``."""
        return [] if self.over else [Event(":", raw=b"keep-alive")]

    def fail(self, problem: Problem) -> list[Event]:
        """``response.failed``: the provider's own event if there is one, else one made here."""
        self.over = True
        event = problem.event
        if isinstance(event, Event) and event.type == "response.failed":
            return [self._collector.feed(event)]
        begun = self._collector.response
        response: Json = begun or {
            "id": f"resp_{os.urandom(16).hex()}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "model": self._asked,
            "output": [],
        }
        error = error_body(problem, "")["error"]
        failed = {
            **response,
            "status": "failed",
            "output": self._collector.output(),
            "error": {"code": error["code"] or error["type"], "message": error["message"]},
        }
        number = self._number()
        frames = [] if begun else [_event("response.created", number, response)]
        return [*frames, _event("response.failed", number + len(frames), failed)]

    def _number(self) -> int:
        """The next sequence number."""
        last = self._last.data.get("sequence_number") if self._last is not None else None
        return last + 1 if isinstance(last, int) else 0


def _event(kind: str, number: int, response: Json) -> Event:
    return Event(kind, data={"type": kind, "response": response, "sequence_number": number})


def fold(frames: Iterable[Event]) -> Json:
    """The final Response object."""
    return fold_events(frames)
