"""Problems in the words of Chat Completions."""

from __future__ import annotations

import pytest

from rotom.dialects.chat.problems import param_of, problem
from rotom.problem import Kind, Problem


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("input", "messages"),
        ("input[3].content[0].image_url", "messages"),
        ("reasoning.effort", "reasoning_effort"),
        ("text.verbosity", "verbosity"),
        ("text.format.schema", "response_format.json_schema.schema"),
        ("text.format.type", "response_format.type"),
        ("tools[1].parameters", "tools[1].function.parameters"),
        ("tools[1].format.definition", "tools[1].custom.format.definition"),
        ("tool_choice", "tool_choice"),
        ("messages[3].content", "messages[3].content"),
        ("model", "model"),
    ],
)
def test_the_field_at_fault_is_the_clients(theirs: str, ours: str) -> None:
    assert param_of(theirs) == ours


def test_the_body() -> None:
    told = problem(Problem(Kind.INVALID, "too long", code="context_length_exceeded", param="input"), "req_1")
    error = {"message": "too long", "type": "invalid_request_error", "param": "messages"}
    assert told == {"error": {**error, "code": "context_length_exceeded"}}
    assert problem(Problem(Kind.UPSTREAM, "x"), "")["error"]["param"] is None
