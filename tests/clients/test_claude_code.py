"""The real Claude Code at work against the demonstration: the main job of rotom."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

pytestmark = pytest.mark.clients


def test_plain_text(claude: Any) -> None:
    done = claude("-p", "Reply with the single word OK")
    assert done.stdout.strip() == "OK", done.stderr
    assert done.returncode == 0


def test_streaming_comes_in_pieces(claude: Any) -> None:
    done = claude(
        *(
            "-p",
            "demo:long rate=40 count=40",
            "--output-format",
            "stream-json",
            "--include-partial-messages",
            "--verbose",
        )
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    streamed = [e["event"] for e in events if e["type"] == "stream_event"]
    pieces = [e["delta"]["text"] for e in streamed if e["type"] == "content_block_delta" and "text" in e["delta"]]
    result = next(e for e in events if e["type"] == "result")
    assert len(pieces) > 10
    assert "".join(pieces).strip() == result["result"].strip()
    assert result["is_error"] is False
    assert result["usage"]["output_tokens"] > 0
    assert streamed[0]["type"] == "message_start"
    assert streamed[-1]["type"] == "message_stop"


def test_tool_loop_edits_a_file(claude: Any) -> None:
    made = claude("-p", "Create a file greeting.txt containing Hello world", "--permission-mode", "acceptEdits")
    file = claude.work / "greeting.txt"
    assert file.read_text().strip() == "Hello world", made.stdout + made.stderr
    changed = claude("-p", "Replace world with rotom in greeting.txt", "--permission-mode", "acceptEdits")
    assert file.read_text().strip() == "Hello rotom", changed.stdout + changed.stderr
    assert changed.returncode == 0


def test_usage_limit_is_told_once_with_its_reset(claude: Any) -> None:
    began = time.monotonic()
    done = claude("-p", "demo:usage_limit")
    assert done.returncode == 1
    assert "Request rejected (429)" in done.stdout
    assert re.search(r"\d\d:\d\d", done.stdout), done.stdout  # the time at which it ends
    assert [asked["code"] for asked in claude.asked()] == ["usage_limit_reached"]
    assert time.monotonic() - began < 30


def test_a_name_that_only_anthropic_hosts_is_answered_by_the_fallback(claude: Any) -> None:
    done = claude("-p", "Reply with the single word OK", ANTHROPIC_MODEL="claude-sonnet-4-5")
    assert done.stdout.strip() == "OK", done.stderr
    assert {(asked["model"], asked["served"]) for asked in claude.asked()} == {("claude-sonnet-4-5", "gpt-5.5")}
