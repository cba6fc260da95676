"""Responses events in, Responses frames out: the same, but for what the client must not notice.

Theory of operation. Text deltas, which are nearly all of a stream, pass without being looked at, and so does every other
event that is not listed here. The events that carry the Response object get the client's own values in it (echo.py) and
the id of the first one; the terminal one gets the output where the provider leaves it out (rotom/fold.py). Events that are
no part of the public API (none of ``response.*``) are left out. As long as the provider's stream begins as it should, its
sequence numbers are good, and stay; where it does not, or where one that has a number is left out, all of them are
numbered anew from there on.

What is not here: what is private to a provider's own clients never gets this far (Provider.private).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

from rotom.dialects.responses.echo import Echo
from rotom.dialects.responses.problems import problem as error_body
from rotom.fold import TERMINAL, Collector
from rotom.fold import fold as fold_events
from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.turn import Turn

CREATED = "response.created"
_DELTA = "response.output_text.delta"
_LIFE = TERMINAL | {CREATED, "response.in_progress", "response.queued"}
_NUMBER = re.compile(rb'"sequence_number": ?(\d+)')
"""In JSON: within a text, the quotation marks would have backslashes before them."""

_ENDS = {"response.done": "response.completed"}
"""Other names of events, and what OpenAI's libraries know them as (seen by others on the Codex backend's WebSocket)."""


class Renderer:
    """Renders one answer."""

    def __init__(self, turn: Turn) -> None:
        self._echo = Echo(turn)
        self._collector = Collector()
        self._id: str | None = None
        self._last: Event | None = None
        self._next: int | None = None  # the next sequence number, where they are given anew
        options = turn.body.get("stream_options")
        self._plain = isinstance(options, dict) and options.get("include_obfuscation") is False
        self.over = False

    def feed(self, event: Event) -> list[Event]:
        """The event, or none.

        Raises:
          Problem: UPSTREAM for one that was cut and is no JSON any more: OpenAI's libraries would fail on it in words of
            their own.
        """
        kind = event.type
        if not event.raw.endswith(b"}") and kind.startswith("response."):
            event.data  # noqa: B018 - looked at, so that it raises
        if kind == _DELTA and self._next is None and not self._plain and self._id is not None:
            self._last = self._collector.feed(event)
            return [event]
        if self.over:
            return []
        if not kind.startswith("response.") and kind != "error":
            if self._next is None and _number_of(event) is not None:
                self._next = self._following()
            return []
        frames = []
        if self._id is None:
            frames = self._begin(event)
        self.over = kind in TERMINAL
        frames += self._numbered(self._public(self._collector.feed(event)))
        self._last = frames[-1]
        return frames

    def close(self) -> list[Event]:
        """Nothing: what ends an answer is an event of the provider."""
        return []

    def pulse(self) -> list[Event]:
        """A comment: SDKs skip it, and no event may come before ``response.created``."""
        return [] if self.over else [Event(":", raw=b"keep-alive")]

    def fail(self, problem: Problem) -> list[Event]:
        """``response.failed``: the provider's own event if there is one, else one made here."""
        event = problem.event
        if isinstance(event, Event) and event.type == "response.failed":
            return self.feed(event)
        self.over = True
        frames = [] if self._id is not None else self._begin(None)
        error = error_body(problem, "")["error"]
        # What no provider said is a server's error to clients: OpenAI's libraries have a list of codes.
        code = error["code"] if event is not None or problem.kind < 500 else None
        failed = {
            **(self._collector.response or self._made()),
            "status": "failed",
            "output": self._collector.output(),
            "error": {"code": code or "server_error", "message": error["message"]},
        }
        frames.append(_event("response.failed", self._following(), self._complete(failed)))
        self._last = frames[-1]
        return frames

    def _begin(self, first: Event | None) -> list[Event]:
        """Note the id; where the provider's stream does not begin as it should, begin it."""
        response = first.data.get("response") if first is not None and first.type in _LIFE else None
        found = response.get("id") if isinstance(response, dict) else None
        self._id = found if isinstance(found, str) and found else f"resp_{os.urandom(24).hex()}"
        if first is not None and first.type == CREATED:
            if _number_of(first) != 0:
                self._next = 0
            return []
        self._next = 1
        begun = {**response, "status": "in_progress", "output": []} if isinstance(response, dict) else self._made()
        created = _event(CREATED, 0, self._complete(begun))
        self._last = created
        return [created]

    def _public(self, event: Event) -> Event:
        """The event in its public form."""
        kind = event.type
        if kind not in _LIFE and not self._plain:
            return event
        data = event.data
        if kind in _ENDS:
            kind = _ENDS[kind]
            data = {**data, "type": kind}
        if kind == "error":
            # Its other form, as the WebSocket has it: SDKs expect the fields flat.
            error = data["error"] if isinstance(data.get("error"), dict) else data
            number = {name: data[name] for name in ("sequence_number",) if name in data}
            return Event(kind, data={"type": kind, **{n: error.get(n) for n in ("code", "message", "param")}, **number})
        if kind in _LIFE:
            response = data.get("response")
            if not isinstance(response, dict):
                response = {**(self._collector.response or self._made()), "output": self._collector.output()}
            if kind in TERMINAL and response.get("status") in (None, "queued", "in_progress"):
                response = {**response, "status": kind.removeprefix("response.")}
            return Event(kind, data={**data, "response": self._complete(response)})
        if self._plain and "obfuscation" in data:
            return Event(kind, data={name: value for name, value in data.items() if name != "obfuscation"})
        return event

    def _numbered(self, event: Event) -> list[Event]:
        if self._next is None and (event.type != "error" or "sequence_number" in event.data):
            return [event]
        number = self._following()
        if self._next is not None:
            self._next = number + 1
        if event.type not in _LIFE and (place := _NUMBER.search(event.raw)) is not None:
            raw = event.raw
            return [Event(event.type, raw=b"%b%d%b" % (raw[: place.start(1)], number, raw[place.end(1) :]))]
        return [Event(event.type, data={**event.data, "sequence_number": number})]

    def _following(self) -> int:
        """The next sequence number."""
        if self._next is not None:
            return self._next
        last = _number_of(self._last) if self._last is not None else None
        return last + 1 if last is not None else 0

    def _complete(self, response: Json) -> Json:
        return {**self._echo.complete(response), "id": self._id}

    def _made(self) -> Json:
        """A Response object where the provider sent none."""
        return {"id": self._id, "object": "response", "created_at": int(time.time()), "status": "in_progress"}


def _number_of(event: Event) -> int | None:
    number = event.data.get("sequence_number")
    return number if isinstance(number, int) else None


def _event(kind: str, number: int, response: Json) -> Event:
    return Event(kind, data={"type": kind, "response": response, "sequence_number": number})


def fold(frames: Iterable[Event]) -> Json:
    """The final Response object."""
    return fold_events(frames)
