"""What the user of the Codex CLI sees when something is wrong, and how often the provider is asked.

One row for each thing that may go wrong. The texts are the CLI's own (0.169, 2026-11) or the provider's words: it does not
notice that somebody stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.clients

LIMIT = r"^You’ve hit your usage limit\. .*(try again at|Try again) "
PLUS = r"^To use Codex with your ChatGPT plan, upgrade to Plus: https://"
ROWS = [
    ("usage_limit", LIMIT, 1),
    ("usage_not_included", PLUS, 1),
    ("failed_usage_limit", LIMIT, 1),
    ("failed_insufficient_quota", r"^Quota exceeded\. Check your plan and billing details\.$", 1),
    ("failed_context_length_exceeded", r"^Codex ran out of room in the model's context window\.", 1),
    ("http_400_context", r"^Codex ran out of room in the model's context window\.", 1),
    ("failed_invalid_prompt", r"^Invalid prompt: your prompt was flagged", 1),
    ("failed_cyber_policy", r"^This request has been flagged for possible cybersecurity risk\.", 1),
    ("http_404_model", r"Model not found gpt-5\.5", 1),
    ("http_400", r"Unsupported parameter: temperature", 1),
]


@pytest.mark.parametrize(("scenario", "text", "questions"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_told(codex: Any, scenario: str, text: str, questions: int) -> None:
    codex.backend.script(*[scenario] * 6)
    run = codex("go on", timeout=30)
    assert run.status == 1
    assert re.search(text, run.told, re.MULTILINE), run.told
    assert "rotom" not in re.sub(r"'rotom models'", "", run.told)
    assert len(codex.backend.questions()) == questions


@pytest.mark.parametrize(
    "scenario", ["http_500", "eof_at_once", "failed_late", "cut", "eof", "failed_rate_limit_exceeded"]
)
def test_what_passes(codex: Any, scenario: str) -> None:
    """The CLI repeats a turn by itself, and is not told more often than the service would tell it."""
    codex.backend.script(scenario, "answer")
    run = codex("Reply with the single word OK")
    assert run.status == 0
    assert run.text == "OK"
    assert len(codex.backend.questions()) == 2


def test_when_the_limit_ends_is_told(codex: Any) -> None:
    codex.backend.script("usage_limit")
    run = codex("go on", timeout=30)
    assert re.search(r"try again at (?:\w+ \d+\w\w, \d{4} )?\d+:\d\d [AP]M", run.told), run.told


def test_a_switched_off_socket_costs_nothing(
    codex_on: Callable[..., Any], serve_watched: Callable[..., Any], backend: Any
) -> None:
    """The builtin provider tries a socket first; a 426 sends it to requests at once, anything else after seconds."""
    codex = codex_on("builtin", serve_watched(websocket="no"))
    backend.script("answer")
    run = codex("Reply with the single word OK")
    assert (run.status, run.text, run.told) == (0, "OK", "")
    assert [line["status"] for line in codex.sockets()] == [426]
    assert [line["method"] for line in codex.asked()] == ["POST"]
    assert run.seconds < 10


def test_an_answer_that_is_gone_is_asked_for_again(
    codex_on: Callable[..., Any], serve_watched: Callable[..., Any], backend: Any
) -> None:
    """With no memory at all every question on a socket is unknown: the CLI sends the whole conversation then."""
    codex = codex_on("websocket", serve_watched(answers_count="0"))
    backend.script(backend.calls(("exec_command", {"cmd": "true"})), "answer")
    run = codex("Reply with the single word OK")
    assert (run.status, run.told) == (0, "")
    assert run.text.startswith("Done.")
    assert backend.bodies()[-1]["input"][-1]["type"] == "function_call_output"


def test_without_a_login(codex_on: Callable[..., Any], serve_watched: Callable[..., Any]) -> None:
    codex = codex_on("http", serve_watched(login=False))
    run = codex("go on", timeout=60)
    assert run.status == 1
    assert "run 'rotom login'" in run.told
