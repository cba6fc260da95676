"""Items of an input: what test_read.py does not show."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.responses.items import read_input, short_id
from rotom.problem import Problem

KNOWN: list[dict[str, Any]] = [
    {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "refusal", "refusal": "no"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x", "content": None},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "https://a"}]},
    {"type": "custom_tool_call", "call_id": "c", "name": "n", "input": ""},
    {"type": "additional_tools", "role": "developer", "tools": []},
    {"type": "compaction", "encrypted_content": "x"},
    {"type": "compaction_trigger"},
    {"type": "local_shell_call", "call_id": "c", "action": {}},
    {"type": "of_tomorrow", "with": ["anything"]},
]


@pytest.mark.parametrize("item", KNOWN, ids=lambda item: item["type"])
def test_items_stay_as_they_are(item: dict[str, Any]) -> None:
    assert read_input([item]) == [item]


@pytest.mark.parametrize(
    "item", [{"id": "rs_1"}, {"type": None, "id": "rs_1"}, {"type": "item_reference", "id": "rs_1"}]
)
def test_references(item: dict[str, Any]) -> None:
    assert read_input([item]) == [{"type": "item_reference", "id": "rs_1"}]


def test_parts_without_a_type() -> None:
    with pytest.raises(Problem) as caught:
        read_input([{"role": "user", "content": [{"text": "x"}]}])
    assert caught.value.param == "input[0].content[0].type"


def test_short_ids() -> None:
    assert short_id("call_1") == "call_1"
    assert short_id("x" * 64) == "x" * 64
    assert short_id("x" * 65) != short_id("y" * 65)
    assert len(short_id("x" * 1000)) <= 64


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "input_image", "image_url": "data:image/png;base64,?"}, "image_url"),
        ({"type": "input_image", "image_url": ""}, "image_url"),
        ({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,?"}, "file_data"),
    ],
)
def test_broken_base64_is_told_by_its_place(part: dict[str, Any], name: str) -> None:
    said = {"role": "user", "content": [{"type": "input_text", "text": "x"}, part]}
    shown = {"type": "function_call_output", "call_id": "c", "output": [part]}
    for item, place in ((said, "input[1].content[1]"), (shown, "input[1].output[0]")):
        with pytest.raises(Problem) as caught:
            read_input([KNOWN[0], item])
        assert (caught.value.param, caught.value.code) == (f"{place}.{name}", "invalid_value")
