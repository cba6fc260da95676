"""Values of any type from elsewhere."""

import math

import pytest

from rotom.providers.loose import number, object_in, text


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_what_is_no_object_is_an_empty_one(value):
    assert object_in(value) == {}


def test_objects_and_texts_as_they_are():
    assert object_in({"a": 1}) == {"a": 1}
    assert text(None, 3, "", "a", "b") == "a"
    assert text(None, "", []) is None


@pytest.mark.parametrize(("value", "found"), [("7", 7.0), (0, 0.0), (1.5, 1.5), (999_999_999_999, 999_999_999_999.0)])
def test_numbers(value, found):
    assert number(value) == found


@pytest.mark.parametrize("value", [-1, "x", "nan", "1e99", None, 1e12, [], math.nan, math.inf, 10**400])
def test_what_cannot_be_counted_with(value):
    assert number(value) is None
