"""Turns are values: what changes one makes another."""

from __future__ import annotations

from rotom.turn import Turn, input_text, message, output_text


def test_a_changed_body_is_another_turn() -> None:
    body = {"model": "a", "input": [message("user", [input_text("hi")])]}
    first = Turn(body, "a", stream=True, session="s")
    second = first.with_body(model="b", tools=[])
    assert first.body == {"model": "a", "input": [message("user", [input_text("hi")])]}
    assert second.body == {"model": "b", "input": first.body["input"], "tools": []}
    assert (second.asked, second.stream, second.session) == ("a", True, "s")


def test_items() -> None:
    assert message("assistant", [output_text("x")]) == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x", "annotations": []}],
    }
