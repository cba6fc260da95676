"""Conversations -> instructions and input items."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.chat.history import MOST_MESSAGES, read_history
from rotom.dialects.names import call_id, short_name
from rotom.dialects.pairing import UNANSWERED
from rotom.problem import Problem
from rotom.simulator.play import Refused
from rotom.simulator.strict_input import check_input

USER = {"role": "user", "content": "hi"}


def call(name: str = "call_1", tool: str = "run", arguments: str = "{}") -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": tool, "arguments": arguments}}


def said(content: Any = None, *calls: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {}), **more}


def result(name: str = "call_1", content: Any = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": content}


def brief(items: list[Any]) -> list[str]:
    out = []
    for item in items:
        match item["type"]:
            case "message":
                out.append(f"{item['role']}:{'+'.join(part.get('text', part['type']) for part in item['content'])}")
            case kind if kind.endswith("_output"):
                out.append(f"{kind}:{item['call_id']}:{item['output']}")
            case kind:
                out.append(f"{kind}:{item['call_id']}:{item.get('arguments', item.get('input'))}")
    return out


def test_a_turn_with_a_tool() -> None:
    instructions, items = read_history(
        [
            {"role": "system", "content": "be good"},
            {"role": "developer", "content": [{"type": "text", "text": "and"}, {"type": "text", "text": "short"}]},
            USER,
            said("let me see", call(arguments="")),
            result(),
            {"role": "system", "content": "note"},
            said("done"),
            USER,
        ]
    )
    assert instructions == "be good\n\nand\nshort"
    assert brief(items) == [
        "user:hi",
        "assistant:let me see",
        "function_call:call_1:{}",
        "function_call_output:call_1:ok",
        "developer:note",
        "assistant:done",
        "user:hi",
    ]
    assert [item["phase"] for item in items if item.get("role") == "assistant"] == ["commentary", "final_answer"]


def test_system_messages_alone_are_what_is_asked() -> None:
    instructions, items = read_history([{"role": "system", "content": "say OK"}])
    assert (instructions, brief(items)) == ("", ["developer:say OK"])


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            [said(None, call("a"), call("b")), result("b", "B"), result("a", "A")],
            ["function_call:a:{}", "function_call:b:{}", "function_call_output:a:A", "function_call_output:b:B"],
        ),
        ([said(None, call("a"))], ["function_call:a:{}", f"function_call_output:a:{UNANSWERED}"]),
        ([result("a", "A")], ["user:[the result of an earlier tool call]+A"]),
        (
            [said(None, {"id": "c", "type": "custom", "custom": {"name": "p", "input": "+x"}}), result("c", "")],
            ["custom_tool_call:c:+x", "custom_tool_call_output:c:"],
        ),
        (
            [said("a", reasoning_content="hm", audio={"id": "x"}, annotations=[]), said("b")],
            ["assistant:a", "assistant:b"],
        ),
        ([said(""), said(None), {"role": "user", "content": ""}, USER], ["user:hi"]),
        ([said([{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}])], ["assistant:a+refusal"]),
        ([said(None, refusal="no")], ["assistant:refusal"]),
        (
            [
                said(None, function_call={"name": "f", "arguments": '{"a":1}'}),
                {"role": "function", "name": "f", "content": "F"},
                {"role": "function", "name": "f", "content": None},
            ],
            [
                'function_call:call_function_1:{"a":1}',
                "function_call_output:call_function_1:F",
                "user:[the result of an earlier tool call]+",
            ],
        ),
    ],
)
def test_items(messages: list[Any], expected: list[str]) -> None:
    assert brief(read_history(messages)[1]) == expected


def test_images_in_results_stay() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    _, items = read_history([said(None, call()), result(content=[{"type": "text", "text": "see"}, image])])
    assert [part["type"] for part in items[-1]["output"]] == ["input_text", "input_image"]


def test_names_and_ids_that_are_too_long_are_shortened_alike() -> None:
    long = "x" * 100
    _, items = read_history([said(None, call(long, "tool." + long)), result(long)])
    assert items[0]["call_id"] == items[1]["call_id"] == call_id(long)
    assert items[0]["name"] == short_name("tool." + long)
    check_input(items, lambda sealed: False)


@pytest.mark.parametrize(
    ("messages", "param", "code"),
    [
        (None, "messages", "missing_required_parameter"),
        ("hi", "messages", "invalid_type"),
        ([], "messages", "empty_array"),
        ([5], "messages[0]", "invalid_type"),
        ([{}], "messages[0].role", "missing_required_parameter"),
        ([USER, {"role": "king", "content": "x"}], "messages[1].role", "invalid_value"),
        ([{"role": "user"}], "messages[0].content", "missing_required_parameter"),
        ([USER, USER, USER, {"role": "user", "content": 5}], "messages[3].content", "invalid_type"),
        ([{"role": "system", "content": 5}], "messages[0].content", "invalid_type"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id", "missing_required_parameter"),
        ([{"role": "tool", "tool_call_id": "a"}], "messages[0].content", "missing_required_parameter"),
        ([{"role": "function", "content": "x"}], "messages[0].name", "missing_required_parameter"),
        ([said(5)], "messages[0].content", "invalid_type"),
        ([said([{"type": "image_url"}])], "messages[0].content[0].type", "invalid_value"),
        ([said(None, tool_calls={})], "messages[0].tool_calls", "invalid_type"),
        ([said(None, {"type": "function"})], "messages[0].tool_calls[0].id", "missing_required_parameter"),
        ([said(None, {"id": "a"})], "messages[0].tool_calls[0].function", "missing_required_parameter"),
        ([said(None, {"id": "a", "type": "x"})], "messages[0].tool_calls[0].type", "invalid_value"),
        (
            [said(None, {"id": "a", "function": {"name": "f", "arguments": {}}})],
            "messages[0].tool_calls[0].function.arguments",
            "invalid_type",
        ),
        (
            [said(None, {"id": "a", "type": "custom", "custom": {"name": "f"}})],
            "messages[0].tool_calls[0].custom.input",
            "missing_required_parameter",
        ),
        (
            [said(None, function_call={"name": "f"})],
            "messages[0].function_call.arguments",
            "missing_required_parameter",
        ),
        ([{"role": "user", "content": ""}], "messages", "empty_content"),
        ([USER] * (MOST_MESSAGES + 1), "messages", "array_above_max_length"),
    ],
)
def test_bad_messages_are_named(messages: Any, param: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        read_history(messages)
    assert (caught.value.param, caught.value.code) == (param, code)


ids = st.sampled_from(["a", "b", "", "é" * 80])
calls = st.one_of(
    st.builds(call, ids, st.sampled_from(["run", "a.b"]), st.sampled_from(["", "{}"])),
    st.builds(lambda name: {"id": name, "type": "custom", "custom": {"name": "p", "input": ""}}, ids),
)
anything = st.one_of(
    st.just(USER),
    st.just({"role": "system", "content": "s"}),
    st.builds(lambda made: said("x", *made), st.lists(calls, max_size=3)),
    st.builds(lambda: said(None, function_call={"name": "f", "arguments": ""})),
    st.builds(lambda: {"role": "function", "name": "f", "content": "r"}),
    st.builds(result, ids, st.sampled_from(["", "r"])),
)


@given(st.lists(anything, min_size=1, max_size=12))
def test_whatever_was_cut_the_strict_provider_takes_it(messages: list[Any]) -> None:
    _, items = read_history(messages)
    try:
        check_input(items, lambda sealed: False)
    except Refused as refused:
        pytest.fail(json.dumps(refused.args, default=str))
    assert items
