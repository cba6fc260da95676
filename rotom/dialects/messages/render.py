"""Responses events in, frames of the Messages stream out.

Theory of operation. Messages has numbered blocks, one open at a time; Responses has output items whose events may be
interleaved and whose ends may be missing. So one item has the *floor* and may speak; events of other items wait until it
is done, and are then played in the order of the output. What it says goes to blocks of its own (writer.py).

An item is complete with ``response.output_item.done``, which repeats all of it: whatever was not streamed before is taken
from there, once. Items that only stand in the terminal event are taken from that. What was written is never written again:
items are known by place and id, calls by call id as well (a tool call told twice would be run twice).

Nothing is written before there is something to say, so that a failure before it can still have its own HTTP status.

A stop sequence makes the answer `over`: the provider need not go on, and what it counted so far is then not known. Only
when its own end comes along with the same read are the token counts its own; else they are guessed, and say so.

Some models bundle calls into one of a tool named ``parallel`` that nobody offered (seen by others, 2026): such a bundle is
held until it is whole, and told as the calls in it.

What is not here: the end of a stream without a terminal event (upstream raises a Problem, `fail` renders it), and the
object for clients that do not want a stream (fold.py).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from rotom.dialects.messages.bundle import BUNDLES, unbundle
from rotom.dialects.messages.ending import ending, guessed, usage_of
from rotom.dialects.messages.history import sign
from rotom.dialects.messages.loose import count_of, object_of, objects_of
from rotom.dialects.messages.problems import error_of
from rotom.dialects.messages.search import Searches
from rotom.dialects.messages.tools import call_id
from rotom.dialects.messages.writer import Writer, frame
from rotom.fold import FAILED, FINISHED, failure
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json
from rotom.turn import Turn

_DELTA = "response.output_text.delta"
# Items that take the floor when they begin. Images do not: they are shown at the end in any case.
_ORDERED = ("message", "reasoning", "function_call", "web_search_call")


class _Item:
    """The item that has the floor: which it is, and what of it was already written."""

    __slots__ = ("arguments", "index", "kind", "parts", "thought", "whole")

    def __init__(self, index: int, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.parts: set[int] = set()  # content parts of a message that were streamed
        self.thought: tuple[str, int] | None = None  # the part of a reasoning item that was written last
        self.arguments = ""
        self.whole = False  # whether the arguments of a call are complete


class Renderer:
    """Renders one answer."""

    def __init__(self, turn: Turn) -> None:
        extra = turn.extra
        self._turn = turn
        tools = turn.body.get("tools") or ()
        self._out = Writer(turn.asked, extra.get("input_tokens", 0), extra.get("stop", ()))
        self._names = turn.names
        self._maker = str(extra.get("provider", "")), str(extra.get("model", ""))
        self._request_id = extra.get("request_id")
        self._thinking = extra.get("thinking", "none")
        searching = any(tool.get("type") == "web_search" for tool in tools)
        self._bundles = BUNDLES.difference(tool.get("name") for tool in tools)
        self._searches = Searches() if searching else None
        self.over = False
        self._ended = False
        self._floor: _Item | None = None
        self._waiting: dict[int, list[Event]] = {}
        self._queue: list[int] = []  # the keys of `_waiting`, as a heap
        self._done: set[int] = set()
        self._ids: set[str] = set()
        self._calls = 0
        self._cut = False
        self._images: list[Json] = []

    def feed(self, event: Event) -> list[Event]:
        """The frames that an event causes.

        Raises:
          Problem: when the event says that the answer failed, or is broken in a way that cannot be passed on.
        """
        kind = event.type
        if kind == _DELTA and self._out.copier is not None:
            raw = self._out.copier.copy(event.raw)
            if raw is not None:
                return [Event("content_block_delta", raw)]
        if self._ended:
            return []
        if kind in FINISHED:
            return self._finish(event)
        if kind in FAILED:
            raise failure(event)
        if kind in _HANDLERS:
            frames = self._route(event)
            self.over = self._out.stopped is not None
            return self._out.opening() + frames if frames else []
        return []

    def close(self) -> list[Event]:
        """The end of a message that met a stop sequence."""
        if self._ended or self._out.stopped is None:
            return []
        frames = self._out.opening() + self._out.leave()
        delta = {"stop_reason": "stop_sequence", "stop_sequence": self._out.stopped}
        return frames + self._end(delta, guessed(self._turn, self._out.written, self._searched()))

    def _end(self, delta: Json, usage: Json) -> list[Event]:
        frames = [frame for block in self._images for frame in self._out.whole(block)]
        self.over = self._ended = True
        self._out.copier = None
        return [*frames, frame("message_delta", delta=delta, usage=usage), frame("message_stop")]

    def _searched(self) -> int:
        return self._searches.count if self._searches is not None else 0

    def pulse(self) -> list[Event]:
        """A ping; the first commits the opening of the message."""
        return [] if self._ended else [*self._out.opening(), frame("ping")]

    def fail(self, problem: Problem) -> list[Event]:
        """The error that ends a stream which has begun."""
        self.over = self._ended = True
        self._out.copier = None
        return [Event("error", data=error_of(problem, self._request_id))]

    # The order of items

    def _route(self, event: Event) -> list[Event]:
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

    def _next(self) -> list[Event]:
        """Give the floor to those who waited."""
        frames = []
        while self._floor is None and self._waiting:
            index = heappop(self._queue)
            for event in self._waiting.pop(index):
                if index not in self._done:
                    frames += _HANDLERS[event.type](self, index, event.data)
        return frames

    def _take(self, index: int, kind: str) -> _Item:
        if self._floor is None:
            self._floor = _Item(index, kind)
        return self._floor

    def _known(self, item: Json) -> bool:
        """Whether an item, found by id, was written before; its ids are known from now on."""
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
        self._take(index, kind)
        return self._open_call(index, item) if kind == "function_call" else []

    def _item_done(self, index: int, data: Json) -> list[Event]:
        item = object_of(data, "item")
        self._done.add(index)
        if self._floor is None and self._known(item):
            return []
        finish = _FINISHERS.get(str(item.get("type")))
        frames = finish(self, self._take(index, str(item["type"])), item) if finish is not None else []
        self._floor = None
        return frames + self._out.leave()

    # Messages

    def _text(self, index: int, data: Json) -> list[Event]:
        item = self._take(index, "message")
        part = count_of(data, "content_index")
        return self._say(item, part, data.get("delta"))

    def _text_done(self, index: int, data: Json) -> list[Event]:
        item = self._take(index, "message")
        part = count_of(data, "content_index")
        return self._say(item, part, data.get("text", data.get("refusal"))) if part not in item.parts else []

    def _say(self, item: _Item, part: int, text: object) -> list[Event]:
        if not isinstance(text, str) or not text or self._out.stopped is not None:
            return []
        item.parts.add(part)
        if self._searches is not None:
            self._searches.heard(item.index, part, text)
        return self._out.text(("text", item.index, part), text)

    def _first_text(self, index: int, data: Json) -> list[Event]:
        """A text delta on the slow way; the next one may be copied."""
        frames = self._text(index, data)
        if frames and self._searches is None:
            self._out.copy_on(data)
        return frames

    def _annotation(self, index: int, data: Json) -> list[Event]:
        part, note = count_of(data, "content_index"), data.get("annotation")
        if self._searches is None or self._out.block != ("text", index, part) or not isinstance(note, dict):
            return []
        citation = self._searches.cite(index, part, note)
        return [self._out.delta("citations_delta", citation=citation)] if citation else []

    def _finish_message(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        for part, value in enumerate(objects_of(whole, "content")):
            if part not in item.parts:
                frames += self._say(item, part, value.get("text", value.get("refusal")))
            for note in objects_of(value, "annotations"):
                frames += self._annotation(item.index, {"content_index": part, "annotation": note})
        frames += self._out.leave()
        if self._searches is not None and self._out.stopped is None:
            for block in self._searches.late(end=False):
                frames += self._out.whole(block)
        return frames

    # Reasoning

    def _thought(self, index: int, data: Json) -> list[Event]:
        kind = "summary" if "summary_index" in data else "content"
        return self._think(self._take(index, "reasoning"), kind, count_of(data, f"{kind}_index"), data.get("delta"))

    def _think(self, item: _Item, kind: str, part: int, text: object) -> list[Event]:
        if self._thinking != "text" or not isinstance(text, str) or not text or self._out.stopped is not None:
            return []
        if item.thought is not None and item.thought[0] != kind:
            return []  # a summary and the thing itself: one of them is enough
        new_part = item.thought is not None and item.thought[1] != part
        item.thought = (kind, part)
        frames = self._out.enter(("thinking", item.index), {"type": "thinking", "thinking": "", "signature": ""})
        frames.append(self._out.delta("thinking_delta", thinking=f"\n\n{text}" if new_part else text))
        return frames

    def _finish_reasoning(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        if item.thought is None:
            for kind in ("summary", "content"):
                for part, value in enumerate(objects_of(whole, kind)):
                    frames += self._think(item, kind, part, value.get("text"))
        # Only the item that is done carries the final blob; the one that was added has an early snapshot of it.
        encrypted = whole.get("encrypted_content")
        if self._thinking == "none" or self._out.stopped is not None or (item.thought is None and not encrypted):
            return frames
        frames += self._out.enter(("thinking", item.index), {"type": "thinking", "thinking": "", "signature": ""})
        frames.append(self._out.delta("signature_delta", signature=self._sign(str(encrypted or ""))))
        return frames

    def _sign(self, encrypted: str) -> str:
        provider, model = self._maker
        return sign(provider, encrypted, model)

    # Calls

    def _open_call(self, index: int, item: Json) -> list[Event]:
        name, call = item.get("name"), item.get("call_id")
        if not isinstance(name, str) or not isinstance(call, str) or self._out.stopped is not None:
            return []
        if self._out.block == ("tool", index) or name in self._bundles:
            return []
        self._calls += 1
        block = {"type": "tool_use", "id": call_id(call), "name": self._names.get(name, name), "input": {}}
        return self._out.enter(("tool", index), block)

    def _argument(self, index: int, data: Json) -> list[Event]:
        return self._argue(self._take(index, "function_call"), data.get("delta"))

    def _arguments_done(self, index: int, data: Json) -> list[Event]:
        item = self._take(index, "function_call")
        arguments = data.get("arguments")
        if not isinstance(arguments, str) or not arguments:
            return []
        item.whole = True
        return self._rest(item, arguments)

    def _argue(self, item: _Item, text: object) -> list[Event]:
        if not isinstance(text, str) or not text or self._out.block != ("tool", item.index):
            return []
        item.arguments += text
        return [self._out.delta("input_json_delta", partial_json=text)]

    def _rest(self, item: _Item, arguments: str) -> list[Event]:
        """What of the arguments was not streamed yet."""
        return self._argue(item, arguments.removeprefix(item.arguments)) if arguments.startswith(item.arguments) else []

    def _finish_call(self, item: _Item, whole: Json) -> list[Event]:
        if self._out.stopped is not None:
            return []
        if str(whole.get("name")) in self._bundles:
            return self._finish_bundle(whole)
        frames = self._open_call(item.index, whole)
        if self._out.block != ("tool", item.index):
            raise Problem(Kind.UPSTREAM, "the provider sent a tool call without a name or an id")
        if whole.get("status") == "incomplete" and not item.whole:
            self._cut = True
            return frames
        arguments = whole.get("arguments")
        if isinstance(arguments, str):
            # An empty text is how a call without arguments looks; a missing one is a fault, and never made up.
            return frames + self._rest(item, arguments if arguments or item.arguments else "{}")
        if not item.arguments:
            raise Problem(Kind.UPSTREAM, f"the provider sent a call of {whole.get('name')} without its arguments")
        return frames

    def _finish_bundle(self, whole: Json) -> list[Event]:
        if whole.get("status") == "incomplete":
            self._cut = True
            return []
        frames = []
        for block in unbundle(whole):
            self._calls += 1
            block["name"] = self._names.get(block["name"], block["name"])
            frames += self._out.whole(block)
        return frames

    # What the provider's own tools did

    def _finish_search(self, item: _Item, whole: Json) -> list[Event]:
        if self._out.stopped is not None:
            return []
        if self._searches is None:
            self._searches = Searches()
        return [frame for block in self._searches.blocks(whole) for frame in self._out.whole(block)]

    def _finish_image(self, item: _Item, whole: Json) -> list[Event]:
        if isinstance(data := whole.get("result"), str) and data:
            media = f"image/{whole.get('output_format') or 'png'}"
            source = {"type": "base64", "media_type": media, "data": data}
            self._images.append({"type": "image", "source": source})
        return []

    # The end

    def _finish(self, event: Event) -> list[Event]:
        response = object_of(event.data, "response")
        frames: list[Event] = []
        for index, item in enumerate(objects_of(response, "output")):
            if index not in self._done:
                done = {"output_index": index, "item": item}
                frames += self._route(Event("response.output_item.done", data=done))
        while self._floor is not None:
            frames += self._abandon(event.type)
        if self._searches is not None and self._out.stopped is None:
            for block in self._searches.late(end=True):
                frames += self._out.whole(block)
        delta = ending(response, incomplete=event.type == "response.incomplete", calls=self._calls, cut=self._cut)
        if self._out.stopped is not None:
            delta = {"stop_reason": "stop_sequence", "stop_sequence": self._out.stopped}
        return [*self._out.opening(), *frames, *self._end(delta, usage_of(response, self._searched()))]

    def _abandon(self, how: str) -> list[Event]:
        """Take the floor from an item that never came to its end."""
        item, self._floor = self._floor, None
        assert item is not None
        self._done.add(item.index)
        told = item.whole and self._out.block == ("tool", item.index)
        if item.kind == "function_call" and not told and self._out.stopped is None:
            if how != "response.incomplete":
                raise Problem(Kind.UPSTREAM, "the provider ended its answer in the middle of a tool call")
            self._cut = True
        return self._out.leave() + self._next()


_Handler = Callable[[Renderer, int, Json], list[Event]]

_HANDLERS: dict[str, _Handler] = {
    _DELTA: Renderer._first_text,
    "response.output_text.done": Renderer._text_done,
    "response.output_text.annotation.added": Renderer._annotation,
    "response.refusal.delta": Renderer._text,
    "response.refusal.done": Renderer._text_done,
    "response.reasoning_summary_text.delta": Renderer._thought,
    "response.reasoning_text.delta": Renderer._thought,
    "response.function_call_arguments.delta": Renderer._argument,
    "response.function_call_arguments.done": Renderer._arguments_done,
    "response.output_item.added": Renderer._added,
    "response.output_item.done": Renderer._item_done,
}

_FINISHERS: dict[str, Callable[[Renderer, _Item, Json], list[Event]]] = {
    "message": Renderer._finish_message,
    "reasoning": Renderer._finish_reasoning,
    "function_call": Renderer._finish_call,
    "web_search_call": Renderer._finish_search,
    "image_generation_call": Renderer._finish_image,
}
