"""Responses events in, frames of the Messages stream out.

Theory of operation. Messages has numbered blocks, one open at a time; Responses has output items whose events may be
interleaved and whose ends may be missing. So the renderer keeps two values. The *floor* is the output item that may speak:
events of other items wait until it is done, and are then played in the order of the output. The *open block* is what the
client sees being written; there are two moves, entering a block (which leaves another one) and leaving it.

An item is complete with ``response.output_item.done``, which repeats all of it: whatever was not streamed before is taken
from there, once. Items that only stand in the terminal event are taken from that. What was written is never written again:
items are known by place and id, calls by call id as well (a tool call told twice would be run twice).

Nothing is written before there is something to say, so that a failure before it can still have its own HTTP status.

What is not here: the end of a stream without a terminal event (upstream raises a Problem, `fail` renders it), and the
object for clients that do not want a stream (fold.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rotom.dialects.messages.fast import Copier
from rotom.dialects.messages.history import sign
from rotom.dialects.messages.problems import error_of
from rotom.dialects.messages.search import Searches
from rotom.dialects.messages.stop import Stopper
from rotom.dialects.messages.tools import call_id
from rotom.fold import TERMINAL, failure
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json, dumps
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
        self._asked = turn.asked
        self._names = turn.names
        self._provider = str(extra.get("provider", ""))
        self._request_id = extra.get("request_id")
        self._input_estimate = extra.get("input_tokens", 0)
        self._thinking = extra.get("thinking", "none")
        stops = extra.get("stop", ())
        self._stopper = Stopper(stops) if stops else None
        self._searches = Searches() if any(t.get("type") == "web_search" for t in turn.body.get("tools", ())) else None
        self._started = self._over = False
        self._block: tuple[Any, ...] | None = None  # the key of the open block
        self._number = -1
        self._copier: Copier | None = None
        self._floor: _Item | None = None
        self._waiting: dict[int, list[Event]] = {}
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
        if kind == _DELTA and self._copier is not None:
            raw = self._copier.copy(event.raw)
            if raw is not None:
                return [Event("content_block_delta", raw)]
        if self._over:
            return []
        if kind in TERMINAL and kind != "response.failed":
            return self._finish(event)
        if kind in ("response.failed", "error"):
            raise failure(event)
        if kind in _HANDLERS:
            frames = self._route(event)
            return self._opening() + frames if frames else []
        return []

    def pulse(self) -> list[Event]:
        """A ping; the first commits the opening of the message."""
        return [] if self._over else [*self._opening(), _frame("ping")]

    def fail(self, problem: Problem) -> list[Event]:
        """The error that ends a stream which has begun."""
        self._over = True
        self._copier = None
        return [Event("error", data=error_of(problem, self._request_id))]

    # The order of items

    def _route(self, event: Event) -> list[Event]:
        place = event.data.get("output_index")
        floor = self._floor
        index = place if isinstance(place, int) else floor.index if floor is not None else 0
        if index in self._done:
            return []
        if floor is not None and floor.index != index:
            self._waiting.setdefault(index, []).append(event)
            return []
        frames = _HANDLERS[event.type](self, index, event.data)
        return frames if self._floor is not None else frames + self._next()

    def _next(self) -> list[Event]:
        """Give the floor to those who waited."""
        frames = []
        while self._floor is None and self._waiting:
            index = min(self._waiting)
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
        item = _object(data, "item")
        kind = item.get("type")
        if kind not in _ORDERED or self._floor is not None:
            return []
        if self._known(item):
            self._done.add(index)
            return []
        self._take(index, kind)
        return self._open_call(index, item) if kind == "function_call" else []

    def _item_done(self, index: int, data: Json) -> list[Event]:
        item = _object(data, "item")
        self._done.add(index)
        if self._floor is None and self._known(item):
            return []
        finish = _FINISHERS.get(str(item.get("type")))
        frames = finish(self, self._take(index, str(item["type"])), item) if finish is not None else []
        self._floor = None
        return frames + self._leave()

    # Blocks

    def _opening(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        usage = {
            "input_tokens": self._input_estimate,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        }
        message: Json = {
            "id": f"msg_{os.urandom(12).hex()}",
            "type": "message",
            "role": "assistant",
            "model": self._asked,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return [_frame("message_start", message=message)]

    def _enter(self, key: tuple[Any, ...], block: Json) -> list[Event]:
        if self._block == key:
            return []
        frames = self._leave()
        self._block = key
        self._number += 1
        return [*frames, _frame("content_block_start", index=self._number, content_block=block)]

    def _leave(self) -> list[Event]:
        if self._block is None:
            return []
        frames = []
        if self._stopper is not None and self._block[0] == "text" and (rest := self._stopper.rest()):
            frames.append(self._delta("text_delta", text=rest))
        self._block = self._copier = None
        return [*frames, _frame("content_block_stop", index=self._number)]

    def _delta(self, kind: str, **fields: Any) -> Event:
        return _frame("content_block_delta", index=self._number, delta={"type": kind, **fields})

    def _single(self, block: Json) -> list[Event]:
        """A block that is whole from its start, but for the input of a tool: clients read that from deltas only."""
        if block["type"] != "server_tool_use":
            return [*self._enter(("single", self._number), block), *self._leave()]
        frames = self._enter(("single", self._number), {**block, "input": {}})
        frames.append(self._delta("input_json_delta", partial_json=dumps(block["input"]).decode()))
        return frames + self._leave()

    # Messages

    def _text(self, index: int, data: Json) -> list[Event]:
        item = self._take(index, "message")
        part = _count(data, "content_index")
        return self._say(item, part, data.get("delta"))

    def _text_done(self, index: int, data: Json) -> list[Event]:
        item = self._take(index, "message")
        part = _count(data, "content_index")
        return self._say(item, part, data.get("text", data.get("refusal"))) if part not in item.parts else []

    def _say(self, item: _Item, part: int, text: object) -> list[Event]:
        if self._stopper is not None and isinstance(text, str):
            if self._stopper.found is not None:
                return []
            item.parts.add(part)
            text = self._stopper.feed(text)
        if not isinstance(text, str) or not text:
            return []
        item.parts.add(part)
        if self._searches is not None:
            self._searches.heard(item.index, part, text)
        frames = self._enter(("text", item.index, part), {"type": "text", "text": ""})
        frames.append(self._delta("text_delta", text=text))
        return frames

    def _first_text(self, index: int, data: Json) -> list[Event]:
        """A text delta on the slow way; the next one may be copied."""
        frames = self._text(index, data)
        if frames and self._stopper is None and self._searches is None:
            head = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"' % self._number
            self._copier = Copier.made_for(data, head, b'"}}')
        return frames

    def _annotation(self, index: int, data: Json) -> list[Event]:
        part, note = _count(data, "content_index"), data.get("annotation")
        if self._searches is None or self._block != ("text", index, part) or not isinstance(note, dict):
            return []
        citation = self._searches.cite(index, part, note)
        return [self._delta("citations_delta", citation=citation)] if citation else []

    def _finish_message(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        for part, value in enumerate(_parts(whole, "content")):
            if part not in item.parts:
                frames += self._say(item, part, value.get("text", value.get("refusal")))
            for note in _parts(value, "annotations"):
                frames += self._annotation(item.index, {"content_index": part, "annotation": note})
        frames += self._leave()
        if self._searches is not None and self._stopper_is_quiet():
            for block in self._searches.late(end=False):
                frames += self._single(block)
        return frames

    def _stopper_is_quiet(self) -> bool:
        return self._stopper is None or self._stopper.found is None

    # Reasoning

    def _thought(self, index: int, data: Json) -> list[Event]:
        kind = "summary" if "summary_index" in data else "content"
        return self._think(self._take(index, "reasoning"), kind, _count(data, f"{kind}_index"), data.get("delta"))

    def _think(self, item: _Item, kind: str, part: int, text: object) -> list[Event]:
        if self._thinking != "text" or not isinstance(text, str) or not text or not self._stopper_is_quiet():
            return []
        if item.thought is not None and item.thought[0] != kind:
            return []  # a summary and the thing itself: one of them is enough
        new_part = item.thought is not None and item.thought[1] != part
        item.thought = (kind, part)
        frames = self._enter(("thinking", item.index), {"type": "thinking", "thinking": "", "signature": ""})
        frames.append(self._delta("thinking_delta", thinking=f"\n\n{text}" if new_part else text))
        return frames

    def _finish_reasoning(self, item: _Item, whole: Json) -> list[Event]:
        frames = []
        if item.thought is None:
            for kind in ("summary", "content"):
                for part, value in enumerate(_parts(whole, kind)):
                    frames += self._think(item, kind, part, value.get("text"))
        # Only the item that is done carries the final blob; the one that was added has an early snapshot of it.
        encrypted = whole.get("encrypted_content")
        if self._thinking == "none" or not self._stopper_is_quiet() or (item.thought is None and not encrypted):
            return frames
        frames += self._enter(("thinking", item.index), {"type": "thinking", "thinking": "", "signature": ""})
        frames.append(self._delta("signature_delta", signature=sign(self._provider, str(encrypted or ""))))
        return frames

    # Calls

    def _open_call(self, index: int, item: Json) -> list[Event]:
        name, call = item.get("name"), item.get("call_id")
        if not isinstance(name, str) or not isinstance(call, str) or not self._stopper_is_quiet():
            return []
        if self._block == ("tool", index):
            return []
        self._calls += 1
        block = {"type": "tool_use", "id": call_id(call), "name": self._names.get(name, name), "input": {}}
        return self._enter(("tool", index), block)

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
        if not isinstance(text, str) or not text or self._block != ("tool", item.index):
            return []
        item.arguments += text
        return [self._delta("input_json_delta", partial_json=text)]

    def _rest(self, item: _Item, arguments: str) -> list[Event]:
        """What of the arguments was not streamed yet."""
        return self._argue(item, arguments.removeprefix(item.arguments)) if arguments.startswith(item.arguments) else []

    def _finish_call(self, item: _Item, whole: Json) -> list[Event]:
        if not self._stopper_is_quiet():
            return []
        frames = self._open_call(item.index, whole)
        if self._block != ("tool", item.index):
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

    # What the provider's own tools did

    def _finish_search(self, item: _Item, whole: Json) -> list[Event]:
        if not self._stopper_is_quiet():
            return []
        if self._searches is None:
            self._searches = Searches()
        return [frame for block in self._searches.blocks(whole) for frame in self._single(block)]

    def _finish_image(self, item: _Item, whole: Json) -> list[Event]:
        if isinstance(data := whole.get("result"), str) and data:
            media = f"image/{whole.get('output_format') or 'png'}"
            source = {"type": "base64", "media_type": media, "data": data}
            self._images.append({"type": "image", "source": source})
        return []

    # The end

    def _finish(self, event: Event) -> list[Event]:
        response = _object(event.data, "response")
        frames: list[Event] = []
        for index, item in enumerate(_parts(response, "output")):
            if index not in self._done:
                done = {"output_index": index, "item": item}
                frames += self._route(Event("response.output_item.done", data=done))
        while self._floor is not None:
            frames += self._abandon(event.type)
        if self._searches is not None and self._stopper_is_quiet():
            for block in self._searches.late(end=True):
                frames += self._single(block)
        for block in self._images:
            frames += self._single(block)
        self._over = True
        self._copier = None
        ending = _ending(response, event.type == "response.incomplete", self._calls, self._cut)
        if self._stopper is not None and self._stopper.found is not None:
            ending = {"stop_reason": "stop_sequence", "stop_sequence": self._stopper.found}
        usage = _usage(response.get("usage"), self._searches.count if self._searches is not None else 0)
        frames.append(_frame("message_delta", delta=ending, usage=usage))
        return [*self._opening(), *frames, _frame("message_stop")]

    def _abandon(self, how: str) -> list[Event]:
        """Take the floor from an item that never came to its end."""
        item, self._floor = self._floor, None
        assert item is not None
        self._done.add(item.index)
        if item.kind == "function_call" and self._block == ("tool", item.index) and not item.whole:
            if how != "response.incomplete":
                raise Problem(Kind.UPSTREAM, "the provider ended its answer in the middle of a tool call")
            self._cut = True
        return self._leave() + self._next()


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


def _ending(response: Json, incomplete: bool, calls: int, cut: bool) -> Json:
    """Why the answer ended. A call that was cut must not be run, so the answer then ends at its limit."""
    reason = "tool_use" if calls and not cut else "end_turn"
    if incomplete:
        why = _object(response, "incomplete_details").get("reason")
        if why == "content_filter":
            details = {"type": "refusal", "category": None, "explanation": None}
            return {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
        if reason != "tool_use":
            reason = "max_tokens"  # for other reasons too: of all that Messages knows, it says that more was to come
    return {"stop_reason": reason, "stop_sequence": None}


def _usage(usage: object, searches: int) -> Json:
    """Token counts: what was cached is not part of ``input_tokens`` here, while Responses counts it in."""
    counts = usage if isinstance(usage, dict) else {}
    details = _object(counts, "input_tokens_details")
    cached, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    out: Json = {
        "input_tokens": max(0, _count(counts, "input_tokens") - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": _count(counts, "output_tokens"),
    }
    if "reasoning_tokens" in (thought := _object(counts, "output_tokens_details")):
        out["output_tokens_details"] = {"thinking_tokens": _count(thought, "reasoning_tokens")}
    if searches:
        out["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return out


def _count(data: Json, name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def _parts(data: Json, name: str) -> list[Json]:
    value = data.get(name)
    return [part if isinstance(part, dict) else {} for part in value] if isinstance(value, list) else []


def _object(data: Json, name: str) -> Json:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _frame(kind: str, **fields: Any) -> Event:
    return Event(kind, data={"type": kind, **fields})
