"""Kept answers: conversations by pointers, shared texts, and the bounds on all of it."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.state.answers import Answers, Bounds, Kept, draft
from rotom.turn import input_text, message, output_text

BOUNDS = Bounds(10 << 20, 100, 3600.0)


def said(text: str, id: str | None = None) -> dict[str, Any]:
    item = message("assistant", [output_text(text)])
    return {"id": id, **item} if id else item


def user(text: str, **more: Any) -> dict[str, Any]:
    return {**message("user", [input_text(text)]), **more}


def reasoning(id: str) -> dict[str, Any]:
    return {"id": id, "type": "reasoning", "summary": [], "encrypted_content": "sealed"}


def keep(
    answers: Answers, name: str, parent: Kept | None = None, *items: Any, asked: str = "", **response: Any
) -> Kept | None:
    output = list(items) or [said(f"answer {name}", f"msg_{name}")]
    whole = {"id": f"resp_{name}", "object": "response", "output": output, "status": "completed", **response}
    return answers.keep(draft(whole, [user(asked or f"question {name}")]), parent, "openai", "acc")


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for item in items for part in item["content"]]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_comes_back_as_it_was() -> None:
    answers = Answers(BOUNDS)
    whole = {
        "id": "resp_1",
        "tools": [{"type": "x"}],
        "output": [said("hi", "msg_1")],
        "metadata": {},
        "usage": {"a": 1},
    }
    kept = answers.keep(draft(whole, [user("q")]), None, "openai")
    assert kept is not None
    assert kept.response == whole
    assert list(kept.response) == list(whole)
    assert answers.get("resp_1") is kept
    assert answers.get("resp_2") is None


def test_a_conversation_and_its_branches() -> None:
    answers = Answers(BOUNDS)
    first = keep(answers, "a")
    left, right = keep(answers, "b", first), keep(answers, "c", first)
    assert left is not None
    assert right is not None
    assert texts(left.conversation()) == ["question a", "answer a", "question b", "answer b"]
    assert texts(right.conversation()) == ["question a", "answer a", "question c", "answer c"]
    assert texts(right.context()) == ["question a", "answer a", "question c"]


def test_reasoning_says_whose_it_is() -> None:
    answers = Answers(BOUNDS)
    kept = keep(answers, "a", None, reasoning("rs_1"), said("x", "msg_1"))
    whose = {"rotom_provider": "openai", "rotom_account": "acc"}
    assert kept is not None
    assert kept.conversation()[1] == reasoning("rs_1") | whose
    assert answers.item("rs_1") == reasoning("rs_1") | whose
    assert kept.output[0] == reasoning("rs_1")
    # What was put in for a reference is not bound to that account in its next place.
    again = answers.keep(draft({"id": "resp_b", "output": []}, [answers.item("rs_1") or {}]), None, "openai", "other")
    assert again is not None
    assert again.input == [reasoning("rs_1")]


def test_every_item_can_be_referred_to() -> None:
    answers = Answers(BOUNDS)
    first = keep(answers, "a")
    second = answers.keep(draft({"id": "resp_b", "output": [said("y")]}, [user("x", id="msg_own")]), first, "openai")
    assert first is not None
    assert second is not None
    made = first.input[0]["id"]
    assert made.startswith("msg_a")
    assert texts([answers.item(made) or {}]) == ["question a"]
    assert texts([answers.item("msg_a") or {}]) == ["answer a"]
    assert answers.item("msg_own") == user("x", id="msg_own")
    for name in ("msg_", "msg_zi0", "msg_ai1", "msg_aix", "resp_a", "", "i"):
        assert answers.item(name) is None, name


def test_finding_an_item_costs_the_same_wherever_it_is() -> None:
    answers = Answers(BOUNDS)
    kept = answers.keep(draft({"id": "resp_a", "output": []}, [user("x") for _ in range(2000)]), None, "openai")
    assert kept is not None
    names = [item["id"] for item in kept.input]
    begun = time.process_time()
    assert all(answers.item(name) is not None for name in names)
    assert time.process_time() - begun < 5, "going through all of them each time takes half a minute"


def test_what_goes_takes_nothing_from_what_went_on_from_it() -> None:
    answers = Answers(Bounds(10 << 20, 2, 3600.0))
    first = keep(answers, "a")
    second = keep(answers, "b", first)
    third = keep(answers, "c", second)
    assert len(answers) == 2
    assert third is not None
    assert texts(third.conversation())[0] == "question a"
    assert answers.get("resp_a") is first, "it is in memory, so why not"
    for name in "xy":
        keep(answers, name)
    assert answers.get("resp_a") is answers.get("resp_c") is None
    assert answers.item("msg_a") is answers.item("msg_c") is None


def test_the_least_recently_used_goes_first() -> None:
    answers = Answers(Bounds(10 << 20, 2, 3600.0))
    keep(answers, "a")
    keep(answers, "b")
    answers.get("resp_a")
    keep(answers, "c")
    assert answers.get("resp_a")
    assert answers.get("resp_b") is None


def test_age() -> None:
    clock = Clock()
    answers = Answers(BOUNDS, clock=clock)
    keep(answers, "a")
    clock.now = 3000
    keep(answers, "b", answers.get("resp_a"))
    clock.now = 6601
    assert answers.get("resp_a") is None
    assert answers.item("msg_b") is None
    assert answers.bytes == 0


def test_nothing_is_kept_without_places() -> None:
    answers = Answers(Bounds(10 << 20, 0, 3600.0))
    keep(answers, "a")
    assert answers.get("resp_a") is None
    assert answers.bytes == 0


def test_bytes() -> None:
    answers = Answers(Bounds(1 << 20, 100, 3600.0))
    for number in range(20):
        assert keep(answers, f"{number}", asked=f"{number}" * 50_000) is not None
    assert answers.bytes <= 1 << 20
    assert answers.get("resp_19")
    assert answers.get("resp_0") is None
    before = len(answers)
    assert keep(answers, "big", asked="x" * (1 << 20)) is None, "others need not go for what is too long anyway"
    assert len(answers) == before
    parent = answers.get("resp_19")
    for number in range(100):
        parent = keep(answers, f"chain{number}", parent, asked=f"{number}" * 10_000)
        if parent is None:
            break
    assert parent is None, "a conversation has an end too"


def test_a_history_that_is_sent_each_time_is_in_memory_once() -> None:
    answers, history = Answers(BOUNDS), []
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
    for number in range(30):
        history.append(user(f"question {number}") | {"content": [picture]})
        answer = said(f"answer {number}", f"msg_{number}")
        response = {"id": f"resp_{number}", "output": [answer], "tools": [{"name": "t" * 30_000}]}
        answers.keep(draft(response, history), None, "openai")
        history.append(answer)
    assert len(answers) == 30
    assert answers.bytes < 300_000
    for number in range(30):
        answers.delete(f"resp_{number}")
    assert answers.bytes == 0


def test_deleting() -> None:
    answers = Answers(BOUNDS)
    first = keep(answers, "a")
    second = keep(answers, "b", first)
    assert answers.delete("resp_a") is True
    assert answers.delete("resp_a") is False
    assert answers.get("resp_a") is None
    assert second is not None
    assert len(second.conversation()) == 4
    assert answers.delete("resp_b") is True
    assert answers.bytes == 0


def test_the_same_id_again() -> None:
    answers = Answers(BOUNDS)
    first = keep(answers, "a")
    again = keep(answers, "a", first)
    assert answers.get("resp_a") is again
    assert again is not None
    assert len(again.conversation()) == 4
    answers.delete("resp_a")
    assert answers.bytes == 0


def test_one_store_behind_another() -> None:
    everybody = Answers(BOUNDS)
    own = Answers(BOUNDS, behind=everybody)
    first = keep(everybody, "a")
    assert own.get("resp_a") is first
    second = keep(own, "b", own.get("resp_a"))
    assert second is not None
    assert len(second.conversation()) == 4
    assert everybody.get("resp_b") is None
    assert own.item("msg_a") == everybody.item("msg_a")
    assert own.item(f"msg_ai{0:x}") is not None
    keep(own, "a")
    assert everybody.get("resp_a") is first
    assert own.delete("resp_a") is True
    assert own.get("resp_a") is first, "of a name that both have, one is left"


def test_stores_before_another_share_its_bytes() -> None:
    clock = Clock()
    everybody = Answers(Bounds(40_000, 100, 3600.0), clock=clock)
    fronts = [Answers(Bounds(20_000, 100, 3600.0), behind=everybody, clock=clock) for _ in range(5)]
    stores = [everybody, *fronts]
    for number, store in enumerate([*stores, *stores]):
        clock.now = number
        assert keep(store, str(number), asked="x" * 6_000) is not None
        assert sum(one.bytes for one in stores) <= 40_000
    there = [number for number, store in enumerate([*stores, *stores]) if store.get(f"resp_{number}") is not None]
    assert there == [8, 9, 10, 11], "what was needed least recently went first, whoever had it"
    fronts[-1].close()
    assert fronts[-1].bytes == len(fronts[-1]) == 0
    clock.now += 1
    keep(everybody, "more", asked="x" * 6_000)
    assert fronts[1].get("resp_8") is not None, "there was room again"


@given(
    st.lists(
        st.tuples(st.sampled_from(["keep", "get", "delete", "wait"]), st.integers(0, 8), st.integers(0, 8)), max_size=60
    )
)
def test_what_is_counted_is_what_is_there(steps: list[tuple[str, int, int]]) -> None:
    clock = Clock()
    answers = Answers(Bounds(30_000, 5, 10.0), clock=clock)
    for what, one, other in steps:
        if what == "keep":
            keep(answers, str(one), answers.get(f"resp_{other}"), asked="x" * other * 500)
        elif what == "get":
            if (found := answers.get(f"resp_{one}")) is not None:
                assert len(found.conversation()) == 2 * len(found.line())
                assert answers.item(f"msg_{one}") is not None
        elif what == "delete":
            answers.delete(f"resp_{one}")
        else:
            clock.now += one
        assert len(answers) <= 5
        assert 0 <= answers.bytes <= 30_000
    for number in range(9):
        answers.delete(f"resp_{number}")
    clock.now += 11
    answers.sweep()
    assert answers.bytes == 0
    assert answers.item("msg_0") is None


def input_of(number: int, kind: str) -> list[dict[str, Any]]:
    match kind:
        case "alike":
            return [user(f"{number} " * 1000) for _ in range(20)]
        case "tiny":
            return [user("x") for _ in range(300)]
        case "names":
            return [user("x", id=f"msg_{number}_{place}" + "y" * 3000) for place in range(10)]
    return [user(f"{number} " * 300)]


@pytest.mark.parametrize("kind", ["text", "alike", "tiny", "names"])
def test_bytes_are_bytes_of_memory(kind: str) -> None:
    answers = Answers(Bounds(1 << 30, 10_000, 3600.0))
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(80):
            whole = {"id": f"resp_{number:048x}", "output": [said("a", f"msg_{number:048x}")], "usage": {"tokens": 1}}
            answers.keep(draft(whole, input_of(number, kind)), None, "openai", "acc")
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.7 < taken / answers.bytes < 1.1
    for number in range(80):
        answers.delete(f"resp_{number:048x}")
    assert answers.bytes == 0


def test_an_id_that_is_none_is_made_anew() -> None:
    answers = Answers(BOUNDS)
    kept = answers.keep(draft({"id": "resp_a", "output": []}, [user("x", id=None), user("y", id=5)]), None, "openai")
    assert kept is not None
    assert [answers.item(item["id"]) for item in kept.input] == kept.input
