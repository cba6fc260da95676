"""Responses events -> Responses frames: what the golden cases do not show."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.responses.render import Renderer
from rotom.problem import Kind, Problem
from rotom.sse import Event
from rotom.turn import Turn


def event(kind: str, **data: Any) -> Event:
    return Event(kind, data={"type": kind, **data})


def renderer() -> Renderer:
    return Renderer(Turn(body={}, asked="gpt-5.5"))


CREATED = event("response.created", response={"id": "resp_1", "status": "in_progress"}, sequence_number=0)


def begun(**body: Any) -> Renderer:
    made = Renderer(Turn(body=body, asked="gpt-5.5"))
    made.feed(CREATED)
    return made


def test_deltas_and_unknown_events_pass_unread() -> None:
    made = begun()
    for raw in (b"{not even JSON}", b'{"a": 1}'):
        for kind in ("response.output_text.delta", "response.something_new"):
            passed = Event(kind, raw)
            assert made.feed(passed) == [passed]


@pytest.mark.parametrize("kind", ["response.output_text.delta", "response.something_new"])
def test_what_was_cut_is_not_passed(kind: str) -> None:
    made = begun()
    for raw in (b'{"delta": "a', b"", b"[1]"):
        with pytest.raises(Problem, match="that is not"):
            made.feed(Event(kind, raw))
    spaced = Event(kind, b'{"delta": "a"} ')
    assert made.feed(spaced) == [spaced]


def test_what_is_no_part_of_the_api_is_left_out() -> None:
    made = begun()
    assert made.feed(event("codex.rate_limits", a=1)) == []
    assert made.feed(event("ping")) == []
    passed = event("response.in_between", sequence_number=1)
    assert made.feed(passed) == [passed]


def test_numbers_close_up_when_a_numbered_event_is_left_out() -> None:
    made = begun()
    made.feed(event("response.some", sequence_number=1))
    assert made.feed(event("private.thing", sequence_number=2)) == []
    numbers = [
        made.feed(event(kind, sequence_number=number))[0].data["sequence_number"]
        for number, kind in enumerate(("response.output_text.delta", "response.other"), 3)
    ]
    assert numbers == [2, 3]


def test_nothing_follows_the_end() -> None:
    made = begun()
    [end] = made.feed(event("response.completed", response={"output": [{"id": "x"}]}, sequence_number=1))
    assert (end.type, end.data["response"]["id"], end.data["response"]["output"]) == (
        "response.completed",
        "resp_1",
        [{"id": "x"}],
    )
    assert made.over
    assert made.feed(CREATED) == []
    assert made.pulse() == []


def test_a_stream_that_does_not_begin_is_begun() -> None:
    made = renderer()
    frames = made.feed(event("response.output_text.delta", delta="a"))
    frames += made.feed(event("response.completed", response={"id": "resp_9", "output": [{"id": "x"}]}))
    assert [frame.type for frame in frames] == ["response.created", "response.output_text.delta", "response.completed"]
    assert [frame.data["sequence_number"] for frame in frames] == [0, 1, 2]
    assert len({frame.data["response"]["id"] for frame in (frames[0], frames[2])}) == 1
    assert frames[0].data["response"]["output"] == []


def test_a_stream_without_numbers_gets_them() -> None:
    made = renderer()
    frames = made.feed(event("response.created", response={"id": "resp_1"}))
    frames += made.feed(event("response.output_text.delta", delta="a"))
    assert [frame.data["sequence_number"] for frame in frames] == [0, 1]


def test_one_id_throughout() -> None:
    made = begun()
    [frame] = made.feed(event("response.in_progress", response={"id": "resp_other"}, sequence_number=1))
    assert frame.data["response"]["id"] == "resp_1"


def test_another_name_of_the_end() -> None:
    [frame] = begun().feed(event("response.done", response={"id": "resp_1", "status": "completed"}, sequence_number=1))
    assert (frame.type, frame.data["type"]) == ("response.completed", "response.completed")


def test_a_nested_error_is_told_flat() -> None:
    [frame] = begun().feed(event("error", status=429, error={"code": "c", "message": "m", "type": "t"}))
    assert frame.data == {"type": "error", "code": "c", "message": "m", "param": None, "sequence_number": 1}


def test_filler_is_left_out_when_it_is_not_wanted() -> None:
    made = begun(stream_options={"include_obfuscation": False})
    [frame] = made.feed(event("response.output_text.delta", delta="a", obfuscation="xyz", sequence_number=1))
    assert frame.data == {"type": "response.output_text.delta", "delta": "a", "sequence_number": 1}


def test_pulse_is_a_comment() -> None:
    assert [frame.type for frame in renderer().pulse()] == [":"]


def test_failing_before_anything_was_said() -> None:
    created, failed = renderer().fail(Problem(Kind.TIMEOUT, "too slow", code="provider_silent"))
    assert (created.type, failed.type) == ("response.created", "response.failed")
    assert created.data["response"]["status"] == "in_progress"
    response = failed.data["response"]
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "too slow"}
    assert response["id"] == created.data["response"]["id"]
    assert [created.data["sequence_number"], failed.data["sequence_number"]] == [0, 1]


def test_failing_in_the_middle_keeps_what_is_done() -> None:
    made = begun()
    made.feed(event("response.output_item.done", output_index=0, item={"id": "a"}, sequence_number=6))
    [failed] = made.fail(Problem(Kind.UPSTREAM, "gone", code="connection_lost"))
    assert failed.data["sequence_number"] == 7
    response = failed.data["response"]
    assert (response["id"], response["status"], response["output"]) == ("resp_1", "failed", [{"id": "a"}])
    assert response["error"] == {"code": "server_error", "message": "gone"}


def test_the_providers_own_failure_is_passed_on() -> None:
    theirs = event(
        "response.failed", response={"id": "r", "status": "failed", "error": {"code": "c"}}, sequence_number=3
    )
    [failed] = begun().fail(Problem(Kind.UPSTREAM, "x", event=theirs))
    assert failed.data["sequence_number"] == 3
    assert failed.data["response"]["error"] == {"code": "c"}
    error = event("error", code="rate_limit_exceeded", message="m")
    [failed] = begun().fail(Problem(Kind.RATE_LIMITED, "m", code="rate_limit_exceeded", event=error))
    assert failed.data["response"]["error"] == {"code": "rate_limit_exceeded", "message": "m"}


@pytest.mark.parametrize("response", [None, "x", {}, {"id": "resp_1", "status": "in_progress"}])
def test_an_end_without_its_object_is_an_end_all_the_same(response: Any) -> None:
    made = begun()
    made.feed(event("response.output_item.done", output_index=0, item={"id": "x"}, sequence_number=1))
    [end] = made.feed(event("response.incomplete", response=response, sequence_number=2))
    told = end.data["response"]
    assert (told["id"], told["status"], told["output"]) == ("resp_1", "incomplete", [{"id": "x"}])


@pytest.mark.parametrize("output", ["x", 5, None, {}, [5, None, {"id": "x"}]])
def test_what_is_no_item_is_not_told(output: Any) -> None:
    made = begun()
    made.feed(event("response.output_item.done", output_index=0, item={"id": "x"}, sequence_number=1))
    ended = {"id": "resp_1", "status": "completed", "output": output, "usage": [1]}
    [end] = made.feed(event("response.completed", response=ended, sequence_number=2))
    assert end.data["response"]["output"] == [{"id": "x"}]
    assert end.data["response"]["usage"] is None
