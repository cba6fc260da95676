"""Responses events -> chunks: what the golden cases do not show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from rotom.dialects.chat.fold import fold
from rotom.dialects.chat.render import Renderer
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json, encode
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


def end(how: str = "completed", **response: Any) -> Event:
    return event(how, response={"output": [], "usage": None, **response})


def message(index: int, *parts: Json) -> Event:
    return done(index, id=f"msg_{index}", type="message", content=list(parts))


def part(text: str, *notes: Json) -> Json:
    return {"type": "output_text", "text": text, "annotations": list(notes)}


def renderer_of(*, stream: bool = True, tools: Any = (), names: Any = None, **extra: Any) -> Renderer:
    return Renderer(Turn({"model": "m", "tools": list(tools)}, "gpt-x", stream=stream, names=names or {}, extra=extra))


def play(*events: Event, **turn: Any) -> list[Event]:
    renderer = renderer_of(**turn)
    return [frame for event in events for frame in renderer.feed(event)]


def answer(*events: Event, **turn: Any) -> Any:
    return fold(play(*events, **turn))["choices"][0]


def deltas(frames: list[Event]) -> list[Any]:
    return [choice["delta"] for frame in frames[:-1] for choice in frame.data["choices"]]


def test_nothing_is_written_before_there_is_something_to_say() -> None:
    assert play(event("created", response={}), event("in_progress", response={}), added(0, type="message")) == []


def test_an_answer_without_words() -> None:
    frames = play(end())
    assert deltas(frames) == [{"role": "assistant", "content": "", "refusal": None}, {}]
    assert fold(frames)["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize(("usage", "last"), [(True, 5), (False, None)])
def test_usage_where_it_was_asked_for(usage: bool, last: Any) -> None:
    counts = {"input_tokens": 3, "output_tokens": 2}
    chunks = [json.loads(frame.raw) for frame in play(say(0, "a"), end(usage=counts), usage=usage)[:-1]]
    assert [chunk.get("usage", "none") for chunk in chunks[:3]] == [None if usage else "none"] * 3
    assert [chunk["usage"]["total_tokens"] for chunk in chunks[3:]] == ([last] if last else [])
    whole = fold(play(say(0, "a"), end(usage=counts), stream=False))
    assert whole["usage"]["total_tokens"] == 5


def test_a_provider_that_did_not_count() -> None:
    usage = fold(play(say(0, "a" * 30), message(0, part("a" * 40)), end(), stream=False))["usage"]
    assert (usage["completion_tokens"], usage["rotom_estimated"]) == (10, True)


def test_text_is_copied_and_has_no_event_name() -> None:
    events = [say(0, text) for text in ("He", 'l"l\n', "o\u00e9")]
    raws = [Event(one.type, raw=one.raw) for one in events]
    frames = play(*raws, end(), usage=True)
    assert b"event:" not in encode(frames)
    assert [delta.get("content") for delta in deltas(frames)[1:-1]] == ["He", 'l"l\n', "o\u00e9"]
    assert all(frame.data["usage"] is None for frame in frames[:-2])


def test_several_messages_are_one_content() -> None:
    events = [say(0, "one"), message(0, part("one")), say(1, "two"), say(1, "!"), message(1, part("two!")), end()]
    assert answer(*events)["message"]["content"] == "one\n\ntwo!"


def test_parts_of_a_message_are_one_text() -> None:
    assert answer(say(0, "one"), message(0, part("one"), part("two")), end())["message"]["content"] == "onetwo"


def test_reasoning_is_never_content() -> None:
    def think(index: int, number: int, text: str) -> Event:
        return event("reasoning_summary_text.delta", index, summary_index=number, delta=text)

    events = [think(0, 0, "a"), think(0, 1, "b"), done(0, type="reasoning", id="rs_0"), think(1, 0, "c")]
    events += [done(1, type="reasoning", id="rs_1"), say(2, "x"), message(2, part("x")), end()]
    said = answer(*events)["message"]
    assert (said["reasoning_content"], said["content"]) == ("a\n\nb\n\nc", "x")


def test_a_refusal_is_no_content() -> None:
    refusal = [event("refusal.delta", 0, content_index=0, delta=text) for text in ("I ", "won't")]
    choice = answer(*refusal, message(0, {"type": "refusal", "refusal": "I won't"}), end())
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": "I won't", "annotations": []}
    assert choice["finish_reason"] == "stop"


def test_calls_are_numbered_as_they_appear_and_never_interleaved() -> None:
    frames = play(
        done(0, type="reasoning", id="rs_0", summary=[]),
        added(1, **call(1, "")),
        added(2, **call(2, "")),
        args(1, '{"a"'),
        args(2, '{"b":'),
        args(1, ":1}"),
        done(2, **call(2, '{"b":2}')),
        done(1, **call(1, '{"a":1}')),
        end(),
    )
    entries = [entry for delta in deltas(frames) for entry in delta.get("tool_calls", ())]
    assert [entry["index"] for entry in entries] == [0, 0, 0, 1, 1, 1]
    assert [entry.get("id") for entry in entries] == ["call_1", None, None, "call_2", None, None]
    assert entries[0] == {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "run", "arguments": ""},
    }
    assert entries[1] == {"index": 0, "function": {"arguments": '{"a"'}}
    choice = fold(frames)["choices"][0]
    assert [one["function"]["arguments"] for one in choice["message"]["tool_calls"]] == ['{"a":1}', '{"b":2}']
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)


def test_arguments_are_left_as_they_are() -> None:
    [made] = answer(done(0, **call(1, "")), end())["message"]["tool_calls"]
    assert made["function"]["arguments"] == ""


def test_a_custom_call() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "short"}
    events = [
        added(0, **item),
        event("custom_tool_call_input.delta", 0, delta="+h"),
        done(0, **item, input="+hi"),
        end(),
    ]
    choice = answer(*events, names={"short": "apply.patch"})
    custom = {"id": "call_1", "type": "custom", "custom": {"name": "apply.patch", "input": "+hi"}}
    assert choice["message"]["tool_calls"] == [custom]
    assert choice["finish_reason"] == "tool_calls"


def test_a_function_of_the_former_api() -> None:
    events = [done(0, **call(1, '{"a":1}')), done(1, **call(2, "{}")), end()]
    choice = answer(*events, legacy=True, names={"run": "run.it"})
    assert choice["message"]["function_call"] == {"name": "run.it", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_a_bundle_is_told_as_its_calls() -> None:
    uses = [{"recipient_name": f"functions.{name}", "parameters": {"a": 1}} for name in ("b", "c")]
    item = call(1, json.dumps({"tool_uses": uses}), name="parallel")
    calls = answer(done(0, **item), end())["message"]["tool_calls"]
    assert [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in calls] == [
        ("call_1_1", "b", '{"a":1}'),
        ("call_1_2", "c", '{"a":1}'),
    ]


def test_a_cut_call_ends_at_the_limit() -> None:
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    choice = answer(added(0, **call(1, "")), args(0, '{"a'), end("incomplete", **reason))
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"a'


SEARCH = [{"type": "web_search"}]


def note(start: int, stop: int) -> Json:
    return {"type": "url_citation", "start_index": start, "end_index": stop, "url": f"https://{start}", "title": "T"}


def test_citations_point_into_the_content() -> None:
    events = [
        say(0, "One."),
        message(0, part("One.", note(0, 4))),
        say(1, "Two"),
        event("output_text.annotation.added", 1, content_index=0, annotation=note(0, 3)),
        message(1, part("Two", note(0, 3)), part("Three", note(0, 5), {"type": "file_citation"})),
        end(),
    ]
    frames = play(*events, tools=SEARCH)
    assert sum("annotations" in delta for delta in deltas(frames)) == 1
    said = fold(frames)["choices"][0]["message"]
    cited = [one["url_citation"] for one in said["annotations"]]
    assert [said["content"][one["start_index"] : one["end_index"]] for one in cited] == ["One.", "Two", "Three"]
    assert said["annotations"][0] == {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 4, "url": "https://0", "title": "T"},
    }


def test_what_is_cited_behind_a_stop_is_gone() -> None:
    renderer = renderer_of(tools=SEARCH, stop=("END",))
    events = [say(0, "One."), event("output_text.annotation.added", 0, content_index=0, annotation=note(0, 4))]
    events += [event("output_text.annotation.added", 0, content_index=0, annotation=note(5, 9)), say(0, "END.")]
    frames = [frame for one in events for frame in renderer.feed(one)] + renderer.close()
    said = fold(frames)["choices"][0]["message"]
    assert [one["url_citation"]["start_index"] for one in said["annotations"]] == [0]


def test_images_come_at_the_end() -> None:
    item = {"id": "ig_1", "type": "image_generation_call", "result": "iVBO", "output_format": "webp"}
    said = answer(done(0, **item), say(1, "here"), end())["message"]
    image = {"index": 0, "type": "image_url", "image_url": {"url": "data:image/webp;base64,iVBO"}}
    assert (said["content"], said["images"]) == ("here", [image])


def stopped(*events: Event, stop: tuple[str, ...] = ("END",)) -> tuple[Renderer, list[Event]]:
    renderer = renderer_of(stop=stop, stream=False)
    return renderer, [frame for event in events for frame in renderer.feed(event)]


def test_a_stop_sequence_lets_the_provider_go() -> None:
    renderer, frames = stopped(say(0, "one EN"), say(0, "D two"))
    assert renderer.over
    frames += renderer.close()
    whole = fold(frames)
    assert whole["choices"][0]["message"]["content"] == "one "
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"]["rotom_estimated"] is True
    assert renderer.close() == renderer.pulse() == renderer.feed(end()) == []


def test_an_end_that_came_along_has_the_true_counts() -> None:
    counts = {"input_tokens": 9, "output_tokens": 7}
    renderer, frames = stopped(say(0, "one END two"), done(1, **call(1, "{}")), end(usage=counts))
    whole = fold(frames)
    assert (whole["usage"]["completion_tokens"], renderer.close()) == (7, [])
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert "tool_calls" not in whole["choices"][0]["message"]


@pytest.mark.parametrize("text", ["one EN", "EN", "one"])
def test_what_was_held_back_is_not_lost(text: str) -> None:
    renderer, frames = stopped(say(0, text), message(0, part(text)), say(1, "E"), end())
    assert fold(frames)["choices"][0]["message"]["content"] == f"{text}\n\nE"
    assert renderer.over


def test_stops_do_not_look_at_arguments() -> None:
    choice = answer(done(0, **call(1, '{"a":"END"}')), end(), stop=("END",))
    assert choice["finish_reason"] == "tool_calls"


def test_pulse_commits_the_role_once() -> None:
    renderer = renderer_of()
    [first] = renderer.pulse()
    assert first.data["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert encode(renderer.pulse()) == b": keep-alive\n\n"
    assert len(renderer.feed(say(0, "x"))) == 1
    renderer.feed(end())
    assert renderer.pulse() == []


def test_fail_is_an_error_and_no_good_end() -> None:
    renderer = renderer_of()
    renderer.feed(say(0, "x"))
    frames = renderer.fail(Problem(Kind.OVERLOADED, "busy", code="server_is_overloaded"))
    assert encode(frames) == (
        b'data: {"error":{"message":"busy","type":"server_error","param":null,"code":"server_is_overloaded"}}\n\n'
    )
    assert renderer.feed(say(0, "y")) == renderer.feed(end()) == []


def test_a_failure_is_raised() -> None:
    with pytest.raises(Problem, match="bad luck"):
        play(say(0, "x"), event("failed", response={"error": {"code": "server_error", "message": "bad luck"}}))


# Any stream at all: the SDK's own accumulator -------------------------------------------------------------------------


def of_sdk(frames: list[Event]) -> Any:
    """What the official SDK makes of our stream, as the object it would have without one."""
    state = ChatCompletionStreamState()
    for frame in frames:
        if frame.type == "" and frame.raw != b"[DONE]":
            list(state.handle_chunk(ChatCompletionChunk.construct(**frame.data)))
    # Its final completion is this with parsed arguments; with custom calls openai 3.54 fails to make it.
    return plain(state.current_completion_snapshot.to_dict())


def plain(whole: Any) -> Any:
    """Without what says nothing: null, an empty list, an empty content beside something else, places in lists."""
    if isinstance(whole, dict):
        return {
            key: plain(value)
            for key, value in whole.items()
            if value not in (None, [], "") and key not in ("index", "parsed", "parsed_arguments", "service_tier")
        }
    return [plain(value) for value in whole] if isinstance(whole, list) else whole


def message_events(index: int, pieces: list[str]) -> list[Event]:
    whole = {"id": f"msg_{index}", "type": "message", "content": [part("".join(pieces), note(0, 1))]}
    return [added(index, **{**whole, "content": []}), *(say(index, piece) for piece in pieces), done(index, **whole)]


def call_events(index: int, pieces: list[str]) -> list[Event]:
    arguments = json.dumps({"a": pieces})
    cut = len(arguments) // 2
    streamed = [args(index, arguments[:cut]), args(index, arguments[cut:])] if pieces else []
    return [added(index, **call(index, "")), *streamed, done(index, **call(index, arguments))]


def custom_events(index: int, pieces: list[str]) -> list[Event]:
    item = {"id": f"ctc_{index}", "type": "custom_tool_call", "call_id": f"call_{index}", "name": "patch"}
    streamed = [event("custom_tool_call_input.delta", index, delta=piece) for piece in pieces]
    return [added(index, **item), *streamed, done(index, **item, input="".join(pieces))]


def refusal_events(index: int, pieces: list[str]) -> list[Event]:
    streamed = [event("refusal.delta", index, content_index=0, delta=piece) for piece in pieces]
    whole = {"type": "refusal", "refusal": "".join(pieces)}
    return [added(index, type="message", id=f"msg_{index}"), *streamed, message(index, whole)]


def reasoning_events(index: int, pieces: list[str]) -> list[Event]:
    item = {"id": f"rs_{index}", "type": "reasoning", "encrypted_content": "blob", "summary": []}
    streamed = [
        event("reasoning_summary_text.delta", index, summary_index=number, delta=piece)
        for number, piece in enumerate(pieces)
    ]
    return [added(index, **item), *streamed, done(index, **item)]


makers = st.sampled_from([message_events, call_events, custom_events, refusal_events, reasoning_events])
items = st.lists(st.tuples(makers, st.lists(st.text("ab\u00e9\n", min_size=1, max_size=4), max_size=3)), max_size=5)


@settings(deadline=None)  # the SDK builds its types at the first use
@given(items, st.randoms(use_true_random=False), st.booleans())
def test_any_interleaving_gives_the_same_answer(made: list[Any], random: Any, searching: bool) -> None:
    tools = SEARCH if searching else []
    streams = [maker(index, pieces) for index, (maker, pieces) in enumerate(made)]
    in_order = [event for stream in streams for event in stream]
    mixed: list[Event] = []
    queues = [list(stream) for stream in streams]
    for begun, queue in enumerate(queues):  # items begin in their order; what follows comes as it likes
        mixed.append(queue.pop(0))
        mixed += [other.pop(0) for other in queues[:begun] if other and random.random() < 0.5]
    while left := [queue for queue in queues if queue]:
        mixed.append(random.choice(left).pop(0))
    ours = fold(play(*in_order, end(), tools=tools, usage=True))
    frames = play(*mixed, end(), tools=tools, usage=True)
    other = fold(frames)
    assert ours["choices"] == other["choices"]
    ChatCompletion.model_validate(other)
    assert of_sdk(frames) == plain(other)
