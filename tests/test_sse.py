"""The event stream format: any legal form, any cut of the bytes."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.sse import Decoder, Event, dumps, encode, loads

STREAM = (
    b"\xef\xbb\xbf: hello\n\n"
    b'event: response.created\ndata: {"a":1}\n\n'
    b'event: response.created\r\ndata: {"a":2}\r\nid: 7\r\n\r\n'
    b"data: one\ndata: two\n\n"
    b"event: x\rdata:no space\r\rretry: 5\n\n\n"
    b'event: response.created\ndata: {"a":"\xe4\xb8\xad"}\n\n'
    b"data: [DONE]\n\n"
    b"event: cut\ndata: nev"
)
EVENTS = [
    Event("response.created", b'{"a":1}'),
    Event("response.created", b'{"a":2}'),
    Event("message", b"one\ntwo"),
    Event("x", b"no space"),
    Event("response.created", b'{"a":"\xe4\xb8\xad"}'),
    Event("message", b"[DONE]"),
]


def test_every_legal_form_is_read() -> None:
    assert Decoder().feed(STREAM) == EVENTS


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_any_cut_gives_the_same_events(cuts: set[int]) -> None:
    decoder, places = Decoder(), [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(places)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == EVENTS


def test_byte_by_byte() -> None:
    decoder = Decoder()
    assert [event for byte in STREAM for event in decoder.feed(bytes([byte]))] == EVENTS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.text("abc._", min_size=1), st.dictionaries(st.text(), json_values))), st.integers(1, 9))
def test_what_is_encoded_is_decoded(events: list[tuple[str, dict[str, object]]], size: int) -> None:
    sent = [Event(kind, data=data) for kind, data in events]
    wire = encode(sent)
    decoder = Decoder()
    got = [event for start in range(0, len(wire), size) for event in decoder.feed(wire[start : start + size])]
    assert [(event.type, event.data) for event in got] == events


def test_frames_without_a_name_and_comments() -> None:
    assert encode([Event("", b"[DONE]"), Event(":", b"alive"), Event("a", b"{}")]) == (
        b"data: [DONE]\n\n: alive\n\nevent: a\ndata: {}\n\n"
    )


def test_lone_surrogates_survive() -> None:
    value = json.loads('{"text":"\\ud83d"}')
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"[DONE]", b"[" * 100_000, b'"\xff"'])
def test_data_that_is_no_object_is_the_providers_fault(raw: bytes) -> None:
    with pytest.raises(Problem) as caught:
        _ = Event("x", raw).data
    assert caught.value.kind is Kind.UPSTREAM


def test_an_endless_event_is_refused() -> None:
    decoder = Decoder(limit=100)
    decoder.feed(b"data: " + b"a" * 90)
    with pytest.raises(Problem, match="too long"):
        decoder.feed(b"a" * 10)


def test_a_long_event_in_pieces_is_found() -> None:
    decoder = Decoder()
    pieces = [b"event: a\ndata: ", *[b"x" * 1000] * 50, b"\n", b"\nevent: b\ndata: 1\n\n"]
    found = [event for piece in pieces for event in decoder.feed(piece)]
    assert [(event.type, len(event.raw)) for event in found] == [("a", 50_000), ("b", 1)]


def test_a_long_event_costs_as_much_as_it_is_long() -> None:
    """Joined at each read, 64 MiB in small reads would be copied thousands of times: hours at one byte a read."""
    decoder = Decoder()
    decoder.feed(b"data: " + b"x" * (32 << 20))
    begun = time.process_time()
    for _ in range(2000):
        decoder.feed(b"x")
    assert time.process_time() - begun < 1
    (event,) = decoder.feed(b"\n\n")
    assert len(event.raw) == (32 << 20) + 2000


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    (event,) = Decoder().feed(b'event: x\ndata: {"a":"\xff\xed\xa0\x80\xe4\xb8\xad"}\n\n')
    assert event.raw.decode() == '{"a":"\ufffd\ufffd\ufffd\ufffd\u4e2d"}'


@pytest.mark.parametrize("raw", [b"one\ntwo", b"a\n\nevent: forged\ndata: {}\n\n", b"\n", b"a\n"])
def test_data_of_several_lines_stays_one_event(raw: bytes) -> None:
    assert Decoder().feed(encode([Event("x", raw), Event("y", b"1")])) == [Event("x", raw), Event("y", b"1")]


@pytest.mark.parametrize(
    "text", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "[1.0e400]", '{"a": NaN}', "1 2", ""]
)
def test_what_is_no_json_of_a_client(text: str) -> None:
    with pytest.raises(ValueError, match=r"too large|no JSON|Expecting value|Extra data"):
        loads(text.encode())


def test_json_of_a_client() -> None:
    assert loads(' {"a": [1, -1.5, 1e308, 1e-999, "é"]}\n'.encode()) == {"a": [1, -1.5, 1e308, 0.0, "é"]}
