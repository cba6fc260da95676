"""Frames block by block."""

from __future__ import annotations

from rotom.dialects.messages.writer import Writer, frame
from rotom.sse import Event


def brief(frames: list[Event]) -> list[str]:
    return [f"{frame.type.removeprefix('content_block_')}:{frame.data.get('index')}" for frame in frames]


def test_one_opening() -> None:
    writer = Writer("m", 7, ())
    [opening] = writer.opening()
    assert opening.data["message"]["usage"]["input_tokens"] == 7
    assert writer.opening() == []


def test_entering_leaves_what_was_open() -> None:
    writer = Writer("m", 0, ())
    assert brief(writer.text(("a",), "x")) == ["start:0", "delta:0"]
    assert brief(writer.text(("a",), "y")) == ["delta:0"]
    assert brief(writer.enter(("b",), {"type": "thinking"})) == ["stop:0", "start:1"]
    assert brief(writer.whole({"type": "image"})) == ["stop:1", "start:2", "stop:2"]
    assert brief(writer.whole({"type": "image"})) == ["start:3", "stop:3"]
    assert writer.leave() == []


def test_the_input_of_a_tool_is_a_delta() -> None:
    start, delta, _ = Writer("m", 0, ()).whole({"type": "server_tool_use", "input": {"query": "q"}})
    assert start.data["content_block"]["input"] == {}
    assert delta.data["delta"] == {"type": "input_json_delta", "partial_json": '{"query":"q"}'}


def test_leaving_writes_what_was_held_back() -> None:
    writer = Writer("m", 0, ("END",))
    assert brief(writer.text(("a",), "EN")) == ["start:0"]
    rest, stop = writer.leave()
    assert rest == frame("content_block_delta", index=0, delta={"type": "text_delta", "text": "EN"})
    assert stop.type == "content_block_stop"
    assert writer.stopped is None
    writer.text(("b",), "an END")
    assert writer.stopped == "END"


def test_the_copier_belongs_to_its_block() -> None:
    delta = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "x"}
    writer = Writer("m", 0, ())
    writer.text(("a",), "x")
    writer.copy_on(delta)
    assert writer.copier is not None
    writer.leave()
    assert writer.copier is None
    stopping = Writer("m", 0, ("END",))
    stopping.copy_on(delta)
    assert stopping.copier is None
