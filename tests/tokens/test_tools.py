"""Tools as a model reads them."""

from __future__ import annotations

import pytest

from rotom.tokens.text import text_tokens
from rotom.tokens.tools import tools_tokens, typescript

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Gets the weather.\nIn a place.",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city"},
            "format": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "n": {"type": ["integer", "null"], "minimum": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
            "opts": {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
            "any": {},
            "either": {"anyOf": [{"type": "string"}, {"const": 5}]},
        },
        "required": ["location"],
    },
}


def test_a_function() -> None:
    assert typescript(WEATHER) == (
        "// Gets the weather.\n"
        "// In a place.\n"
        "type get_weather = (_: {\n"
        "// The city\n"
        "location: string,\n"
        'format?: "c" | "f", // default: "c"\n'
        "n?: number | null,\n"
        "tags?: string[],\n"
        "opts?: {\n"
        "    a: boolean,\n"
        "    },\n"
        "any?: any,\n"
        "either?: string | 5,\n"
        "}) => any;\n\n"
    )


def test_a_function_without_arguments() -> None:
    assert (
        typescript({"type": "function", "name": "now", "parameters": {"type": "object"}}) == "type now = () => any;\n\n"
    )


def test_tools_inside_a_namespace_count() -> None:
    inside = {"type": "namespace", "name": "weather", "tools": [WEATHER]}
    assert tools_tokens([inside]) > text_tokens(typescript(WEATHER))


def test_other_tools_count_as_they_are() -> None:
    grammar = {"type": "custom", "name": "patch", "format": {"type": "grammar", "definition": "start: line+ " * 40}}
    assert tools_tokens([grammar]) > 100
    assert tools_tokens([{"type": "web_search"}]) < 30


@pytest.mark.parametrize("junk", [None, 5, "x", {}, [], [5, None, "x"]])
def test_what_is_no_list_of_tools(junk: object) -> None:
    assert tools_tokens(junk) < 15


@pytest.mark.parametrize("junk", [5, None, [], "x", {"type": 5}, {"properties": 5}, {"anyOf": []}, {"required": 7}])
def test_junk_in_schemas(junk: object) -> None:
    tool = {
        "type": "function",
        "name": junk,
        "parameters": {"properties": {"a": junk, "b": {"properties": {"c": junk}}}},
    }
    assert typescript(tool)
    assert typescript({"type": "function", "name": "x", "parameters": junk, "description": junk})
