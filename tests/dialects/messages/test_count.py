"""The first estimate of input tokens."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.count import estimate, text_tokens


def body(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("content", "low", "high"),
    [
        ("word " * 400, 400, 600),
        ([{"type": "text", "text": "word " * 400}], 400, 600),
        ("\u4e2d\u6587" * 100, 100, 200),
        ([{"type": "image", "source": {"type": "base64", "data": "A" * 4_000_000}}], 500, 3000),
        ([{"type": "document", "source": {"type": "base64", "data": "A" * 40_000}}], 200, 5000),
        ([{"type": "tool_result", "content": [{"type": "text", "text": "word " * 400}]}], 400, 600),
        ([{"type": "tool_use", "input": {"text": "word " * 400}}], 400, 700),
        ([{"type": "thinking", "thinking": "", "signature": "A" * 800}], 50, 300),
        (5, 1, 10),
    ],
)
def test_estimates_are_near(content: Any, low: int, high: int) -> None:
    assert low <= estimate(body(content)) <= high


def test_everything_counts() -> None:
    plain = body("hi")
    tools = [{"name": "a", "description": "word " * 100, "input_schema": {}}]
    assert estimate({**plain, "tools": tools}) > estimate(plain) + 100
    assert estimate({**plain, "system": "word " * 100}) > estimate(plain) + 100
    assert estimate({**plain, "system": [{"type": "text", "text": "x-anthropic-billing-header: x"}]}) == estimate(plain)
    assert estimate({}) == 1


def test_text_grows() -> None:
    assert text_tokens("") == 0
    assert text_tokens("\u00e9" * 10) > text_tokens("e" * 10)
