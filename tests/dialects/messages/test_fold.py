"""Frames -> one Message, for what the golden cases do not show."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.fold import fold
from rotom.problem import Problem
from rotom.sse import Event


def frame(kind: str, **data: Any) -> Event:
    return Event(kind, data={"type": kind, **data})


START = frame("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 0, "output_tokens": 0}})
END = [
    frame("message_delta", delta={"stop_reason": "end_turn"}, usage={"input_tokens": 5, "output_tokens": 2}),
    frame("message_stop"),
]


def block(content: dict[str, Any], *deltas: dict[str, Any]) -> list[Event]:
    return [
        frame("content_block_start", index=0, content_block=content),
        *(frame("content_block_delta", index=0, delta=delta) for delta in deltas),
        frame("content_block_stop", index=0),
    ]


def test_blocks_and_usage() -> None:
    events = [
        START,
        frame("ping"),
        *block({"type": "text", "text": ""}, {"type": "text_delta", "text": "a"}, {"type": "text_delta", "text": "b"}),
        *block({"type": "image", "source": {}}),
        *END,
    ]
    assert fold(events) == {
        "id": "msg_1",
        "content": [{"type": "text", "text": "ab"}, {"type": "image", "source": {}}],
        "usage": {"input_tokens": 5, "output_tokens": 2},
        "stop_reason": "end_turn",
    }


@pytest.mark.parametrize("partial", ["", '{"a', "[]", "null"])
def test_calls_that_cannot_be_run_are_left_out(partial: str) -> None:
    call = block({"type": "tool_use", "id": "t", "input": {}}, {"type": "input_json_delta", "partial_json": partial})
    assert fold([START, *call, *END])["content"] == []


@pytest.mark.parametrize("frames", [[], [START], [START, END[0]], END])
def test_half_an_answer_is_none(frames: list[Event]) -> None:
    with pytest.raises(Problem, match="before it was complete"):
        fold(frames)
