"""Receipts: what was not honoured, as a header and as a refusal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind
from rotom.receipt import LONGEST, Receipt, left_out, safe, said

WORDS = st.text(max_size=300)


def test_a_header() -> None:
    receipt = Receipt(("temperature", "top_k"), (("claude-sonnet-4-5", "gpt-5.5"), ("effort:max", "xhigh")))
    assert receipt.header() == "dropped=temperature,top_k; mapped=claude-sonnet-4-5>gpt-5.5,effort:max>xhigh"
    assert Receipt((), (("sonnet[1m]", "gpt-5.5"),)).header() == "mapped=sonnet[1m]>gpt-5.5"
    assert Receipt().header() is None


def test_they_add_up_without_doubles() -> None:
    sum_of = Receipt(("a",), (("x", "y"),)) + Receipt(("b", "a"), (("x", "y"), ("z", "y")))
    assert sum_of == Receipt(("a", "b"), (("x", "y"), ("z", "y")))


def test_what_does_not_fit_is_counted() -> None:
    header = Receipt(tuple(f"field-{number}" for number in range(500))).header()
    assert header is not None
    shown = header.removeprefix("dropped=").split(",")
    assert shown[-1] == f"and-{500 - len(shown) + 1}-more"


@given(st.lists(WORDS), st.lists(st.tuples(WORDS, WORDS)))
def test_any_words_make_a_harmless_header(dropped: list[str], mapped: list[tuple[str, str]]) -> None:
    header = Receipt(tuple(dropped), tuple(mapped)).header()
    assert (header is None) == (not dropped and not mapped)
    assert len(header or "") <= LONGEST + 80
    assert re.fullmatch(r"[A-Za-z0-9._:/@+\[\]>,;= -]*", header or "")
    assert (header or "").count(">") <= len(mapped)


def test_only_what_was_dropped_is_a_problem() -> None:
    assert Receipt((), (("a", "b"),)).problem() is None
    problem = Receipt(("temperature", "top_k\r\n")).problem()
    assert problem is not None
    assert (problem.kind, problem.code, problem.param) == (Kind.INVALID, "not_honoured", "temperature")
    assert "temperature, top_k__" in problem.message


@pytest.mark.parametrize(("word", "shown"), [("a b", "a_b"), ("a>b,c;d=e", "a_b_c_d_e"), ("é" * 200, "_" * 100)])
def test_safe(word: str, shown: str) -> None:
    assert safe(word) == shown


def test_what_goes_nowhere():
    asked = {"model": "m", "seed": 0, "top_p": 1, "temperature": 0.5, "stop": [], "user": None, "metadata": {}}
    assert left_out(asked, {"model"}, {"top_p": (1,)}) == ["seed", "temperature"]
    assert said(["seed", "temperature", "x"], {"seed": "", "x": "y"}) == ("temperature", "y")
