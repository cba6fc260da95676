"""Kept answers as they are shown later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import NOT_GIVEN
from openai._models import construct_type_unchecked
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent

from rotom.dialects.responses import DIALECT
from rotom.dialects.responses.render import Renderer
from rotom.dialects.responses.stored import compaction, page, replay
from rotom.problem import Kind, Problem
from rotom.sse import Decoder
from rotom.turn import Turn

CASES = Path(__file__).parents[2] / "cases"
WHOLE = [path.parent.name for path in sorted(CASES.glob("*/responses.json"))]
ITEMS = [{"id": f"msg_{number}", "n": number} for number in range(150)]


def answer(name: str) -> dict[str, Any]:
    renderer = Renderer(Turn(body={}, asked="gpt-5.5"))
    events = Decoder().feed((CASES / name / "upstream.sse").read_bytes())
    return DIALECT.fold([frame for event in events for frame in renderer.feed(event)])


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_played_again_is_the_same_answer(name: str) -> None:
    response = answer(name)
    frames = replay(response)
    assert DIALECT.fold(frames) == response
    assert [frame.data["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert all(frame.type == frame.data["type"] for frame in frames)
    state: Any = ResponseStreamState(input_tools=[], text_format=NOT_GIVEN)
    text = ""
    for frame in frames:
        for event in state.handle_event(construct_type_unchecked(type_=ResponseStreamEvent, value=frame.data)):
            text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == Response.construct(**response).output_text


@pytest.mark.parametrize("junk", [None, 5, "x", {}, [5], [None], [[]], [{"type": "output_text", "annotations": 5}]])
@pytest.mark.parametrize(("kind", "field"), [("message", "content"), ("reasoning", "summary"), ("message", "other")])
def test_items_with_junk_in_them_are_played_again(kind: str, field: str, junk: Any) -> None:
    item = {"type": kind, "id": "x", field: junk}
    frames = replay({"id": "resp_1", "status": "completed", "output": [item]})
    assert frames[-2].data["item"] == item
    assert DIALECT.fold(frames)["output"] == [item]


def numbers(listed: dict[str, Any]) -> list[int]:
    return [item["n"] for item in listed["data"]]


def test_pages() -> None:
    first = page(ITEMS, {})
    assert numbers(first) == list(range(149, 129, -1))
    assert (first["first_id"], first["last_id"], first["has_more"]) == ("msg_149", "msg_130", True)
    assert numbers(page(ITEMS, {"after": "msg_130", "limit": "2"})) == [129, 128]
    last = page(ITEMS, {"order": "asc", "after": "msg_100", "limit": "100"})
    assert numbers(last) == list(range(101, 150))
    assert last["has_more"] is False
    empty = page([], {})
    assert (empty["data"], empty["first_id"], empty["last_id"]) == ([], None, None)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "msg_x"}, "after"),
    ],
)
def test_pages_that_are_none(query: dict[str, str], param: str) -> None:
    with pytest.raises(Problem) as caught:
        page(ITEMS, query)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, param)


def test_a_compaction() -> None:
    asked = [
        {"type": "message", "role": "developer", "content": []},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "message", "role": "assistant", "content": []},
        {"type": "compaction_trigger"},
    ]
    whole = compaction(answer("compaction_v2"), asked)
    assert CompactedResponse.construct(**whole).output[-1].type == "compaction"
    assert [item["type"] for item in whole["output"]] == ["message", "compaction"]
    with pytest.raises(Problem) as caught:
        compaction(answer("text"), asked)
    assert caught.value.kind is Kind.UPSTREAM
    double = answer("compaction_v2")
    with pytest.raises(Problem, match="with 2 of them"):
        compaction({**double, "output": double["output"] * 2}, asked)
