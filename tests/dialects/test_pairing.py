"""Calls and results, paired; the laws are with the dialects' histories, which pair through it."""

from __future__ import annotations

import time
from typing import Any

from rotom.dialects.pairing import UNANSWERED, Run, add_said, pair
from rotom.turn import input_text, message, output_text


def call(name: str, kind: str = "function_call") -> dict[str, Any]:
    return {"type": kind, "call_id": name, "name": "run"}


def result(name: str, output: Any = "ok") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": name, "output": output}


def test_what_the_assistant_says_in_a_row_is_one_run() -> None:
    runs: list[Run] = []
    for items in ([call("a")], [call("b")]):
        add_said(runs, items)
    assert runs == [(True, [call("a"), call("b")])]


def test_results_stand_behind_the_calls_in_their_order_and_have_their_kind() -> None:
    runs: list[Run] = [
        (True, [call("a"), call("b", "custom_tool_call")]),
        (False, [result("b", "B")]),
        (False, [message("developer", [input_text("note")])]),
        (False, [result("a", "A")]),
    ]
    items = pair(runs)
    assert [item["type"] for item in items[2:]] == ["function_call_output", "custom_tool_call_output", "message"]
    assert [item.get("output") for item in items[2:4]] == ["A", "B"]


def test_what_has_no_other_half_is_completed() -> None:
    runs: list[Run] = [(False, [result("x", "odd")]), (True, [call("a", "custom_tool_call")])]
    stray, _, answer = pair(runs)
    assert [part["text"] for part in stray["content"]] == ["[the result of an earlier tool call]", "odd"]
    assert answer == {"type": "custom_tool_call_output", "call_id": "a", "output": UNANSWERED}


def test_an_id_that_comes_twice_is_made_two() -> None:
    runs: list[Run] = [
        (True, [call("a")]),
        (False, [result("a", "1")]),
        (True, [call("a")]),
        (False, [result("a", "2")]),
    ]
    assert [(item["call_id"], item.get("output")) for item in pair(runs)] == [
        ("a", None),
        ("a", "1"),
        ("a_2", None),
        ("a_2", "2"),
    ]


def test_an_id_that_comes_thousands_of_times_costs_no_more_than_thousands_of_ids() -> None:
    runs: list[Run] = [
        *((False, [result("a")]) for _ in range(20_000)),
        (True, [call("a") for _ in range(20_000)]),
        *((False, [result("a", str(number))]) for number in range(20_000)),
        *((False, [result("b")]) for _ in range(20_000)),
    ]
    begun = time.process_time()
    items = pair(runs)
    assert time.process_time() - begun < 5, "it is 0.2 s, and minutes if one of the many is looked for among all others"
    assert [item["type"] for item in items].count("message") == 40_000
    assert [item["output"] for item in items[-40_000:-20_000]] == [str(number) for number in range(20_000)]
    assert len({item["call_id"] for item in items if item["type"] == "function_call"}) == 20_000


def test_phases_are_told_from_what_follows() -> None:
    said = [message("assistant", [output_text("look")]), call("a"), message("assistant", [output_text("end")])]
    user: Run = (False, [message("user", [input_text("on")])])
    items = pair([(True, said), user])
    assert [item.get("phase") for item in items if item.get("role") == "assistant"] == ["commentary", "final_answer"]
