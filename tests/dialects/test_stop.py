"""Stop sequences in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.stop import Stopper

words = st.text("ab", max_size=12)


@given(st.lists(words, max_size=8), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
def test_pieces_stop_where_the_whole_does(pieces: list[str], stops: list[str]) -> None:
    stopper = Stopper(stops)
    heard = "".join(stopper.feed(piece) for piece in pieces)
    heard += stopper.rest()
    whole = "".join(pieces)
    # The first place at which a sequence is complete as the text comes, as a reader would find it.
    if stopper.found is None:
        assert heard == whole
        assert not any(stop in whole for stop in stops)
    else:
        assert whole.startswith(heard + stopper.found)
        assert not any(stop in heard for stop in stops)


def test_text_is_not_held_longer_than_needed() -> None:
    stopper = Stopper(["END"])
    assert [stopper.feed(piece) for piece in ("a E", "N", "x", "EN", "D", "more")] == ["a ", "", "ENx", "", "", ""]
    assert stopper.found == "END"
    assert stopper.rest() == ""
