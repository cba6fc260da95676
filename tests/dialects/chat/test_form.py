"""The form of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.chat.form import JSON_WORD, read_format, with_word
from rotom.problem import Problem
from rotom.turn import input_text, message

STRICT = {"type": "object", "properties": {}, "additionalProperties": False, "required": []}
FREE = {"type": "json_object"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ({"type": "text"}, None),
        (FREE, FREE),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "a b", "description": "d", "schema": STRICT, "strict": True},
            },
            {"type": "json_schema", "name": "a_b_c8687a08", "description": "d", "schema": STRICT, "strict": True},
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "a"}},
            {"type": "json_schema", "name": "a", "schema": {"type": "object", "properties": {}}, "strict": False},
        ),
    ],
)
def test_forms(given: Any, expected: Any) -> None:
    assert read_format({"response_format": given}) == expected


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": 5}}, "response_format.json_schema.schema"),
    ],
)
def test_bad_forms_are_named(given: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_format({"response_format": given})
    assert caught.value.param == param


def test_the_word_that_the_api_demands() -> None:
    plain, asked = message("user", [input_text("hi")]), message("user", [input_text("hi as Json")])
    assert with_word(FREE, [plain]) == [plain, message("developer", [input_text(JSON_WORD)])]
    assert with_word(FREE, [asked]) == [asked]
    assert with_word(None, [plain]) == with_word({"type": "json_schema"}, [plain]) == [plain]
