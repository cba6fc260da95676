"""Whatever a client or a provider sends, the worst that happens is a Problem."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects import chat, messages, responses
from rotom.problem import Kind, Problem
from rotom.sse import Decoder, Event
from rotom.tokens import estimate
from rotom.tokens.chain import chain, head
from rotom.turn import Turn

CASES = Path(__file__).parent.parent / "cases"

SOURCE = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
MESSAGES: dict[str, Any] = {
    "model": "gpt-5.5",
    "max_tokens": 10,
    "system": [{"type": "text", "text": "be good"}],
    "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "updates"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "metadata": {"user_id": '{"session_id":"s"}'},
    "stop_sequences": ["END"],
    "tools": [
        {"name": "a", "description": "d", "input_schema": {"type": "object"}, "defer_loading": True},
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a"], "user_location": {}},
        {"type": "bash_20250124", "name": "bash"},
    ],
    "tool_choice": {"type": "tool", "name": "a"},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi"},
                {"type": "image", "source": SOURCE},
                {"type": "document", "source": SOURCE, "title": "t", "context": "c"},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
                {"type": "search_result", "title": "t", "source": "s", "content": [{"type": "text", "text": "x"}]},
            ],
        },
        {"role": "system", "content": "env"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "rotom1.openai.x"},
                {"type": "tool_use", "id": "t", "name": "a", "input": {"x": 1}},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "is_error": True,
                    "content": [{"type": "text", "text": "x"}, {"type": "tool_reference", "tool_name": "a"}],
                }
            ],
        },
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "gpt-5.5",
    "stream": True,
    "prompt_cache_key": "k",
    "input": [{"role": "user", "content": "hi"}, {"type": "message", "role": "user", "content": [{}]}],
}
GRAMMAR = {"syntax": "lark", "definition": "start: x"}
CHAT: dict[str, Any] = {
    "model": "gpt-5.5",
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "max_tokens": 5,
    "seed": 1,
    "n": 1,
    "stop": ["END"],
    "modalities": ["text"],
    "logit_bias": {"1": 1},
    "reasoning_effort": "high",
    "reasoning": {"effort": "high", "summary": "auto"},
    "verbosity": "low",
    "service_tier": "priority",
    "prompt_cache_key": "k",
    "parallel_tool_calls": True,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True},
    },
    "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "x"}}},
    "tools": [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        {
            "type": "custom",
            "custom": {"name": "c", "format": {"type": "grammar", "grammar": {"syntax": "a", "definition": "b"}}},
        },
        {"type": "web_search_preview"},
    ],
    "functions": [{"name": "g", "parameters": {"type": "object"}}],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
    },
    "function_call": {"name": "g"},
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "be good"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}},
                {"type": "file", "file": {"filename": "a", "file_data": "JVBE"}},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "x"}, {"type": "refusal", "refusal": "no"}],
            "refusal": "no",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}},
                {"id": "2", "type": "custom", "custom": {"name": "c", "input": "x"}},
            ],
            "function_call": {"name": "g", "arguments": "{}"},
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "x"}]},
        {"role": "function", "name": "g", "content": "x"},
        {"role": "developer", "content": "env"},
    ],
}
JUNK = st.sampled_from([None, True, 0, -1, 1.5, "", "x", [], {}, [None], ["x"], [[]], [{}], {"a": 1}, {"type": "text"}])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], junk: Any, remove: bool) -> Any:
    made = copy.deepcopy(value)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = junk
    return made


def counts(body: dict[str, Any]) -> bool:
    """Whether the tokens of a body can be told, whatever is in it."""
    links = chain(body["input"], head(body).key)
    return estimate(body) >= 1 and all(link.tokens() >= 0 for link in links)


@given(st.sampled_from(list(places(MESSAGES))), JUNK, st.booleans())
def test_reading_messages(path: tuple[Any, ...], junk: Any, remove: bool) -> None:
    body = changed(MESSAGES, path, junk, remove)
    try:
        turn = messages.DIALECT.read(body, {})
    except Problem as refusal:
        problem: Problem | None = refusal
    else:
        problem = None
        json.dumps(turn.body)
        assert turn.body["input"]
        assert counts(turn.body)
    assert problem is None or (messages.DIALECT.status(problem) == 400 and problem.param)


def refused(reader: Any, body: Any) -> Problem | None:
    """What comes of reading a body: a turn that can be counted and sent, or a refusal that names its place."""
    problem: Problem | None = None
    try:
        turn = reader(body, {})
    except Problem as refusal:
        problem = refusal
    else:
        json.dumps(turn.body)
        assert turn.body["input"]
        assert counts(turn.body)
    assert problem is None or (problem.kind is Kind.INVALID and problem.param)
    return problem


@given(st.sampled_from(list(places(CHAT))), JUNK, st.booleans())
def test_reading_chat(path: tuple[Any, ...], junk: Any, remove: bool) -> None:
    problem = refused(chat.DIALECT.read, changed(CHAT, path, junk, remove))
    if not remove and path in (("messages",), ("model",)):
        assert problem is not None or junk == "x"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from([*CHAT, "audio", "logprobs", "odd"]), ANY))
def test_reading_chat_that_is_any_json(body: dict[str, Any]) -> None:
    whole = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}
    assert (refused(chat.DIALECT.read, whole) is None) or body


@given(st.sampled_from(list(places(RESPONSES))), JUNK, st.booleans())
def test_reading_responses(path: tuple[Any, ...], junk: Any, remove: bool) -> None:
    try:
        turn = responses.DIALECT.read(changed(RESPONSES, path, junk, remove), {})
    except Problem as refusal:
        problem: Problem | None = refusal
    else:
        problem = None
        assert isinstance(turn.body["input"], list)
        assert counts(turn.body)
    assert problem is None or (responses.DIALECT.status(problem) == 400 and problem.param)


STREAMS = {
    path.parent.name: Decoder().feed(path.read_bytes())
    for path in CASES.glob("*/upstream.sse")
    if not path.parent.name.startswith("failed_")
}
SPOTS = [
    (name, number, path)
    for name, events in STREAMS.items()
    for number, event in enumerate(events)
    for path in places(event.data)
    if path[0] != "response" or path[1:2] in ((), ("output",), ("usage",), ("incomplete_details",))
]


@given(st.sampled_from(SPOTS), JUNK, st.booleans(), st.booleans())
def test_rendering(spot: tuple[str, int, tuple[Any, ...]], junk: Any, remove: bool, stop: bool) -> None:
    name, number, path = spot
    extra = {"thinking": "text", "provider": "openai", "stop": ("zzz",) if stop else ()}
    turn = Turn(body={"tools": [{"type": "web_search"}]}, asked="m", extra=extra)
    events = list(STREAMS[name])
    events[number] = Event(events[number].type, data=changed(events[number].data, path, junk, remove))
    for dialect in (messages.DIALECT, chat.DIALECT, responses.DIALECT):
        renderer = dialect.renderer(turn)
        frames: list[Event] = []
        with suppress(Problem):
            for event in events:
                frames += renderer.feed(event)
            dialect.fold(frames)
        json.dumps([frame.data for frame in frames if frame.raw != b"[DONE]"])
