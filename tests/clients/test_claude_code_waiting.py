"""The real Claude Code and silence: models think for minutes, and providers die without a word.

Claude Code drops a stream on which no byte came for 300 seconds, and a request without an answer's head after about 361
(2.1.330, 2026-11). So whatever the provider does, there must be a ping now and then, and an end some day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("wish", "told", "least"),
    [
        ("slow_first_event seconds=60", "Hello!", 60),  # a head, and nothing behind it for long
        ("slow seconds=60", "Hello!", 60),  # not even a head
        ("slow_thinking seconds=60", "That took a while.", 60),  # created, then no content for long
        ("pause seconds=200", "Wait for it ... here it is.", 200),
        ("pause seconds=330", "Wait for it ... here it is.", 330),  # longer than Claude Code bears without pings
        ("slow seconds=400", "Hello!", 400),
    ],
)
def test_a_slow_answer_is_waited_for(watch: Callable[..., Any], wish: str, told: str, least: float) -> None:
    claude = watch(idle_timeout="450", first_byte_timeout="450")
    began = time.monotonic()
    done = claude("-p", f"demo:{wish}", timeout=600)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(told)
    (asked,) = claude.asked()
    assert asked["status"] == 200
    assert len(claude.backend.questions()) == 1
    assert least <= took < least + 20
    print(f"{wish}: {took:.1f} s")


@pytest.mark.parametrize("wish", ["stall", "silent", "mute"])
def test_a_dead_provider_is_given_up_in_its_time(watch: Callable[..., Any], wish: str) -> None:
    claude = watch(idle_timeout="30", first_byte_timeout="30")
    began = time.monotonic()
    done = claude("-p", f"demo:{wish}", timeout=600)
    took = time.monotonic() - began
    assert done.returncode == 1
    assert "API Error: " in done.stdout
    assert "30 seconds" in done.stdout
    assert all(question.gone for question in claude.backend.questions())
    assert len(claude.backend.questions()) == 2  # a stream that began (a ping is enough) is asked for once more, whole
    assert 60 <= took < 90
    print(f"{wish}: {took:.1f} s, {[one['status'] for one in claude.asked()]}")
