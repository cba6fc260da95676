"""Responses events -> Responses frames: what the golden cases do not show."""

from __future__ import annotations

from typing import Any

from rotom.dialects.responses.render import Renderer
from rotom.problem import Kind, Problem
from rotom.sse import Event
from rotom.turn import Turn


def event(kind: str, **data: Any) -> Event:
    return Event(kind, data={"type": kind, **data})


def renderer() -> Renderer:
    return Renderer(Turn(body={}, asked="gpt-5.5"))


def test_deltas_and_unknown_events_pass_unread() -> None:
    made = renderer()
    for raw in (b"not even JSON", b'{"a": 1}'):
        for kind in ("response.output_text.delta", "response.something_new"):
            passed = Event(kind, raw)
            assert made.feed(passed) == [passed]


def test_nothing_follows_the_end() -> None:
    made = renderer()
    end = event("response.completed", response={"output": [{"id": "x"}]})
    assert made.feed(end) == [end]
    assert made.feed(event("response.created", response={})) == []
    assert made.pulse() == []


def test_a_nested_error_is_told_flat() -> None:
    [frame] = renderer().feed(event("error", status=429, error={"code": "c", "message": "m", "type": "t"}))
    assert frame.data == {"type": "error", "code": "c", "message": "m", "param": None, "sequence_number": 0}


def test_pulse_is_a_comment() -> None:
    assert [frame.type for frame in renderer().pulse()] == [":"]


def test_failing_before_anything_was_said() -> None:
    created, failed = renderer().fail(Problem(Kind.TIMEOUT, "too slow", code="provider_silent"))
    assert (created.type, failed.type) == ("response.created", "response.failed")
    assert created.data["response"]["status"] == "in_progress"
    response = failed.data["response"]
    assert response["status"] == "failed"
    assert response["error"] == {"code": "provider_silent", "message": "too slow"}
    assert response["id"] == created.data["response"]["id"]
    assert [created.data["sequence_number"], failed.data["sequence_number"]] == [0, 1]


def test_failing_in_the_middle_keeps_what_is_done() -> None:
    made = renderer()
    made.feed(event("response.created", response={"id": "resp_1", "status": "in_progress"}, sequence_number=0))
    made.feed(event("response.output_item.done", output_index=0, item={"id": "a"}, sequence_number=6))
    [failed] = made.fail(Problem(Kind.UPSTREAM, "gone"))
    assert failed.data["sequence_number"] == 7
    assert failed.data["response"] == {
        "id": "resp_1",
        "status": "failed",
        "output": [{"id": "a"}],
        "error": {"code": "server_error", "message": "gone"},
    }


def test_the_providers_own_failure_is_passed_on() -> None:
    theirs = event("response.failed", response={"id": "r", "status": "failed", "output": [], "error": {"code": "c"}})
    assert renderer().fail(Problem(Kind.UPSTREAM, "x", event=theirs)) == [theirs]
