"""The elements of an array in a long document: the same as if it were read at once, wherever it is cut."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotom import elements as module
from rotom.elements import elements
from rotom.problem import Kind, Problem


def read(raw, longest=1000, step=1 << 20):
    source = io.BytesIO(raw)
    return list(elements(lambda size: source.read(min(size, step)), "requests", longest))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    items=st.lists(values, max_size=6),
    before=st.dictionaries(st.text(max_size=4).filter(lambda name: name != "requests"), values, max_size=2),
    step=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    plain=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_cut_gives_the_same(items, before, step, indent, plain):
    raw = json.dumps({**before, "requests": items, "after": 1}, indent=indent, ensure_ascii=plain).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WINDOW", step)
        found = read(raw, 10_000, step)
    assert [element.value for element in found] == items
    assert [element.index for element in found] == list(range(len(items)))
    assert [json.loads(raw[e.offset : e.offset + e.length]) for e in found] == items


@pytest.mark.parametrize("number", ["0", "-12", "12.5", "12.5e3", "12e+3", "-0.25E-2"])
def test_a_number_at_the_end_of_the_window_is_read_whole(number, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 1)
    (element,) = read(f'{{"requests":[{number}]}}'.encode(), step=1)
    assert element.value == json.loads(number)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "it is empty"),
        (b"  ", "it is empty"),
        (b"[]", "it is no object"),
        (b"{}", "requests: Field required"),
        (b'{"other": []}', "requests: Field required"),
        (b'{"requests": 1}', "requests: Input should be a valid list"),
        (b'{"requests": [1, 2', "behind requests.1"),
        (b'{"requests": [1, {"a": ]}', "requests.1"),
        (b'{"requests": [1 2]}', "behind requests.0"),
        (b'{"requests": [1,]}', "requests.1"),
        (b'{"requests": [1], "requests": [2]}', "requests is there twice"),
        (b'{"requests": [1]', "a ',' or '}' is missing"),
        (b'{"requests": [1]} x', "something follows"),
        (b'{"requests": [1],}', "the body is not JSON"),
        (b"{1: 2}", "not a string"),
        (b'{"requests" [1]}', "':' is missing"),
        (b'{"requests": ["\xff"]}', "not UTF-8"),
        (b'{"requests": ["\xc3', "not UTF-8"),
        (b'{"requests": [' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(raw, words):
    with pytest.raises(Problem) as caught:
        read(raw, 1 << 20)
    assert caught.value.kind is Kind.INVALID
    assert words in caught.value.message


def test_an_element_may_be_no_longer_than_allowed(monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 100)
    assert len(read(json.dumps({"requests": [1, "x" * 300]}).encode(), 1000)) == 2
    with pytest.raises(Problem) as caught:
        read(json.dumps({"requests": [1, "x" * 3000]}).encode(), 1000)
    assert (caught.value.kind, caught.value.param) == (Kind.TOO_LARGE, "requests.1")


def test_a_long_document_is_never_held_whole():
    held, item = 0, json.dumps({"x": "y" * 5000}).encode()

    def source():
        yield b'{"requests":['
        for number in range(4000):
            yield (b"," if number else b"") + item
        yield b"]}"

    import tracemalloc

    pieces, rest = source(), b""

    def pull(size):
        nonlocal rest
        while len(rest) < size and (piece := next(pieces, b"")):
            rest += piece
        data, rest = rest[:size], rest[size:]
        return data

    tracemalloc.start()
    try:
        for _ in elements(pull, "requests", 1 << 20):
            held = max(held, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held < 8 << 20, "of 20 MB"
