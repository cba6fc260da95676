"""Calls that a model wrapped into one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.dialects.bundle import unbundle
from rotom.problem import Kind, Problem

USES = [
    {"recipient_name": "functions.Read", "parameters": {"file_path": "/a"}},
    {"recipient_name": "Bash", "parameters": {"command": "ls"}},
    {"recipient_name": "functions.ListAgents"},
]


def bundle(arguments: object) -> Any:
    return {"name": "parallel", "call_id": "call_1", "arguments": arguments}


def test_each_call_is_told() -> None:
    assert unbundle(bundle(json.dumps({"tool_uses": USES}))) == [
        ("call_1_1", "Read", '{"file_path":"/a"}'),
        ("call_1_2", "Bash", '{"command":"ls"}'),
        ("call_1_3", "ListAgents", "{}"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"tool_uses": []}',
        '{"tool_uses": 5}',
        '{"tool_uses": [5]}',
        '{"tool_uses": [{"recipient_name": 5}]}',
        '{"tool_uses": [{"recipient_name": "a", "parameters": "x"}]}',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_never_made_up(arguments: Any) -> None:
    with pytest.raises(Problem) as caught:
        unbundle(bundle(arguments))
    assert caught.value.kind is Kind.UPSTREAM
