"""The events of answers have the shapes and the order of the real ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.fold import TERMINAL
from rotom.simulator.stream import OpenCall, Pen, pieces, slices


def pen(**body):
    return Pen({"model": "gpt-5.5", **body}, "gpt-5.5", 1_795_330_000.0, lambda: "sealed", 1200, 1024)


@given(st.text())
def test_cutting_loses_nothing(text):
    assert "".join(pieces(text)) == text
    assert "".join(slices(text, 3)) == text


@given(st.text(min_size=1))
def test_a_text_is_its_deltas(text):
    events = list(pen().text(text))
    deltas = "".join(e.data["delta"] for e in events if e.type == "response.output_text.delta")
    assert deltas == text == events[-1].data["item"]["content"][0]["text"]


def test_the_order_of_a_text_as_recorded():
    one = pen(reasoning={"summary": "auto"}, include=["reasoning.encrypted_content"])
    events = [*one.opening(), *one.reasoning("**Plan**"), *one.text("Hello there"), one.completed(1_795_330_009.0)]
    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.data["sequence_number"] for event in events] == list(range(16))
    assert [event.data["output_index"] for event in events[2:-1]] == [0] * 6 + [1] * 7
    final = events[-1].data["response"]
    assert final["output"] == []
    assert final["usage"]["input_tokens_details"] == {"cached_tokens": 1024}
    assert final["usage"]["total_tokens"] == 1200 + final["usage"]["output_tokens"]
    assert final["usage"]["output_tokens_details"]["reasoning_tokens"] >= 64
    assert set(events[0].data["response"]) == set(final)


def test_summaries_and_sealed_thoughts_only_for_those_who_ask():
    events = list(pen().reasoning("**Plan**"))
    assert [event.type for event in events] == ["response.output_item.added", "response.output_item.done"]
    assert set(events[-1].data["item"]) == {"id", "type", "summary"}


def test_calls_may_be_open_at_the_same_time():
    one = pen()
    first, second = OpenCall(one, "f"), OpenCall(one, "g", "space")
    events = [first.begin(), second.begin(), second.delta("{}"), first.delta("{}"), *second.end("{}"), *first.end("{}")]
    assert [event.data["output_index"] for event in events] == [0, 1, 1, 0, 1, 1, 0, 0]
    assert events[1].data["item"]["namespace"] == "space"
    assert events[-1].data["item"]["arguments"] == "{}"


def test_arguments_may_come_at_the_end_only():
    types = [event.type for event in pen().call("f", "{}", cuts=())]
    assert "response.function_call_arguments.delta" not in types


@pytest.mark.parametrize(
    "end",
    [lambda p: p.completed(1.0), lambda p: p.incomplete("content_filter"), lambda p: p.failed("server_error", "m")],
)
def test_the_ends(end):
    event = end(pen())
    assert event.type in TERMINAL
    assert event.data["response"]["status"] == event.type.partition(".")[2]
