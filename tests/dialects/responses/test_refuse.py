"""The API's own words for refusals."""

from __future__ import annotations

from rotom.dialects.responses.refuse import bad_type, bad_value, unsupported


def test_words() -> None:
    assert bad_type(None, "a", "a string").message == "Invalid type for 'a': expected a string, but got null instead."
    assert bad_value("x", "a", ["b"]).message == "Invalid value: 'x'. Supported values are: 'b'."
    assert bad_value("x", "a", "bc").message == "Invalid value: 'x'. Supported values are: 'b' and 'c'."
    assert len(bad_value("x" * 10_000, "a", "bc").message) < 200
    problem = unsupported("background", "no")
    assert (problem.code, problem.param) == ("unsupported_parameter", "background")
