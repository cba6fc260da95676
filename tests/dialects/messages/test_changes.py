"""Tools and efforts that a conversation changes on its way."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.changes import changed_tools, latest_effort, loaded_tools, wants_citations
from rotom.dialects.messages.read import read

A, B = {"name": "A", "input_schema": {}}, {"name": "B", "input_schema": {}}


def system(*blocks: Any, **more: Any) -> Any:
    return {"role": "system", "content": list(blocks), **more}


def change(kind: str, **tool: Any) -> Any:
    return {"type": f"tool_{kind}", "tool": tool}


def test_tools_come_and_go() -> None:
    new = {"name": "B", "input_schema": {"type": "object"}}
    add, drop = change("addition", type="tool_definition", definition=new), change("removal", name="A")
    assert changed_tools([A, B], [{"role": "user", "content": "hi"}]) == [A, B]
    assert changed_tools([A], [system(add)]) == [A, new]
    assert changed_tools([A, B], [system(add)]) == [A, new]
    assert changed_tools([A, B], [system(drop)]) == [B]
    assert changed_tools([A, B], [system(drop), system(change("addition", type="tool_reference", name="A"))]) == [A, B]
    assert changed_tools([A], [system(add), system(change("removal", name="B"))]) == [A]


def test_only_system_messages_change_tools() -> None:
    said = {"role": "user", "content": [change("removal", name="A")]}
    assert changed_tools([A], [said, system("junk", {"type": "tool_removal"}), None, {"role": "system"}]) == [A]


def test_a_reference_loads_a_tool() -> None:
    loaded = system(change("addition", type="tool_reference", name="Z"))
    found = {"type": "tool_result", "content": [{"type": "tool_reference", "tool_name": "Y"}]}
    assert loaded_tools([loaded, {"role": "user", "content": [found]}]) == ["Z", "Y"]


@pytest.mark.parametrize(
    ("messages", "effort"),
    [
        ([], None),
        ("x", None),
        ([system(output_config={"effort": "low"}), system(output_config={})], "low"),
        ([system(output_config={"effort": "low"}), system(output_config={"effort": "max"})], "max"),
        ([{"role": "user", "output_config": {"effort": "low"}}], None),
    ],
)
def test_the_latest_effort(messages: Any, effort: str | None) -> None:
    assert latest_effort(messages) == effort


def test_the_latest_effort_wins() -> None:
    # As a subagent of Claude Code 2.1.330 asks (2026-11), shortened.
    messages = [{"role": "user", "content": "hi"}, system(output_config={"effort": "medium"})]
    turn = read({"model": "claude-haiku-5-5", "messages": messages, "output_config": {"effort": "high"}}, {})
    assert turn.body["reasoning"] == {"effort": "medium"}


def test_citations_that_are_asked_for() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "d"}
    document = {"type": "document", "source": source, "citations": {"enabled": True}}
    inside = {"type": "tool_result", "tool_use_id": "t", "content": [document]}
    for block in (document, inside):
        assert wants_citations([{"role": "user", "content": [block]}])
    assert not wants_citations([{"role": "user", "content": [{**document, "citations": {"enabled": False}}]}])
    turn = read({"model": "m", "messages": [{"role": "user", "content": [document]}]}, {})
    assert turn.dropped == ("citations",)
