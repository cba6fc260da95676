"""The provider's prompt cache in a session as Claude Code has it: what goes upstream only ever grows at its end."""

from __future__ import annotations

import copy
import itertools
from typing import Any

from rotom.dialects.messages import DIALECT
from rotom.sse import Decoder, dumps

TURNS = 20
WORDS = "Reads lines of a file and says what they mean for the task at hand, in order and without haste. "
SESSION = "75590fc6-55ee-40ab-9357-fed0d429f337"


def tool(name: str, size: int, **properties: Any) -> Any:
    return {
        "name": name,
        "description": (WORDS * 60)[:size],
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": list(properties)[:1],
            "additionalProperties": False,
        },
    }


STRING = {"type": "string", "description": "What it is about"}
# Names, sizes and order as Claude Code 2.1.330 offers them (2026-11).
TOOLS = [
    tool("Agent", 5000, prompt=STRING, description=STRING, subagent_type=STRING),
    tool("Bash", 5000, command=STRING, timeout={"type": "number"}, description=STRING),
    tool("Edit", 800, file_path=STRING, old_string=STRING, new_string=STRING, replace_all={"type": "boolean"}),
    tool("ListAgents", 1400, q=STRING),
    tool("Read", 800, file_path=STRING, offset={"type": "number"}),
    tool("ReportFindings", 2000, findings={"type": "array"}),
    tool("ScheduleWakeup", 2500, delay={"type": "number"}),
    tool("Skill", 1500, skill=STRING),
    tool("ToolSearch", 1500, query=STRING, max_results={"type": "number"}),
    tool("Workflow", 5000, script=STRING),
    {"name": "DeferredToolPlaceholder", "description": "x", "defer_loading": True, "input_schema": {}},
    tool("Write", 700, file_path=STRING, content=STRING),
]


def request(messages: list[Any], turn: int) -> dict[str, Any]:
    """A turn as Claude Code asks it: the mark of its cache moves, and so does the billing line."""
    marked = copy.deepcopy(messages)
    marked[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    billing = f"x-anthropic-billing-header: cc_version=2.1.330.{turn:03x}; cc_entrypoint=sdk-cli;"
    ephemeral = {"type": "ephemeral"}
    return {
        "model": "gpt-5.5",
        "messages": marked,
        "system": [
            {"type": "text", "text": billing},
            {"type": "text", "text": "You are a Claude agent.", "cache_control": ephemeral},
            {"type": "text", "text": "\n" + (WORDS * 90)[:8000], "cache_control": ephemeral},
        ],
        "tools": TOOLS,
        "metadata": {"user_id": f'{{"device_id":"00","account_uuid":"","session_id":"{SESSION}"}}'},
        "max_tokens": 32000,
        "thinking": {"type": "adaptive", "display": "omitted" if turn % 2 else "updates"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "stream": True,
    }


def results(calls: list[Any], turn: int) -> list[Any]:
    """What the tools said: a text, blocks, nothing, an error."""
    out: list[Any] = []
    for number, call in enumerate(calls):
        text = f"{turn}.{number}: " + (WORDS * 20)[: 900 + 37 * turn]
        content: Any = text if (turn + number) % 3 else [{"type": "text", "text": text}]
        block = {"tool_use_id": call["id"], "type": "tool_result", "content": "" if turn == 7 else content}
        out.append({**block, "is_error": True} if turn == 5 else block)
    return out


async def test_twenty_turns_of_a_session(house: Any) -> None:
    headers = {"x-claude-code-session-id": SESSION, "anthropic-version": "2023-06-01"}
    reminder = f"<system-reminder>\n{WORDS * 6}\n</system-reminder>"
    environment = f"# Environment\n - Primary working directory: /home/me/project\n{WORDS * 12}"
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": reminder}, {"type": "text", "text": "mend the tests"}]},
        {"role": "system", "content": [{"type": "text", "text": environment}]},
    ]
    read = total = 0
    for turn in range(1, TURNS + 1):
        house.simulator.script("parallel_tools" if turn % 4 == 0 else "tool")
        response = await house.client.post("/v1/messages?beta=true", json=request(messages, turn), headers=headers)
        assert response.status_code == 200, response.text
        assert "x-rotom-receipt" not in response.headers
        answer = DIALECT.fold(Decoder().feed(response.content))
        calls = [block for block in answer["content"] if block["type"] == "tool_use"]
        assert len(calls) == (2 if turn % 4 == 0 else 1)
        assert answer["content"][0]["type"] == "thinking"
        for call in calls:
            call["input"]["run_in_background"] = False  # it gives arguments back with its defaults
        messages.append({"role": "assistant", "content": answer["content"]})
        messages.append({"role": "user", "content": results(calls, turn)})
        if turn % 5 == 0:
            messages.append({"role": "system", "content": [{"type": "text", "text": f"{turn} files have changed."}]})
        if turn > 1:
            usage = answer["usage"]
            read += usage["cache_read_input_tokens"]
            total += usage["input_tokens"] + usage["cache_read_input_tokens"]
    questions = [received.body for received in house.simulator.questions()]
    assert len(questions) == TURNS
    for before, after in itertools.pairwise(questions):
        assert dumps(after["input"]).startswith(dumps(before["input"])[:-1])
        same = ("model", "instructions", "tools", "tool_choice", "parallel_tool_calls", "prompt_cache_key", "include")
        assert [dumps(after[name]) for name in same] == [dumps(before[name]) for name in same]
    kinds = [item["type"] for item in questions[-1]["input"]]
    assert kinds.count("reasoning") == TURNS - 1
    assert kinds.count("function_call") == kinds.count("function_call_output") == TURNS - 1 + 4
    print(f"\ncached share of the input tokens of turns 2 to {TURNS}: {read / total:.1%} of {total}")
    assert read / total >= 0.95


async def test_a_session_and_each_of_its_agents_have_a_key_of_their_own(house: Any) -> None:
    keys = []
    for session, agent in ((SESSION, None), (SESSION, "a1"), (SESSION, "a2"), (SESSION, "a1"), ("other", None)):
        headers = {"x-claude-code-session-id": session} | ({"x-claude-code-agent-id": agent} if agent else {})
        body = request([{"role": "user", "content": [{"type": "text", "text": "hi"}]}], 1)
        body["metadata"] = {}
        response = await house.client.post("/v1/messages", json=body, headers=headers)
        assert response.status_code == 200, response.text
        keys.append(house.simulator.questions()[-1].body["prompt_cache_key"])
    assert keys[1] == keys[3]
    assert len(set(keys)) == 4
