"""A wrong type is the same as a missing field."""

from __future__ import annotations

from rotom.dialects.loose import count_of, object_of, objects_of


def test_right_and_wrong_types() -> None:
    data = {"object": {"a": 1}, "count": 3, "list": [{"b": 2}, None, "x"]}
    assert object_of(data, "object") == {"a": 1}
    assert object_of(data, "count") == object_of(data, "missing") == {}
    assert count_of(data, "count") == 3
    assert count_of(data, "object") == count_of(data, "missing") == 0
    assert objects_of(data, "list") == [{"b": 2}, {}, {}]
    assert objects_of(data, "count") == objects_of(data, "missing") == []
