"""How answers end."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.chat.ending import finish_reason, guessed, usage_of
from rotom.turn import Turn

CUT = {"incomplete_details": {"reason": "max_output_tokens"}}


@pytest.mark.parametrize(
    ("response", "facts", "expected"),
    [
        ({}, {}, "stop"),
        ({}, {"calls": 1}, "tool_calls"),
        ({}, {"calls": 1, "legacy": True}, "function_call"),
        (CUT, {"incomplete": True}, "length"),
        (CUT, {"incomplete": True, "calls": 2}, "length"),
        ({"incomplete_details": {"reason": "content_filter"}}, {"incomplete": True}, "content_filter"),
        ({"incomplete_details": {"reason": "steered"}}, {"incomplete": True}, "length"),
        ({"incomplete_details": None}, {"incomplete": True}, "length"),
    ],
)
def test_reasons(response: Any, facts: Any, expected: str) -> None:
    assert finish_reason(response, **{"incomplete": False, "calls": 0, "legacy": False, **facts}) == expected


def test_usage_with_all_its_details() -> None:
    usage = usage_of(
        {
            "usage": {
                "input_tokens": 100,
                "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
                "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 3},
            }
        }
    )
    assert usage == {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0, "cache_write_tokens": 10},
        "completion_tokens_details": {
            "reasoning_tokens": 3,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


@pytest.mark.parametrize("counts", [None, [], 5])
def test_no_usage_is_none(counts: Any) -> None:
    assert usage_of({"usage": counts}) is None


def test_a_guess_says_that_it_is_one() -> None:
    usage = guessed(Turn({"input": "x" * 400}, "m"), 40)
    assert usage["rotom_estimated"] is True
    assert usage["completion_tokens"] == 10
    assert 100 <= usage["prompt_tokens"] <= 120
    assert usage["total_tokens"] == usage["prompt_tokens"] + 10
