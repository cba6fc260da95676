"""Tokens of whole requests."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.tokens import content_tokens, estimate, head_tokens
from rotom.turn import input_text, message, output_text

HELLO = message("user", [input_text("hello")])
WORDS = "word " * 400


def test_a_small_request() -> None:
    assert 5 <= estimate({"input": [HELLO]}) <= 15
    assert estimate({}) >= 1


@pytest.mark.parametrize(
    "more",
    [
        {"instructions": WORDS},
        {"tools": [{"type": "function", "name": "a", "description": WORDS}]},
        {"text": {"format": {"type": "json_schema", "name": "answer", "schema": {"description": WORDS}}}},
    ],
)
def test_what_stands_before_the_input_counts(more: dict[str, Any]) -> None:
    assert estimate({"input": [HELLO], **more}) > estimate({"input": [HELLO]}) + 250
    assert head_tokens(more) > 250


@pytest.mark.parametrize(
    "item",
    [
        message("user", [input_text(WORDS)]),
        message("assistant", [output_text(WORDS)]),
        message("assistant", [{"type": "refusal", "refusal": WORDS}]),
        {"role": "user", "content": WORDS},
        {"type": "function_call", "name": "f", "call_id": "1", "arguments": WORDS},
        {"type": "custom_tool_call", "name": "f", "call_id": "1", "input": WORDS},
        {"type": "function_call_output", "call_id": "1", "output": WORDS},
        {"type": "custom_tool_call_output", "call_id": "1", "output": [input_text(WORDS)]},
        {"type": "something_new", "words": WORDS},
        message("user", [{"type": "input_image", "image_url": "https://example.com/a.png"}]),
        {"type": "image_generation_call", "result": "iVBO"},
        message("user", [{"type": "input_file", "filename": "a.pdf", "file_id": "x"}]),
        {"type": "reasoning", "encrypted_content": "g" * 4000},
        {"type": "compaction", "encrypted_content": "g" * 4000},
    ],
)
def test_every_item_counts(item: dict[str, Any]) -> None:
    assert estimate({"input": [HELLO, item]}) > estimate({"input": [HELLO]}) + 250


def test_reasoning_without_its_encrypted_form_does_not_travel() -> None:
    assert content_tokens({"type": "reasoning", "summary": [{"type": "summary_text", "text": WORDS}]}) == 0


def test_an_image_counts_by_its_size_and_not_by_its_bytes() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 4_000_000}
    assert content_tokens([image]) < 3000
