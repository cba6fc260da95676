"""Pen: writes the events of one answer, as the Codex backend writes them.

Theory of operation: an answer is a response object that goes through its states, and items in it that are added, filled by
deltas and done. The pen counts what must be counted (sequence numbers, output indexes, tokens); everything else is in the
arguments. Each method is a generator of events or returns one; whoever plays them decides about time.

Two habits of this backend are kept on purpose: ``response.completed`` carries ``output: []`` (the items exist only in their
own events), and there is no ``[DONE]``. Shapes as in streams recorded for Codex CLI 0.169 (2026-11).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import partial as partial_function
from typing import Any

from rotom.simulator.pictures import png_base64
from rotom.sse import Event, Json

BYTES_PER_TOKEN = 4


class Pen:
    """The writer of one answer.

    Arguments:
      body: the request.
      model: the model that serves it.
      now: unix time of the answer's beginning.
      seal: makes an ``encrypted_content`` that the simulator knows again.
      input_tokens, cached_tokens: of the request; a scenario may set them to what it wants told.
    """

    def __init__(
        self, body: Json, model: str, now: float, seal: Callable[[], str], input_tokens: int, cached_tokens: int
    ) -> None:
        self.id = "resp_" + secrets.token_hex(24)
        self._seal = seal
        self._sequence = 0
        self._index = 0
        self.input_tokens = input_tokens
        self.cached_tokens = cached_tokens
        self._output_bytes = 0
        self._reasoning_bytes = 0
        self._sealed = "reasoning.encrypted_content" in (body.get("include") or [])
        reasoning = body.get("reasoning") or {}
        self.summaries = reasoning.get("summary") not in (None, "none")
        text = body.get("text") or {}
        self._response: Json = {
            "id": self.id,
            "object": "response",
            "created_at": int(now),
            "status": "in_progress",
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": None,
            "max_tool_calls": None,
            "model": model,
            "output": [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": None,
            "prompt_cache_key": body.get("prompt_cache_key"),
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "safety_identifier": "user-simulated",
            "service_tier": "auto",
            "store": False,
            "temperature": 1.0,
            "text": {
                "format": text.get("format") or {"type": "text"},
                "verbosity": text.get("verbosity") or "low",
            },
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
            "user": None,
            "metadata": {},
        }

    def event(self, type: str, **data: Any) -> Event:
        """The next event of this type."""
        event = Event(type, data={"type": type, **data, "sequence_number": self._sequence})
        self._sequence += 1
        return event

    def response(self, **changes: Any) -> Json:
        """The response object as it is now."""
        return {**self._response, **changes}

    def new_id(self, prefix: str) -> str:
        """The id of a new item."""
        return new_id(prefix)

    def new_call_id(self) -> str:
        """The id that ties a tool's output to its call."""
        return f"call_{secrets.token_hex(12)}"

    def opening(self) -> list[Event]:
        """The two events with which every answer begins."""
        return [
            self.event("response.created", response=self.response()),
            self.event("response.in_progress", response=self.response()),
        ]

    def next_index(self) -> int:
        """The output index of a new item."""
        self._index += 1
        return self._index - 1

    def reasoning(self, *summaries: str, hidden: int = 64) -> Iterator[Event]:
        """A reasoning item; its summaries are only told when the request asks for them.

        Arguments:
          hidden: tokens of thought that nobody sees.
        """
        index, item_id = self.next_index(), self.new_id("rs")
        self._reasoning_bytes += hidden * BYTES_PER_TOKEN
        partial = {"encrypted_content": self._seal()} if self._sealed else {}
        yield self.event(
            "response.output_item.added",
            output_index=index,
            item={"id": item_id, "type": "reasoning", **partial, "summary": []},
        )
        told = []
        for number, text in enumerate(summaries if self.summaries else ()):
            at = {"item_id": item_id, "output_index": index, "summary_index": number}
            yield self.event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
            for piece in pieces(text):
                yield self.event("response.reasoning_summary_text.delta", **at, delta=piece, **self._filler())
            self._reasoning_bytes += len(text.encode())
            part = {"type": "summary_text", "text": text}
            yield self.event("response.reasoning_summary_text.done", **at, text=text)
            yield self.event("response.reasoning_summary_part.done", **at, part=part)
            told.append(part)
        sealed = {"encrypted_content": self._seal()} if self._sealed else {}
        yield self.event(
            "response.output_item.done",
            output_index=index,
            item={"id": item_id, "type": "reasoning", **sealed, "summary": told},
        )

    def text(
        self, text: str, *, phase: str = "final_answer", annotations: Sequence[Json] = (), deltas: Sequence[str] = ()
    ) -> Iterator[Event]:
        """A message.

        Arguments:
          annotations: url citations.
          deltas: how the text is cut; empty: word by word.
        """
        item = self.open_message(phase)
        yield from item.begin()
        for piece in deltas or pieces(text):
            yield item.delta(piece)
        yield from item.end(text, annotations)

    def open_message(self, phase: str = "final_answer", item_id: str | None = None) -> OpenMessage:
        """A message whose deltas are written one at a time."""
        return OpenMessage(self, phase, item_id)

    def skip(self, events: int) -> None:
        """Count events that somebody else wrote."""
        self._sequence += events

    def refusal(self, text: str) -> Iterator[Event]:
        """A message in which the model declines."""
        index, item_id = self.next_index(), self.new_id("msg")
        at = {"item_id": item_id, "output_index": index, "content_index": 0}
        yield self._message_event("added", index, item_id, "in_progress", [])
        yield self.event("response.content_part.added", **at, part={"type": "refusal", "refusal": ""})
        for piece in pieces(text):
            yield self.event("response.refusal.delta", **at, delta=piece)
        self.wrote(text)
        part = {"type": "refusal", "refusal": text}
        yield self.event("response.refusal.done", **at, refusal=text)
        yield self.event("response.content_part.done", **at, part=part)
        yield self._message_event("done", index, item_id, "completed", [part])

    def call(
        self, name: str, arguments: str, *, namespace: str | None = None, cuts: Sequence[str] | None = None
    ) -> Iterator[Event]:
        """A function call.

        Arguments:
          arguments: JSON text.
          cuts: how it is cut into deltas; None: in pieces of twelve characters; empty: it is only told at the end.
        """
        call = OpenCall(self, name, namespace)
        yield call.begin()
        for piece in slices(arguments) if cuts is None else cuts:
            yield call.delta(piece)
        yield from call.end(arguments)

    def custom_call(self, name: str, text: str, *, namespace: str | None = None) -> Iterator[Event]:
        """A call of a free-form tool."""
        index, item_id, call_id = self.next_index(), self.new_id("ctc"), self.new_call_id()
        spaced = {"namespace": namespace} if namespace else {}
        item = {"id": item_id, "type": "custom_tool_call", "call_id": call_id, "name": name, **spaced}
        yield self.event(
            "response.output_item.added", output_index=index, item={**item, "status": "in_progress", "input": ""}
        )
        for piece in slices(text):
            yield self.event("response.custom_tool_call_input.delta", item_id=item_id, output_index=index, delta=piece)
        self.wrote(text)
        yield self.event("response.custom_tool_call_input.done", item_id=item_id, output_index=index, input=text)
        yield self.event(
            "response.output_item.done", output_index=index, item={**item, "status": "completed", "input": text}
        )

    def search(self, query: str, sources: Sequence[str] = ()) -> Iterator[Event]:
        """A web search of the backend's own."""
        index, item_id = self.next_index(), self.new_id("ws")
        item = {"id": item_id, "type": "web_search_call"}
        yield self.event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        for state in ("in_progress", "searching", "completed"):
            yield self.event(f"response.web_search_call.{state}", item_id=item_id, output_index=index)
        action: Json = {"type": "search", "query": query, "queries": [query]}
        if sources:
            action["sources"] = [{"type": "url", "url": url} for url in sources]
        yield self.event(
            "response.output_item.done", output_index=index, item={**item, "status": "completed", "action": action}
        )

    def image(self, prompt: str, partial: int = 0) -> Iterator[Event]:
        """A picture made by the backend's own tool, with so many partial ones before it."""
        index, item_id = self.next_index(), self.new_id("ig")
        item = {"id": item_id, "type": "image_generation_call"}
        look = {"background": "opaque", "output_format": "png", "quality": "medium", "size": "1024x1024"}
        picture = partial_function(png_base64, 1024, 1024, prompt)
        at = {"item_id": item_id, "output_index": index}
        yield self.event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        yield self.event("response.image_generation_call.in_progress", **at)
        yield self.event("response.image_generation_call.generating", **at)
        for number in range(partial):
            yield self.event(
                "response.image_generation_call.partial_image",
                **at,
                partial_image_index=number,
                partial_image_b64=picture(share=(number + 1) / (partial + 1)),
                **look,
            )
        yield self.event("response.image_generation_call.completed", **at)
        yield self.event(
            "response.output_item.done",
            output_index=index,
            item={
                **item,
                "status": "completed",
                "action": "generate",
                **look,
                "revised_prompt": prompt,
                "result": picture(),
            },
        )

    def compaction(self) -> Iterator[Event]:
        """The one item that stands for a history."""
        index = self.next_index()
        item = {"id": self.new_id("cmp"), "type": "compaction", "encrypted_content": self._seal()}
        yield self.event("response.output_item.added", output_index=index, item=item)
        yield self.event("response.output_item.done", output_index=index, item=item)

    def completed(self, now: float) -> Event:
        """The good end."""
        response = self.response(status="completed", completed_at=int(now), usage=self.usage())
        return self.event("response.completed", response=response)

    def incomplete(self, reason: str) -> Event:
        """The end of an answer that was stopped."""
        return self.event(
            "response.incomplete",
            response=self.response(status="incomplete", incomplete_details={"reason": reason}, usage=self.usage()),
        )

    def failed(self, code: str, message: str, **more: Any) -> Event:
        """The bad end."""
        failure = {"code": code, "message": message, **more}
        return self.event("response.failed", response=self.response(status="failed", error=failure))

    def wrote(self, text: str) -> None:
        """Count what the model wrote."""
        self._output_bytes += len(text.encode("utf-8", "surrogatepass"))

    def usage(self) -> Json:
        """The tokens so far, estimated from bytes."""
        reasoning = self._reasoning_bytes // BYTES_PER_TOKEN
        output = reasoning + -(-self._output_bytes // BYTES_PER_TOKEN)
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {"cached_tokens": self.cached_tokens},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": self.input_tokens + output,
        }

    def _filler(self) -> Json:
        """Noise that the backend adds to deltas, now and then."""
        return {"obfuscation": secrets.token_urlsafe(6)} if self._sequence % 3 else {}

    def _message_event(
        self, what: str, index: int, item_id: str, status: str, content: list[Json], phase: str = "final_answer"
    ) -> Event:
        item = {"id": item_id, "type": "message", "status": status, "content": content, "phase": phase}
        return self.event(f"response.output_item.{what}", output_index=index, item={**item, "role": "assistant"})


class OpenMessage:
    """One message under way."""

    def __init__(self, pen: Pen, phase: str, item_id: str | None = None) -> None:
        self._pen = pen
        self._phase = phase
        self._index, self._id = pen.next_index(), item_id or pen.new_id("msg")
        self._at = {"item_id": self._id, "output_index": self._index, "content_index": 0}

    def begin(self) -> Iterator[Event]:
        """The item and its one part."""
        yield self._pen._message_event("added", self._index, self._id, "in_progress", [], self._phase)
        yield self._pen.event("response.content_part.added", **self._at, part=_text_part(""))

    def delta(self, piece: str) -> Event:
        """Some text."""
        return self._pen.event(
            "response.output_text.delta", **self._at, delta=piece, logprobs=[], **self._pen._filler()
        )

    def end(self, text: str, annotations: Sequence[Json] = ()) -> Iterator[Event]:
        """All of the text once more."""
        pen = self._pen
        pen.wrote(text)
        for number, annotation in enumerate(annotations):
            yield pen.event(
                "response.output_text.annotation.added", **self._at, annotation_index=number, annotation=annotation
            )
        part = _text_part(text, annotations)
        yield pen.event("response.output_text.done", **self._at, text=text, logprobs=[])
        yield pen.event("response.content_part.done", **self._at, part=part)
        yield pen._message_event("done", self._index, self._id, "completed", [part], self._phase)


class OpenCall:
    """One function call under way; several may be open at once."""

    def __init__(self, pen: Pen, name: str, namespace: str | None = None) -> None:
        self._pen = pen
        self._index = pen.next_index()
        spaced = {"namespace": namespace} if namespace else {}
        ids = {"id": pen.new_id("fc"), "call_id": pen.new_call_id()}
        self._item = {**ids, "type": "function_call", "name": name, **spaced}
        self._at = {"item_id": self._item["id"], "output_index": self._index}

    def begin(self) -> Event:
        """The item without its arguments."""
        item = {**self._item, "status": "in_progress", "arguments": ""}
        return self._pen.event("response.output_item.added", output_index=self._index, item=item)

    def delta(self, piece: str) -> Event:
        """Some of the arguments."""
        return self._pen.event("response.function_call_arguments.delta", **self._at, delta=piece, **self._pen._filler())

    def end(self, arguments: str) -> Iterator[Event]:
        """All of the arguments once more."""
        self._pen.wrote(arguments)
        yield self._pen.event("response.function_call_arguments.done", **self._at, arguments=arguments)
        item = {**self._item, "status": "completed", "arguments": arguments}
        yield self._pen.event("response.output_item.done", output_index=self._index, item=item)


def new_id(prefix: str) -> str:
    """An item id, 51 characters or so."""
    return f"{prefix}_{secrets.token_hex(24)}"


def pieces(text: str) -> list[str]:
    """A text word by word, nothing lost."""
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text)


def slices(text: str, size: int = 12) -> list[str]:
    """A text in pieces of `size` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def _text_part(text: str, annotations: Sequence[Json] = ()) -> Json:
    return {"type": "output_text", "annotations": list(annotations), "logprobs": [], "text": text}
