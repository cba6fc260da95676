"""Responses events in, frames of the Chat Completions stream out.

Theory of operation. A Chat answer is one message: a content, a refusal, a reasoning and a list of calls, each of which
grows by deltas. What an answer says comes in order (dialects/floor.py), so calls are never interleaved: OpenAI's SDK takes
a call for finished as soon as another one begins. Calls are numbered as they appear, whatever else the output has.

The texts of several messages are one content, parted by an empty line, and so are the parts of the reasoning. Citations
point into the content; they come together at the end, for SDKs put lists together by a number that citations do not have.

Nothing is written before there is something to say, so that a failure before it can still have its own HTTP status.

A stop sequence makes the answer `over`: the provider need not go on, and what it counted so far is then not known. Only
when its own end comes along with the same read are the token counts its own; else they are guessed, and say so.

What is not here: the end of a stream without a terminal event (upstream raises a Problem, `fail` renders it), and the
object for clients that do not want a stream (fold.py).
"""

from __future__ import annotations

from rotom.dialects.chat.chunks import Chunks
from rotom.dialects.chat.ending import finish_reason, guessed, usage_of
from rotom.dialects.chat.problems import problem as error_body
from rotom.dialects.fast import Copier
from rotom.dialects.floor import DELTA, Floor
from rotom.dialects.loose import object_of, objects_of
from rotom.dialects.stop import Stopper
from rotom.fold import FAILED, FINISHED, failure
from rotom.problem import Problem
from rotom.sse import Event, Json
from rotom.turn import Turn


class Renderer:
    """Renders one answer."""

    def __init__(self, turn: Turn) -> None:
        extra = turn.extra
        tools = turn.body.get("tools") or ()
        self.over = False
        self._turn = turn
        # A client that does not want a stream gets the counts in any case (fold.py).
        self._out = Chunks(turn.asked, usage=extra.get("usage") is True or not turn.stream)
        self._floor = Floor(self, tools)
        self._names = turn.names
        self._legacy = extra.get("legacy") is True
        self._stopper = Stopper(extra["stop"]) if extra.get("stop") else None
        self._searching = any(str(tool.get("type")).startswith("web_search") for tool in tools)
        self._copier: Copier | None = None
        self._ended = False
        self._message: int | None = None  # the one whose text was told last
        self._thought: int | None = None
        self._length = 0  # of the content, where citations may point into it
        self._said = 0  # characters of messages that are done
        self._parts: dict[tuple[int, int], int] = {}  # where in it a content part begins
        self._notes: list[Json] = []
        self._calls = 0
        self._custom = False
        self._images: list[Json] = []

    @property
    def _stopped(self) -> bool:
        return self._stopper is not None and self._stopper.found is not None

    def feed(self, event: Event) -> list[Event]:
        """The frames that an event causes.

        Raises:
          Problem: when the event says that the answer failed, or is broken in a way that cannot be passed on.
        """
        kind = event.type
        if kind == DELTA and self._copier is not None:
            raw = self._copier.copy(event.raw)
            if raw is not None:
                return [Event("", raw)]
        if self._ended:
            return []
        if kind in FINISHED:
            return self._finish(event)
        if kind in FAILED:
            raise failure(event)
        frames = self._floor.feed(event)
        self.over = self._stopped
        return self._out.opening() + frames if frames else []

    def close(self) -> list[Event]:
        """The end of an answer that met a stop sequence."""
        if self._ended or not self._stopped:
            return []
        return self._out.opening() + self._end("stop", guessed(self._turn, self._out.written))

    def _finish(self, event: Event) -> list[Event]:
        response = object_of(event.data, "response")
        frames = self._floor.finish(event) + self.leave()
        incomplete = event.type == "response.incomplete"
        reason = finish_reason(response, incomplete=incomplete, calls=self._calls, legacy=self._legacy)
        usage = usage_of(response) or guessed(self._turn, max(self._out.written, self._said))
        tier = response.get("service_tier")
        more = {"service_tier": tier} if isinstance(tier, str) else {}
        return [*self._out.opening(), *frames, *self._end("stop" if self._stopped else reason, usage, **more)]

    def _end(self, finish: str, usage: Json, **more: object) -> list[Event]:
        self.over = self._ended = True
        self._copier = None
        frames = []
        if notes := [note for note in self._notes if note["url_citation"]["end_index"] <= self._length]:
            frames.append(self._out.chunk({"annotations": notes}))
        if self._images:
            frames.append(self._out.chunk({"images": self._images}))
        return [*frames, *self._out.end(finish, usage, **more)]

    def pulse(self) -> list[Event]:
        """The chunk with the role at first, then comments."""
        if self._ended:
            return []
        return self._out.opening() or [Event(":", raw=b"keep-alive")]

    def fail(self, problem: Problem) -> list[Event]:
        """The error that ends a stream which has begun: without a finish reason and without the mark of a good end."""
        self.over = self._ended = True
        self._copier = None
        return [Event("", data=error_body(problem, ""))]

    # What the answer says, in order (a Speaker)

    def say(self, index: int, part: int, text: str, delta: Json | None) -> list[Event]:
        """More of the content; where the next deltas can be copied unread, they will be."""
        start = self._length
        if self._message not in (None, index):
            text, start = f"\n\n{text}", start + 2
        self._message = index
        self._parts.setdefault((index, part), start)
        if self._stopper is not None:
            text = self._stopper.feed(text)
            self._floor.silent = self._stopped
        elif delta is not None and not self._searching:
            self._copier = self._out.copier(delta)
        return self._content(text)

    def _content(self, text: str) -> list[Event]:
        if not text:
            return []
        self._length += len(text)
        return [self._out.more("content", text)]

    def refuse(self, index: int, part: int, text: str) -> list[Event]:
        """More of the refusal."""
        return [self._out.more("refusal", text)]

    def cite(self, index: int, part: int, note: Json) -> list[Event]:
        """A citation, kept for the end."""
        start, end, base = note.get("start_index"), note.get("end_index"), self._parts.get((index, part))
        if note.get("type") != "url_citation" or not isinstance(start, int) or not isinstance(end, int):
            return []
        if base is None or not self._searching:
            return []
        place = {"start_index": start + base, "end_index": end + base}
        words = {name: str(note.get(name) or "") for name in ("url", "title")}
        cited = {"type": "url_citation", "url_citation": {**place, **words}}
        if cited not in self._notes:
            self._notes.append(cited)
        return []

    def think(self, index: int, text: str) -> list[Event]:
        """More of the reasoning."""
        if self._thought not in (None, index):
            text = f"\n\n{text}"
        self._thought = index
        return [self._out.more("reasoning_content", text)]

    def call(self, index: int, kind: str, name: str, tool: str) -> list[Event]:
        """A call begins."""
        self._calls += 1
        self._custom = kind == "custom_tool_call"
        called = self._names.get(tool, tool)
        if self._legacy:
            # There is room for one, and the provider was told so.
            return [self._out.chunk({"function_call": {"name": called, "arguments": ""}})] if self._calls == 1 else []
        if self._custom:
            return self._called({"id": name, "type": "custom", "custom": {"name": called, "input": ""}})
        return self._called({"id": name, "type": "function", "function": {"name": called, "arguments": ""}})

    def argue(self, index: int, text: str) -> list[Event]:
        """More of what it is called with."""
        self._out.written += len(text)
        if self._legacy:
            return [self._out.chunk({"function_call": {"arguments": text}})] if self._calls == 1 else []
        return self._called({"custom": {"input": text}} if self._custom else {"function": {"arguments": text}})

    def _called(self, more: Json) -> list[Event]:
        return [self._out.chunk({"tool_calls": [{"index": self._calls - 1, **more}]})]

    def item(self, index: int, item: Json) -> list[Event]:
        """Images are kept for the end, in the form that other gateways settled on. Searches have no form here."""
        if item.get("type") == "message":
            self._said += sum(len(str(part.get("text", ""))) for part in objects_of(item, "content"))
        elif item.get("type") == "image_generation_call" and isinstance(data := item.get("result"), str) and data:
            url = f"data:image/{item.get('output_format') or 'png'};base64,{data}"
            self._images.append({"index": len(self._images), "type": "image_url", "image_url": {"url": url}})
        return []

    def leave(self) -> list[Event]:
        """An item is over: what was held back of a text is told."""
        self._copier = None
        return self._content(self._stopper.rest()) if self._stopper is not None else []
