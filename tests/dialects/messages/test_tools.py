"""Tools, their names and ids, and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.tools import read_choice, read_tools
from rotom.dialects.names import short_name
from rotom.problem import Problem

LONG = "mcp__tt__a_very_long_tool_name_that_goes_on_and_on_and_on_and_on_for_ever_x"


def custom(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"about {name}", "input_schema": {"type": "object", "properties": {}}, **more}


def test_good_names_stay_and_long_ones_are_mapped_back() -> None:
    tools, names, _ = read_tools([custom("Bash"), custom(LONG)], [])
    assert tools[0]["name"] == "Bash"
    assert names == {tools[1]["name"]: LONG}
    assert len(tools[1]["name"]) == 64


def test_a_function() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"a": {}}}
    tool = {"name": "Edit", "description": "d", "input_schema": schema, "cache_control": {}, "input_examples": []}
    [function], names, dropped = read_tools([tool], [])
    assert function == {
        "type": "function",
        "name": "Edit",
        "description": "d",
        "parameters": {"type": "object", "properties": {"a": {}}},
        "strict": False,
    }
    assert (names, dropped) == ({}, [])


def test_deferred_tools_come_last_in_the_order_of_their_loading() -> None:
    tools = [
        custom("A"),
        custom("WebFetch", defer_loading=True),
        custom("WebSearch", defer_loading=True),
        custom("DeferredToolPlaceholder", defer_loading=True),
        custom("B"),
    ]
    made, _, _ = read_tools(tools, ["WebSearch", "Gone"])
    assert [tool["name"] for tool in made] == ["A", "B", "WebSearch", "WebFetch"]
    assert not any("defer_loading" in tool for tool in made)


def test_web_search_is_the_hosted_tool() -> None:
    place = {"type": "approximate", "city": "Paris"}
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": ["a.b"]}
    [hosted], _, dropped = read_tools([{**tool, "user_location": place}], [])
    assert hosted == {"type": "web_search", "filters": {"allowed_domains": ["a.b"]}, "user_location": place}
    assert dropped == []  # max_uses is a ceiling
    assert read_tools([{**tool, "blocked_domains": ["c.d"]}], [])[2] == ["web_search.blocked_domains"]


def test_other_tools_of_anthropic() -> None:
    tools, names, dropped = read_tools(
        [
            {"type": "bash_20250124", "name": "bash"},
            {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
            {"type": "code_execution_20250825", "name": "code_execution"},
            custom("image_generation"),
        ],
        [],
    )
    assert [tool.get("name", tool["type"]) for tool in tools] == [
        "bash",
        "str_replace_based_edit_tool",
        "image_generation",
    ]
    assert tools[0]["parameters"]["properties"]["command"] == {"type": "string"}
    assert names == {}
    assert dropped == ["tools.code_execution_20250825"]


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ("x", "tools"),
        ([1], "tools.0"),
        ([{}], "tools.0.name"),
        ([{"name": "a", "input_schema": 5}], "tools.0.input_schema"),
        ([{"name": "a", "type": 5}], "tools.0.type"),
        ([custom("a"), custom("a")], "tools.1.name"),
    ],
)
def test_bad_tools(tools: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_tools(tools, [])
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ("auto", True)),
        ({"type": "auto", "disable_parallel_tool_use": True}, ("auto", False)),
        ({"type": "any"}, ("required", True)),
        ({"type": "none"}, ("none", True)),
        ({"type": "tool", "name": "Bash"}, ({"type": "function", "name": "Bash"}, True)),
        ({"type": "tool", "name": LONG}, ({"type": "function", "name": short_name(LONG)}, True)),
        ({"type": "tool", "name": "web_search"}, ({"type": "web_search"}, True)),
    ],
)
def test_choices(choice: Any, expected: Any) -> None:
    tools, _, _ = read_tools([custom("Bash"), custom(LONG), {"type": "web_search_20250305", "name": "web_search"}], [])
    assert read_choice(choice, tools) == expected


@pytest.mark.parametrize("choice", ["auto", {"type": "x"}, {"type": "tool"}, {"type": "tool", "name": "nope"}])
def test_bad_choices(choice: Any) -> None:
    with pytest.raises(Problem):
        read_choice(choice, [])


def test_too_many_tools_are_refused_before_they_are_gone_through():
    with pytest.raises(Problem, match="at most 10000 items"):
        read_tools([None] * 10_001, [])


def test_what_of_a_tool_is_not_honoured() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    exact = {**loose, "required": ["a"], "additionalProperties": False}
    tools, _, dropped = read_tools(
        [
            custom("A", strict=True, input_schema=exact),
            custom("B", strict=True, input_schema=loose),
            custom("C", input_examples=[{"a": 1}], allowed_callers=["direct", "code_execution_20250825"]),
            custom("D", allowed_callers=["code_execution_20250825"], eager_input_streaming=True),
        ],
        [],
    )
    assert [tool["strict"] for tool in tools] == [True, False, False, False]
    assert dropped == ["tools.strict", "tools.input_examples", "tools.allowed_callers"]


def test_a_search_for_tools_is_not_needed() -> None:
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    tools, _, dropped = read_tools([search, custom("A", defer_loading=True)], [])
    assert [tool["name"] for tool in tools] == ["A"]
    assert dropped == []
