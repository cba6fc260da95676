"""Responses events in, frames of the Messages stream out.

Theory of operation. Messages has numbered blocks, one open at a time. What an answer says comes in order
(dialects/floor.py), and each thing that it says goes to blocks of its own (writer.py).

Nothing is written before there is something to say, so that a failure before it can still have its own HTTP status.

A stop sequence makes the answer `over`: the provider need not go on, and what it counted so far is then not known. Only
when its own end comes along with the same read are the token counts its own; else they are guessed, and say so.

What is not here: the end of a stream without a terminal event (upstream raises a Problem, `fail` renders it), and the
object for clients that do not want a stream (fold.py).
"""

from __future__ import annotations

from rotom.dialects.floor import DELTA, Floor
from rotom.dialects.loose import object_of
from rotom.dialects.messages.ending import ending, guessed, usage_of
from rotom.dialects.messages.history import sign
from rotom.dialects.messages.problems import error_of
from rotom.dialects.messages.search import Searches
from rotom.dialects.messages.writer import Writer, frame
from rotom.fold import FAILED, FINISHED, failure
from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.turn import Turn


class Renderer:
    """Renders one answer."""

    def __init__(self, turn: Turn) -> None:
        extra = turn.extra
        self._turn = turn
        tools = turn.body.get("tools") or ()
        self._out = Writer(turn.asked, extra.get("input_tokens", 0), extra.get("stop", ()))
        self._floor = Floor(self, tools, empty="{}")
        self._names = turn.names
        self._maker = str(extra.get("provider", "")), str(extra.get("model", ""))
        self._request_id = extra.get("request_id")
        self._thinking = extra.get("thinking", "none")
        searching = any(tool.get("type") == "web_search" for tool in tools)
        self._searches = Searches() if searching else None
        self.over = False
        self._ended = False
        self._calls = 0
        self._images: list[Json] = []

    def feed(self, event: Event) -> list[Event]:
        """The frames that an event causes.

        Raises:
          Problem: when the event says that the answer failed, or is broken in a way that cannot be passed on.
        """
        kind = event.type
        if kind == DELTA and self._out.copier is not None:
            raw = self._out.copier.copy(event.raw)
            if raw is not None:
                return [Event("content_block_delta", raw)]
        if self._ended:
            return []
        if kind in FINISHED:
            return self._finish(event)
        if kind in FAILED:
            raise failure(event)
        frames = self._floor.feed(event)
        self.over = self._out.stopped is not None
        return self._out.opening() + frames if frames else []

    def close(self) -> list[Event]:
        """The end of a message that met a stop sequence."""
        if self._ended or self._out.stopped is None:
            return []
        frames = self._out.opening() + self._out.leave()
        delta = {"stop_reason": "stop_sequence", "stop_sequence": self._out.stopped}
        return frames + self._end(delta, guessed(self._turn, self._out.written, self._searched()))

    def _finish(self, event: Event) -> list[Event]:
        response = object_of(event.data, "response")
        frames = self._floor.finish(event) + self._out.leave()
        if self._searches is not None and self._out.stopped is None:
            for block in self._searches.late(end=True):
                frames += self._out.whole(block)
        incomplete = event.type == "response.incomplete"
        delta = ending(response, incomplete=incomplete, calls=self._calls, cut=self._floor.cut)
        if self._out.stopped is not None:
            delta = {"stop_reason": "stop_sequence", "stop_sequence": self._out.stopped}
        return [*self._out.opening(), *frames, *self._end(delta, usage_of(response, self._searched()))]

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

    # What the answer says, in order (a Speaker)

    def say(self, index: int, part: int, text: str, delta: Json | None) -> list[Event]:
        """More of a text block; where its next deltas can be copied unread, they will be."""
        if self._searches is not None:
            self._searches.heard(index, part, text)
        frames = self._out.text(("text", index, part), text)
        self._floor.silent = self._out.stopped is not None
        if delta is not None and self._searches is None:
            self._out.copy_on(delta)
        return frames

    def refuse(self, index: int, part: int, text: str) -> list[Event]:
        """Text as well."""
        return self.say(index, part, text, None)

    def cite(self, index: int, part: int, note: Json) -> list[Event]:
        """A citation in the open text block."""
        if self._searches is None or self._out.block != ("text", index, part):
            return []
        citation = self._searches.cite(index, part, note)
        return [self._out.delta("citations_delta", citation=citation)] if citation else []

    def think(self, index: int, text: str) -> list[Event]:
        """More of a thinking block."""
        if self._thinking != "text":
            return []
        frames = self._out.enter(("thinking", index), {"type": "thinking", "thinking": "", "signature": ""})
        return [*frames, self._out.delta("thinking_delta", thinking=text)]

    def call(self, index: int, kind: str, name: str, tool: str) -> list[Event]:
        """A block for a call. Messages has no custom tools, so that nobody can be called by one."""
        if kind != "function_call":
            return []
        self._calls += 1
        block = {"type": "tool_use", "id": name, "name": self._names.get(tool, tool), "input": {}}
        return self._out.enter(("tool", index), block)

    def argue(self, index: int, text: str) -> list[Event]:
        """More of a call's input."""
        if self._out.block != ("tool", index):
            return []
        return [self._out.delta("input_json_delta", partial_json=text)]

    def item(self, index: int, item: Json) -> list[Event]:
        """What is told of an item when it is whole."""
        match item.get("type"):
            case "message":
                return self._message(item)
            case "reasoning":
                return self._signature(index, item)
            case "web_search_call":
                self._searches = self._searches or Searches()
                return [frame for block in self._searches.blocks(item) for frame in self._out.whole(block)]
            case "image_generation_call":
                self._image(item)
        return []

    def leave(self) -> list[Event]:
        """The open block ends."""
        return self._out.leave()

    def _message(self, item: Json) -> list[Event]:
        frames = self._out.leave()
        if self._searches is not None:
            for block in self._searches.late(end=False):
                frames += self._out.whole(block)
        return frames

    def _signature(self, index: int, item: Json) -> list[Event]:
        # Only the item that is done carries the final blob; the one that was added has an early snapshot of it.
        encrypted, key = item.get("encrypted_content"), ("thinking", index)
        if self._thinking == "none" or (self._out.block != key and not encrypted):
            return []
        provider, model = self._maker
        frames = self._out.enter(key, {"type": "thinking", "thinking": "", "signature": ""})
        return [*frames, self._out.delta("signature_delta", signature=sign(provider, str(encrypted or ""), model))]

    def _image(self, item: Json) -> None:
        if isinstance(data := item.get("result"), str) and data:
            media = f"image/{item.get('output_format') or 'png'}"
            source = {"type": "base64", "media_type": media, "data": data}
            self._images.append({"type": "image", "source": source})
