"""Seen: one answer of a provider, read for judgement. Pure. What it says in words stays in here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from rotom.problem import Problem
from rotom.providers import Reply
from rotom.sse import Decoder, Json

_CODE = re.compile(r"[a-z][a-z0-9_.:-]{0,59}")

TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """One answer.

    Fields:
      status: 0 where none came; then `problem` says why.
      events: the data of the events of a stream, in order, each with its type. value: a JSON body.
      done: a ``[DONE]`` came. text: the body as it is, in lower case, for words to be looked for.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    events: tuple[Json, ...] = ()
    value: Any = None
    done: bool = False
    text: str = ""
    problem: str = ""

    def of(self, kind: str) -> list[Json]:
        """The events of a type."""
        return [event for event in self.events if event.get("type") == kind]

    def final(self) -> Json:
        """The response object of the terminal event."""
        found = next((event for event in reversed(self.events) if event.get("type") in TERMINAL), {})
        response = found.get("response")
        return response if isinstance(response, dict) else {}

    def items(self, kind: str) -> list[Json]:
        """The finished items of a type."""
        found = [event.get("item") for event in self.of("response.output_item.done")]
        return [item for item in found if isinstance(item, dict) and item.get("type") == kind]

    def completed(self) -> bool:
        """It was answered to the end."""
        return self.status == 200 and bool(self.of("response.completed"))

    def shown(self) -> str:
        """How it was answered, in words that hold nothing of it."""
        if not self.status:
            return self.problem
        if self.status != 200:
            code = _code(self.value)
            return f"refused with {self.status}" + (f" ({code})" if code else "")
        for event in self.events:
            if event.get("type") in ("error", "response.failed"):
                code = _code(event.get("response") if "response" in event else event)
                return "failed in its stream" + (f" ({code})" if code else "")
        return "accepted"


def read(reply: Reply) -> Seen:
    """An answer over HTTP."""
    text = reply.body.decode("utf-8", "replace")
    stream = reply.headers.get("content-type", "").startswith("text/event-stream")
    events: list[Json] = []
    done, value = False, None
    if stream and reply.status == 200:
        for event in Decoder().feed(reply.body + b"\n\n"):
            if event.raw == b"[DONE]":
                done = True
                continue
            try:
                data = event.data
            except Problem:
                continue
            if isinstance(data, dict):
                events.append({"type": event.type, **data})
    else:
        try:
            value = json.loads(reply.body)
        except (ValueError, RecursionError):
            value = None
    return Seen(reply.status, dict(reply.headers), tuple(events), value, done, text.lower())


def failed(why: str) -> Seen:
    """No answer came."""
    return Seen(0, problem=why)


def _code(value: Any) -> str:
    """The machine's word in a refusal, when it is one."""
    error = value.get("error") if isinstance(value, dict) else None
    for place in (error, value, value.get("detail") if isinstance(value, dict) else None):
        if isinstance(place, dict):
            for name in ("code", "error_code", "type"):
                word = place.get(name)
                if isinstance(word, str) and _CODE.fullmatch(word) and word not in ("error", "invalid_request_error"):
                    return word
    return ""
