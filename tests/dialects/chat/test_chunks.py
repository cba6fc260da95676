"""Chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.dialects.chat.chunks import Chunks
from rotom.sse import encode

DELTA: Any = {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": "a"}


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream(usage: bool) -> None:
    out = Chunks("m", usage)
    frames = [*out.opening(), *out.opening(), out.more("content", "hi"), *out.end("stop", {"total_tokens": 1})]
    assert encode(frames).endswith(b"data: [DONE]\n\n")
    chunks = [frame.data for frame in frames[:-1]]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert [[choice["delta"] for choice in chunk["choices"]] for chunk in chunks[:3]] == [
        [{"role": "assistant", "content": "", "refusal": None}],
        [{"content": "hi"}],
        [{}],
    ]
    for chunk in chunks[:3]:
        assert list(chunk["choices"][0]) == ["index", "delta", "logprobs", "finish_reason"]
        assert ("usage" in chunk) == usage
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:3]] == [None, None, "stop"]
    # Without being asked for, never a chunk without a choice: old clients look at the first one.
    assert [(chunk["choices"], chunk["usage"]) for chunk in chunks[3:]] == (
        [([], {"total_tokens": 1})] if usage else []
    )
    assert out.written == 2


@pytest.mark.parametrize("model", ["m", '"delta":{"content":"', "\x00"])
@pytest.mark.parametrize("usage", [True, False])
def test_what_is_copied_is_what_is_written(model: str, usage: bool) -> None:
    out = Chunks(model, usage)
    copier = out.copier(DELTA)
    assert copier is not None
    text = 'a"b\n\u00e9'
    raw = copier.copy(json.dumps({**DELTA, "delta": text}, separators=(",", ":")).encode())
    assert raw is not None
    assert json.loads(raw) == out.more("content", text).data
    assert out.copier({**DELTA, "odd": 1}) is None
