"""xAI's streams as clients of OpenAI shall see them. The shapes are those of recordings, shortened (2026)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from rotom.fold import fold
from rotom.providers.grok_events import Reader
from rotom.sse import Event
from rotom.turn import Turn

ID = "0d000000-1111-4222-8333-444444444444"
SEALED = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg"
MESSAGE = {"id": f"msg_{ID}", "type": "message", "role": "assistant", "status": "completed"}
PART = {"type": "output_text", "text": "hello", "logprobs": [], "annotations": []}
SAID = {**MESSAGE, "content": [PART]}
CALL = {
    "id": f"fc_{ID}_0",
    "type": "function_call",
    "call_id": "call-00000000-0000-4000-8000-000000000000-0",
    "name": "read_file",
    "arguments": '{"path":"a.txt"}',
    "status": "completed",
}
SEARCH = {
    "id": f"ctc_{ID}_xs_call_24140000",
    "type": "custom_tool_call",
    "call_id": "xs_call_24140000",
    "name": "x_keyword_search",
    "input": '{"query":"q"}',
    "status": "completed",
}


def stream(*parts: Any, output: Any = None, kind: str = "response.completed") -> list[Event]:
    """A whole stream of these events, numbered; lists among them are flattened."""
    flat: list[Any] = []
    for part in parts:
        flat += part if isinstance(part, list) else [part]
    response = {"id": ID, "object": "response", "status": "in_progress", "model": "grok-4.6", "output": []}
    items = [data["item"] for data in flat if data["type"] == "response.output_item.done"]
    final = {**response, "status": "completed", "output": items if output is None else output, "usage": {}}
    whole = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        *flat,
        {"type": kind, "response": final},
    ]
    return [Event(data["type"], data={"sequence_number": n, **data}) for n, data in enumerate(whole)]


def added(index: int, item: Any, **changes: Any) -> Any:
    return {
        "type": "response.output_item.added",
        "output_index": index,
        "item": {**item, "status": "in_progress", **changes},
    }


def done(index: int, item: Any) -> Any:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def says(index: int, item: Any = SAID, text: str = "hello") -> list[Any]:
    here = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = {**PART, "text": text}
    return [
        added(index, item, content=[]),
        {"type": "response.content_part.added", **here, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **here, "delta": text, "logprobs": []},
        {"type": "response.output_text.done", **here, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **here, "part": part},
        done(index, {**item, "content": [part]}),
    ]


def searches(index: int) -> list[Any]:
    here = {"item_id": SEARCH["id"], "output_index": index}
    return [
        added(index, SEARCH, input=""),
        {"type": "response.custom_tool_call_input.delta", **here, "delta": SEARCH["input"]},
        {"type": "response.custom_tool_call_input.done", **here, "input": SEARCH["input"]},
        done(index, SEARCH),
    ]


def calls(index: int, item: Any = CALL) -> list[Any]:
    here = {"item_id": item["id"], "output_index": index}
    return [
        added(index, item, arguments=""),
        {"type": "response.function_call_arguments.delta", **here, "delta": item["arguments"]},
        {"type": "response.function_call_arguments.done", **here, "arguments": item["arguments"], "name": item["name"]},
        done(index, item),
    ]


def thinks(index: int, text: str = "plan", item_id: str = f"rs_{ID}") -> list[Any]:
    """Reasoning in its newer form."""
    item = {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": SEALED, "status": "completed"}
    here = {"item_id": item_id, "output_index": index, "content_index": 0}
    return [
        added(index, item, content=[]),
        {"type": "response.content_part.added", **here, "part": {"type": "reasoning_text", "text": ""}},
        {"type": "response.reasoning_text.delta", **here, "delta": text},
        {"type": "response.reasoning_text.done", **here, "text": text},
        {"type": "response.content_part.done", **here, "part": {"type": "reasoning_text", "text": text}},
        done(index, {**item, "content": [{"type": "reasoning_text", "text": text}]}),
    ]


def read(events: Iterable[Event], **body: Any) -> list[Event]:
    """What the client sees, and that it is what the SDK takes for a stream: numbered, with places that have no gaps."""
    seen = Reader(Turn(body, "grok-4.6"))(list(events))
    numbers = [event.data["sequence_number"] for event in seen if "sequence_number" in event.data]
    assert numbers == list(range(len(numbers)))
    places = [event.data["output_index"] for event in seen if "output_index" in event.data]
    assert set(places) == set(range(len(set(places))))
    begun: set[int] = set()
    for event in seen:
        place = event.data.get("output_index")
        if event.type == "response.output_item.added":
            assert place not in begun
            begun.add(place)
        elif place is not None:
            assert place in begun
    return seen


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.type.removeprefix("response.") for event in events]


def final(events: list[Event]) -> Any:
    return fold(events)["output"]


def test_an_ordinary_stream_passes_as_it_is() -> None:
    for events in (stream(says(0)), stream(calls(0)), stream(calls(0), calls(1, {**CALL, "id": "b", "call_id": "b"}))):
        seen = read(events)
        assert all(one is other for one, other in zip(seen, events, strict=True))


def test_text_passes_unread() -> None:
    events = stream(says(0))
    raw = Event("response.output_text.delta", raw=b"never parsed")
    reader = Reader(Turn({}, "g"))
    reader(events[:4])
    assert reader([raw]) == [raw]
    assert raw._data is None


def test_searches_that_run_at_xai_are_no_calls_for_the_client() -> None:
    seen = read(stream(searches(0), says(1), searches(2), calls(3)))
    assert not [event for event in seen if "custom_tool_call" in event.type or b"x_keyword" in event.raw]
    assert [item["type"] for item in final(seen)] == ["message", "function_call"]
    places = {event.data["output_index"] for event in seen if event.type == "response.output_text.delta"}
    assert places == {0}
    assert final(seen) == [SAID, CALL]


def test_a_search_whose_beginning_is_missing_is_no_call_either() -> None:
    seen = read(stream(searches(0)[1:], says(1)))
    assert final(seen) == [SAID]


def test_overlapping_items_stay_as_they_are() -> None:
    """Recorded: places 0 to 5 begin, then 4, 5, 2, 3, 1 end."""
    items = [
        {"id": f"ws_{ID}_call_{n}", "type": "web_search_call", "status": "completed", "action": {}} for n in range(6)
    ]
    parts = [added(n, items[n]) for n in range(6)] + [done(n, items[n]) for n in (4, 5, 2, 3, 1, 0)]
    events = stream(parts, says(6), output=[*items, SAID])
    assert read(events) == events
    # the same, with a search on X between them
    mixed = [added(n, SEARCH if n == 2 else items[n]) for n in range(6)]
    mixed += [done(n, SEARCH if n == 2 else items[n]) for n in (4, 5, 2, 3, 1, 0)]
    seen = read(stream(mixed, says(6)))
    kept = [item for n, item in enumerate(items) if n != 2]
    assert final(seen) == [*kept, SAID]


def test_reasoning_in_words_is_told_as_a_summary() -> None:
    seen = read(stream(thinks(0), says(1)))
    assert kinds(seen)[2:8] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert seen[4].data["delta"] == "plan"
    assert seen[3].data["summary_index"] == 0
    thought = final(seen)[0]
    assert thought["summary"] == [{"type": "summary_text", "text": "plan"}]
    assert thought["encrypted_content"] == SEALED
    assert "content" not in thought


def test_reasoning_in_words_without_the_beginning_of_a_part() -> None:
    parts = [part for part in thinks(0) if "content_part" not in part["type"]]
    seen = read(stream(parts))
    assert kinds(seen)[3:6] == [
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
    ]


def test_reasoning_that_is_told_twice_is_told_once() -> None:
    words = thinks(0)
    here = {"item_id": f"rs_{ID}", "output_index": 0, "summary_index": 0}
    again = [
        {"type": "response.reasoning_summary_part.added", **here, "part": {"type": "summary_text", "text": ""}},
        {"type": "response.reasoning_summary_text.delta", **here, "delta": "plan, and a digest"},
    ]
    seen = read(stream(words[:-1], again, words[-1]))
    assert "plan, and a digest" not in str([event.data for event in seen])
    first = read(stream(words[0], again, words[1:]))
    assert kinds(first)[3:6] == ["reasoning_summary_part.added", "reasoning_summary_text.delta", "output_item.done"]


def test_one_id_for_several_items_becomes_several() -> None:
    seen = read(stream(thinks(0), says(1, text="one"), thinks(2, "more"), says(3, text="two")))
    output = final(seen)
    assert [item["id"] for item in output] == [f"rs_{ID}", f"msg_{ID}", f"rs_{ID}.2", f"msg_{ID}.3"]
    for event in seen:
        if "item_id" in event.data:
            assert event.data["item_id"] == output[event.data["output_index"]]["id"]


def test_what_comes_in_one_piece_is_told_from_its_beginning() -> None:
    thought = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "plan"}]}
    seen = read(stream(done(0, thought), done(1, SAID), done(2, CALL)))
    assert kinds(seen)[2:] == [
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done"),
        *("output_item.done", "output_item.added", "function_call_arguments.delta", "function_call_arguments.done"),
        *("output_item.done", "completed"),
    ]
    assert final(seen) == [thought, SAID, CALL]
    empty = seen[14].data["item"]
    assert (empty["arguments"], empty["status"]) == ("", "in_progress")


def test_arguments_that_only_the_end_has_are_told_before_it() -> None:
    parts = calls(0)
    seen = read(stream(parts[0], parts[-1]))
    assert kinds(seen)[3:5] == ["function_call_arguments.delta", "function_call_arguments.done"]
    unread = read(stream(says(0)[0], says(0)[2], says(0)[-1]))  # only a delta of it, which passes unread
    assert kinds(unread).count("output_text.delta") == 1


@pytest.mark.parametrize(
    "data",
    [
        {"error": "Service temporarily overloaded", "code": "overloaded_error"},
        {"error": {"message": "upstream overloaded", "type": "overloaded_error", "code": 503}},
    ],
)
def test_an_error_without_a_type_is_an_error(data: Any) -> None:
    (seen,) = Reader(Turn({}, "g"))([Event("message", data=data)])
    assert (seen.type, seen.data["type"], seen.data["error"]) == ("error", "error", data["error"])


def test_other_events_without_a_type_pass() -> None:
    odd = Event("message", data={"something": "else"})
    assert Reader(Turn({}, "g"))([odd]) == [odd]


def test_an_empty_output_stays_so_and_is_put_together_from_what_was_told() -> None:
    seen = read(stream(searches(0), says(1), output=[]))
    assert seen[-1].data["response"]["output"] == []
    assert final(seen) == [SAID]


def test_an_answer_that_was_cut_keeps_what_it_has() -> None:
    cut = {**SAID, "status": "incomplete"}
    seen = read(
        stream(thinks(0), says(1)[:-1], output=[*[p["item"] for p in thinks(0)[-1:]], cut], kind="response.incomplete")
    )
    assert [item["type"] for item in seen[-1].data["response"]["output"]] == ["reasoning", "message"]
    assert seen[-1].data["response"]["output"][0]["summary"]


# Tools of the client that functions stand for -------------------------------------------------------------------------


TOOLS = [
    {
        "type": "custom",
        "name": "apply_patch",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
    },
    {"type": "namespace", "name": "mcp__files", "tools": [{"type": "function", "name": "read"}]},
    {"type": "tool_search", "execution": "client", "parameters": {"type": "object", "properties": {}}},
    {"type": "function", "name": "read_file", "parameters": {}},
]


def test_a_call_of_a_free_form_tool_comes_back_as_one() -> None:
    call = {**CALL, "name": "apply_patch", "arguments": json.dumps({"input": "*** Begin\n+x"})}
    seen = read(stream(calls(0, call)), tools=TOOLS)
    assert kinds(seen)[2:6] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert seen[2].data["item"]["type"] == "custom_tool_call"
    assert (seen[2].data["item"]["input"], seen[4].data["input"]) == ("", "*** Begin\n+x")
    (item,) = final(seen)
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply_patch", "*** Begin\n+x")
    assert item["call_id"] == CALL["call_id"]
    assert "arguments" not in item
    at_once = read(stream(done(0, call)), tools=TOOLS)
    assert kinds(at_once)[2:6] == kinds(seen)[2:6]


@pytest.mark.parametrize("arguments", ["not json", "[1]", '{"other": 1}', ""])
def test_arguments_that_are_not_as_asked_for_are_the_input(arguments: str) -> None:
    seen = read(stream(calls(0, {**CALL, "name": "apply_patch", "arguments": arguments})), tools=TOOLS)
    assert final(seen)[0]["input"] == arguments


def test_a_call_in_a_namespace_comes_back_with_it() -> None:
    seen = read(stream(calls(0, {**CALL, "name": "mcp__files__read"})), tools=TOOLS)
    (item,) = final(seen)
    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "read", "mcp__files")
    assert item["arguments"] == CALL["arguments"]
    assert seen[4].data["name"] == "read"


def test_a_search_for_tools_comes_back_as_one() -> None:
    call = {**CALL, "name": "tool_search", "arguments": '{"query":"files"}'}
    seen = read(stream(calls(0, call)), tools=TOOLS)
    assert kinds(seen)[2:4] == ["output_item.added", "output_item.done"]
    (item,) = final(seen)
    assert (item["type"], item["execution"], item["arguments"]) == ("tool_search_call", "client", {"query": "files"})


# Laws ------------------------------------------------------------------------------------------------------------------


PIECES = st.sampled_from([says, searches, calls, thinks, lambda n: [done(n, SAID)], lambda n: [done(n, CALL)]])


@given(st.lists(PIECES, max_size=6), st.data())
def test_any_cut_of_the_reads_gives_the_same(pieces: Any, data: st.DataObject) -> None:
    events = stream(*(piece(n) for n, piece in enumerate(pieces)))
    whole = read(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    reader = Reader(Turn({}, "grok-4.6"))
    seen: list[Event] = []
    for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        seen += reader(events[begin:end])
    assert seen == whole
    assert final(whole) == seen[-1].data["response"]["output"]


@given(st.lists(PIECES, max_size=6), st.randoms())
def test_any_overlap_is_legal(pieces: Any, dice: Any) -> None:
    """However the items' events are mixed, each item is told from its beginning and once."""
    queues = [list(piece(n)) for n, piece in enumerate(pieces)]
    mixed = []
    while queues := [queue for queue in queues if queue]:
        mixed.append(dice.choice(queues).pop(0))
    seen = read(stream(mixed))
    assert len(final(seen)) == sum(piece is not searches for piece in pieces)


EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@pytest.mark.parametrize("piece", [says, calls, thinks, lambda n: [done(n, SAID)], lambda n: [done(n, CALL)]])
def test_the_sdk_knows_every_event(piece: Any) -> None:
    for event in read(stream(piece(0))):
        if event.type.startswith("response.o") or "text" in event.type or "arguments" in event.type:
            EVENT.validate_python(event.data | ({"name": "x"} if "arguments.done" in event.type else {}))
