"""Names and ids that the provider takes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.names import call_id, short_name


@given(st.text(st.characters(), min_size=1), st.text(st.characters(), min_size=1))
def test_names_and_ids_are_accepted_stable_and_apart(one: str, other: str) -> None:
    for short in (short_name, call_id):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", short(one))
        assert short(short(one)) == short(one)
        assert (short(one) == short(other)) == (one == other) or short(one) in (one, other)
