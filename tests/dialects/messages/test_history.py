"""Conversations -> input items; calls and results paired."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.messages.changes import loaded_tools
from rotom.dialects.messages.history import read_history, sign, unsign
from rotom.dialects.pairing import UNANSWERED
from rotom.problem import Problem

USER = {"role": "user", "content": "hi"}


def use(name: str = "t1", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "run", "input": given}


def result(name: str = "t1", content: Any = "ok", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": content, **more}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def told(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def brief(items: list[Any]) -> list[str]:
    """Items as short words."""
    out = []
    for item in items:
        match item["type"]:
            case "message":
                out.append(f"{item['role']}:{'+'.join(part.get('text', part['type']) for part in item['content'])}")
            case "function_call":
                out.append(f"call:{item['call_id']}")
            case "function_call_output":
                out.append(f"output:{item['call_id']}:{item['output']}")
            case kind:
                out.append(kind)
    return out


def test_a_turn_with_a_tool() -> None:
    items = read_history(
        [
            USER,
            {"role": "system", "content": [text("env")]},
            said({"type": "thinking", "thinking": "hm", "signature": "rotom1.openai.gA.A"}, text("look"), use(a="é")),
            told(result(), text("and?")),
            said(text("fine")),
            USER,
        ]
    )
    assert items == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "env"}]},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "gA.A",
            "rotom_provider": "openai",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "look", "annotations": []}],
            "phase": "commentary",
        },
        {"type": "function_call", "call_id": "t1", "name": "run", "arguments": '{"a":"é"}'},
        {"type": "function_call_output", "call_id": "t1", "output": "ok"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and?"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "fine", "annotations": []}],
            "phase": "final_answer",
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    ]


def test_the_form_of_the_content_does_not_matter() -> None:
    # Claude Code sends the same message as a string or as a block from one turn to the next (seen 2026-11).
    blocks = [told({**text("hi"), "cache_control": {}}), said(use()), told(result(content=[text("ok")]))]
    strings = [USER, said(use()), told(result())]
    assert read_history(blocks) == read_history(strings)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        # what stands between a call and its result goes behind it
        ([said(use()), {"role": "system", "content": "s"}, told(result())], ["call:t1", "output:t1:ok", "developer:s"]),
        ([said(use()), told(text("b"), result())], ["call:t1", "output:t1:ok", "user:b"]),
        # results in the order of their calls
        (
            [said(use("a"), use("b")), told(result("b", "2"), result("a", "1"))],
            ["call:a", "call:b", "output:a:1", "output:b:2"],
        ),
        # an answer in two messages is one answer
        (
            [said(use("a")), said(use("b")), told(result("a"), result("b"))],
            ["call:a", "call:b", "output:a:ok", "output:b:ok"],
        ),
        # nobody answered
        ([said(use()), USER], ["call:t1", f"output:t1:{UNANSWERED}", "user:hi"]),
        ([said(use())], ["call:t1", f"output:t1:{UNANSWERED}"]),
        # nobody called, or called once for two
        ([told(result())], ["user:[the result of an earlier tool call]+ok"]),
        (
            [said(use()), told(result(), result())],
            ["call:t1", "output:t1:ok", "user:[the result of an earlier tool call]+ok"],
        ),
        # the same id twice
        (
            [said(use()), told(result(content="1")), said(use()), told(result(content="2"))],
            ["call:t1", "output:t1:1", "call:t1_2", "output:t1_2:2"],
        ),
        # reasoning that led to nothing
        ([said({"type": "thinking", "thinking": "", "signature": "rotom1.openai.x"}), USER], ["user:hi"]),
        # another program's reasoning
        (
            [said({"type": "thinking", "thinking": "hm", "signature": "U0lHMQ=="}, text("x")), USER],
            ["assistant:x", "user:hi"],
        ),
        ([said({"type": "redacted_thinking", "data": "abc"}, text("x")), USER], ["assistant:x", "user:hi"]),
        # empty messages
        ([told(text("")), said(text("")), USER], ["user:hi"]),
    ],
)
def test_pairing(messages: list[Any], expected: list[str]) -> None:
    assert brief(read_history(messages)) == expected


@pytest.mark.parametrize(
    ("block", "output"),
    [
        (result(content=""), ""),
        (result(content=[]), ""),
        (result(content=None), ""),
        ({"type": "tool_result", "tool_use_id": "t1"}, ""),
        (result(content=[text("a"), text("b")]), "a\nb"),
        (result(content="Exit code 3", is_error=True), "[tool error]\nExit code 3"),
        (result(content="<tool_use_error>x", is_error=True), "<tool_use_error>x"),
        (result(content="fine", is_error=False), "fine"),
        (result(content=[{"type": "tool_reference", "tool_name": "W"}]), "The tool W is now available."),
        (
            result(content=[text("a"), {"type": "image", "source": {"type": "url", "url": "https://i"}}]),
            [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://i"}],
        ),
    ],
)
def test_results(block: Any, output: Any) -> None:
    assert read_history([said(use()), told(block)])[1]["output"] == output


def test_a_prefill_has_no_phase() -> None:
    assert "phase" not in read_history([USER, said(text("The answer is"))])[1]


def test_tools_that_servers_ran_are_told_as_text() -> None:
    found = [{"type": "web_search_result", "url": "https://a", "title": "A", "encrypted_content": "x"}]
    items = read_history(
        [
            said(
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "s1", "content": found},
                text("A it is"),
            ),
            USER,
        ]
    )
    assert [item["role"] for item in items] == ["developer", "developer", "assistant", "user"]
    assert "https://a" in items[1]["content"][0]["text"]
    assert "encrypted" not in items[1]["content"][0]["text"]


def test_an_image_of_the_assistant_keeps_its_place() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    items = read_history([said(text("here"), image), USER])
    assert brief(items) == ["assistant:here", "user:[the image that the assistant made]+input_image", "user:hi"]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("x", "messages"),
        (["x"], "messages.0"),
        ([{"role": "tool", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([USER, said({"type": "tool_use", "id": "a", "name": "b"})], "messages.1.content.0.input"),
        ([USER, said({"type": "tool_use", "id": "a", "input": {}})], "messages.1.content.0.name"),
        ([USER, said({"type": "mystery"})], "messages.1.content.0.type"),
        ([told({"type": "tool_result", "content": "x"})], "messages.0.content.0.tool_use_id"),
        ([told(result(content=[{"type": "mystery"}]))], "messages.0.content.0.content.0.type"),
    ],
)
def test_bad_messages_are_named(messages: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        read_history(messages)
    assert caught.value.param == param


def test_loaded_tools_in_order() -> None:
    def search(*names: str) -> Any:
        return told(result(content=[{"type": "tool_reference", "tool_name": name} for name in names]))

    assert loaded_tools([USER, search("B", "A"), search("C", "B"), "junk", told("junk", result())]) == ["B", "A", "C"]


@given(st.sampled_from(["openai", "grok"]), st.sampled_from(["", "gpt-5.5", "a/b.c", "grok-4.3"]), st.text(min_size=1))
def test_signatures(provider: str, model: str, blob: str) -> None:
    maker = f"{provider}/{model}" if model else provider
    assert unsign(sign(provider, blob, model)) == (maker, blob)


def test_reasoning_is_tied_to_its_model() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": sign("openai", "gAAA", "gpt-6.1-sol")}
    item = read_history([USER, said(block, text("look")), USER])[1]
    assert item["encrypted_content"] == "gAAA"
    assert (item["rotom_provider"], item["rotom_model"]) == ("openai", "gpt-6.1-sol")


def test_what_only_anthropics_servers_read_leaves_no_trace() -> None:
    marks = [
        {"type": "fallback", "from": {}, "to": {}},
        {"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": []},
    ]
    assert read_history([USER, said(*marks, text("a")), USER]) == read_history([USER, said(text("a")), USER])


def test_system_messages_for_one_turn_and_without_words() -> None:
    brief = {"role": "system", "content": "now", "clear_at": "next_user_message"}
    effort = {"role": "system", "output_config": {"effort": "low"}}
    assert [item["role"] for item in read_history([USER, brief, effort])] == ["user", "developer"]
    assert [item["role"] for item in read_history([USER, brief, said(text("a")), USER])] == [
        "user",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize(
    "signature", ["", "U0lHMQ==", "a.b.c", "rotom1..x", "rotom1.openai.", "rotom1.openai", 5, None]
)
def test_foreign_signatures(signature: Any) -> None:
    assert unsign(signature) is None


blocks_of = st.lists(
    st.one_of(
        st.sampled_from(["a", "a_2", "c"]).map(use),
        st.sampled_from(["a", "a_2", "c"]).map(result),
        st.just(text("x")),
        st.just({"type": "thinking", "thinking": "", "signature": "rotom1.openai.x"}),
    ),
    max_size=4,
)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), blocks_of), min_size=1, max_size=8))
def test_whatever_was_cut_the_calls_are_paired(messages: list[Any]) -> None:
    bad = {
        "user": ("tool_use", "thinking"),
        "assistant": ("tool_result",),
        "system": ("tool_use", "tool_result", "thinking"),
    }
    history = [
        {"role": role, "content": [block for block in blocks if block["type"] not in bad[role]]}
        for role, blocks in messages
    ]
    items = read_history(history)
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    outputs = [item["call_id"] for item in items if item["type"] == "function_call_output"]
    assert len(set(calls)) == len(calls)
    assert calls == outputs
    waiting: set[str] = set()
    for item, following in zip(items, [*items[1:], None], strict=False):
        if item["type"] == "function_call":
            waiting.add(item["call_id"])
        elif item["type"] == "function_call_output":
            waiting.remove(item["call_id"])
        else:
            assert not waiting or item["type"] in ("reasoning", "message")
        if item["type"] == "reasoning":
            assert following is not None
            assert following["type"] in ("reasoning", "function_call") or following.get("role") == "assistant"
    results = sum(block["type"] == "tool_result" for message in history for block in message["content"])
    strays = sum(name.startswith("user:[the result") for name in brief(items))
    answered = sum(item.get("output") == "ok" for item in items)
    assert answered + strays == results


def test_a_million_messages_are_refused_before_they_are_gone_through():
    with pytest.raises(Problem, match="at most 100000 items") as caught:
        read_history([None] * 1_000_000)
    assert caught.value.param == "messages"
