"""Items in their order, whole and once. What one speaker makes of it is in test_render.py of its dialect."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.floor import Floor
from rotom.problem import Problem
from rotom.sse import Event, Json


class Scribe:
    """A speaker that writes down what it is told to say."""

    def say(self, index: int, part: int, text: str, delta: Json | None) -> list[Event]:
        return [Event(f"say {index}.{part} {text}")]

    def refuse(self, index: int, part: int, text: str) -> list[Event]:
        return [Event(f"refuse {index}.{part} {text}")]

    def cite(self, index: int, part: int, note: Json) -> list[Event]:
        return [Event(f"cite {index}.{part} {note['url']}")]

    def think(self, index: int, text: str) -> list[Event]:
        return [Event(f"think {index} {text!r}")]

    def call(self, index: int, kind: str, name: str, tool: str) -> list[Event]:
        return [Event(f"{kind} {index} {name} {tool}")]

    def argue(self, index: int, text: str) -> list[Event]:
        return [Event(f"argue {index} {text}")]

    def item(self, index: int, item: Json) -> list[Event]:
        return [Event(f"item {index} {item['type']}")]

    def leave(self) -> list[Event]:
        return [Event("leave")]


def event(kind: str, index: int, **data: Any) -> Event:
    return Event(f"response.{kind}", data={"output_index": index, **data})


def added(index: int, **item: Any) -> Event:
    return event("output_item.added", index, item=item)


def done(index: int, **item: Any) -> Event:
    return event("output_item.done", index, item=item)


def end(*output: Json, how: str = "completed") -> Event:
    return Event(f"response.{how}", data={"response": {"output": list(output)}})


def told(*events: Event, tools: Any = (), empty: str = "") -> list[str]:
    floor = Floor(Scribe(), tools, empty)
    return [
        frame.type
        for event in events
        for frame in (floor.finish(event) if "response" in event.data else floor.feed(event))
    ]


PATCH = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "apply_patch"}
RUN = {"type": "function_call", "id": "fc_1", "call_id": "call_2", "name": "run"}
TEXT = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hello"}]}


@pytest.mark.parametrize(
    "events",
    [
        [done(0, **PATCH, input="+hi")],
        [added(0, **PATCH), event("custom_tool_call_input.done", 0, input="+hi"), done(0, **PATCH, input="+hi")],
        [
            event("custom_tool_call_input.delta", 0, delta="ignored: nobody knows which call"),
            done(0, **PATCH, input="+hi"),
        ],
        [],
    ],
)
def test_a_custom_call_is_told_whole_and_once(events: list[Event]) -> None:
    assert told(*events, end({**PATCH, "input": "+hi"})) == [
        "custom_tool_call 0 call_1 apply_patch",
        "argue 0 +hi",
        "item 0 custom_tool_call",
        "leave",
    ]


def test_pieces_of_a_custom_call() -> None:
    delta = "custom_tool_call_input.delta"
    events = [
        added(0, **PATCH),
        event(delta, 0, delta="+h"),
        event(delta, 0, delta="i"),
        done(0, **PATCH, input="+hi\n"),
    ]
    assert told(*events)[1:4] == ["argue 0 +h", "argue 0 i", "argue 0 \n"]


def test_who_waits_speaks_when_the_first_is_done() -> None:
    words = told(
        added(0, **RUN),
        added(1, **PATCH),
        event("custom_tool_call_input.delta", 1, delta="+"),
        event("function_call_arguments.delta", 0, delta="{"),
        done(1, **PATCH, input="+hi"),
        done(0, **RUN, arguments="{}"),
    )
    calls = [word.split()[0] for word in words]
    assert calls == [
        "function_call",
        "argue",
        "argue",
        "item",
        "leave",
        "custom_tool_call",
        "argue",
        "argue",
        "item",
        "leave",
    ]


@pytest.mark.parametrize(("empty", "expected"), [("", []), ("{}", ["argue 0 {}"])])
def test_a_call_without_arguments(empty: str, expected: list[str]) -> None:
    assert told(done(0, **RUN, arguments=""), empty=empty)[1:-2] == expected
    assert told(done(0, **PATCH, input=""), empty=empty)[1:-2] == []


@pytest.mark.parametrize("item", [RUN, PATCH])
def test_a_call_without_its_arguments_is_a_fault(item: Any) -> None:
    with pytest.raises(Problem, match="without its"):
        told(done(0, **item))


@pytest.mark.parametrize("item", [RUN, PATCH])
def test_a_call_that_was_cut(item: Any) -> None:
    floor = Floor(Scribe(), ())
    floor.feed(added(0, **item))
    with pytest.raises(Problem, match="middle of a tool call"):
        floor.finish(end())
    floor = Floor(Scribe(), ())
    floor.feed(added(0, **item))
    assert [frame.type for frame in floor.finish(end(how="incomplete"))] == ["leave"]
    assert floor.cut


def test_text_and_refusals_that_were_not_streamed_come_from_the_item() -> None:
    note = {"type": "url_citation", "url": "https://a"}
    parts = [{"type": "output_text", "text": "a", "annotations": [note]}, {"type": "refusal", "refusal": "no"}]
    assert told(done(0, type="message", content=parts)) == [
        "say 0.0 a",
        "cite 0.0 https://a",
        "refuse 0.1 no",
        "item 0 message",
        "leave",
    ]
    assert told(event("refusal.done", 0, refusal="no"), event("output_text.done", 0, content_index=1, text="x")) == [
        "refuse 0.0 no",
        "say 0.1 x",
    ]


def test_parts_of_a_thought_are_parted() -> None:
    thought = "reasoning_summary_text.delta"
    events = [event(thought, 0, summary_index=number, delta=text) for number, text in ((0, "a"), (0, "b"), (1, "c"))]
    assert told(*events) == ["think 0 'a'", "think 0 'b'", "think 0 '\\n\\nc'"]


def test_a_silent_floor_says_nothing_more() -> None:
    floor = Floor(Scribe(), ())
    assert floor.feed(event("output_text.delta", 0, delta="x"))
    floor.silent = True
    assert floor.feed(event("output_text.delta", 0, delta="x")) == []
    assert [frame.type for frame in floor.finish(end(TEXT, RUN))] == ["leave"]
