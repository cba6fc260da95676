"""Requests -> turns."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.chat.form import JSON_WORD
from rotom.dialects.chat.read import read
from rotom.problem import Kind, Problem
from rotom.turn import Turn

PLAIN: Any = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "run"}}


def ask(**more: Any) -> Turn:
    return read({**PLAIN, **more}, {})


def test_the_least() -> None:
    turn = ask()
    assert turn.body == {
        "model": "gpt-5.5",
        "instructions": "",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
    }
    assert (turn.asked, turn.stream, turn.session, turn.dropped, turn.mapped) == ("gpt-5.5", False, None, (), ())


NAMES = (
    *(
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "n",
        "stop",
    ),
    *(
        "response_format",
        "audio",
        "modalities",
        "logprobs",
        "top_logprobs",
        "temperature",
        "top_p",
        "max_tokens",
        "seed",
    ),
    *("max_completion_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort", "reasoning"),
    *(
        "verbosity",
        "service_tier",
        "prompt_cache_key",
        "web_search_options",
        "prediction",
        "moderation",
        "user",
        "store",
    ),
)


def test_null_is_the_same_as_nothing() -> None:
    assert ask(**dict.fromkeys(NAMES)) == ask()
    assert ask(tools=[], functions=[], stop=[], logit_bias={}, n=1, modalities=["text"], logprobs=False) == ask()


def test_what_is_passed_on() -> None:
    turn = ask(
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": True},
        temperature=0.5,
        top_p=1,
        max_completion_tokens=10,
        max_tokens=20,
        service_tier="priority",
        prompt_cache_key="k",
        reasoning_effort="high",
        verbosity="low",
        response_format={"type": "json_object"},
        stop="END",
        parallel_tool_calls=False,
        tools=[TOOL],
        unknown={"a": 1},
    )
    assert turn.stream
    assert turn.session == "k"
    assert turn.extra == {"stop": ("END",), "usage": True, "legacy": False}
    assert turn.words == {"max_output_tokens": "max_completion_tokens"}
    assert turn.body["input"][-1]["content"][0]["text"] == JSON_WORD
    body = {key: value for key, value in turn.body.items() if key not in ("model", "instructions", "input", "include")}
    assert body == {
        "tools": [
            {"type": "function", "name": "run", "parameters": {"type": "object", "properties": {}}, "strict": False}
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "service_tier": "priority",
        "prompt_cache_key": "k",
        "temperature": 0.5,
        "top_p": 1,
        "max_output_tokens": 10,
    }


@pytest.mark.parametrize(
    ("more", "reasoning"),
    [
        ({"reasoning_effort": "none"}, {"effort": "none"}),
        ({"reasoning": {"effort": "low", "summary": "detailed"}}, {"effort": "low", "summary": "detailed"}),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, {"effort": "high", "summary": "auto"}),
    ],
)
def test_reasoning(more: Any, reasoning: Any) -> None:
    assert ask(**more).body["reasoning"] == reasoning


def test_the_former_api_calls_one_function_at_a_time() -> None:
    turn = ask(functions=[{"name": "f"}], function_call={"name": "f"})
    assert turn.extra["legacy"] is True
    assert turn.body["tool_choice"] == {"type": "function", "name": "f"}
    assert turn.body["parallel_tool_calls"] is False
    assert ask(functions=[{"name": "f"}], tools=[TOOL]).extra["legacy"] is False


def test_what_is_not_honoured_is_told() -> None:
    turn = ask(
        presence_penalty=0.5,
        frequency_penalty=-1,
        seed=0,
        logit_bias={"1": 2},
        logprobs=True,
        top_logprobs=3,
        moderation={"model": "m"},
    )
    assert turn.dropped == (
        *("presence_penalty", "frequency_penalty", "seed", "logit_bias", "logprobs", "top_logprobs", "moderation"),
    )
    assert ask(presence_penalty=0, frequency_penalty=0.0, top_logprobs=0).dropped == ()


def test_long_names_are_told() -> None:
    long = "n" * 80
    turn = ask(tools=[{"type": "function", "function": {"name": long}}])
    [(asked, short)] = turn.mapped
    assert asked == f"tool:{long}"
    assert turn.names == {short: long}


@pytest.mark.parametrize("name", ["x-session-id", "x-session-affinity"])
def test_the_session_is_the_clients(name: str) -> None:
    assert read({**PLAIN, "prompt_cache_key": "k"}, {name: "ses_1"}).session == "ses_1"


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": " "}, "model", "missing_required_parameter"),
        ({"model": 5}, "model", "invalid_type"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"n": 2}, "n", "unsupported_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": "1"}, "n", "invalid_type"),
        ({"audio": {"voice": "x", "format": "wav"}}, "audio", "unsupported_content"),
        ({"modalities": ["text", "audio"]}, "modalities", "unsupported_content"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": []}, "stream_options", "invalid_type"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"stop": 5}, "stop", "invalid_type"),
        ({"stop": ["a", 5]}, "stop[1]", "invalid_type"),
        ({"stop": list("abcde")}, "stop", "array_above_max_length"),
        ({"reasoning_effort": 5}, "reasoning_effort", "invalid_type"),
        ({"verbosity": 5}, "verbosity", "invalid_type"),
        ({"seed": "1"}, "seed", "invalid_type"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "invalid_type"),
        ({"prompt_cache_key": 5}, "prompt_cache_key", "invalid_type"),
    ],
)
def test_bad_requests_are_named(more: Any, param: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        ask(**more)
    problem = caught.value
    assert (problem.kind, problem.param, problem.code) == (Kind.INVALID, param, code)
