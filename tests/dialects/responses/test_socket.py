"""The words of a WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.dialects.responses.render import fold
from rotom.dialects.responses.socket import Create, error, lane, messages, read, warmed
from rotom.problem import Kind, Problem
from rotom.sse import Event

ASK = {"type": "response.create", "model": "m", "input": "x", "unknown": {"a": 1}}


def test_a_question_is_the_body_of_a_post_without_its_envelope() -> None:
    asked = read({**ASK, "stream_id": "s", "generate": True, "stream": False}, 77)
    assert asked == Create({"model": "m", "input": "x", "unknown": {"a": 1}, "stream": True}, "s", False, 77)


@pytest.mark.parametrize(
    ("more", "warm"),
    [
        ({}, False),
        ({"generate": None}, False),
        ({"generate": False}, True),
        ({"prompt_cache_options": {"prewarm": True}, "generate": True}, True),
        ({"prompt_cache_options": {"prewarm": False}}, False),
        ({"prompt_cache_options": "odd"}, False),
    ],
)
def test_what_only_prepares(more: Any, warm: bool) -> None:
    asked = read({**ASK, **more})
    assert isinstance(asked, Create)
    assert asked.warm is warm


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "x" * 256])
def test_names_of_lanes(name: str) -> None:
    assert lane({"stream_id": name}) == name


@pytest.mark.parametrize("name", ["", "x" * 257, "a b", "é", 'a"b', "a\n", 1, [], {}, True])
def test_what_is_no_name_of_a_lane(name: Any) -> None:
    with pytest.raises(Problem) as raised:
        lane({"stream_id": name})
    assert (raised.value.code, raised.value.param) == ("invalid_stream_id", "stream_id")


@pytest.mark.parametrize("kind", ["x" * 5000, "response.cancel", 5, [], {}, None, "é\n"])
def test_what_nobody_knows(kind: Any) -> None:
    with pytest.raises(Problem) as raised:
        read({**ASK, "type": kind})
    assert raised.value.kind is Kind.INVALID
    assert raised.value.param == "type"
    assert len(raised.value.message) < 300


def test_an_error_has_the_headers_that_help() -> None:
    problem = Problem(Kind.RATE_LIMITED, "wait", code="usage_limit_reached", retry=False, retry_after=8.2)
    problem.told = (("x-codex-plan-type", "plus"),)
    data = error(problem).data
    assert (data["type"], data["status"]) == ("error", 429)
    assert data["headers"] == data["error"]["headers"] == {"x-codex-plan-type": "plus", "retry-after": "9"}
    assert "headers" not in error(Problem(Kind.INVALID, "no", retry=False)).data


def test_what_is_prepared_is_an_answer_without_anything_in_it() -> None:
    events = warmed("m")
    assert [event.data["sequence_number"] for event in events] == [0, 1, 2]
    assert len({event.data["response"]["id"] for event in events}) == 1
    response = fold(events)
    assert (response["model"], response["output"], response["status"]) == ("m", [], "completed")


def test_messages_name_their_lane_and_leave_out_what_is_no_object() -> None:
    frames = [
        Event("a", raw=b'{"type":"a"} '),
        Event(":", raw=b"keep-alive"),
        Event("message", raw=b"[DONE]"),
        Event("b", data={"type": "b", "x": "é}"}),
    ]
    assert messages(frames, None) == ['{"type":"a"}', '{"type":"b","x":"é}"}']
    assert [json.loads(text) for text in messages(frames, "l.1")] == [
        {"type": "a", "stream_id": "l.1"},
        {"type": "b", "x": "é}", "stream_id": "l.1"},
    ]
    assert messages([Event("a", raw=b"{}")], "l") == ["{}"]
