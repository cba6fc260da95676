"""Responses events -> the final Response object."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.fold import Collector, failure, fold
from rotom.problem import Problem
from rotom.sse import Event


def event(kind: str, **data: Any) -> Event:
    return Event(kind, data={"type": kind, **data})


def done(index: int, **item: Any) -> Event:
    return event("response.output_item.done", output_index=index, item=item)


def test_output_is_rebuilt_in_order_and_once() -> None:
    end = event("response.completed", response={"id": "r", "status": "completed", "output": []})
    events = [done(1, id="b"), done(0, id="a"), done(1, id="b"), end]
    assert fold(events) == {"id": "r", "status": "completed", "output": [{"id": "a"}, {"id": "b"}]}


def test_output_of_the_provider_is_kept() -> None:
    collector = Collector()
    collector.feed(done(0, id="a"))
    end = event("response.completed", response={"output": [{"id": "theirs"}]})
    assert collector.feed(end) is end
    assert collector.response == {"output": [{"id": "theirs"}]}


def test_a_message_that_was_cut_off_keeps_its_text() -> None:
    added = event("response.output_item.added", output_index=1, item={"id": "m", "type": "message", "content": []})
    deltas = [event("response.output_text.delta", output_index=1, content_index=0, delta=text) for text in ("He", "y")]
    end = event("response.incomplete", response={"output": [], "status": "incomplete"})
    output = fold([done(0, id="a"), added, *deltas, end])["output"]
    assert [item["id"] for item in output] == ["a", "m"]
    assert output[1]["status"] == "incomplete"
    assert output[1]["content"][0]["text"] == "Hey"


def test_a_stream_without_an_end_is_a_problem() -> None:
    with pytest.raises(Problem, match="before the answer was complete"):
        fold([event("response.created", response={"id": "r"}), done(0, id="a")])


@pytest.mark.parametrize(
    "broken",
    [
        event("response.failed", response={"error": {"code": "server_error", "message": "no luck"}}),
        event("error", code="server_error", message="no luck"),
        event("error", error={"code": "server_error", "message": "no luck"}),
    ],
)
def test_a_failure_is_told_in_the_providers_words(broken: Event) -> None:
    with pytest.raises(Problem, match="no luck") as caught:
        fold([broken])
    assert caught.value.code == "server_error"
    assert caught.value.event is broken


def test_a_failure_without_words() -> None:
    assert "without saying why" in failure(event("response.failed", response={"error": None})).message
