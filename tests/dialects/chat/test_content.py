"""Content parts: what is said, shown and handed over."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.chat.content import read_content
from rotom.problem import Problem

PNG = "data:image/png;base64,iVBO"


def text(words: str) -> dict[str, str]:
    return {"type": "input_text", "text": words}


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("hi", [text("hi")]),
        ("", []),
        ([], []),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], [text("a")]),
        ([{"type": "image_url", "image_url": {"url": PNG}}], [{"type": "input_image", "image_url": PNG}]),
        ([{"type": "image_url", "image_url": PNG}], [{"type": "input_image", "image_url": PNG}]),
        (
            [{"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}}],
            [{"type": "input_image", "image_url": "https://a/b.png", "detail": "low"}],
        ),
        (
            [{"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,eA=="}}],
            [{"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,eA=="}],
        ),
        (
            [{"type": "file", "file": {"file_data": "JVBE", "file_id": None}}],
            [{"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"}],
        ),
        ([{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}], [text("a")]),
    ],
)
def test_parts(content: Any, parts: list[Any]) -> None:
    assert read_content(content, "m") == parts


@pytest.mark.parametrize(
    ("content", "param", "code"),
    [
        (None, "m", "missing_required_parameter"),
        (5, "m", "invalid_type"),
        ({"type": "text"}, "m", "invalid_type"),
        (["a"], "m[0]", "invalid_type"),
        ([{}], "m[0].type", "missing_required_parameter"),
        ([{"type": "text"}], "m[0].text", "missing_required_parameter"),
        ([{"type": "text", "text": 5}], "m[0].text", "invalid_type"),
        ([{"type": "image_url"}], "m[0].image_url", "missing_required_parameter"),
        ([{"type": "image_url", "image_url": 5}], "m[0].image_url", "invalid_type"),
        ([{"type": "image_url", "image_url": {}}], "m[0].image_url.url", "missing_required_parameter"),
        ([{"type": "image_url", "image_url": {"url": PNG, "detail": "x"}}], "m[0].image_url.detail", "invalid_value"),
        ([{"type": "file", "file": {"file_id": "f"}}], "m[0].file.file_id", "unsupported_content"),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}],
            "m[0].image_url.url",
            "invalid_value",
        ),
        ([{"type": "image_url", "image_url": "picture.png"}], "m[0].image_url", "invalid_value"),
        ([{"type": "file", "file": {"file_data": "?"}}], "m[0].file.file_data", "invalid_value"),
        ([{"type": "file", "file": {}}], "m[0].file.file_data", "missing_required_parameter"),
        ([{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}], "m[0]", "unsupported_content"),
        ([{"type": "video"}], "m[0].type", "invalid_value"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(content: Any, param: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        read_content(content, "m")
    assert (caught.value.param, caught.value.code) == (param, code)
