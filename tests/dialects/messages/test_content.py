"""Content blocks -> input parts."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.content import blocks, plain_text, read_parts
from rotom.problem import Kind, Problem

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ({"type": "text", "text": "hi", "cache_control": {}}, [{"type": "input_text", "text": "hi"}]),
        ({"type": "text", "text": ""}, []),
        ({"type": "image", "source": PNG}, [{"type": "input_image", "image_url": "data:image/png;base64,iVBO"}]),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
            [{"type": "input_image", "image_url": "https://a/b.png"}],
        ),
        (
            {"type": "document", "source": PDF, "title": "a"},
            [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}],
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
            [{"type": "input_file", "file_url": "https://a/b.pdf"}],
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "body"}, "title": "T"},
            [{"type": "input_text", "text": "T\n\nbody"}],
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": PNG}]}},
            [{"type": "input_image", "image_url": "data:image/png;base64,iVBO"}],
        ),
        (
            {"type": "search_result", "title": "T", "source": "s", "content": [{"type": "text", "text": "x"}]},
            [{"type": "input_text", "text": "T\ns\n\nx"}],
        ),
        (
            {"type": "tool_reference", "tool_name": "WebSearch"},
            [{"type": "input_text", "text": "The tool WebSearch is now available."}],
        ),
        ({"type": "tool_addition", "tool": {}}, []),
    ],
)
def test_blocks(block: dict[str, Any], parts: list[Any]) -> None:
    assert read_parts([block], "messages.0.content") == parts


def test_a_string_is_a_text() -> None:
    assert read_parts("hi", "x") == [{"type": "input_text", "text": "hi"}]
    assert read_parts("", "x") == []
    assert blocks("hi", "x") == [("x", {"type": "text", "text": "hi"})]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (7, "c"),
        (None, "c"),
        (["x"], "c.0"),
        ([{"text": "x"}], "c.0"),
        ([{"type": "text"}], "c.0.text"),
        ([{"type": "text", "text": 5}], "c.0.text"),
        ([{"type": "image"}], "c.0.source"),
        ([{"type": "image", "source": {"type": "base64", "media_type": "image/png"}}], "c.0.source.data"),
        ([{"type": "image", "source": {"type": "file", "file_id": "f"}}], "c.0.source"),
        (
            [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}],
            "c.0.image.source.base64",
        ),
        (
            [{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": ""}}],
            "c.0.document.source.base64",
        ),
        ([{"type": "document", "source": {"type": "ftp"}}], "c.0.source.type"),
        ([{"type": "text", "text": "x"}, {"type": "container_upload", "file_id": "f"}], "c.1.type"),
    ],
)
def test_what_would_be_lost_is_refused_by_place(content: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_parts(content, "c")
    assert caught.value.kind is Kind.INVALID
    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param}: ")


def test_plain_text_leaves_out_what_nobody_can_read() -> None:
    value = [{"title": "T", "encrypted_content": "x", "deep": {"encrypted_index": "y", "a": 1}}]
    assert plain_text(value) == '[{"title": "T", "deep": {"a": 1}}]'
    assert plain_text("text") == "text"
