"""Responses requests -> Turns."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.responses.read import read
from rotom.problem import Kind, Problem

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


def test_a_text_becomes_a_list() -> None:
    turn = read({"model": "gpt-5.5", "input": "hi"}, {})
    assert turn.body["input"] == [USER]
    assert (turn.asked, turn.stream, turn.session, turn.dropped) == ("gpt-5.5", False, None, ())


def test_everything_else_stays() -> None:
    items = [USER, {"type": "function_call", "id": "fc", "new": 1}, {"type": "unknown_item"}]
    body = {"model": "m", "input": items, "store": True, "tools": [{"type": "x"}], "odd": {"a": 1}, "stream": True}
    turn = read(body, {})
    assert turn.body == body
    assert turn.stream is True


@pytest.mark.parametrize(
    ("item", "full"),
    [
        ({"role": "user", "content": "hi"}, USER),
        (
            {"role": "assistant", "content": "yo"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "yo", "annotations": []}],
            },
        ),
        ({"id": "x"}, {"type": "item_reference", "id": "x"}),
        ({"type": "new", "id": "x"}, {"type": "new", "id": "x"}),
    ],
)
def test_messages_in_their_full_form(item: Any, full: Any) -> None:
    assert read({"model": "m", "input": [item]}, {}).body["input"] == [full]


@pytest.mark.parametrize(
    ("body", "headers", "session"),
    [
        ({"prompt_cache_key": "k"}, {"session-id": "s"}, "k"),
        ({}, {"session-id": "s"}, "s"),
        ({}, {"session_id": "s"}, "s"),
        ({}, {}, None),
    ],
)
def test_sessions(body: Any, headers: Any, session: str | None) -> None:
    assert read({"model": "m", "input": [], **body}, headers).session == session


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [USER, {"type": "message", "content": "x"}]}, "input[1].role"),
        ({"input": [{"type": "item_reference"}]}, "input[0].id"),
        ({"stream": "yes"}, "stream"),
        ({"previous_response_id": 1}, "previous_response_id"),
        ({"conversation": {"id": "c"}}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
    ],
)
def test_refusals_name_the_field(more: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read({"model": "m", "input": "hi", **more}, {})
    assert caught.value.kind is Kind.INVALID
    assert caught.value.param == param


def test_what_asks_for_nothing_is_fine() -> None:
    nothing = {"previous_response_id": None, "conversation": None, "prompt": None, "background": False, "stream": None}
    assert read({"model": "m", "input": "hi", **nothing}, {}).stream is False


def test_a_million_items_are_refused_before_they_are_gone_through():
    with pytest.raises(Problem, match="there may be 100000") as caught:
        read({"model": "m", "input": [None] * 1_000_000}, {})
    assert caught.value.param == "input"


def test_what_it_goes_on_from_and_whether_it_is_kept():
    turn = read({"model": "m", "input": "hi", "previous_response_id": "resp_1"}, {})
    assert (turn.previous, turn.keep) == ("resp_1", True)
    assert read({"model": "m", "input": "hi", "store": False}, {}).keep is False
