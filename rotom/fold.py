"""The events of a Responses stream -> the final Response object.

Some providers send the answer only in the stream: on the Codex backend ``response.completed`` always carries
``"output": []`` (reported for many gateways, 2026). So the output is put together from ``response.output_item.done``, keyed
by ``output_index``, and a terminal event that came without it is completed. A message that was cut off (an answer at its
limit of tokens) has no such event; its text is put together from the deltas.

What is not here: what the events mean to a client of another dialect (dialects/).
"""

from __future__ import annotations

from collections.abc import Iterable

from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

FINISHED = frozenset({"response.completed", "response.incomplete", "response.done"})
FAILED = frozenset({"response.failed", "error"})
TERMINAL = FINISHED | FAILED
"""The events that end a stream."""


class Collector:
    """Watches a Responses stream go by.

    Attributes:
      response: the latest Response object seen: in progress first, final after the terminal event.
    """

    def __init__(self) -> None:
        self.response: Json | None = None
        self._items: dict[int, Json] = {}
        self._begun: dict[int, Json] = {}
        self._deltas: list[Event] = []  # of items that are not done, unread

    def feed(self, event: Event) -> Event:
        """The same event, or for a terminal event without output one that has it."""
        kind = event.type
        if kind == "response.output_text.delta":
            self._deltas.append(event)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            index, item = event.data.get("output_index"), event.data.get("item")
            index = index if isinstance(index, int) else len(self._items)
            if isinstance(item, dict):
                self._begun[index] = item
                if kind.endswith("done"):
                    self._items[index] = item
                    if len(self._items) == len(self._begun):
                        self._deltas.clear()
        elif kind in TERMINAL or kind == "response.created":
            response = event.data.get("response")
            if isinstance(response, dict):
                told = response.get("output")
                if kind in TERMINAL and not (isinstance(told, list) and told) and (output := self.output()):
                    response = {**response, "output": output}
                    event = Event(kind, data={**event.data, "response": response})
                self.response = response
        return event

    def output(self) -> list[Json]:
        """The items in their order: those that are done, and of others the messages that have a text."""
        items = {**self._cut(), **self._items}
        return [items[index] for index in sorted(items)]

    def _cut(self) -> dict[int, Json]:
        texts: dict[int, dict[int, list[str]]] = {}
        for event in self._deltas:
            data = event.data
            parts = texts.setdefault(_index(data, "output_index"), {})
            parts.setdefault(_index(data, "content_index"), []).append(str(data.get("delta", "")))
        return {
            index: {
                **self._begun.get(index, {"type": "message", "role": "assistant"}),
                "status": "incomplete",
                "content": [
                    {"type": "output_text", "text": "".join(parts[part]), "annotations": [], "logprobs": []}
                    for part in sorted(parts)
                ],
            }
            for index, parts in texts.items()
        }


def _index(data: Json, name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def fold(events: Iterable[Event]) -> Json:
    """The final Response object of a whole stream.

    Raises:
      Problem: UPSTREAM when the answer failed or the stream has no end.
    """
    collector = Collector()
    for event in events:
        collector.feed(event)
        if event.type in FAILED:
            raise failure(event)
        if event.type in FINISHED and collector.response is not None:
            return collector.response
    raise Problem(Kind.UPSTREAM, "the provider's stream ended before the answer was complete")


def failure(event: Event) -> Problem:
    """A failure inside a stream as a Problem, without knowing the provider: its own words and code.

    Providers know better what their codes mean; this is for events that reach a client's side all the same.
    """
    data = event.data
    response = data.get("response")
    error = response.get("error") if isinstance(response, dict) else data.get("error", data)
    error = error if isinstance(error, dict) else {}
    message, code = error.get("message"), error.get("code")
    return Problem(
        Kind.UPSTREAM,
        message if isinstance(message, str) and message else "the provider failed without saying why",
        code=code if isinstance(code, str) else None,
        event=event,
    )
