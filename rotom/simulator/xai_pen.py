"""XaiPen: writes the events of one answer as xAI writes them.

The grammar is that of stream.py; this module holds what xAI does otherwise, with the shapes of streams recorded by others
(up to grok-4.6, 2026): ids that are built from one bare UUID, thoughts that are always told (by newer models as
``reasoning_text``), function arguments in one piece, searches on X that look like calls of custom tools, more about usage,
and a terminal event that repeats the output.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from rotom.simulator.pictures import png_base64
from rotom.simulator.stream import BYTES_PER_TOKEN, OpenMessage, Pen, pieces
from rotom.sse import Event, Json, dumps

TICKS_PER_TOKEN: Final = 25_000
"""What a token costs, made up; xAI counts in ten-billionths of a dollar."""

HOSTED: Final = (
    "web_search",
    "x_search",
    "code_interpreter",
    "file_search",
    "mcp",
    "document_search",
    "image_generation",
)


class XaiPen(Pen):
    """The writer of one answer.

    Attributes (a scenario may set them):
      origin: ``api`` or ``proxy``, the one that was asked.
      reasoning_text: whether thoughts come as ``reasoning_text`` instead of summaries.
      tell_output: whether the terminal event repeats the output; some paths of xAI do not.
      context_tokens: (input, output) of the last step, where tools of xAI's own ran before it.
    """

    def __init__(
        self,
        body: Json,
        model: str,
        now: float,
        seal: Callable[[], str],
        input_tokens: int,
        cached_tokens: int,
        *,
        origin: str = "api",
        effort: str | None = None,
    ) -> None:
        super().__init__(body, model, now, seal, input_tokens, cached_tokens)
        self.id = str(uuid.uuid4())
        self.origin = origin
        self.reasoning_text = False
        self.tell_output = True
        self.summaries = True
        self.context_tokens: tuple[int, int] | None = None
        self._whole_arguments = body.get("stream_tool_calls") is not True
        self._most = body.get("max_output_tokens")
        self._cut = False
        self._named: dict[str, int] = {}
        self._hosted: dict[str, int] = {}
        self._calls = str(uuid.uuid4())
        self._done: dict[int, Json] = {}
        reasoning = body.get("reasoning") or {}
        self._response |= {
            "id": self.id,
            "max_output_tokens": self._most,
            "reasoning": {
                "effort": reasoning.get("effort") or effort,
                "summary": reasoning.get("summary") or "detailed",
            },
            "temperature": body.get("temperature", 0.699999988079071),
            "text": {"format": (body.get("text") or {}).get("format") or {"type": "text"}},
            "tools": body.get("tools") or [],
            "top_p": body.get("top_p", 0.949999988079071),
            "safety_identifier": None,
            "service_tier": body.get("service_tier") or "default",
            "store": body.get("store", True),
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "metadata": {"system_fingerprint": "fp_0000000000000000"},
        }

    def new_id(self, prefix: str) -> str:
        """The id of a new item: of the answer's own id, and a number where there may be several."""
        number = self._named.setdefault(prefix, 0)
        self._named[prefix] += 1
        if prefix == "msg":  # one id for all messages of an answer (recorded)
            return f"msg_{self.id}"
        if prefix == "ws":
            return f"ws_{self.id}_{self._calls}-{number}"
        return f"{prefix}_{self.id}" if prefix in ("rs", "cmp") and not number else f"{prefix}_{self.id}_{number}"

    def new_call_id(self) -> str:
        """The id that ties a tool's output to its call."""
        number = self._named.setdefault("call", 0)
        self._named["call"] += 1
        return f"call-{self._calls}-{number}"

    def event(self, type: str, **data: Any) -> Event:
        """The next event of this type; the items that are done in it are remembered for the end."""
        if type == "response.output_item.done":
            self._done[data["output_index"]] = data["item"]
        return super().event(type, **data)

    def output(self) -> list[Json]:
        """The items so far, in the order of their indexes."""
        return [_told(self._done[index]) for index in sorted(self._done)]

    def reasoning(self, *summaries: str, hidden: int = 64) -> Iterator[Event]:
        """A reasoning item. xAI tells all of them; newer models in another form."""
        index, item_id = self.next_index(), self.new_id("rs")
        self._reasoning_bytes += hidden * BYTES_PER_TOKEN + sum(len(text.encode()) for text in summaries)
        item: Json = {"id": item_id, "summary": [], "type": "reasoning"}
        sealed = {"encrypted_content": self._seal()} if self._sealed else {}
        if self.reasoning_text:
            item["content"] = []
        yield self.event("response.output_item.added", item={**item, "status": "in_progress"}, output_index=index)
        told = []
        for number, text in enumerate(summaries):
            part, events = (_thought if self.reasoning_text else _summary)(item_id, index, number, text)
            for type, data in events:
                yield self.event(type, **data)
            told.append(part)
        done = {**item, "content" if self.reasoning_text else "summary": told, "status": "completed", **sealed}
        yield self.event("response.output_item.done", item=done, output_index=index)

    def text(
        self, text: str, *, phase: str = "final_answer", annotations: Sequence[Json] = (), deltas: Sequence[str] = ()
    ) -> Iterator[Event]:
        """A message, cut where ``max_output_tokens`` says; that counts visible text only (recorded)."""
        words = list(deltas or pieces(text))
        room = None if self._most is None else self._most * BYTES_PER_TOKEN - self._output_bytes
        if room is not None and len(text.encode()) > room:
            self._cut = True
            words = [text[: max(0, room)]] if room > 0 else []
        item = self.open_message()
        yield from item.begin()
        for word in words:
            yield item.delta(word)
        cited = [{**annotation, "start_index": 0, "end_index": 0} for annotation in annotations]
        yield from item.end("".join(words), cited)

    def open_message(self, phase: str = "final_answer", item_id: str | None = None) -> OpenMessage:
        """A message whose deltas are written one at a time."""
        return OpenMessage(self, phase, item_id or self.new_id("msg"))

    def call(
        self, name: str, arguments: str, *, namespace: str | None = None, cuts: Sequence[str] | None = None
    ) -> Iterator[Event]:
        """A function call; its arguments come in one piece unless ``stream_tool_calls`` was asked for."""
        whole = [arguments] if cuts is None and self._whole_arguments else cuts
        return super().call(name, arguments, cuts=whole)

    def search(self, query: str, sources: Sequence[str] = ()) -> Iterator[Event]:
        """A web search; its sources are always told, at its end."""
        search = OpenSearch(self, query, sources or ("https://example.com/simulated-result",))
        yield from search.begin()
        yield from search.end()

    def x_search(self, query: str, name: str = "x_keyword_search") -> Iterator[Event]:
        """A search on X: a tool of xAI's own that looks like a call of a client's custom tool (recorded)."""
        self.hosted("x_search")
        index, call_id = self.next_index(), f"xs_call_{24140000 + self._hosted['x_search']}"
        item = {"id": f"ctc_{self.id}_{call_id}", "type": "custom_tool_call", "call_id": call_id, "name": name}
        at, text = {"item_id": item["id"], "output_index": index}, dumps({"query": query}).decode()
        yield self.event(
            "response.output_item.added", item={**item, "input": "", "status": "in_progress"}, output_index=index
        )
        yield self.event("response.custom_tool_call_input.delta", delta=text, **at)
        yield self.event("response.custom_tool_call_input.done", input=text, **at)
        yield self.event(
            "response.output_item.done", item={**item, "input": text, "status": "completed"}, output_index=index
        )

    def image(self, prompt: str, partial: int = 0) -> Iterator[Event]:
        """A picture made by xAI's own tool, which tells no partial ones."""
        self.hosted("image_generation")
        index, item_id = self.next_index(), self.new_id("ig")
        item: Json = {"id": item_id, "type": "image_generation_call", "prompt": prompt}
        at = {"item_id": item_id, "output_index": index}
        yield self.event("response.output_item.added", item={**item, "status": "in_progress"}, output_index=index)
        for state in ("in_progress", "generating", "completed"):
            yield self.event(f"response.image_generation_call.{state}", **at)
        yield self.event(
            "response.output_item.done",
            item={**item, "status": "completed", "result": png_base64(1024, 1024, prompt)},
            output_index=index,
        )

    def hosted(self, tool: str) -> None:
        """Count a call of one of xAI's own tools."""
        self._hosted[tool] = self._hosted.get(tool, 0) + 1

    def completed(self, now: float) -> Event:
        """The good end; the other one where the answer was cut."""
        if self._cut:
            return self.incomplete("max_output_tokens")
        return self._end("completed", completed_at=int(now))

    def incomplete(self, reason: str) -> Event:
        """The end of an answer that was stopped."""
        return self._end("incomplete", incomplete_details={"reason": reason})

    def _end(self, status: str, **changes: Any) -> Event:
        output = self.output() if self.tell_output else []
        response = self.response(status=status, output=output, usage=self.usage(), **changes)
        return self.event(f"response.{status}", response=response)

    def usage(self) -> Json:
        """The tokens so far, and what else xAI tells of them."""
        usage = super().usage()
        context = self.context_tokens or (usage["input_tokens"], usage["output_tokens"])
        more: Json = {
            "num_sources_used": 0,
            "num_server_side_tools_used": sum(self._hosted.values()),
            "cost_in_usd_ticks": usage["total_tokens"] * TICKS_PER_TOKEN,
            "context_details": {"input_tokens": context[0], "output_tokens": context[1]},
        }
        if self._hosted:
            more["server_side_tool_usage_details"] = {f"{tool}_calls": self._hosted.get(tool, 0) for tool in HOSTED}
        return {**usage, **more}

    def _filler(self) -> Json:
        return {}

    def _message_event(
        self, what: str, index: int, item_id: str, status: str, content: list[Json], phase: str = "final_answer"
    ) -> Event:
        item = {"content": content, "id": item_id, "role": "assistant", "type": "message", "status": status}
        return self.event(f"response.output_item.{what}", item=item, output_index=index)


class OpenSearch:
    """One web search under way; several may be, and they end in any order (recorded)."""

    def __init__(self, pen: XaiPen, query: str, sources: Sequence[str]) -> None:
        pen.hosted("web_search")
        self._pen = pen
        self._action = {"type": "search", "query": query, "sources": [{"type": "url", "url": url} for url in sources]}
        self._item = {"id": pen.new_id("ws"), "type": "web_search_call"}
        self._at = {"item_id": self._item["id"], "output_index": pen.next_index()}

    def begin(self) -> Iterator[Event]:
        """It searches."""
        item = {**self._item, "status": "in_progress", "action": {"type": "search", "query": "", "sources": []}}
        yield self._pen.event("response.output_item.added", item=item, output_index=self._at["output_index"])
        yield self._pen.event("response.web_search_call.in_progress", **self._at)
        yield self._pen.event("response.web_search_call.searching", **self._at)

    def end(self) -> Iterator[Event]:
        """It found something."""
        item = {**self._item, "status": "completed", "action": self._action}
        yield self._pen.event("response.web_search_call.completed", **self._at)
        yield self._pen.event("response.output_item.done", item=item, output_index=self._at["output_index"])


Parts = tuple[Json, list[tuple[str, Json]]]


def _summary(item_id: str, index: int, number: int, text: str) -> Parts:
    at = {"item_id": item_id, "output_index": index, "summary_index": number}
    part = {"text": text, "type": "summary_text"}
    return part, [
        ("response.reasoning_summary_part.added", {**at, "part": {"text": "", "type": "summary_text"}}),
        *(("response.reasoning_summary_text.delta", {**at, "delta": piece}) for piece in pieces(text)),
        ("response.reasoning_summary_text.done", {**at, "text": text}),
        ("response.reasoning_summary_part.done", {**at, "part": part}),
    ]


def _thought(item_id: str, index: int, number: int, text: str) -> Parts:
    at = {"item_id": item_id, "output_index": index, "content_index": number}
    part = {"type": "reasoning_text", "text": text}
    return part, [
        ("response.content_part.added", {**at, "part": {"type": "reasoning_text", "text": ""}}),
        *(("response.reasoning_text.delta", {**at, "delta": piece}) for piece in pieces(text)),
        ("response.reasoning_text.done", {**at, "text": text}),
        ("response.content_part.done", {**at, "part": part}),
    ]


def _told(item: Json) -> Json:
    """An item as the terminal event has it: there, thoughts are summaries in either form (recorded)."""
    if item.get("type") != "reasoning" or not item.get("content"):
        return item
    summary = [{"text": part["text"], "type": "summary_text"} for part in item["content"]]
    return {**{name: value for name, value in item.items() if name != "content"}, "summary": summary}
