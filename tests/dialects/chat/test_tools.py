"""Tools, one level flatter, and the choice among them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rotom.dialects.chat.tools import MOST_TOOLS, read_choice, read_tools
from rotom.problem import Problem

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
EMPTY = {"type": "object", "properties": {}}


def function(name: str = "run", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def custom(**more: Any) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": "patch", **more}}


GRAMMAR = {"syntax": "lark", "definition": "start: x"}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (function(), {"type": "function", "name": "run", "parameters": EMPTY, "strict": False}),
        (
            function(description="d", parameters=SCHEMA, strict=True),
            {"type": "function", "name": "run", "description": "d", "parameters": SCHEMA, "strict": True},
        ),
        (
            function(description="", parameters={"$schema": "x", **SCHEMA}, strict=None),
            {"type": "function", "name": "run", "parameters": SCHEMA, "strict": False},
        ),
        (
            function(strict=True),
            {
                "type": "function",
                "name": "run",
                "parameters": {**EMPTY, "additionalProperties": False, "required": []},
                "strict": True,
            },
        ),
        (
            function(parameters={"type": "object", "properties": {"a": {"type": "array"}}}),
            {
                "type": "function",
                "name": "run",
                "parameters": {"type": "object", "properties": {"a": {"type": "array", "items": {}}}},
                "strict": False,
            },
        ),
        (custom(), {"type": "custom", "name": "patch"}),
        (custom(format={"type": "text"}), {"type": "custom", "name": "patch", "format": {"type": "text"}}),
        *(
            (
                custom(description="d", format={"type": "grammar", **form}),
                {"type": "custom", "name": "patch", "description": "d", "format": {"type": "grammar", **GRAMMAR}},
            )
            for form in ({"grammar": GRAMMAR}, GRAMMAR)
        ),
        ({"type": "web_search_preview", "rotom_name": "x"}, {"type": "web_search_preview", "rotom_name": "x"}),
    ],
)
def test_tools(tool: Any, expected: Any) -> None:
    assert read_tools({"tools": [tool]}) == ([expected], {})


def test_a_strict_schema_goes_as_it_is() -> None:
    broken = {"type": "object", "properties": {"a": {"type": "array"}}}
    [tool], _ = read_tools({"tools": [function(parameters=broken, strict=True)]})
    assert tool["parameters"] == broken  # the provider says best what is wrong with it


def test_long_names_are_mapped_back() -> None:
    long = "mcp__server__" + "x" * 70
    tools, names = read_tools({"tools": [function(long), function("a.b"), function("good")]})
    assert list(names.values()) == [long, "a.b"]
    assert [tool["name"] for tool in tools] == [*names, "good"]
    assert all(len(name) <= 64 for name in names)


def test_functions_of_the_former_api() -> None:
    tools, _ = read_tools({"functions": [{"name": "f", "description": "d"}]})
    assert tools == [{"type": "function", "name": "f", "description": "d", "parameters": EMPTY, "strict": False}]


@pytest.mark.parametrize(
    ("options", "tool"),
    [
        ({}, {"type": "web_search"}),
        (
            {
                "search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"city": "Oslo", "x": 1, "country": None}},
            },
            {
                "type": "web_search",
                "search_context_size": "low",
                "user_location": {"type": "approximate", "city": "Oslo"},
            },
        ),
    ],
)
def test_the_search(options: Any, tool: Any) -> None:
    assert read_tools({"web_search_options": options, "tools": None}) == ([tool], {})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "name": "flat"}]}, "tools[0].function"),
        ({"tools": [function(5)]}, "tools[0].function.name"),  # type: ignore[arg-type]
        ({"tools": [function("")]}, "tools[0].function.name"),
        ({"tools": [function(parameters=[])]}, "tools[0].function.parameters"),
        ({"tools": [function(strict="yes")]}, "tools[0].function.strict"),
        ({"tools": [custom(format={"type": "x"})]}, "tools[0].custom.format.type"),
        ({"tools": [custom(format={"type": "grammar", "grammar": {}})]}, "tools[0].custom.format.grammar.syntax"),
        ({"functions": [{"name": None}]}, "functions[0].name"),
        ({"tools": [{}] * (MOST_TOOLS + 1)}, "tools"),
        ({"web_search_options": []}, "web_search_options"),
        ({"web_search_options": {"user_location": {}}}, "web_search_options.user_location.approximate"),
    ],
)
def test_bad_tools_are_named(body: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_tools(body)
    assert caught.value.param == param


TOOLS, _ = read_tools({"tools": [function("a.b"), custom(), {"type": "web_search"}]})
SHORT = TOOLS[0]["name"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "auto"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "required"}, "required"),
        ({"tool_choice": {"type": "function", "function": {"name": "a.b"}}}, {"type": "function", "name": SHORT}),
        ({"tool_choice": {"type": "custom", "custom": {"name": "patch"}}}, {"type": "custom", "name": "patch"}),
        ({"tool_choice": {"type": "web_search"}}, {"type": "web_search"}),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "a.b"}}]},
                }
            },
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": SHORT}]},
        ),
        ({"function_call": "auto"}, "auto"),
        ({"function_call": {"name": "a.b"}}, {"type": "function", "name": SHORT}),
    ],
)
def test_choices(body: Any, expected: Any) -> None:
    assert read_choice(body, TOOLS) == expected


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("always", "tool_choice"),
        (5, "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.function"),
        ({"type": "function", "function": {"name": "gone"}}, "tool_choice"),
        ({"type": "image_generation"}, "tool_choice"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "x"}}, "tool_choice.allowed_tools.mode"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}},
            "tool_choice.allowed_tools.tools[0].function",
        ),
    ],
)
def test_bad_choices(choice: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_choice({"tool_choice": choice}, TOOLS)
    assert caught.value.param == param


def test_a_tool_that_must_be_called_must_be_there() -> None:
    assert read_choice({"tool_choice": "auto"}, []) == "auto"
    with pytest.raises(Problem) as caught:
        read_choice({"tool_choice": "required"}, [])
    assert caught.value.param == "tool_choice"


def test_a_long_choice_among_many_tools_costs_no_more_than_their_sum() -> None:
    tools, _ = read_tools({"tools": [function(f"run{number}") for number in range(MOST_TOOLS)]})
    listed = [function("run9999")] * MOST_TOOLS
    begun = time.process_time()
    choice = read_choice(
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": listed}}}, tools
    )
    assert time.process_time() - begun < 5, "it is 0.05 s, and minutes if each is looked for among all tools"
    assert len(choice["tools"]) == MOST_TOOLS
