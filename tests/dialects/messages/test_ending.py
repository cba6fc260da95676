"""Stop reasons and token counts."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.ending import ending, usage_of


@pytest.mark.parametrize(
    ("why", "calls", "cut", "reason"),
    [
        (None, 0, False, "end_turn"),
        (None, 1, False, "tool_use"),
        ("max_output_tokens", 0, False, "max_tokens"),
        ("max_output_tokens", 1, False, "tool_use"),
        ("max_output_tokens", 2, True, "max_tokens"),
        ("content_filter", 1, False, "refusal"),
        ("steered", 0, False, "max_tokens"),
    ],
)
def test_reasons(why: str | None, calls: int, cut: bool, reason: str) -> None:
    response = {"incomplete_details": {"reason": why}} if why else {}
    end = ending(response, incomplete=why is not None, calls=calls, cut=cut)
    assert end["stop_reason"] == reason
    assert ("stop_details" in end) is (reason == "refusal")


@pytest.mark.parametrize("response", [{}, {"usage": None}, {"usage": {"input_tokens": None, "output_tokens": "x"}}])
def test_no_usage_is_none(response: Any) -> None:
    zero = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
    assert usage_of(response, 0) == zero


def test_searches_are_counted() -> None:
    assert usage_of({}, 2)["server_tool_use"] == {"web_search_requests": 2, "web_fetch_requests": 0}


def test_counts_never_fall_below_zero() -> None:
    usage = {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 9}}
    assert usage_of({"usage": usage}, 0)["input_tokens"] == 0
