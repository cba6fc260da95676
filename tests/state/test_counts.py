"""What was reported, and what is made of it. A world of its own counts here: each character is a token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.sse import Json
from rotom.state import counts
from rotom.state.counts import Counts
from rotom.tokens import estimate, head_tokens
from rotom.turn import input_text, message, output_text

MODEL = "gpt-5.5"
THOUGHT = {"type": "reasoning", "encrypted_content": "g" * 1500}


def user(text: str) -> Json:
    return message("user", [input_text(text)])


def said(text: str) -> Json:
    return message("assistant", [output_text(text)])


def body(*items: Json, **more: Any) -> Json:
    return {"input": list(items), **more}


def usage(read: int, wrote: int = 0, thought: int = 0) -> Json:
    return {"input_tokens": read, "output_tokens": wrote, "output_tokens_details": {"reasoning_tokens": thought}}


def count(known: Counts, request: Json, model: str = MODEL) -> tuple[int, str]:
    found = known.count(known.look(model, request))
    return found.tokens, found.how


def learn(known: Counts, request: Json, report: Json, *output: Json, model: str = MODEL) -> None:
    known.learn(known.look(model, request), report, output)


def test_first_sight_is_an_estimate() -> None:
    request = body(user("How many tokens are these?"), instructions="Be good.")
    assert count(Counts(), request) == (estimate(request), "estimated")


def test_what_was_reported_is_exact() -> None:
    known, request = Counts(), body(user("hello"), instructions="Be good.")
    learn(known, request, usage(1234, 50), said("hi"))
    assert count(known, request) == (1234, "exact")
    assert count(known, body(user("hello"), said("hi"), instructions="Be good.")) == (1284, "exact")
    tokens, how = count(known, body(user("hello"), said("hi"), user("and now?"), instructions="Be good."))
    assert how == "learned"
    assert 1284 < tokens < 1300


def test_reasoning_counts_only_where_it_comes_back() -> None:
    known, call = Counts(), {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
    learn(known, body(user("hello")), usage(1000, 100, 70), THOUGHT, said("look"), call)
    assert count(known, body(user("hello"), THOUGHT, said("look"), call)) == (1100, "exact")
    assert count(known, body(user("hello"), said("look"), call)) == (1030, "exact")
    # reasoning of an earlier answer is no matter of this one
    learn(known, body(user("hello"), THOUGHT, said("look"), call, user("x")), usage(1200, 50, 40), said("y"))
    assert count(known, body(user("hello"), THOUGHT, said("look"), call, user("x"), said("y")))[0] == 1210


def test_an_answer_that_was_cut_is_not_known_again() -> None:
    known = Counts()
    learn(known, body(user("hello")), usage(1000, 100))
    assert count(known, body(user("hello"))) == (1000, "exact")


def test_an_answer_that_came_back_otherwise_counts_from_its_question() -> None:
    known = Counts()
    learn(known, body(user("hello")), usage(1000, 100), said("hi"))
    tokens, how = count(known, body(user("hello"), said("hi, with more"), user("x")))
    assert how == "learned"
    assert 1005 < tokens < 1040


def test_tools_that_are_loaded_on_the_way_add_their_estimate() -> None:
    known = Counts()
    one = {"type": "function", "name": "a", "description": "word " * 400}
    learn(known, body(user("hello"), tools=[one]), usage(1000, 10), said("hi"))
    more = [one, {**one, "name": "b"}]
    tokens, how = count(known, body(user("hello"), said("hi"), tools=more))
    assert how == "learned"
    added = head_tokens({"tools": more}) - head_tokens({"tools": [one]})
    assert tokens == pytest.approx(1010 + added * known.ratio(MODEL), abs=1)
    fewer, _ = count(known, body(user("hello"), said("hi")))
    assert fewer < 1010 - 250


def test_models_do_not_share_counts() -> None:
    known = Counts()
    learn(known, body(user("hello")), usage(1000))
    assert count(known, body(user("hello")), "gpt-6-astra")[1] == "estimated"


def test_estimates_are_corrected() -> None:
    known = Counts()
    for number in range(30):
        request = body(user(f"{number} " + "word " * 4000))
        learn(known, request, usage(round(estimate(request) * 1.3)))
    request = body(user("something else " * 1000))
    tokens, how = count(known, request)
    assert how == "learned"
    assert tokens == pytest.approx(estimate(request) * 1.3, rel=0.02)
    assert known.ratio("another") == 1


@pytest.mark.parametrize("factor", [0.001, 1000])
def test_a_correction_has_its_limits(factor: float) -> None:
    known = Counts()
    for number in range(50):
        request = body(user(f"{number} " + "word " * 4000))
        learn(known, request, usage(max(1, round(estimate(request) * factor))))
    assert 0.5 <= known.ratio(MODEL) <= 2


def test_little_requests_teach_nothing_of_the_ratio() -> None:
    known = Counts()
    learn(known, body(user("hello")), usage(700))
    assert known.ratio(MODEL) == 1


@pytest.mark.parametrize(
    "report",
    [{}, *({"input_tokens": count} for count in (None, 0, -5, True, "x", 10**400)), {"output_tokens_details": 5}],
)
def test_reports_that_are_none(report: Json) -> None:
    known = Counts()
    learn(known, body(user("hello")), report, said("hi"))
    assert count(known, body(user("hello")))[1] == "estimated"


def test_odd_details() -> None:
    known = Counts()
    learn(
        known, body(user("hello")), {"input_tokens": 10, "output_tokens": 5, "output_tokens_details": [1]}, said("hi")
    )
    assert count(known, body(user("hello"), said("hi"))) == (15, "exact")
    assert known.count(known.look(MODEL, {})).tokens >= 1
    known.learn(known.look(MODEL, {}), usage(10))


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "KEPT", 10)
    monkeypatch.setattr(counts, "HEADS", 3)
    known = Counts()
    for number in range(20):
        learn(known, body(user(f"{number}"), instructions=f"{number}"), usage(100 + number))
        assert count(known, body(user("0"), instructions="0"))[1] == "exact", "what is asked for stays"
    assert count(known, body(user("2"), instructions="2"))[1] != "exact"
    assert count(known, body(user("19"), instructions="19")) == (119, "exact")
    assert len(known._known) == 10
    assert len(known._heads) == 3


def test_the_size_of_what_is_to_be_estimated() -> None:
    known, head = Counts(), {"instructions": "word " * 1000}
    assert known.look(MODEL, body(user("hello"), **head)).size == pytest.approx(5010, abs=30)
    learn(known, body(user("hello"), **head), usage(1000))
    assert known.look(MODEL, body(user("hello"), user("x" * 500), **head)).size == pytest.approx(510, abs=30)
    image = message("user", [{"type": "input_image", "image_url": "A" * 100_000}])
    assert known.look(MODEL, body(user("hello"), image, **head)).size < 100


def test_a_huge_request_is_not_estimated_only_to_learn() -> None:
    known, huge = Counts(), body(user("word " * 100_000))
    look = known.look(MODEL, huge)
    known.learn(look, usage(100_000))
    assert look.weight is None
    assert count(known, huge) == (100_000, "exact")


def test_an_estimate_made_ahead_is_used() -> None:
    known, request = Counts(), body(user("word " * 100), instructions="word " * 100)
    look = known.look(MODEL, request)
    look.weigh()
    assert look.head_weight is not None
    assert known.count(look).tokens == estimate(request)


TURNS = st.lists(
    st.tuples(st.text(max_size=30), st.text(min_size=1, max_size=30), st.booleans(), st.integers(0, 50)),
    min_size=1,
    max_size=6,
)


@given(TURNS)
def test_a_conversation_counts_exactly_up_to_its_last_answer(turns: list[tuple[str, str, bool, int]]) -> None:
    """Each character is a token, reasoning has as many as it likes, and clients give it back or not, as long as they keep
    to it within an answer."""
    known, items, tokens = Counts(), list[Json](), 10
    for asked, told, back, thought in turns:
        question = user(asked + "?")
        items, tokens = [*items, question], tokens + len(asked) + 1
        answer = [{"type": "reasoning", "encrypted_content": "x"}, said(told)]
        learn(known, body(*items), usage(tokens, len(told) + thought, thought), *answer)
        assert count(known, body(*items)) == (tokens, "exact")
        items = [*items, *(answer if back else answer[1:])]
        tokens += len(told) + (thought if back else 0)
        assert count(known, body(*items)) == (tokens, "exact")
