"""Drawings, and JSON that is mostly base64."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rotom.drawing import LONG, Drawing, decoded, encoded
from rotom.sse import dumps

texts = st.text(max_size=10) | st.sampled_from(
    ["A" * LONG, "A" * LONG + '"', "\\" * LONG, "ä" * LONG, "\x7f" * LONG, "\ufdd0rotom\ufdd0", "0", "a/+=" * LONG]
)
values = st.dictionaries(
    st.text(max_size=3),
    st.recursive(texts | st.none() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=4),
    max_size=4,
)


@given(value=values)
@settings(deadline=None)
def test_the_same_json_as_ever(value):
    assert encoded(value) == dumps(value)
    assert decoded(encoded(value)) == json.loads(dumps(value))


def test_what_is_no_json_is_nothing():
    assert decoded(b"{") is None
    assert decoded(b"\xff") is None
    assert decoded(b"[" * 100_000) is None


def test_the_model_that_is_asked_for():
    assert Drawing({"model": "m"}).asked == "m"
    assert Drawing({}).asked is None
