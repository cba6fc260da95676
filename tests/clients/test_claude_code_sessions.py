"""The real Claude Code over several questions: what it sends back, how hard the model thinks, and what happens when a
conversation gets too long, when several run at once, and when one is given up."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from rotom.simulator import Ask
from rotom.simulator.play import Play

pytestmark = pytest.mark.clients


def silent_thought(ask: Ask) -> Play:
    """Reasoning without a summary, then a call: what comes back must still hold the reasoning, before the call."""
    yield from ask.pen.opening()
    yield from ask.pen.reasoning()
    yield from ask.pen.call("Bash", '{"command":"echo thought","description":"Say it"}')
    yield ask.complete()


def session(done: Any) -> str:
    """The id of the session that wrote its result as JSON."""
    result = json.loads(done.stdout)
    assert result["is_error"] is False, result
    return str(result["session_id"])


def reasoning(body: Any) -> list[str]:
    """The encrypted reasoning in a question."""
    return [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"]


@pytest.mark.parametrize("form", ["json", "stream-json"])
def test_reasoning_goes_back_over_a_resume(watched: Any, form: str) -> None:
    more = ("--verbose",) if form == "stream-json" else ()  # thinking is asked for with and without its text
    first = watched("-p", "demo:reasoning", "--output-format", form, *more)
    result = json.loads(first.stdout.splitlines()[-1])
    again = watched("-p", "Reply with the single word OK", "--resume", result["session_id"])
    assert again.stdout.strip() == "OK", again.stderr
    asked, resumed = watched.backend.bodies()
    assert reasoning(asked) == []
    (blob,) = reasoning(resumed)
    assert blob.startswith("gAAAA")  # the simulator refuses any that it did not make
    kinds = [item.get("type", "message") for item in resumed["input"]]
    assert kinds[kinds.index("reasoning") + 1] == "message"
    assert resumed["input"][: len(asked["input"])] == asked["input"]  # the provider's cache holds
    assert resumed["prompt_cache_key"] == asked["prompt_cache_key"]


def test_reasoning_without_a_summary_goes_back_before_its_call(watched: Any) -> None:
    watched.backend.script(silent_thought)
    done = watched("-p", "Think", "--allowedTools", "Bash")
    assert done.returncode == 0, done.stdout + done.stderr
    items = watched.backend.bodies()[-1]["input"]
    kinds = [item.get("type") for item in items]
    at = kinds.index("reasoning")
    assert kinds[at : at + 3] == ["reasoning", "function_call", "function_call_output"]
    assert items[at + 2]["output"] == "thought"


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("gpt-5.5", "low", "low"),
        ("gpt-5.5", "medium", "medium"),
        ("gpt-5.5", "high", "high"),
        ("gpt-5.5", "xhigh", "xhigh"),
        ("gpt-5.5", "max", "xhigh"),  # the most that it has
        ("gpt-6.1-sol", "max", "max"),
        ("gpt-6.1-sol[1m]", None, "high"),  # what Claude Code says by itself
    ],
)
def test_effort_arrives_as_the_model_has_it(watched: Any, model: str, effort: str | None, sent: str) -> None:
    flags = ("--effort", effort) if effort else ()
    done = watched("-p", "Reply with the single word OK", *flags, ANTHROPIC_MODEL=model)
    assert done.stdout.strip() == "OK", done.stderr
    (body,) = watched.backend.bodies()
    assert body["reasoning"]["effort"] == sent
    assert body["model"] == model.removesuffix("[1m]")


def test_thinking_can_be_switched_off(watched: Any) -> None:
    done = watched("-p", "demo:reasoning", "--output-format", "stream-json", "--verbose", MAX_THINKING_TOKENS="0")
    assert done.returncode == 0
    assert '"thinking"' not in done.stdout
    assert "the answer is 42" in done.stdout


@pytest.mark.parametrize("overflow", ["http_400_context", "failed_context_length_exceeded"])
def test_an_overflow_is_compacted_and_the_session_goes_on(watched: Any, overflow: str) -> None:
    name = session(watched("-p", "Reply with the single word ONE " + "x " * 3000, "--output-format", "json"))
    for word in ("TWO", "THREE"):
        words = f"Reply with the single word {word}"
        session(watched("-p", words, "--resume", name, "--output-format", "json"))
    before = len(watched.backend.questions())
    watched.backend.script(overflow)
    done = watched("-p", "Reply with the single word FOUR", "--resume", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == "FOUR"
    refused, summary, last = watched.backend.bodies()[before:]
    assert "<summary>" in json.dumps(summary["input"][-1])
    assert len(json.dumps(last["input"])) < len(json.dumps(refused["input"]))
    assert "made by rotom's demonstration" in json.dumps(last["input"])  # the summary went in
    after = watched("-p", "Reply with the single word FIVE", "--resume", name)
    assert after.stdout.strip() == "FIVE"


def test_a_session_that_gets_near_the_limit_is_compacted_by_the_counts_that_we_tell(watched: Any) -> None:
    name = session(watched("-p", "Reply with the single word ONE " + "x " * 3000, "--output-format", "json"))
    done = watched("-p", "demo:nearly_full", "--resume", name, "--allowedTools", "Bash")
    assert done.returncode == 0, done.stdout + done.stderr
    _, call, *later = watched.backend.bodies()
    assert "<summary>" in json.dumps(later[0]["input"][-1])
    assert len(json.dumps(later[-1]["input"])) < len(json.dumps(call["input"]))


def test_compacting_by_hand(watched: Any) -> None:
    name = session(watched("-p", "Reply with the single word ONE", "--output-format", "json"))
    assert watched("-p", "/compact", "--resume", name).returncode == 0
    assert "<summary>" in json.dumps(watched.backend.bodies()[-1]["input"][-1])
    after = watched("-p", "Reply with the single word TWO", "--resume", name)
    assert after.stdout.strip() == "TWO"
    assert "made by rotom's demonstration" in json.dumps(watched.backend.bodies()[-1]["input"])


def test_three_at_once(watched: Any) -> None:
    words = ("RED", "GREEN", "BLUE")
    started = [watched.start("-p", f"Reply with the single word {word}") for word in words]
    told = [process.communicate(timeout=60)[0].strip() for process in started]
    assert told == list(words)
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len({body["prompt_cache_key"] for body in watched.backend.bodies()}) == 3


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_giving_up_in_mid_stream_stops_the_provider(watched: Any, how: int) -> None:
    with watched.start(
        *("-p", "demo:long rate=20 count=4000", "--output-format", "stream-json", "--include-partial-messages"),
        "--verbose",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"text_delta"' in line:
                break
        (question,) = watched.backend.questions()
        assert question.ended_at is None
        began = time.monotonic()
        process.send_signal(how)
        watched.backend.until(lambda: question.ended_at is not None)
        took = time.monotonic() - began
        process.kill()
    assert question.gone
    assert took < 3
    watched.backend.until(lambda: any(line.get("gone") for line in watched.asked()))
