"""Copying a text delta must give what parsing it gives, for every delta and every stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotom.dialects.chat.render import Renderer as ChatRenderer
from rotom.dialects.fast import Copier
from rotom.dialects.messages.render import Renderer
from rotom.problem import Problem
from rotom.sse import Decoder, Event
from rotom.turn import Turn

KIND = "response.output_text.delta"
DELTA: dict[str, Any] = {
    "type": KIND,
    "item_id": "msg_1",
    "output_index": 1,
    "content_index": 0,
    "delta": "Hello",
    "logprobs": [],
    "obfuscation": "abc",
    "sequence_number": 10,
}
ORDERS = [
    list(DELTA),
    sorted(DELTA),
    ["type", "sequence_number", "item_id", "output_index", "content_index", "delta", "logprobs", "obfuscation"],
    ["type", "item_id", "output_index", "content_index", "delta"],
]

anything = st.text(st.characters(), max_size=30)  # surrogates, quotes, control characters and all


def wire(data: dict[str, Any], ascii_only: bool = False) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=ascii_only, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return wire(data, True)


def copier(first: dict[str, Any]) -> Copier | None:
    return Copier.made_for(first, b'{"text":"', b'"}')


@pytest.mark.parametrize("order", ORDERS)
def test_known_orders_are_copied(order: list[str]) -> None:
    copy = copier({key: DELTA[key] for key in order})
    assert copy is not None
    later = wire({key: {**DELTA, "delta": 'a"\\\n\u00e9', "sequence_number": 12345}[key] for key in order})
    assert json.loads(copy.copy(later) or b"null") == {"text": 'a"\\\n\u00e9'}


@given(st.permutations(list(DELTA)), anything, st.integers(0, 10**9), st.text("abcXYZ019", max_size=9), st.booleans())
@example(list(DELTA), '"delta":"', 1, "", False)
@example(list(DELTA), "\ud83d", 1, "", False)
def test_a_copy_is_the_same_text(order: list[str], text: str, number: int, filler: str, ascii_only: bool) -> None:
    copy = copier({key: DELTA[key] for key in order})
    assert copy is not None
    later = {**DELTA, "delta": text, "sequence_number": number, "obfuscation": filler}
    copied = copy.copy(wire({key: later[key] for key in order}, ascii_only))
    assert copied is not None
    assert json.loads(copied) == {"text": text}


@pytest.mark.parametrize(
    "raw",
    [
        wire({**DELTA, "output_index": 2}),
        wire({**DELTA, "content_index": 1}),
        wire({**DELTA, "item_id": "msg_2"}),
        wire({**DELTA, "type": "response.refusal.delta"}),
        wire({**DELTA, "logprobs": [{"delta": "x"}]}),
        wire({**DELTA, "extra": {"delta": "x"}}),
        wire({**DELTA, "delta": None}),
        wire({key: DELTA[key] for key in ORDERS[1]}),
        wire(DELTA)[:-1] + b',"delta":"twice"}',
        wire(DELTA).replace(b":", b": "),
        wire(DELTA) + b" ",
        wire(DELTA)[:-1],
        wire(DELTA).replace(b"Hello", b"\\x"),
        wire(DELTA).replace(b"Hello", b"\\ud83"),
        wire(DELTA).replace(b"Hello", b"a\x00b"),
        wire(DELTA).replace(b"Hello", b"a\nb"),
        wire(DELTA).replace(b"Hello", b"\xff"),
        wire(DELTA).replace(b"10}", b"010}"),
        b"",
    ],
)
def test_everything_else_takes_the_slow_way(raw: bytes) -> None:
    copy = copier(DELTA)
    assert copy is not None
    assert copy.copy(raw) is None


@pytest.mark.parametrize("first", [{**DELTA, "extra": 1}, {"type": KIND, "delta": "x"}, {}])
def test_unknown_forms_have_no_copier(first: dict[str, Any]) -> None:
    assert copier(first) is None


class Slow(Renderer):
    """A renderer that parses everything."""

    def feed(self, event: Event) -> list[Event]:
        self._out.copier = None
        return super().feed(event)


class SlowChat(ChatRenderer):
    """The same of the other dialect."""

    def feed(self, event: Event) -> list[Event]:
        self._copier = None
        return super().feed(event)


mutations = st.sampled_from(
    [
        lambda raw: raw,
        lambda raw: raw.replace(b'"output_index":1', b'"output_index":2'),
        lambda raw: raw.replace(b'"content_index":0', b'"content_index":1'),
        lambda raw: raw.replace(b"[]", b'[{"delta":"no"}]'),
        lambda raw: raw[:-1] + b',"more":{"delta":"no"}}',
        lambda raw: raw.replace(b",", b" , "),
        lambda raw: raw.replace(b"}", b""),
        lambda raw: raw.replace(b"\\", b"\\\\"),
    ]
)
deltas = st.lists(st.tuples(anything, st.sampled_from(ORDERS), st.booleans(), mutations), max_size=8)


def rendered(renderer: Any, events: list[bytes], size: int) -> tuple[list[Any], str]:
    stream = b"".join(b"event: %b\ndata: %b\n\n" % (KIND.encode(), raw) for raw in events)
    decoder, frames = Decoder(), []
    try:
        for start in range(0, len(stream), size):
            for event in decoder.feed(stream[start : start + size]):
                frames += [(frame.type, frame.data) for frame in renderer.feed(event)]
    except Problem as problem:
        return frames, problem.message
    return frames, ""


@given(deltas, st.integers(1, 300))
def test_the_fast_way_equals_the_slow_way(deltas: list[Any], size: int) -> None:
    events = []
    for number, (text, order, ascii_only, mutate) in enumerate(deltas):
        data = {**DELTA, "delta": text, "sequence_number": number}
        events.append(mutate(wire({key: data[key] for key in order}, ascii_only)))
    turn = Turn(body={"model": "m"}, asked="m")
    for quick, careful in ((Renderer, Slow), (ChatRenderer, SlowChat)):
        fast, slow = rendered(quick(turn), events, size), rendered(careful(turn), events, size)
        assert settled(fast) == settled(slow)


def settled(result: tuple[list[Any], str]) -> tuple[list[Any], str]:
    """Without what is random, and without empty deltas: they are nothing to the slow way and an empty frame to the fast
    one, the same to any client."""
    frames, problem = result
    kept = []
    for kind, data in frames:
        if kind == "message_start":
            data["message"]["id"] = ""
        elif kind == "":
            data = {"delta": {"text": data["choices"][0]["delta"].get("content")}, **data, "id": "", "created": 0}
        if data.get("delta", {}).get("text") != "":
            kept.append((kind, data))
    return kept, problem
