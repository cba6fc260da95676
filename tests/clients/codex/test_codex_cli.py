"""The Codex CLI at work, in its three ways: text, tools, several turns, compaction, limits, and what it costs.

What it prints is what it printed against the server of the recordings (Codex CLI 0.169, 2026-11): nothing of rotom.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from readme import blocks

from rotom.simulator.scenarios_ask import Ask

pytestmark = pytest.mark.clients

COMPACTED = "model_auto_compact_token_limit = 1000"


def quiet(run: Any) -> None:
    """Nothing was wrong, and nothing is said to be: no retry, no fallback, no missing model."""
    assert run.status == 0, run.errors
    assert run.told == ""
    assert [event["item"] for event in run.events if event.get("item", {}).get("type") == "error"] == []
    for word in ("ERROR", "WARN ", "reconnect", "fall"):
        assert word not in run.errors


def inputs(codex: Any, number: int = -1) -> list[dict[str, Any]]:
    items = codex.backend.bodies()[number]["input"]
    assert isinstance(items, list)
    return items


def kinds(codex: Any, number: int = -1) -> list[str]:
    return [item.get("type", "message") for item in inputs(codex, number)]


def test_text(codex: Any) -> None:
    codex.backend.script("answer")
    run = codex("Reply with the single word OK")
    quiet(run)
    assert run.text == "OK"
    (question,) = codex.backend.questions()
    assert question.body["input"][-1]["content"][-1]["text"] == "Reply with the single word OK"
    assert run.usage["input_tokens"] > 1000
    lines = codex.asked()
    if codex.way == "http":
        assert [line["method"] for line in lines] == ["POST"]
        assert codex.sockets() == []
    else:  # the first of the two only prepared, which the provider never heard of
        assert [line["method"] for line in lines] == ["WS", "WS"]
        assert [line["status"] for line in codex.sockets()] == [101]


def test_the_provider_is_asked_the_same_in_every_way(codex: Any) -> None:
    codex.backend.script("text")
    quiet(codex("hello"))
    (question,) = codex.backend.questions()
    body = question.body
    assert body["input"][0]["role"] == "developer"
    assert body["input"][0]["content"][0]["text"].startswith("You are Codex")
    assert kinds(codex) == ["message"] * len(body["input"])
    assert body["store"] is False
    assert {"exec_command", "apply_patch"} <= {tool.get("name") for tool in body["tools"]}
    assert "previous_response_id" not in body
    assert "generate" not in body
    assert body["prompt_cache_key"]


def test_a_command_is_really_run(codex: Any) -> None:
    codex.backend.script(codex.backend.calls(("exec_command", {"cmd": "echo made > made.txt; echo ran"})), "text")
    run = codex("go on")
    quiet(run)
    assert (codex.work / "made.txt").read_text() == "made\n"
    (command,) = run.items("command_execution")
    assert (command["exit_code"], command["aggregated_output"]) == (0, "ran\n")
    assert kinds(codex)[-2:] == ["function_call", "function_call_output"]
    assert "ran" in inputs(codex)[-1]["output"]
    assert kinds(codex)[: len(kinds(codex, 0))] == kinds(codex, 0)


def test_a_patch_is_really_applied(codex: Any) -> None:
    patch = "*** Begin Patch\n*** Add File: new.txt\n+one\n+two\n*** End Patch"

    def patching(ask: Ask) -> Any:
        yield from ask.pen.opening()
        yield from ask.pen.custom_call("apply_patch", patch)
        yield ask.complete()

    codex.backend.script(patching, "text")
    run = codex("go on")
    quiet(run)
    assert (codex.work / "new.txt").read_text() == "one\ntwo\n"
    (change,) = run.items("file_change")
    assert change["status"] == "completed"
    assert kinds(codex)[-2:] == ["custom_tool_call", "custom_tool_call_output"]


def test_a_loop_of_tools_goes_on_and_on(codex: Any) -> None:
    steps = [codex.backend.calls(("exec_command", {"cmd": f"echo {number} >> log.txt"})) for number in range(8)]
    codex.backend.script(*steps, "text")
    run = codex("go on")
    quiet(run)
    assert (codex.work / "log.txt").read_text().split() == [str(number) for number in range(8)]
    assert len(codex.backend.questions()) == 9
    assert kinds(codex).count("function_call_output") == 8
    calls = [item["call_id"] for item in inputs(codex) if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in inputs(codex) if item.get("type") == "function_call_output"]
    assert calls == outputs


def test_several_calls_in_one_answer(codex: Any) -> None:
    calls = [("exec_command", {"cmd": f"touch {name}.txt"}) for name in ("a", "b", "c")]
    codex.backend.script(codex.backend.calls(*calls), "text")
    quiet(codex("go on"))
    assert {path.name for path in codex.work.iterdir()} == {"a.txt", "b.txt", "c.txt"}


def test_reasoning_comes_back_as_it_was(codex: Any) -> None:
    def thinking(ask: Ask) -> Any:
        yield from ask.pen.opening()
        yield from ask.pen.reasoning("I think")
        yield from ask.pen.call("exec_command", json.dumps({"cmd": "true"}))
        yield ask.complete()

    codex.backend.script(thinking, "text")
    codex.configure('model_reasoning_summary = "detailed"\nmodel_reasoning_effort = "high"')
    run = codex("go on")
    quiet(run)
    assert [item["text"] for item in run.items("reasoning")] == ["I think"]
    assert codex.backend.bodies()[0]["reasoning"] == {"effort": "high", "summary": "detailed"}
    (thought,) = [item for item in inputs(codex) if item.get("type") == "reasoning"]
    assert thought["encrypted_content"]  # the simulator refuses one that it did not make itself


def test_the_state_of_a_turn_goes_with_it(codex: Any) -> None:
    """The service gives a token with an answer, and wants it back with the next request of the same turn."""
    codex.backend.script(codex.backend.calls(("exec_command", {"cmd": "true"})), "text")
    quiet(codex("go on"))
    first, second = codex.backend.questions()
    assert "x-codex-turn-state" not in first.headers
    assert second.headers["x-codex-turn-state"] == "simulated-turn-state"


@pytest.mark.parametrize("model", ["gpt-6.1-sol"])
def test_a_model_in_the_reduced_form(codex: Any, model: str) -> None:
    """The CLI's own default: the tools are an item, and a header says so, which a socket has no place for."""
    codex.backend.script("text")
    codex.configure()
    config = codex.home / "config.toml"
    config.write_text(config.read_text().replace("gpt-5.5", model))
    quiet(codex("hello"))
    (question,) = codex.backend.questions()
    assert question.body["model"] == model
    assert kinds(codex)[0] == "additional_tools"
    assert question.headers["x-openai-internal-codex-responses-lite"] == "true"


def test_a_session_goes_on(codex: Any) -> None:
    codex.backend.script("text", "text")
    quiet(codex("The first thing"))
    quiet(codex("resume", "The second thing"))
    said = [part["text"] for item in inputs(codex) if item.get("role") == "user" for part in item["content"]]
    assert [text for text in said if "thing" in text] == ["The first thing", "The second thing"]
    assert any(item.get("role") == "assistant" for item in inputs(codex))


def test_a_long_session_is_compacted(codex: Any) -> None:
    """By an ordinary prompt with a provider of one's own, by the service's own item with the builtin one."""
    call = codex.backend.calls(("exec_command", {"cmd": "echo ran"}))
    if codex.way == "builtin":
        codex.backend.script(call, "answer", "text")  # the simulator's own answer to a trigger is a compaction
    else:
        codex.backend.script(call, "text", "text")
    codex.configure(COMPACTED)
    run = codex("go on")
    quiet(run)
    assert len(codex.backend.questions()) >= 3
    if codex.way == "builtin":
        assert kinds(codex, 1)[-1] == "compaction_trigger"
        assert kinds(codex, 2).count("compaction") == 1
        assert "function_call" not in kinds(codex, 2)
    else:
        assert "compaction_trigger" not in kinds(codex, 1)
        assert kinds(codex, 1)[-1] == "message"
    assert any(line["type"] == "compacted" for line in codex.session())


def test_the_limits_are_seen(codex: Any) -> None:
    codex.backend.script("text")
    quiet(codex("hello"))
    counts = [
        line["payload"]["rate_limits"]
        for line in codex.session()
        if line["type"] == "event_msg" and line["payload"]["type"] == "token_count"
    ]
    limits = counts[-1]
    assert limits["primary"]["window_minutes"] == 300
    assert limits["secondary"]["window_minutes"] == 10080
    assert 7 <= limits["primary"]["used_percent"] <= 100
    assert limits["primary"]["resets_at"] > 1_700_000_000
    assert limits["plan_type"] == (None if codex.way == "http" else "plus")  # it reads no header for that


def test_a_hang_up_stops_the_provider(codex: Any) -> None:
    codex.backend.script(("long", {"rate": "20", "count": "9999"}))
    with codex.start("hello") as process:
        question = codex.backend.until(lambda: next(iter(codex.backend.questions()), None))
        codex.kill(process)
    codex.backend.until(lambda: question.ended_at is not None, seconds=2)
    line = codex.backend.until(lambda: [line for line in codex.asked() if line.get("provider")][-1:])[0]
    assert line.get("gone") is True


def test_a_socket_costs_no_more_than_a_request(codex: Any) -> None:
    """A turn's time within rotom, its own wait for the provider among it: the simulator answers at once."""
    codex.backend.script(*[codex.backend.calls(("exec_command", {"cmd": "true"})) for _ in range(5)], "text")
    quiet(codex("go on"))
    firsts = sorted(line["first"] for line in codex.asked() if "first" in line)
    assert len(firsts) == 6
    assert firsts[3] < 0.5


@pytest.mark.parametrize("way", ["websocket", "builtin"])
def test_the_readme_can_be_pasted(codex_on: Any, gateway: Any, backend: Any, way: str) -> None:
    codex = codex_on(way, gateway)
    (own,) = (block for block in blocks() if block.startswith("model = "))
    (builtin,) = (block for block in blocks() if block.startswith("openai_base_url"))
    codex.configure()
    text = own if way == "websocket" else own.splitlines()[0] + "\n" + builtin
    assert "127.0.0.1:14550" in text
    (codex.home / "config.toml").write_text(text.replace("http://127.0.0.1:14550", gateway.base))
    run = codex("Reply with the single word OK")
    quiet(run)
    assert run.text == "OK"
    assert [line["method"] for line in codex.asked()] == ["WS", "WS"]
