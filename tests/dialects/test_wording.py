"""The words of refusals, and typed fields."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects import wording
from rotom.problem import Kind, Problem


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (str, ["", "x"], [5, True, [], {}]),
        (int, [0, 5], [True, 1.5, "5"]),
        (float, [0, 1.5], [False, "1.5"]),
        (bool, [True, False], [0, "yes"]),
        (list, [[]], [{}, "x"]),
        (dict, [{}], [[], "x"]),
    ],
)
def test_fields_have_their_type(kind: type, good: list[Any], bad: list[Any]) -> None:
    assert wording.field({}, "a", kind) is wording.field({"a": None}, "a", kind) is None
    for value in good:
        assert wording.field({"a": value}, "a", kind) == value
    for value in bad:
        with pytest.raises(Problem) as caught:
            wording.field({"a": value}, "a", kind, "messages[3]")
        problem = caught.value
        assert (problem.kind, problem.param, problem.code) == (Kind.INVALID, "messages[3].a", "invalid_type")


def test_the_words_are_openais() -> None:
    texts = [
        wording.missing("model").message,
        wording.wrong_type("messages[3].content", "one of a string or array of objects", 5).message,
        wording.wrong_value("messages[0].role", "king", ["user", "tool"]).message,
        wording.too_many("stop", 4, 5).message,
    ]
    assert texts == [
        "Missing required parameter: 'model'.",
        "Invalid type for 'messages[3].content': expected one of a string or array of objects, but got an integer instead.",
        "Invalid value: 'king'. Supported values are: 'user', and 'tool'.",
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
    ]


def test_what_must_be_there() -> None:
    assert wording.required({"a": "x"}, "a", str) == "x"
    with pytest.raises(Problem) as caught:
        wording.required({"a": None}, "a", str, "tools[0]")
    assert (caught.value.param, caught.value.code) == ("tools[0].a", "missing_required_parameter")


def test_lists_of_objects() -> None:
    assert wording.objects([{"a": 1}], "tools") == [("tools[0]", {"a": 1})]
    with pytest.raises(Problem) as caught:
        wording.objects([{}, 5], "tools")
    assert caught.value.param == "tools[1]"
