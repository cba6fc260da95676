"""Chunks -> one object: what the golden cases do not show."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.chat.chunks import Chunks
from rotom.dialects.chat.fold import fold
from rotom.problem import Kind, Problem
from rotom.sse import Event


def whole(*deltas: Any) -> Any:
    out = Chunks("m", True)
    frames = [*out.opening(), Event(":", raw=b"keep-alive"), *(out.chunk(delta) for delta in deltas)]
    return fold([*frames, *out.end("stop", {"total_tokens": 1})])


def test_the_object() -> None:
    answer = whole({"content": "a"}, {"content": "b"})
    assert answer.pop("id").startswith("chatcmpl-")
    assert isinstance(answer.pop("created"), int)
    assert answer == {
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"total_tokens": 1},
        "system_fingerprint": None,
    }


@pytest.mark.parametrize(
    ("deltas", "content"),
    [
        ([], ""),
        ([{"refusal": "no"}], None),
        ([{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}], None),
    ],
)
def test_content_is_null_where_something_else_was_said(deltas: Any, content: Any) -> None:
    assert whole(*deltas)["choices"][0]["message"]["content"] == content


def test_a_function_of_the_former_api() -> None:
    deltas = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    assert whole(*deltas)["choices"][0]["message"]["function_call"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize("end", [0, 1, 2, 3])
def test_half_an_answer_is_none(end: int) -> None:
    out = Chunks("m", False)
    frames = [*out.opening(), out.chunk({"content": "[DONE]"}), *out.end("stop", {})]
    with pytest.raises(Problem) as caught:
        fold(frames[:end])
    assert caught.value.kind is Kind.UPSTREAM
    assert fold(frames)["choices"][0]["message"]["content"] == "[DONE]"
