"""The events of a Responses stream, told one item after the other, all of it, and once.

Theory of operation. Responses has output items whose events may be interleaved and whose ends may be missing; the other
dialects tell one thing at a time. So one item has the *floor* and may speak; events of other items wait until it is done,
and are then played in the order of the output.

An item is complete with ``response.output_item.done``, which repeats all of it: whatever was not streamed before is taken
from there, once. Items that only stand in the terminal event are taken from that. What was told is never told again: items
are known by place and id, calls by call id as well (a tool call told twice would be run twice).

Some models bundle calls into one of a tool named ``parallel`` that nobody offered (seen by others, 2026): such a bundle is
held until it is whole, and told as the calls in it.

What is not here: what a dialect writes of it (a `Speaker`, the dialect's render.py), failures (fold.py), and the end of a
stream without a terminal event (upstream raises a Problem).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Protocol

from rotom.dialects.bundle import BUNDLES, unbundle
from rotom.dialects.loose import count_of, object_of, objects_of
from rotom.dialects.names import call_id
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

DELTA = "response.output_text.delta"

_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Kinds of calls -> the field with what they are called with."""

# Items that take the floor when they begin. Images do not: they are shown at the end in any case.
_ORDERED = ("message", "reasoning", "web_search_call", *_CALLS)


class Speaker(Protocol):
    """What a dialect writes: frames for each thing that an answer says, in order."""

    def say(self, index: int, part: int, text: str, delta: Json | None) -> list[Event]:
        """More text of a content part of the message at `index`; `delta` is the event's data, where it came in one."""
        ...

    def refuse(self, index: int, part: int, text: str) -> list[Event]:
        """More of a refusal, which is a content part of a message too."""
        ...

    def cite(self, index: int, part: int, note: Json) -> list[Event]:
        """An annotation of a text; the same one may come twice."""
        ...

    def think(self, index: int, text: str) -> list[Event]:
        """More of what a reasoning item shows; its parts are parted by an empty line."""
        ...

    def call(self, index: int, kind: str, name: str, tool: str) -> list[Event]:
        """A call begins: of kind function_call or custom_tool_call, with this call id and tool."""
        ...

    def argue(self, index: int, text: str) -> list[Event]:
        """More of what the call is called with."""
        ...

    def item(self, index: int, item: Json) -> list[Event]:
        """The whole item at `index`, when all of it was told."""
        ...

    def leave(self) -> list[Event]:
        """What began is over: an item, or one of the calls in a bundle."""
        ...


class _Item:
    """The item that has the floor: which it is, and what of it was already told."""

    __slots__ = ("arguments", "called", "index", "kind", "parts", "thought", "whole")

    def __init__(self, index: int, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.parts: set[int] = set()  # content parts of a message that were streamed
        self.thought: tuple[str, int] | None = None  # the part of a reasoning item that was told last
        self.arguments = ""
        self.called = False
        self.whole = False  # whether the arguments of a call are complete


class Floor:
    """Lets a speaker tell one answer.

    Arguments:
      tools: those of the request, as the provider has them.
      empty: the arguments of a function that was called without any.

    Attributes:
      silent: may be set by the speaker: nothing more is to be told.
      cut: whether a call was told in part, for the answer met its limit. Such a call must not be run.
    """

    def __init__(self, speaker: Speaker, tools: Iterable[Json], empty: str = "") -> None:
        self.silent = False
        self.cut = False
        self._speaker = speaker
        self._empty = {"arguments": empty, "input": ""}
        self._bundles = BUNDLES.difference(str(tool.get("name")) for tool in tools)
        self._floor: _Item | None = None
        self._waiting: dict[int, list[Event]] = {}
        self._queue: list[int] = []  # the keys of `_waiting`, as a heap
        self._done: set[int] = set()
        self._ids: set[str] = set()

    def feed(self, event: Event) -> list[Event]:
        """The frames that an event causes.

        Raises:
          Problem: UPSTREAM when it is broken in a way that cannot be passed on.
        """
        if self.silent or event.type not in _HANDLERS:
            return []
        place = event.data.get("output_index")
        floor = self._floor
        index = place if isinstance(place, int) else floor.index if floor is not None else 0
        if index in self._done:
            return []
        if floor is not None and floor.index != index:
            if index not in self._waiting:
                self._waiting[index] = []
                heappush(self._queue, index)
            self._waiting[index].append(event)
            return []
        frames = _HANDLERS[event.type](self, index, event.data)
        return frames if self._floor is not None else frames + self._next()

    def finish(self, event: Event) -> list[Event]:
        """What was left to tell when the terminal event came.

        Raises:
          Problem: UPSTREAM when the answer claims to be complete and ends in the middle of a call.
        """
        frames: list[Event] = []
        for index, item in enumerate(objects_of(object_of(event.data, "response"), "output")):
            if index not in self._done:
                done = {"output_index": index, "item": item}
                frames += self.feed(Event("response.output_item.done", data=done))
        while self._floor is not None:
            frames += self._abandon(event.type)
        return frames

    def _abandon(self, how: str) -> list[Event]:
        """Take the floor from an item that never came to its end."""
        item, self._floor = self._floor, None
        assert item is not None
        self._done.add(item.index)
        if item.kind in _CALLS and not (item.whole and item.called) and not self.silent:
            if how != "response.incomplete":
                raise Problem(Kind.UPSTREAM, "the provider ended its answer in the middle of a tool call")
            self.cut = True
        return self._speaker.leave() + self._next()

    # The order of items

    def _next(self) -> list[Event]:
        """Give the floor to those who waited."""
        frames = []
        while self._floor is None and self._waiting:
            index = heappop(self._queue)
            for event in self._waiting.pop(index):
                if index not in self._done and not self.silent:
                    frames += _HANDLERS[event.type](self, index, event.data)
        return frames

    def _take(self, index: int, kind: str) -> _Item:
        if self._floor is None:
            self._floor = _Item(index, kind)
        return self._floor

    def _known(self, item: Json) -> bool:
        """Whether an item, found by id, was told before; its ids are known from now on."""
        ids = {f"{name} {item[name]}" for name in ("id", "call_id") if item.get(name)}
        known = not self._ids.isdisjoint(ids)
        self._ids |= ids
        return known

    def _added(self, index: int, data: Json) -> list[Event]:
        item = object_of(data, "item")
        kind = item.get("type")
        if kind not in _ORDERED or self._floor is not None:
            return []
        if self._known(item):
            self._done.add(index)
            return []
        begun = self._take(index, kind)
        return self._call(begun, item) if kind in _CALLS else []

    def _item_done(self, index: int, data: Json) -> list[Event]:
        whole = object_of(data, "item")
        self._done.add(index)
        if self._floor is None and self._known(whole):
            return []
        frames: list[Event] = []
        if finish := _FINISHERS.get(str(whole.get("type"))):
            frames += finish(self, self._take(index, str(whole["type"])), whole)
        if not self.silent:
            frames += self._speaker.item(index, whole)
        self._floor = None
        return frames + self._speaker.leave()

    # Messages

    def _text(self, index: int, data: Json) -> list[Event]:
        return self._say(self._take(index, "message"), count_of(data, "content_index"), data.get("delta"), data)

    def _text_done(self, index: int, data: Json) -> list[Event]:
        item, part = self._take(index, "message"), count_of(data, "content_index")
        return self._say(item, part, data.get("text")) if part not in item.parts else []

    def _refusal(self, index: int, data: Json) -> list[Event]:
        return self._refuse(self._take(index, "message"), count_of(data, "content_index"), data.get("delta"))

    def _refusal_done(self, index: int, data: Json) -> list[Event]:
        item, part = self._take(index, "message"), count_of(data, "content_index")
        return self._refuse(item, part, data.get("refusal")) if part not in item.parts else []

    def _say(self, item: _Item, part: int, text: object, delta: Json | None = None) -> list[Event]:
        if not isinstance(text, str) or not text or self.silent:
            return []
        item.parts.add(part)
        return self._speaker.say(item.index, part, text, delta)

    def _refuse(self, item: _Item, part: int, text: object) -> list[Event]:
        if not isinstance(text, str) or not text or self.silent:
            return []
        item.parts.add(part)
        return self._speaker.refuse(item.index, part, text)

    def _annotation(self, index: int, data: Json) -> list[Event]:
        note = data.get("annotation")
        if not isinstance(note, dict) or self.silent:
            return []
        return self._speaker.cite(index, count_of(data, "content_index"), note)

    def _finish_message(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        for part, value in enumerate(objects_of(whole, "content")):
            if part not in item.parts:
                say = self._say if "text" in value else self._refuse
                frames += say(item, part, value.get("text", value.get("refusal")))
            for note in objects_of(value, "annotations"):
                frames += self._annotation(item.index, {"content_index": part, "annotation": note})
        return frames

    # Reasoning

    def _thought(self, index: int, data: Json) -> list[Event]:
        kind = "summary" if "summary_index" in data else "content"
        return self._think(self._take(index, "reasoning"), kind, count_of(data, f"{kind}_index"), data.get("delta"))

    def _think(self, item: _Item, kind: str, part: int, text: object) -> list[Event]:
        if not isinstance(text, str) or not text or self.silent:
            return []
        if item.thought is not None and item.thought[0] != kind:
            return []  # a summary and the thing itself: one of them is enough
        new_part = item.thought is not None and item.thought[1] != part
        item.thought = (kind, part)
        return self._speaker.think(item.index, f"\n\n{text}" if new_part else text)

    def _finish_reasoning(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        if item.thought is None:
            for kind in ("summary", "content"):
                for part, value in enumerate(objects_of(whole, kind)):
                    frames += self._think(item, kind, part, value.get("text"))
        return frames

    # Calls

    def _call(self, item: _Item, whole: Json) -> list[Event]:
        tool, name = whole.get("name"), whole.get("call_id")
        if not isinstance(tool, str) or not isinstance(name, str) or item.called or tool in self._bundles:
            return []
        if self.silent or item.kind not in _CALLS:
            return []
        item.called = True
        return self._speaker.call(item.index, item.kind, call_id(name), tool)

    def _argument(self, index: int, data: Json) -> list[Event]:
        return self._argue(self._take(index, "function_call"), data.get("delta"))

    def _input(self, index: int, data: Json) -> list[Event]:
        return self._argue(self._take(index, "custom_tool_call"), data.get("delta"))

    def _arguments_done(self, index: int, data: Json) -> list[Event]:
        return self._all(self._take(index, "function_call"), data.get("arguments"))

    def _input_done(self, index: int, data: Json) -> list[Event]:
        return self._all(self._take(index, "custom_tool_call"), data.get("input"))

    def _all(self, item: _Item, arguments: object) -> list[Event]:
        if not isinstance(arguments, str) or not arguments:
            return []
        item.whole = True
        return self._rest(item, arguments)

    def _argue(self, item: _Item, text: object) -> list[Event]:
        if not isinstance(text, str) or not text or not item.called or self.silent:
            return []
        item.arguments += text
        return self._speaker.argue(item.index, text)

    def _rest(self, item: _Item, arguments: str) -> list[Event]:
        """What of the arguments was not streamed yet."""
        return self._argue(item, arguments.removeprefix(item.arguments)) if arguments.startswith(item.arguments) else []

    def _finish_call(self, item: _Item, whole: Json) -> list[Event]:
        if self.silent:
            return []
        if str(whole.get("name")) in self._bundles:
            return self._finish_bundle(item, whole)
        frames = self._call(item, whole)
        if not item.called:
            raise Problem(Kind.UPSTREAM, "the provider sent a tool call without a name or an id")
        if whole.get("status") == "incomplete" and not item.whole:
            self.cut = True
            return frames
        field = _CALLS[item.kind]
        arguments = whole.get(field)
        if isinstance(arguments, str):
            # An empty text is how a call without arguments looks; a missing one is a fault, and never made up.
            return frames + self._rest(item, arguments if arguments or item.arguments else self._empty[field])
        if not item.arguments:
            raise Problem(Kind.UPSTREAM, f"the provider sent a call of {whole.get('name')} without its {field}")
        return frames

    def _finish_bundle(self, item: _Item, whole: Json) -> list[Event]:
        if whole.get("status") == "incomplete":
            self.cut = True
            return []
        frames = []
        for name, tool, arguments in unbundle(whole):
            frames += self._speaker.call(item.index, "function_call", name, tool)
            frames += self._speaker.argue(item.index, arguments)
            frames += self._speaker.leave()
        return frames


_Handler = Callable[[Floor, int, Json], list[Event]]

_HANDLERS: dict[str, _Handler] = {
    DELTA: Floor._text,
    "response.output_text.done": Floor._text_done,
    "response.output_text.annotation.added": Floor._annotation,
    "response.refusal.delta": Floor._refusal,
    "response.refusal.done": Floor._refusal_done,
    "response.reasoning_summary_text.delta": Floor._thought,
    "response.reasoning_text.delta": Floor._thought,
    "response.function_call_arguments.delta": Floor._argument,
    "response.function_call_arguments.done": Floor._arguments_done,
    "response.custom_tool_call_input.delta": Floor._input,
    "response.custom_tool_call_input.done": Floor._input_done,
    "response.output_item.added": Floor._added,
    "response.output_item.done": Floor._item_done,
}

_FINISHERS: dict[str, Callable[[Floor, _Item, Json], list[Event]]] = {
    "message": Floor._finish_message,
    "reasoning": Floor._finish_reasoning,
    "function_call": Floor._finish_call,
    "custom_tool_call": Floor._finish_call,
}
