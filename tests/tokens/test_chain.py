"""The prefix hash chain: an answer is known again in the clothes in which a client gives it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects import messages
from rotom.sse import Decoder
from rotom.tokens.chain import Link, chain, head
from rotom.turn import input_text, message, output_text

CASES = Path(__file__).parent.parent / "cases"
ASK = {"model": "gpt-5.5", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}

WORDS = st.text(min_size=1, max_size=5)
ITEMS = st.lists(
    st.one_of(
        st.builds(lambda role, text: message(role, [input_text(text)]), st.sampled_from(["user", "developer"]), WORDS),
        st.builds(lambda text: message("assistant", [output_text(text)]), WORDS),
        st.builds(lambda name: {"type": "function_call", "call_id": "1", "name": name, "arguments": "{}"}, WORDS),
        st.builds(lambda text: {"type": "function_call_output", "call_id": "1", "output": text}, WORDS),
        st.builds(lambda text: {"type": "reasoning", "encrypted_content": text}, WORDS),
    )
)


def end(items: list[Any]) -> int:
    return chain(items, 0)[-1].key


def keys(links: list[Link]) -> list[int]:
    return [link.key for link in links]


@given(ITEMS, ITEMS)
def test_a_beginning_has_the_same_keys(before: list[Any], after: list[Any]) -> None:
    first, whole = chain(before, 7), chain(before + after, 7)
    assert keys(whole[: len(first)]) == keys(first)
    assert keys(chain(after, first[-1].key if first else 7)) == keys(whole[len(first) :])


@pytest.mark.parametrize("name", ["text", "function_call", "commentary_then_call", "rate_limits_then_text"])
def test_an_answer_that_comes_back_is_known(name: str) -> None:
    """As Claude Code does it: our own stream, folded, put into the next request."""
    upstream = Decoder().feed((CASES / name / "upstream.sse").read_bytes())
    turn = messages.DIALECT.read({**ASK, "thinking": {"type": "adaptive"}, "tools": []}, {})
    renderer = messages.DIALECT.renderer(turn)
    answer = messages.DIALECT.fold([frame for event in upstream for frame in renderer.feed(event)])
    said = [event.data["item"] for event in upstream if event.type == "response.output_item.done"]
    calls = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    back = [{"type": "tool_result", "tool_use_id": call, "content": "x"} for call in calls]
    history = [
        *ASK["messages"],  # type: ignore[misc]
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": [*back, {"type": "text", "text": "go on"}]},
    ]
    later = messages.DIALECT.read({**ASK, "messages": history}, {}).body["input"]
    expected = chain([*turn.body["input"], *said], 0)
    assert len(expected) > 1
    assert expected[-1].key in keys(chain(later, 0))


def test_what_differs_only_in_clothes() -> None:
    call = {"type": "function_call", "call_id": "1", "name": "f", "arguments": '{"a": "b c", "n": [1, 2]}'}
    assert end([call]) == end([{**call, "id": "fc_1", "status": "completed", "arguments": '{"a":"b c","n":[1,2]}'}])
    assert end([{**call, "arguments": ""}]) == end([{**call, "arguments": "{}"}])
    said = {"id": "msg_1", "status": "completed", "phase": "final_answer"}
    parts = [output_text("one"), output_text("two")]
    split = [message("assistant", [part]) for part in parts]
    assert end([message("assistant", parts) | said]) == end(split)
    assert end([message("assistant", [output_text("hi\n")])]) == end([message("assistant", [output_text("hi")])])
    assert end([message("system", [input_text("x")])]) == end([message("developer", [input_text("x")])])
    assert end([{"role": "user", "content": "x"}]) == end([message("user", [input_text("x")])])
    marked = {**input_text("x"), "cache_control": {"type": "ephemeral"}}
    assert end([message("user", [marked])]) == end([message("user", [input_text("x")])])
    new = {"type": "something_new", "words": [1]}
    assert end([new]) == end([{"words": [1], "id": "x", "rotom_provider": "openai", "type": "something_new"}])


def test_what_differs() -> None:
    call = {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    each: list[Any] = [
        message("user", [input_text("x")]),
        message("user", [input_text(" x")]),
        message("developer", [input_text("x")]),
        message("assistant", [output_text("x")]),
        message("user", [image]),
        message("user", [{**image, "image_url": "data:image/png;base64,AB"}]),
        message("user", [{"type": "input_file", "file_data": "x"}]),
        message("user", [{"type": "input_file", "file_data": "y"}]),
        call,
        {**call, "name": "g"},
        {**call, "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "1", "output": "x"},
        {"type": "function_call_output", "call_id": "1", "output": [input_text("x"), input_text("x")]},
        {"type": "something_new", "words": [1]},
        {"type": "something_new", "words": [2]},
    ]
    assert len({end([item]) for item in each}) == len(each)


def test_reasoning_is_a_link_without_a_key_of_its_own() -> None:
    ask, said = message("user", [input_text("x")]), message("assistant", [output_text("y")])
    links = chain([ask, {"type": "reasoning", "encrypted_content": "g"}, said], 0)
    assert [link.kind for link in links] == ["given", "thought", "said"]
    assert links[0].key == links[1].key
    assert links[2].key == end([ask, said])


@pytest.mark.parametrize(
    "junk",
    [
        *(
            None,
            5,
            "x",
            [],
            {},
            {"type": 5},
            {"type": "function_call_output"},
            {"type": "message", "content": {"text": 5}},
        ),
        {"type": "message", "role": [], "content": [5, None, [1]]},
        {"type": "function_call", "name": [], "arguments": {}},
    ],
)
def test_any_json(junk: Any) -> None:
    links = chain([junk, message("user", [input_text("x")])], 0)
    assert links
    assert all(link.tokens() >= 0 for link in links)


def test_the_head() -> None:
    tool = {"type": "function", "name": "a", "parameters": {"n": 1}}
    form = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    heads: list[dict[str, Any]] = [
        {},
        {"instructions": "x"},
        {"tools": [tool]},
        {"tools": [tool, tool]},
        {"text": form},
    ]
    assert len({head(body).key for body in heads}) == len(heads)
    for body in heads:
        again = json.loads(json.dumps({**body, "temperature": 1}))
        assert head(again) == head(body)
    assert head(heads[3]).size > head(heads[2]).size > head(heads[0]).size == 0
