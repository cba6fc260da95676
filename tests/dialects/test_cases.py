"""Golden cases: one stream of the provider, and what each dialect makes of it.

Run as a program, this file writes the expected output anew; look at the difference before you commit it.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import NOT_GIVEN

from rotom.dialects import Dialect, chat, messages, responses
from rotom.dialects.responses.echo import ALWAYS, ASKED
from rotom.problem import Problem
from rotom.simulator.strict_input import check_input
from rotom.sse import Decoder, Event, encode
from rotom.turn import Turn

CASES = Path(__file__).parent.parent / "cases"
NAMES = sorted(path.parent.name for path in CASES.glob("*/upstream.sse"))
BROKEN = [name for name in NAMES if name.startswith(("failed_", "error_", "truncated_"))]
GOOD = [name for name in NAMES if name not in BROKEN]
EXTRA = {"thinking": "text", "provider": "openai"}


def turn(name: str) -> Turn:
    tools = [{"type": "web_search"}] if name.startswith("web_search") else []
    return Turn(body={"model": "gpt-5.5", "tools": tools}, asked="claude-sonnet-5", extra=EXTRA)


def frames_of(dialect: Dialect, name: str, cuts: list[int] | None = None) -> list[Event]:
    wire = (CASES / name / "upstream.sse").read_bytes()
    places = [0, *sorted(cuts or []), len(wire)]
    decoder, renderer = Decoder(), dialect.renderer(turn(name))
    frames: list[Event] = []
    for start, end in itertools.pairwise(places):
        frames += [frame for event in decoder.feed(wire[start:end]) for frame in renderer.feed(event)]
    return frames


def settled(wire: bytes) -> str:
    """A stream without what is random in it."""
    text = re.sub(r"(msg_|chatcmpl-)[0-9a-f]{24}", r"\g<1>0", wire.decode())
    return re.sub(r'("created": ?)\d+', r"\g<1>0", text)


def outputs(name: str) -> dict[str, str]:
    frames = frames_of(messages.DIALECT, name)
    folded = {**messages.DIALECT.fold(frames), "id": "msg_0"}
    chunks = frames_of(chat.DIALECT, name)
    final = responses.DIALECT.fold(frames_of(responses.DIALECT, name))
    return {
        "messages.sse": settled(encode(frames)),
        "messages.json": json.dumps(folded, indent=1) + "\n",
        "chat.sse": settled(encode(chunks)),
        "chat.json": settled(json.dumps(chat.DIALECT.fold(chunks), indent=1).encode()) + "\n",
        "responses.json": json.dumps(final, indent=1) + "\n",
    }


@pytest.mark.parametrize("name", GOOD)
def test_golden(name: str) -> None:
    for file, text in outputs(name).items():
        assert text == (CASES / name / file).read_text(), file


@pytest.mark.parametrize("name", GOOD)
def test_blocks_balance(name: str) -> None:
    opened: list[int] = []
    closed: list[int] = []
    kinds = []
    for frame in frames_of(messages.DIALECT, name):
        assert frame.type == frame.data["type"]
        kinds.append(frame.type)
        match frame.type:
            case "content_block_start":
                assert len(opened) == len(closed)
                opened.append(frame.data["index"])
            case "content_block_delta":
                assert frame.data["index"] == opened[-1]
                assert len(opened) == len(closed) + 1
            case "content_block_stop":
                closed.append(frame.data["index"])
    assert opened == closed == list(range(len(opened)))
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


@given(
    st.sampled_from([messages.DIALECT, chat.DIALECT]), st.sampled_from(GOOD), st.lists(st.integers(0, 5000), max_size=6)
)
def test_any_cut_gives_the_same_frames(dialect: Dialect, name: str, cuts: list[int]) -> None:
    whole = settled(encode(frames_of(dialect, name)))
    assert settled(encode(frames_of(dialect, name, cuts))) == whole


@pytest.mark.parametrize("name", GOOD)
def test_responses_is_the_stream_itself(name: str) -> None:
    wire = Decoder().feed((CASES / name / "upstream.sse").read_bytes())
    events = [event for event in wire if event.type.startswith("response.")]
    frames = frames_of(responses.DIALECT, name)
    assert [frame.type for frame in frames] == [event.type for event in events]
    for number, (frame, event) in enumerate(zip(frames, events, strict=True)):
        ours, theirs = frame.data, event.data
        assert ours["sequence_number"] == number
        theirs["sequence_number"] = number  # a numbered event that is not for the public was left out of one case
        if "response" not in theirs:
            assert ours == theirs
            continue
        said, asked = theirs.pop("response"), ours.pop("response")
        assert ours == theirs
        client = {*ASKED, *ALWAYS, "model", "output"}  # what is the client's, or made whole
        assert {name: value for name, value in said.items() if name not in client}.items() <= asked.items()
        assert asked.keys() >= {*ASKED, *ALWAYS, "id", "model"}
    assert asked["output"]
    assert not said["output"]


@pytest.mark.parametrize("name", GOOD)
def test_the_librarys_own_accumulator_makes_of_the_stream_what_we_make_of_it(name: str) -> None:
    from openai._models import construct_type_unchecked
    from openai.lib.streaming.responses._responses import ResponseStreamState
    from openai.types.responses import Response, ResponseStreamEvent

    state: Any = ResponseStreamState(input_tools=[], text_format=NOT_GIVEN)
    frames, final = frames_of(responses.DIALECT, name), None
    for frame in frames:
        for event in state.handle_event(construct_type_unchecked(type_=ResponseStreamEvent, value=frame.data)):
            final = getattr(event, "response", final)
    assert final is not None
    whole = frames[-1].data["response"]
    assert whole == responses.DIALECT.fold(frames)
    Response.model_validate(whole)
    left = {"parsed", "parsed_arguments"}
    assert cut(final.to_dict(exclude_unset=False, mode="json"), left) == cut(
        Response.construct(**whole).to_dict(exclude_unset=False, mode="json"), left
    )


def cut(value: Any, left: set[str]) -> Any:
    """A value without some keys, wherever they are."""
    if isinstance(value, dict):
        return {key: cut(inner, left) for key, inner in value.items() if key not in left}
    return [cut(inner, left) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dialect", [messages.DIALECT, chat.DIALECT])
@pytest.mark.parametrize("name", [name for name in BROKEN if not name.startswith("truncated")])
def test_failures_commit_nothing(dialect: Dialect, name: str) -> None:
    renderer = dialect.renderer(turn(name))
    frames: list[Event] = []
    events = Decoder().feed((CASES / name / "upstream.sse").read_bytes())
    with pytest.raises(Problem) as caught:
        frames.extend(frame for event in events for frame in renderer.feed(event))
    assert frames == []
    assert caught.value.code == name.removeprefix("failed_").replace("error_event", "server_error")


@pytest.mark.parametrize("dialect", [messages.DIALECT, chat.DIALECT, responses.DIALECT])
def test_a_stream_without_an_end_is_no_answer(dialect: Dialect) -> None:
    with pytest.raises(Problem):
        dialect.fold(frames_of(dialect, "truncated_no_terminal"))


def as_history(message: dict[str, Any]) -> dict[str, Any]:
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
        for block in message["content"]
        if block["type"] == "tool_use"
    ]
    return {
        "model": "gpt-5.5",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": message["content"]},
            {"role": "user", "content": [*results, {"type": "text", "text": "go on"}]},
        ],
    }


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_comes_back_as_history(name: str) -> None:
    answer = messages.DIALECT.fold(frames_of(messages.DIALECT, name))
    items = messages.DIALECT.read(as_history(answer), {}).body["input"]
    assert items[0]["content"][0]["text"] == "hi"
    assert items[-1]["content"][0]["text"] == "go on"
    assert not any("id" in item for item in items)
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert calls == [item["call_id"] for item in items if item["type"] == "function_call_output"]
    known = {"message", "reasoning", "function_call", "function_call_output"}
    assert {item["type"] for item in items} <= known
    theirs = responses.DIALECT.fold(frames_of(responses.DIALECT, name))["output"]
    kinds = [item["type"] for item in theirs]
    if set(kinds) <= known and kinds != ["reasoning"]:
        for ours, original in zip(items[1:], theirs, strict=False):
            same = {
                key: original[key] for key in ("type", "encrypted_content", "arguments", "phase") if key in original
            }
            assert same.items() <= ours.items()


def as_messages(message: dict[str, Any]) -> dict[str, Any]:
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in message.get("tool_calls") or []
    ]
    said = [{"role": "user", "content": "hi"}, message, *results, {"role": "user", "content": "go on"}]
    return {"model": "gpt-5.5", "messages": said}


@pytest.mark.parametrize("name", GOOD)
def test_a_chat_answer_comes_back_as_history(name: str) -> None:
    message = chat.DIALECT.fold(frames_of(chat.DIALECT, name))["choices"][0]["message"]
    items = chat.DIALECT.read(as_messages(message), {}).body["input"]
    check_input(items, lambda sealed: True)  # the strict simulator's own
    assert items[0]["content"][0]["text"] == "hi"
    assert items[-1]["content"][0]["text"] == "go on"
    theirs = responses.DIALECT.fold(frames_of(responses.DIALECT, name))["output"]
    kept = [item for item in theirs if item["type"] in ("message", "function_call", "custom_tool_call")]
    ours = [item for item in items[1:-1] if not item["type"].endswith("_output")]
    for one, original in zip(ours, kept, strict=True):
        same = {key: original[key] for key in ("type", "call_id", "name", "arguments", "input") if key in original}
        assert same.items() <= one.items()


if __name__ == "__main__":
    for case in GOOD:
        for file, text in outputs(case).items():
            (CASES / case / file).write_text(text)
