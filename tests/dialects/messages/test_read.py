"""Requests -> Turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.dialects.messages.read import read
from rotom.problem import Kind, Problem

PLAIN: dict[str, Any] = {
    "model": "gpt-5.5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}

# As Claude Code 2.1.330 sends it (2026-11), shortened.
CLAUDE_CODE: dict[str, Any] = {
    "model": "gpt-5.5[1m]",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Reply with OK"}]},
        {
            "role": "system",
            "content": [{"type": "text", "text": "# Environment", "cache_control": {"type": "ephemeral"}}],
        },
    ],
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330.db5; cc_entrypoint=sdk-cli;"},
        {"type": "text", "text": "You are a Claude agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "\nHelp the user."},
    ],
    "tools": [
        {
            "name": "Bash",
            "description": "Runs a command",
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
                "additionalProperties": False,
            },
        },
        {"name": "DeferredToolPlaceholder", "description": "x", "defer_loading": True, "input_schema": {}},
    ],
    "metadata": {"user_id": '{"device_id":"00","account_uuid":"","session_id":"75590fc6-55ee-40ab-9357-fed0d429f337"}'},
    "max_tokens": 32000,
    "thinking": {"type": "adaptive", "display": "omitted"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "stream": True,
}


def test_claude_code() -> None:
    turn = read(CLAUDE_CODE, {"x-claude-code-session-id": "75590fc6"})
    assert turn.asked == "gpt-5.5[1m]"
    assert turn.stream is True
    assert turn.session == "75590fc6"
    assert turn.dropped == turn.mapped == ()
    assert turn.extra == {"thinking": "omitted", "stop": ()}
    assert turn.body == {
        "model": "gpt-5.5",
        "instructions": "You are a Claude agent.\n\n\nHelp the user.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Reply with OK"}]},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "# Environment"}]},
        ],
        "tools": [
            {
                "type": "function",
                "name": "Bash",
                "description": "Runs a command",
                "parameters": {
                    "type": "object",
                    "properties": {"command": {"type": "string"}},
                    "required": ["command"],
                    "additionalProperties": False,
                },
                "strict": False,
            }
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high"},
        "max_output_tokens": 32000,
    }


def test_a_plain_request() -> None:
    turn = read(PLAIN, {})
    assert turn.stream is False
    assert turn.session is None
    assert turn.extra["thinking"] == "none"
    assert turn.body["instructions"] == ""
    assert not {"tools", "tool_choice", "reasoning", "text"} & turn.body.keys()


@pytest.mark.parametrize(
    ("more", "reasoning", "shown"),
    [
        ({}, None, "none"),
        ({"thinking": {"type": "adaptive"}}, {"effort": "medium", "summary": "auto"}, "text"),
        ({"thinking": {"type": "adaptive", "display": "updates"}}, {"effort": "medium", "summary": "auto"}, "text"),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, {"effort": "medium"}, "omitted"),
        ({"thinking": {"type": "disabled"}}, {"effort": "none"}, "none"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, {"effort": "low"}, "none"),
        ({"output_config": {"effort": "max"}}, {"effort": "max"}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"effort": "low", "summary": "auto"}, "text"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, {"effort": "medium", "summary": "auto"}, "text"),
        ({"thinking": {"type": "enabled", "budget_tokens": 99999}}, {"effort": "xhigh", "summary": "auto"}, "text"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}},
            {"effort": "max", "summary": "auto"},
            "text",
        ),
    ],
)
def test_thinking(more: Any, reasoning: Any, shown: str) -> None:
    turn = read({**PLAIN, **more}, {})
    assert turn.body.get("reasoning") == reasoning
    assert turn.extra["thinking"] == shown


@pytest.mark.parametrize(
    ("user_id", "headers", "session"),
    [
        (None, {"x-claude-code-session-id": "s"}, "s"),
        (None, {"x-claude-code-session-id": "s", "x-claude-code-agent-id": "a"}, "s:a"),
        ('{"session_id":"s2"}', {}, "s2"),
        ('{"session_id":"s2"}', {"x-claude-code-session-id": "s"}, "s"),
        ("user_ab_account_cd_session_75590fc6-55ee-40ab-9357-fed0d429f337", {}, "75590fc6-55ee-40ab-9357-fed0d429f337"),
        ("somebody", {}, None),
        ("{broken", {}, None),
        ('{"session_id":5}', {}, None),
    ],
)
def test_sessions(user_id: str | None, headers: dict[str, str], session: str | None) -> None:
    assert read({**PLAIN, "metadata": {"user_id": user_id}}, headers).session == session


def test_structured_output() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    loose = read({**PLAIN, "output_config": {"format": {"type": "json_schema", "schema": schema}}}, {})
    assert loose.body["text"]["format"]["strict"] is False
    exact = {"$schema": "x", **schema, "additionalProperties": False}
    turn = read({**PLAIN, "output_config": {"format": {"type": "json_schema", "schema": exact}}}, {})
    assert turn.body["text"]["format"] == {
        "type": "json_schema",
        "name": "answer",
        "schema": {**schema, "additionalProperties": False},
        "strict": True,
    }


def test_web_search_asks_for_its_sources() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]
    turn = read({**PLAIN, "tools": tools, "tool_choice": {"type": "auto"}}, {})
    assert turn.body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    assert turn.body["tools"] == [{"type": "web_search"}]


def test_tuning_is_passed_on_or_told() -> None:
    turn = read({**PLAIN, "temperature": 0.5, "top_p": 1, "top_k": 5, "speed": "fast", "stop_sequences": ["a", ""]}, {})
    assert (turn.body["temperature"], turn.body["top_p"], turn.body["service_tier"]) == (0.5, 1, "priority")
    assert turn.body["top_k"] == 5
    assert turn.dropped == ()
    assert turn.extra["stop"] == ("a",)


def test_unknown_fields_are_ignored() -> None:
    assert read({**PLAIN, "new_thing": {"a": 1}}, {}).body == read(PLAIN, {}).body


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": None}, "model"),
        ({"model": " "}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "image"}]}, "system.0"),
        ({"thinking": "on"}, "thinking"),
        ({"output_config": {"effort": 5}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "text"}}}, "output_config.format"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"tools": {"a": 1}}, "tools"),
        ({"tools": [{"name": "a"}], "tool_choice": {"type": "tool", "name": "b"}}, "tool_choice.name"),
    ],
)
def test_bad_requests_name_the_field(more: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read({**PLAIN, **more}, {})
    assert caught.value.kind is Kind.INVALID
    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param}: ")


def test_the_next_turn_begins_with_the_bytes_of_the_last() -> None:
    def ask(messages: list[Any], moving: int) -> Any:
        marked = json.loads(json.dumps(messages))
        marked[moving]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        return read({**CLAUDE_CODE, "messages": marked}, {}).body

    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
    history: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "go"}]}]
    before = ask(history, -1)
    for number in range(3):
        call = {**call, "id": f"toolu_{number}"}
        history += [
            {"role": "assistant", "content": [{"type": "text", "text": "so"}, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "a.txt"}]},
        ]
        after = ask(history, -1)
        assert after["input"][: len(before["input"])] == before["input"]
        assert {**after, "input": []} == {**before, "input": []}
        before = after


def test_what_cannot_be_honoured_is_told() -> None:
    edits = [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]
    more = {
        "container": "c",
        "mcp_servers": [{"type": "url", "url": "https://a", "name": "a"}],
        "fallbacks": [{"model": "m"}],
        "inference_geo": "eu",
        "thread": {"type": "create"},
        "context_management": {"edits": edits},
        "output_config": {"task_budget": {"type": "tokens", "total": 5}},
        "tools": [{"type": "code_execution_20250825", "name": "code_execution"}],
        "tool_choice": {"type": "any"},
    }
    turn = read({**PLAIN, **more}, {})
    assert turn.dropped == (
        "container",
        "mcp_servers",
        "fallbacks",
        "inference_geo",
        "context_management.clear_tool_uses_20250919",
        "output_config.task_budget",
        "thread",
        "tools.code_execution_20250825",
        "tool_choice",
    )
    assert turn.mapped == ()


def test_what_stands_for_something_else_is_told() -> None:
    name = "mcp__" + "x" * 80
    more = {"tools": [{"name": name}], "thinking": {"type": "enabled", "budget_tokens": 2000}}
    turn = read({**PLAIN, **more}, {})
    short = turn.body["tools"][0]["name"]
    assert turn.mapped == (("budget_tokens:2000", "effort:medium"), (f"tool:{name}", short))


def test_nothing_of_what_asks_for_nothing_is_told() -> None:
    more = {
        "fallbacks": [],
        "mcp_servers": [],
        "context_management": None,
        "service_tier": "auto",
        "metadata": {"user_id": "u"},
        "cache_control": {"type": "ephemeral"},
        "safeguards": [{"type": "dangerous_tool_use", "classifier_context": {"home_dir": "/home/me"}}],
        "diagnostics": {"previous_message_id": "msg_1"},
    }
    turn = read({**PLAIN, **more}, {})
    assert turn.dropped == turn.mapped == ()
    assert "/home/me" not in str(turn)


@pytest.mark.parametrize(
    "more", [{"thread": {"type": "continue", "previous_message_id": "m"}}, {"compaction": {"a": 1}}]
)
def test_what_would_be_answered_wrongly_is_refused(more: Any) -> None:
    with pytest.raises(Problem) as caught:
        read({**PLAIN, **more}, {})
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, next(iter(more)))
