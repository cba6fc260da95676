"""Responses requests -> Turns."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.responses.items import short_id
from rotom.dialects.responses.read import CHECKS, read
from rotom.problem import Kind, Problem

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


def test_a_text_becomes_a_list() -> None:
    turn = read({"model": "gpt-5.5", "input": "hi"}, {})
    assert turn.body["input"] == [USER]
    assert (turn.asked, turn.stream, turn.session, turn.dropped) == ("gpt-5.5", False, None, ())


def test_everything_else_stays() -> None:
    call = {"type": "function_call", "id": "fc", "new": 1, "call_id": "c", "name": "n", "arguments": "{}"}
    items = [USER, call, {"type": "unknown_item"}, {"type": "compaction_trigger"}]
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
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
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


@pytest.mark.parametrize(
    ("more", "param", "message"),
    [
        ({"temperature": "hot"}, "temperature", "expected a decimal, but got a string instead"),
        ({"max_output_tokens": 1.5}, "max_output_tokens", "expected an integer, but got a decimal instead"),
        ({"max_output_tokens": True}, "max_output_tokens", "expected an integer, but got a boolean instead"),
        ({"instructions": ["x"]}, "instructions", "expected a string, but got an array instead"),
        ({"metadata": {"a": 1}}, "metadata.a", "expected a string, but got an integer instead"),
        ({"include": "x"}, "include", "expected an array of strings, but got a string instead"),
        ({"include": [1]}, "include[0]", "expected a string, but got an integer instead"),
        ({"tools": {}}, "tools", "expected an array of objects, but got an object instead"),
        ({"tools": ["x"]}, "tools[0]", "expected an object, but got a string instead"),
        ({"tools": [{"type": 1}]}, "tools[0].type", "expected a string, but got an integer instead"),
        ({"tools": [{"type": "function", "name": 1}]}, "tools[0].name", "expected a string"),
        ({"tool_choice": {"type": "function", "name": []}}, "tool_choice.name", "expected a string, but got an array"),
        ({"tool_choice": 1}, "tool_choice", "expected one of an object or string, but got an integer instead"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort", "expected a string, but got an integer instead"),
        ({"text": {"format": "json"}}, "text.format", "expected an object, but got a string instead"),
        ({"input": 5}, "input", "expected one of an array of objects or string, but got an integer instead"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content", "expected one of an array of objects or str"),
        (
            {"input": [{"role": "user", "content": ["x"]}]},
            "input[0].content[0]",
            "expected an object, but got a string",
        ),
        ({"input": [{"role": 7, "content": "x"}]}, "input[0].role", "expected a string, but got an integer instead"),
        ({"input": [{"type": 7}]}, "input[0].type", "expected a string, but got an integer instead"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": {}}]},
            "input[0].output",
            "expected one of an array of objects or string, but got an object instead",
        ),
    ],
)
def test_wrong_types_are_told_as_the_api_tells_them(more: Any, param: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        read({"model": "m", "input": "hi", **more}, {})
    assert (caught.value.param, caught.value.code) == (param, "invalid_type")
    assert caught.value.message.startswith(f"Invalid type for '{param}': {message}")


@pytest.mark.parametrize(
    ("body", "param", "code", "message"),
    [
        ({"input": "x"}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
        ({"model": "m"}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
        (
            {"model": "m", "input": [{"type": "function_call", "call_id": "c"}]},
            "input[0].name",
            "missing_required_parameter",
            "Missing required parameter: 'input[0].name'.",
        ),
        (
            {"model": "m", "input": [{"role": "user"}]},
            "input[0].content",
            "missing_required_parameter",
            "Missing required parameter: 'input[0].content'.",
        ),
        (
            {"model": "m", "input": [{"role": "tool", "content": "x"}]},
            "input[0].role",
            "invalid_value",
            "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        ),
        (
            {"model": "m", "input": "x", "truncation": "much"},
            "truncation",
            "invalid_value",
            "Invalid value: 'much'. Supported values are: 'auto' and 'disabled'.",
        ),
        (
            {"model": "m", "input": "x", "previous_response_id": "resp_1", "conversation": "conv_1"},
            None,
            "mutually_exclusive_parameters",
            "Mutually exclusive parameters. Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
        ),
    ],
)
def test_other_refusals(body: Any, param: str | None, code: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        read(body, {})
    assert (caught.value.param, caught.value.code, caught.value.message) == (param, code, message)


def test_null_is_absent() -> None:
    fields = dict.fromkeys(CHECKS)
    assert read({**fields, "model": "m", "input": "hi", "odd": None}, {}).body.keys() == {"model", "input"}


def test_calls_and_their_results() -> None:
    long = "call_" + "x" * 80
    items = [
        {"type": "function_call", "call_id": long, "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": long, "output": ""},
    ]
    call, result = read({"model": "m", "input": items}, {}).body["input"]
    assert call["call_id"] == result["call_id"] == short_id(long)
    assert len(call["call_id"]) <= 64
    assert call["arguments"] == "{}"


def test_input_may_be_left_out_behind_an_answer() -> None:
    assert read({"model": "m", "previous_response_id": "resp_1"}, {}).body["input"] == []


def test_hints() -> None:
    headers = {"x-codex-turn-state": "s", "x-codex-installation-id": "private", "authorization": "secret"}
    assert read({"model": "m", "input": "x"}, headers).hints == {"x-codex-turn-state": "s"}
    assert read({"model": "m", "input": "x"}, {"x-codex-turn-state": "\xe9"}).hints == {}, "it could not be passed on"


def test_a_million_items_are_refused_before_they_are_gone_through():
    with pytest.raises(Problem, match="there may be 100000") as caught:
        read({"model": "m", "input": [None] * 1_000_000}, {})
    assert caught.value.param == "input"


def test_what_it_goes_on_from_and_whether_it_is_kept():
    turn = read({"model": "m", "input": "hi", "previous_response_id": "resp_1"}, {})
    assert (turn.previous, turn.keep) == ("resp_1", True)
    assert read({"model": "m", "input": "hi", "store": False}, {}).keep is False
