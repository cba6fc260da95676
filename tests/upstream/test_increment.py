"""What of a question need not be sent again: only what is surely known at the other end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotom.sse import Json
from rotom.turn import input_text, message, output_text
from rotom.upstream.increment import Trace

USER = message("user", [input_text("create a file")])
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I think"}]}
SEALED = {**THOUGHT, "encrypted_content": "gAAA"}
SAID = {**message("assistant", [output_text("I will.")]), "id": "msg_1", "status": "completed", "phase": "commentary"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "write", "arguments": '{"a":1,"b":[2]}'}
PATCH = {"type": "custom_tool_call", "id": "ctc_1", "status": "completed", "call_id": "c2", "name": "p", "input": "+x"}
DONE = {"type": "function_call_output", "call_id": "c1", "output": "done"}


def body(*items: Json, **more: Any) -> Json:
    return {"type": "response.create", "model": "gpt-5.5", "tools": [], "input": list(items), **more}


def rest(before: Json, output: list[Json], now: Json) -> Json | None:
    """What is sent of `now`, after `before` was answered with `output`."""
    return Trace(now).new(now, Trace(before).answered(output, "resp_1"))


def test_only_what_is_new_is_sent_and_the_last_response_is_named() -> None:
    now = body(USER, SEALED, CALL, DONE)
    assert rest(body(USER), [SEALED, CALL], now) == {**now, "input": [DONE], "previous_response_id": "resp_1"}


@pytest.mark.parametrize(
    ("came", "back"),
    [
        (SAID, message("assistant", [output_text("I will.")])),
        (SAID, message("assistant", [{"type": "output_text", "text": "I will.", "annotations": [{"type": "x"}]}])),
        (
            message("assistant", [{"type": "refusal", "refusal": "no"}]),
            message("assistant", [{"refusal": "no", "type": "refusal"}]),
        ),
        (SEALED, {"type": "reasoning", "summary": [], "content": None, "encrypted_content": "gAAA"}),
        (CALL, {"type": "function_call", "call_id": "c1", "name": "write", "arguments": '{ "b": [2], "a": 1 }'}),
        (PATCH, {"input": "+x", "name": "p", "call_id": "c2", "type": "custom_tool_call"}),
        (
            {"type": "compaction", "id": "cmp_1", "encrypted_content": "z"},
            {"type": "compaction", "encrypted_content": "z"},
        ),
        ({**CALL, "arguments": "{broken"}, {**CALL, "arguments": "{broken"}),
    ],
)
def test_what_a_client_sends_back_is_known_again(came: Json, back: Json) -> None:
    assert (rest(body(USER), [came], body(USER, back, DONE)) or {})["input"] == [DONE]


@pytest.mark.parametrize(
    ("came", "back"),
    [
        (SAID, message("assistant", [output_text("I won't.")])),
        (SAID, message("user", [input_text("I will.")])),
        (SEALED, {**SEALED, "encrypted_content": "gBBB"}),
        (THOUGHT, {**THOUGHT, "summary": []}),
        (CALL, {**CALL, "arguments": '{"a":1,"b":[3]}'}),
        (CALL, {**CALL, "call_id": "c9"}),
        (CALL, {**CALL, "name": "read"}),
        (CALL, {**CALL, "namespace": "other"}),
        (PATCH, {**PATCH, "input": "+y"}),
    ],
)
def test_what_was_changed_is_sent_whole(came: Json, back: Json) -> None:
    assert rest(body(USER), [came], body(USER, back, DONE)) is None


def test_reasoning_that_was_left_out_is_a_change() -> None:
    assert rest(body(USER), [SEALED, CALL], body(USER, CALL, DONE)) is None


@pytest.mark.parametrize("change", [{"model": "gpt-6"}, {"instructions": "x"}, {"tools": [{"type": "web_search"}]}])
def test_every_other_field_must_be_the_same(change: Json) -> None:
    assert rest(body(USER), [CALL], body(USER, CALL, DONE, **change)) is None


def test_fields_of_one_request_may_differ() -> None:
    now = body(USER, CALL, DONE, client_metadata={"at": "2"})
    sent = rest(body(USER, client_metadata={"at": "1"}), [CALL], now)
    assert sent is not None
    assert sent["client_metadata"] == {"at": "2"}


@pytest.mark.parametrize("items", [[USER, CALL], [USER], []])
def test_nothing_new_is_a_question_of_its_own(items: list[Json]) -> None:
    assert rest(body(USER), [CALL], body(*items)) is None


words = st.text(st.characters(codec=None), max_size=5)
ours = st.builds(lambda text: message("user", [input_text(text)]), words)
theirs = st.one_of(
    st.builds(lambda text: message("assistant", [output_text(text)]), words),
    st.builds(lambda text: {"type": "reasoning", "summary": [], "encrypted_content": text}, words.filter(bool)),
    st.builds(lambda text: {**CALL, "arguments": text}, words),
)


@settings(deadline=None)
@given(st.lists(ours), st.lists(theirs), st.lists(st.one_of(ours, theirs), min_size=1))
def test_what_is_known_and_what_is_sent_make_the_question(sent: list[Json], came: list[Json], new: list[Json]) -> None:
    short = rest(body(*sent), came, body(*sent, *came, *new))
    assert short is not None
    assert short["input"] == new


@settings(deadline=None)
@given(st.lists(st.one_of(ours, theirs), min_size=1), st.data())
def test_no_other_beginning_is_taken_for_the_known_one(items: list[Json], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items) - 1))
    other = data.draw(st.one_of(ours, theirs).filter(lambda item: item != items[place]))
    changed = [*items[:place], other, *items[place + 1 :]]
    # Arguments that are the same JSON are no change.
    if Trace(body(*items)).answered([], "r") != Trace(body(*changed)).answered([], "r"):
        assert rest(body(*items), [], body(*changed, DONE)) is None
    else:
        assert {other["type"], items[place]["type"]} == {"function_call"}
