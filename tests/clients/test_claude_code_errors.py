"""What the user of Claude Code sees when something is wrong: the text, the exit status, and how often rotom is asked.

One row for each thing that may go wrong, with what Claude Code 2.1.330 makes of it (2026-11). The number of requests is
part of each row: it is what the provider, the person's quota and the person's patience have to bear. The setting
CLAUDE_CODE_MAX_RETRIES is 2; without it there would be ten.

The rules of Claude Code behind the rows: a 400 comes up to six times, with features stripped, unless it is an overflow or
says that it is Anthropic's filter; ``x-should-retry: false`` is honoured for everything else; an error inside a stream is
followed by a request without a stream, whose answer is what the person gets to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.clients

TEMPORARY = r"\. This is a server-side issue, usually temporary"
REJECTED = r"^API Error: Request rejected \(429\) · "
OVERFLOW = r"^Prompt is too long · the request is ~272001 tokens \(limit 272000\)"
FAILED = [(200, True), (502, False), (502, False)]
"""A stream that breaks, then requests without one."""


def times(count: int, status: int) -> list[tuple[int, bool]]:
    """That many refusals of a streaming request."""
    return [(status, True)] * count


ROWS = [
    # The plan, the login, the person's country: told once, with what to do.
    (
        "usage_limit",
        REJECTED + r"the 5-hour usage limit .* it resets at .*\d\d:\d\d \(in 1 h 2\d min",
        times(1, 429),
        1,
    ),
    ("failed_usage_limit", REJECTED + r"the usage limit .* it resets at .*\d\d:\d\d", times(1, 429), 1),
    ("failed_insufficient_quota", REJECTED + r"the account has no credit left", times(1, 429), 1),
    ("usage_not_included", r"^API Error: 402 Codex is not part of this ChatGPT plan: .*upgrade", times(1, 402), 1),
    ("http_401", r"^Failed to authenticate\. API Error: 401 .* run 'rotom login --provider openai'", times(1, 401), 2),
    ("http_403", r"API Error: 403 Country, region, or territory not supported", times(1, 403), 1),
    ("cloudflare", r"^API Error: 502 .*gatekeeper \(Cloudflare\) turned this network away", times(1, 502), 1),
    # The request.
    ("http_400_context", OVERFLOW, times(1, 400), 1),
    ("failed_context_length_exceeded", OVERFLOW, times(1, 400), 1),
    ("http_400", r"^API Error: 400 the provider refused \(400\): Unsupported parameter", times(6, 400), 6),
    ("http_400_policy", r"^API Error: 400 .*flagged for possible cybersecurity risk", times(1, 400), 1),
    ("failed_invalid_prompt", r"^API Error: 400 .*your prompt was flagged", times(1, 400), 1),
    ("http_404", r"^API Error: 502 .*Not Found; if openai_base_url was changed, check it", times(1, 502), 1),
    ("http_404_model", r"^API Error: 400 Model not found gpt-5.5 \('rotom models'", times(6, 400), 6),
    ("http_413", r"^Request too large", times(1, 413), 1),
    # What may pass: rotom tries three times before anything is told, and Claude Code three times after that.
    ("rate_limited retry_after=none", REJECTED + r"the provider slows us down: Rate limit", times(3, 429), 3),
    ("overloaded", r"^API Error: 529 the provider is overloaded: Our servers.*" + TEMPORARY, times(3, 529), 9),
    ("http_500", r"^API Error: 502 the provider refused \(500\): The server had.*" + TEMPORARY, times(3, 502), 9),
    ("eof_at_once", r"^API Error: 502 the provider ended its answer in the middle", times(3, 502), 9),
    # In the middle of an answer.
    ("failed_late", r"^API Error: 502 the provider failed: An error occurred.*" + TEMPORARY, FAILED, 3),
    (
        "failed_late code=server_is_overloaded",
        r"^API Error: 529 the provider is overloaded",
        [(200, True), (529, False), (529, False)],
        3,
    ),
    (
        "failed_late code=context_length_exceeded",
        OVERFLOW,
        [(200, True), (400, False)],
        2,
    ),
    ("failed_late code=cyber_policy", r"^API Error: the provider declined the request: .*flagged", [(200, True)], 1),
    ("cut", r"^API Error: 502 the connection to the provider failed", FAILED, 3),
    ("eof", r"^API Error: 502 the provider ended its answer in the middle; ask again", FAILED, 3),
]
OVERCOME = [
    ("rate_limited_once retry_after=2", r"^Hello!", [(200, True)], 2),
    ("overload_once", r"^Hello!", [(200, True)], 2),
    ("failed_late_once", r"^Hello!", [(200, True), (200, False)], 2),
    ("cut_once", r"^Hello!", [(200, True), (200, False)], 2),
    # Answers that end oddly and are no errors.
    ("refusal", r"^I'm sorry, but I can't help with that\.$", [(200, True)], 1),
    ("content_filter", r"stopped by a safety classifier", [(200, True)] * 2, 2),  # it asks the model to go on otherwise
    ("max_output_tokens", r"Output token limit hit\. Resume directly", [(200, True)] * 2, 2),
    ("empty", r"^$", [(200, True)] * 2, 2),
    ("thoughts_only", r"^$", [(200, True)] * 2, 2),
]


def _ids(rows: list[Any]) -> list[str]:
    return [row[0].replace(" ", "-") for row in rows]


@pytest.mark.parametrize(("wish", "told", "asked", "upstream"), ROWS, ids=_ids(ROWS))
def test_what_is_told(watched: Any, wish: str, told: str, asked: list[tuple[int, bool]], upstream: int) -> None:
    _failed(watched("-p", f"demo:{wish}"), told)
    assert _seen(watched) == asked
    assert len(watched.backend.questions()) == upstream


@pytest.mark.parametrize(("wish", "told", "asked", "upstream"), OVERCOME, ids=_ids(OVERCOME))
def test_what_is_overcome(watched: Any, wish: str, told: str, asked: list[tuple[int, bool]], upstream: int) -> None:
    done = watched("-p", f"demo:{wish}")
    assert re.search(told, done.stdout.strip(), re.DOTALL), done.stdout + done.stderr
    assert done.returncode == 0
    assert _seen(watched) == asked
    assert len(watched.backend.questions()) == upstream


def _failed(done: Any, told: str) -> None:
    assert re.search(told, done.stdout.strip(), re.DOTALL), done.stdout + done.stderr
    assert done.returncode == 1


def _seen(claude: Any) -> list[tuple[int, bool]]:
    return [(one["status"], one.get("stream", False)) for one in claude.asked()]


def test_half_a_call_is_not_carried_out(watched: Any) -> None:
    done = watched("-p", "demo:cut_in_tool_once", "--allowedTools", "Bash")
    assert done.returncode == 0, done.stdout + done.stderr
    assert _seen(watched) == [(200, True), (200, False)]
    assert not any(item.get("type") == "function_call" for body in watched.backend.bodies() for item in body["input"])


@pytest.mark.parametrize("model", ["nonsense-7", "gpt-5.6-luna"])
def test_a_model_that_there_is_not(watched: Any, model: str) -> None:
    """Unknown to rotom, or refused by the provider."""
    done = watched("-p", "Hello", ANTHROPIC_MODEL=model)
    _failed(done, rf"^API Error: 400 .*{model}.*'rotom models'")
    assert {one["status"] for one in watched.asked()} == {400}


def test_no_login(watch: Callable[..., Any]) -> None:
    claude = watch(login=False)
    _failed(claude("-p", "Hello"), r"^Failed to authenticate\. API Error: 401 rotom has no login .*run 'rotom login'")
    assert len(claude.asked()) == 1


def test_a_wrong_key(watch: Callable[..., Any]) -> None:
    claude = watch(api_key="a-key-that-guards-the-door")
    _failed(claude("-p", "Hello"), r"^Failed to authenticate\. API Error: 401 .*local key .*ANTHROPIC_AUTH_TOKEN")
    assert len(claude.asked()) == 1
    right = claude("-p", "Reply with the single word OK", ANTHROPIC_AUTH_TOKEN="a-key-that-guards-the-door")
    assert right.stdout.strip() == "OK"


def test_a_request_that_is_too_large_for_rotom(watch: Callable[..., Any]) -> None:
    claude = watch(max_body="20K")
    _failed(claude("-p", "Hello"), r"^Request too large")  # its own words, whatever ours are
    assert [one["status"] for one in claude.asked()] == [413]


def test_no_way_to_the_provider(watch: Callable[..., Any]) -> None:
    claude = watch(openai_base_url="http://127.0.0.1:9/backend-api/codex")
    _failed(claude("-p", "Hello"), r"^API Error: 502 no connection to 127\.0\.0\.1: .*check the network")
    assert [one["status"] for one in claude.asked()] == [502, 502, 502]


@pytest.mark.parametrize("wish", ["stall", "silent"])
def test_a_dead_provider_is_given_up(watch: Callable[..., Any], wish: str) -> None:
    claude = watch(idle_timeout="1")
    _failed(claude("-p", f"demo:{wish}"), r"^API Error: 504 the provider sent nothing for 1 seconds")
    assert [one["status"] for one in claude.asked()] == ([200, 504] if wish == "stall" else [504])
    assert all(question.gone for question in claude.backend.questions())
