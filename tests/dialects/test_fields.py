"""Typed fields."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects import fields
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
    assert fields.field({}, "a", kind) is fields.field({"a": None}, "a", kind) is None
    for value in good:
        assert fields.field({"a": value}, "a", kind) == value
    for value in bad:
        with pytest.raises(Problem) as caught:
            fields.field({"a": value}, "a", kind, "messages[3]")
        problem = caught.value
        assert (problem.kind, problem.param, problem.code) == (Kind.INVALID, "messages[3].a", "invalid_type")


def test_too_many() -> None:
    assert fields.too_many("stop", 4, 5).message == (
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead."
    )


def test_places() -> None:
    assert fields.within(fields.within(fields.within("", "messages"), 3), "content") == "messages[3].content"


def test_what_must_be_there() -> None:
    assert fields.required({"a": "x"}, "a", str) == "x"
    with pytest.raises(Problem) as caught:
        fields.required({"a": None}, "a", str, "tools[0]")
    assert (caught.value.param, caught.value.code) == ("tools[0].a", "missing_required_parameter")


def test_lists_of_objects() -> None:
    assert fields.objects([{"a": 1}], "tools") == [("tools[0]", {"a": 1})]
    with pytest.raises(Problem) as caught:
        fields.objects([{}, 5], "tools")
    assert caught.value.param == "tools[1]"


def test_too_small() -> None:
    problem = fields.too_small("n", 1, 0)
    assert (problem.param, problem.code) == ("n", "integer_below_min_value")
