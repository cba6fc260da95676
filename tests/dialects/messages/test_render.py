"""Responses events -> Messages frames: what the golden cases do not show."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.messages.fold import fold
from rotom.dialects.messages.history import unsign
from rotom.dialects.messages.render import Renderer
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json
from rotom.turn import Turn


def event(kind: str, index: int | None = None, **data: Any) -> Event:
    place = {} if index is None else {"output_index": index}
    return Event(f"response.{kind}", data={"type": f"response.{kind}", **place, **data})


def added(index: int, **item: Any) -> Event:
    return event("output_item.added", index, item=item)


def done(index: int, **item: Any) -> Event:
    return event("output_item.done", index, item=item)


def call(number: int, arguments: str | None, **more: Any) -> Json:
    given = {} if arguments is None else {"arguments": arguments}
    return {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_{number}", "name": "run", **given, **more}


def say(index: int, text: str, part: int = 0) -> Event:
    return event("output_text.delta", index, item_id=f"msg_{index}", content_index=part, delta=text)


def args(index: int, text: str) -> Event:
    return event("function_call_arguments.delta", index, delta=text)


def completed(**response: Any) -> Event:
    return event("completed", response={"output": [], "usage": None, **response})


def incomplete(reason: str) -> Event:
    return event("incomplete", response={"output": [], "incomplete_details": {"reason": reason}})


def play(*events: Event, extra: dict[str, Any] | None = None, **turn: Any) -> list[Event]:
    extra = {"thinking": "text", "provider": "openai", **(extra or {})}
    body = {"model": "m", "tools": turn.pop("tools", [])}
    renderer = Renderer(Turn(body=body, asked="claude-x", extra=extra, **turn))
    return [frame for event in events for frame in renderer.feed(event)]


def answer(*events: Event, **turn: Any) -> Json:
    return fold(play(*events, **turn))


def test_the_opening_names_what_was_asked_and_has_its_own_id() -> None:
    first, second = (play(say(0, "x"), completed())[0].data["message"] for _ in range(2))
    assert first["model"] == "claude-x"
    assert first["id"] != second["id"]
    assert first["id"].startswith("msg_")


def test_nothing_is_written_before_there_is_something_to_say() -> None:
    assert play(event("created", response={}), event("in_progress", response={}), added(0, type="message")) == []


def test_interleaved_calls_come_one_after_the_other() -> None:
    frames = play(
        added(0, **call(1, "")),
        added(1, **call(2, "")),
        args(0, '{"a"'),
        args(1, '{"b":'),
        args(0, ":1}"),
        done(1, **call(2, '{"b":2}')),
        done(0, **call(1, '{"a":1}')),
        completed(),
    )
    assert [frame.data.get("index") for frame in frames if "block" in frame.type] == [0, 0, 0, 0, 1, 1, 1, 1][:8]
    message = fold(frames)
    assert [(block["id"], block["input"]) for block in message["content"]] == [
        ("call_1", {"a": 1}),
        ("call_2", {"b": 2}),
    ]
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    "events",
    [
        [done(0, **call(1, '{"a":1}'))],
        [added(0, **call(1, "")), done(0, **call(1, '{"a":1}'))],
        [
            added(0, **call(1, "")),
            event("function_call_arguments.done", 0, arguments='{"a":1}'),
            done(0, **call(1, '{"a":1}')),
        ],
        [added(0, **call(1, "")), args(0, '{"a"'), done(0, **call(1, '{"a":1}'))],
        [args(0, '{"a"'), done(0, **call(1, '{"a":1}'))],
        [added(0, **call(1, "")), args(0, '{"a":1}'), done(0, **call(1, None))],
        [done(0, **call(1, '{"a":1}')), done(0, **call(1, '{"a":1}')), done(1, **call(1, '{"a":1}'))],
        [added(0, **call(1, "")), done(0, **call(1, '{"a":1}')), added(1, **call(1, "")), args(1, "{")],
        [],
    ],
)
def test_a_call_is_told_whole_and_once(events: list[Event]) -> None:
    message = answer(*events, completed(output=[call(1, '{"a":1}')]))
    block = {"type": "tool_use", "id": "call_1", "name": "run", "input": {"a": 1}}
    assert message["content"] == [block]


def test_a_call_without_arguments_has_empty_ones() -> None:
    assert answer(added(0, **call(1, "")), done(0, **call(1, "")), completed())["content"][0]["input"] == {}


def test_missing_arguments_are_not_made_up() -> None:
    with pytest.raises(Problem, match="without its arguments") as caught:
        play(added(0, **call(1, "")), done(0, **call(1, None)))
    assert caught.value.kind is Kind.UPSTREAM


@pytest.mark.parametrize("last", [[], [done(0, **call(1, '{"a', status="incomplete"))]])
def test_a_cut_call_ends_at_the_limit(last: list[Event]) -> None:
    events = [added(0, **call(1, "")), args(0, '{"a'), *last]
    message = answer(*events, incomplete("max_output_tokens"))
    assert message["stop_reason"] == "max_tokens"
    assert message["content"] == []


def test_a_cut_call_in_a_complete_answer_is_a_fault() -> None:
    with pytest.raises(Problem, match="middle of a tool call"):
        play(added(0, **call(1, "")), args(0, '{"a'), completed())


def test_whole_calls_before_the_limit_can_be_run() -> None:
    assert answer(done(0, **call(1, "{}")), incomplete("max_output_tokens"))["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("reason", "stop"), [("max_output_tokens", "max_tokens"), ("content_filter", "refusal"), ("steered", "max_tokens")]
)
def test_reasons_of_incomplete_answers(reason: str, stop: str) -> None:
    assert answer(say(0, "He"), incomplete(reason))["stop_reason"] == stop


def test_names_and_ids_are_mapped_back() -> None:
    item = call(1, "{}", name="short") | {"call_id": "odd id"}
    block = answer(done(0, **item), completed(), names={"short": "mcp__a__long"})["content"][0]
    assert block["name"] == "mcp__a__long"
    assert block["id"].startswith("call_")
    assert " " not in block["id"]


def test_a_refusal_is_text() -> None:
    message = answer(
        event("refusal.delta", 0, content_index=0, delta="I "),
        event("refusal.delta", 0, content_index=0, delta="won't"),
        done(0, type="message", content=[{"type": "refusal", "refusal": "I won't"}]),
        completed(),
    )
    assert message["content"] == [{"type": "text", "text": "I won't"}]
    assert message["stop_reason"] == "end_turn"


def test_text_that_was_not_streamed_comes_from_the_item() -> None:
    content = [{"type": "output_text", "text": "one"}, {"type": "output_text", "text": "two"}]
    message = answer(say(0, "one"), done(0, type="message", content=content), completed())
    assert [block["text"] for block in message["content"]] == ["one", "two"]


REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "encrypted_content": "gAAA",
    "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
}


def think(part: int, text: str) -> Event:
    return event("reasoning_summary_text.delta", 0, summary_index=part, delta=text)


@pytest.mark.parametrize("events", [[think(0, "O"), think(0, "ne"), think(1, "Two")], []])
def test_summary_parts_make_one_block(events: list[Event]) -> None:
    message = answer(added(0, type="reasoning", id="rs_1"), *events, done(0, **REASONING), say(1, "x"), completed())
    block = {"type": "thinking", "thinking": "One\n\nTwo", "signature": "rotom1.openai.gAAA"}
    assert message["content"] == [block, {"type": "text", "text": "x"}]


def test_reasoning_without_a_summary_keeps_its_signature() -> None:
    message = answer(done(0, **{**REASONING, "summary": []}), completed())
    assert message["content"] == [{"type": "thinking", "thinking": "", "signature": "rotom1.openai.gAAA"}]


def test_thinking_as_the_client_wants_it() -> None:
    events = [think(0, "One"), done(0, **REASONING), say(1, "x"), completed()]
    omitted = answer(*events, extra={"thinking": "omitted"})["content"]
    assert omitted[0] == {"type": "thinking", "thinking": "", "signature": "rotom1.openai.gAAA"}
    assert [block["type"] for block in answer(*events, extra={"thinking": "none"})["content"]] == ["text"]


def test_usage_is_split() -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    assert answer(completed(usage=usage))["usage"] == {
        "input_tokens": 30,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    }


def test_an_image_comes_at_the_end() -> None:
    image = {"id": "ig_1", "type": "image_generation_call", "result": "iVBO", "output_format": "webp"}
    message = answer(done(0, **image), say(1, "here"), completed())
    source = {"type": "base64", "media_type": "image/webp", "data": "iVBO"}
    assert message["content"] == [{"type": "text", "text": "here"}, {"type": "image", "source": source}]


def test_stop_sequences_end_the_text() -> None:
    events = [say(0, "one EN"), say(0, "D two"), done(1, **call(1, "{}")), completed()]
    message = answer(*events, extra={"stop": ("END",)})
    assert message["content"] == [{"type": "text", "text": "one "}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")


def rendered(*events: Event, **extra: object) -> tuple[Renderer, list[Event]]:
    renderer = Renderer(Turn(body={"input": [{"a": "x" * 400}]}, asked="m", extra=extra))
    return renderer, [frame for event in events for frame in renderer.feed(event)]


def test_a_stop_sequence_lets_the_provider_go() -> None:
    renderer, frames = rendered(say(0, "one END two"), stop=("END",))
    assert renderer.over
    frames += renderer.close()
    message = fold(frames)
    assert message["content"] == [{"type": "text", "text": "one "}]
    assert message["stop_sequence"] == "END"
    usage = message["usage"]
    assert (usage["output_tokens"], usage["rotom_estimated"]) == (1, True)
    assert 100 <= usage["input_tokens"] <= 120
    assert renderer.close() == renderer.pulse() == renderer.feed(completed()) == []


def test_an_end_that_came_along_has_the_true_counts() -> None:
    counts = {"input_tokens": 9, "output_tokens": 7}
    renderer, frames = rendered(say(0, "one END two"), completed(usage=counts), stop=("END",))
    assert renderer.over
    assert renderer.close() == []
    assert "rotom_estimated" not in fold(frames)["usage"]
    assert fold(frames)["usage"]["output_tokens"] == 7


def test_an_answer_goes_on_without_a_stop() -> None:
    renderer, _ = rendered(say(0, "one"), stop=("END",))
    assert not renderer.over
    assert renderer.close() == []
    assert renderer.feed(completed())
    assert renderer.over


def test_the_signature_names_the_model() -> None:
    extra = {"thinking": "text", "provider": "openai", "model": "gpt-5.5"}
    message = answer(done(0, **REASONING), completed(), extra=extra)
    assert unsign(message["content"][0]["signature"]) == ("openai/gpt-5.5", "gAAA")


BUNDLE = json.dumps(
    {
        "tool_uses": [
            {"recipient_name": "functions.short", "parameters": {"a": 1}},
            {"recipient_name": "functions.B", "parameters": {}},
        ]
    }
)


def bundle_frames(name: str, *tools: str, end: Event | None = None, **more: Any) -> dict[str, Any]:
    turn = Turn(
        body={"tools": [{"type": "function", "name": tool} for tool in tools]}, asked="m", names={"short": "long_name"}
    )
    renderer = Renderer(turn)
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name}
    events = [
        added(0, **item),
        event("function_call_arguments.delta", 0, delta=BUNDLE[:9]),
        event("function_call_arguments.done", 0, arguments=BUNDLE),
        done(0, **item, arguments=BUNDLE, **more),
        end or completed(),
    ]
    return fold([frame for one in events for frame in renderer.feed(one)])


@pytest.mark.parametrize("name", ["parallel", "multi_tool_use.parallel"])
def test_a_bundle_is_told_as_its_calls(name: str) -> None:
    message = bundle_frames(name, "short", "B")
    assert message["content"] == [
        {"type": "tool_use", "id": "call_1_1", "name": "long_name", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_1_2", "name": "B", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"


def test_a_clients_own_tool_of_that_name_is_no_bundle() -> None:
    message = bundle_frames("parallel", "parallel")
    assert [block["name"] for block in message["content"]] == ["parallel"]


@pytest.mark.parametrize("name", [[], {}, 5, None])
def test_a_name_that_is_none_is_a_fault_and_no_bug(name: Any) -> None:
    with pytest.raises(Problem, match="without a name"):
        answer(done(0, **{**call(1, "{}"), "name": name}), completed())


def test_a_bundle_that_was_cut_is_not_run() -> None:
    cut = event("incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}})
    message = bundle_frames("parallel", "B", end=cut, status="incomplete")
    assert (message["content"], message["stop_reason"]) == ([], "max_tokens")


@pytest.mark.parametrize("text", ["one EN", "EN", "one"])
def test_what_was_held_back_is_not_lost(text: str) -> None:
    message = answer(say(0, text), say(1, "E"), completed(), extra={"stop": ("END",)})
    # The second item waits for the first, which never ends; both are told in the end, each in its block.
    assert message["content"] == [{"type": "text", "text": text}, {"type": "text", "text": "E"}]


def test_pulse_commits_the_opening_once() -> None:
    renderer = Renderer(Turn(body={}, asked="m"))
    assert [frame.type for frame in renderer.pulse()] == ["message_start", "ping"]
    assert [frame.type for frame in renderer.pulse()] == ["ping"]
    assert [frame.type for frame in renderer.feed(say(0, "x"))] == ["content_block_start", "content_block_delta"]
    renderer.feed(completed())
    assert renderer.pulse() == []


def test_fail_is_an_error_event_and_the_end() -> None:
    renderer = Renderer(Turn(body={}, asked="m", extra={"request_id": "req_1"}))
    renderer.feed(say(0, "x"))
    [frame] = renderer.fail(Problem(Kind.OVERLOADED, "busy"))
    assert frame.type == "error"
    error = {"type": "overloaded_error", "message": "busy"}
    assert frame.data == {"type": "error", "error": error, "request_id": "req_1"}
    assert renderer.feed(say(0, "y")) == renderer.feed(completed()) == []


def test_unknown_events_and_items_are_passed_over() -> None:
    odd = [event("odd.event", 0, delta="x"), done(0, id="x", type="odd_call"), event("queued", response={})]
    assert answer(*odd, say(1, "x"), completed())["content"] == [{"type": "text", "text": "x"}]


# Any stream at all: grammar, order and the SDK's own accumulator.


def message_events(index: int, pieces: list[str]) -> list[Event]:
    whole = {"id": f"msg_{index}", "type": "message", "content": [{"type": "output_text", "text": "".join(pieces)}]}
    return [added(index, **{**whole, "content": []}), *(say(index, piece) for piece in pieces), done(index, **whole)]


def call_events(index: int, pieces: list[str]) -> list[Event]:
    arguments = '{"a":["' + '","'.join("x" for _ in pieces) + '"]}'
    cut = len(arguments) // 2
    streamed = [args(index, arguments[:cut]), args(index, arguments[cut:])] if pieces else []
    return [added(index, **call(index, "")), *streamed, done(index, **call(index, arguments))]


def reasoning_events(index: int, pieces: list[str]) -> list[Event]:
    item = {"id": f"rs_{index}", "type": "reasoning", "encrypted_content": "blob", "summary": []}
    deltas = [
        event("reasoning_summary_text.delta", index, summary_index=part, delta=piece)
        for part, piece in enumerate(pieces)
    ]
    return [added(index, **item), *deltas, done(index, **item)]


def search_events(index: int, pieces: list[str]) -> list[Event]:
    action = {"type": "search", "query": "q", "sources": [{"type": "url", "url": f"https://{n}"} for n in pieces]}
    return [added(index, type="web_search_call", id=f"ws_{index}"), done(index, **web(index, action))]


def web(index: int, action: Json) -> Json:
    return {"type": "web_search_call", "id": f"ws_{index}", "status": "completed", "action": action}


makers = st.sampled_from([message_events, call_events, reasoning_events, search_events])
items = st.lists(st.tuples(makers, st.lists(st.text("ab\u00e9\n", min_size=1, max_size=4), max_size=3)), max_size=5)


@given(items, st.randoms(use_true_random=False), st.booleans())
def test_any_interleaving_gives_the_same_answer(made: list[Any], random: Any, searching: bool) -> None:
    streams = [maker(index, pieces) for index, (maker, pieces) in enumerate(made)]
    tools = [{"type": "web_search"}] if searching else []
    plain = [event for stream in streams for event in stream]
    mixed: list[Event] = []
    queues = [list(stream) for stream in streams]
    # Items begin in their order; what follows comes as it likes.
    for begun, queue in enumerate(queues):
        mixed.append(queue.pop(0))
        mixed += [other.pop(0) for other in queues[:begun] if other and random.random() < 0.5]
    while left := [queue for queue in queues if queue]:
        mixed.append(random.choice(left).pop(0))
    in_order, frames = play(*plain, completed(), tools=tools), play(*mixed, completed(), tools=tools)
    ours, other = fold(in_order), fold(frames)
    assert ours["content"] == other["content"]
    assert ours["stop_reason"] == other["stop_reason"]
    assert of_sdk(frames) == {**without_none(other), "id": frames[0].data["message"]["id"]}


def of_sdk(frames: list[Event]) -> Json:
    """What the official SDK makes of our stream."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for frame in frames:
        snapshot = accumulate_event(event=frame.data, current_snapshot=snapshot, json_bufs=buffers)  # type: ignore[arg-type]
    made: Json = snapshot.to_dict(exclude_none=True)
    return made


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def test_the_order_of_many_items_costs_as_much_as_there_are() -> None:
    """Found by attack: 200,000 items that waited for the first one held up everything for minutes."""

    def item(kind: str, index: int) -> Event:
        said = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
        return Event(f"response.output_item.{kind}", data={"output_index": index, "item": said})

    renderer = Renderer(Turn({}, "m"))
    renderer.feed(item("added", 0))
    for index in range(30_000, 0, -1):
        assert renderer.feed(item("done", index)) == []
    begun = time.process_time()
    frames = renderer.feed(item("done", 0))
    assert time.process_time() - begun < 10
    assert sum(frame.type == "content_block_start" for frame in frames) == 30_001
