"""Turns that go on from earlier ones: what they refer to is put in, and their answers are kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
import trio

from rotom.gateway import TIDY_SECONDS, memory
from rotom.gateway.memory import drafted, may_go
from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.state.answers import Answers, Bounds, Kept
from rotom.turn import Turn, input_text, message, output_text

SECOND: Json = message("user", [input_text("and then?")])


def turn(*items: Any, previous: str | None = None, keep: bool = True) -> Turn:
    return Turn({"model": "gpt-5.5", "input": list(items)}, "gpt-5.5", previous=previous, keep=keep)


def response(id: str = "resp_1", status: str = "completed") -> Json:
    said = {"id": "msg_1", **message("assistant", [output_text("yes")])}
    thought = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    return {"id": id, "status": status, "output": [thought, said]}


async def remembered(house: Any, answers: Answers | None = None, **more: Any) -> None:
    plan = await house.gateway.plan(turn(message("user", [input_text("first")]), **more), answers)
    await house.gateway.remember(plan, response(), answers)


async def test_a_turn_goes_on_from_an_answer(house: Any) -> None:
    await remembered(house)
    plan = await house.gateway.plan(turn(SECOND, previous="resp_1"))
    kinds = [item["type"] for item in plan.turn.body["input"]]
    assert kinds == ["message", "reasoning", "message", "message"]
    assert plan.own == (SECOND,)
    assert plan.parent is house.gateway.answers.get("resp_1")


async def test_references_are_put_in(house: Any) -> None:
    await remembered(house)
    plan = await house.gateway.plan(turn(SECOND, *({"type": "item_reference", "id": id} for id in ("rs_1", "msg_1"))))
    assert [item.get("id") for item in plan.turn.body["input"]] == [None, "rs_1", "msg_1"]
    assert plan.turn.body["input"][1]["encrypted_content"] == "sealed"


@pytest.mark.parametrize("whose", [("openai", "another account"), ("grok", None)])
async def test_reasoning_of_another_is_left_out(house: Any, whose: tuple[str, str | None]) -> None:
    plan = await house.gateway.plan(turn(SECOND))
    made = await drafted(response(), plan.own)
    house.gateway.answers.keep(made, None, *whose)
    for asked in (turn(SECOND, previous="resp_1"), turn({"type": "item_reference", "id": "rs_1"}, SECOND)):
        plan = await house.gateway.plan(asked)
        assert {item["type"] for item in plan.turn.body["input"]} == {"message"}


async def test_unknown_ids(house: Any) -> None:
    with pytest.raises(Problem) as caught:
        await house.gateway.plan(turn(SECOND, previous="resp_x"))
    problem = caught.value
    assert (problem.kind, problem.code) == (Kind.INVALID, "previous_response_not_found")
    assert problem.message == "Previous response with id 'resp_x' not found."
    assert problem.param == "previous_response_id"
    with pytest.raises(Problem) as caught:
        await house.gateway.plan(turn({"type": "item_reference", "id": "rs_x"}))
    assert caught.value.kind is Kind.NOT_FOUND
    assert caught.value.message.startswith("Item with id 'rs_x' not found.")
    for asked in (turn(SECOND, previous="x" * 10_000), turn({"type": "item_reference", "id": "x" * 10_000})):
        with pytest.raises(Problem) as caught:
            await house.gateway.plan(asked)
        assert len(caught.value.message) < 500


async def test_each_item_is_put_in_once(house: Any) -> None:
    await remembered(house)
    reference = {"type": "item_reference", "id": "msg_1"}
    with pytest.raises(Problem) as caught:
        await house.gateway.plan(turn(reference, reference))
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "input")
    assert caught.value.message.startswith("Duplicate item found with id msg_1.")
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    plan = await house.gateway.plan(turn(reasoning, SECOND, reasoning))
    assert [item.get("encrypted_content") for item in plan.turn.body["input"]] == ["sealed", None, None]


async def test_a_long_conversation_is_made_items_beside_the_loop(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await remembered(house)
    monkeypatch.setattr(memory, "LARGE", 10)
    threads = set()
    real = Kept.conversation

    def seen(self: Kept) -> Any:
        threads.add(threading.get_ident())
        return real(self)

    monkeypatch.setattr(Kept, "conversation", seen)
    plan = await house.gateway.plan(turn(SECOND, previous="resp_1"))
    assert len(plan.turn.body["input"]) == 4
    assert threads.isdisjoint({threading.get_ident()})
    assert threads


@pytest.mark.parametrize(("status", "kept"), [("completed", 1), ("incomplete", 1), ("failed", 0), ("cancelled", 0)])
async def test_what_is_kept(house: Any, status: str, kept: int) -> None:
    plan = await house.gateway.plan(turn(SECOND))
    await house.gateway.remember(plan, response(status=status))
    await house.gateway.remember(replace(plan, turn=turn(SECOND, keep=False)), response("resp_2"))
    assert len(house.gateway.answers) == kept


async def test_answers_of_ones_own(house: Any) -> None:
    own = Answers(Bounds(1 << 20, 10, 60.0), behind=house.gateway.answers)
    await remembered(house, own, keep=False)
    assert len(own) == 1
    assert len(house.gateway.answers) == 0
    plan = await house.gateway.plan(turn(SECOND, previous="resp_1"), own)
    assert len(plan.turn.body["input"]) == 4
    with pytest.raises(Problem):
        await house.gateway.plan(turn(SECOND, previous="resp_1"))


async def test_long_ones_are_made_ready_in_a_thread() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * (2 << 20)}
    item = message("user", [picture])
    assert (await drafted(response(), (item,))).asked[0].count(b"A") >= 2 << 20


def test_whose_an_item_is() -> None:
    item = {"rotom_provider": "p", "rotom_model": "m", "rotom_account": "a"}
    assert may_go(item, "p", "m", "a")
    assert not may_go(item, "q", "m", "a")
    assert not may_go(item, "p", "n", "a")
    assert not may_go(item, "p", "m", "b")
    assert may_go({}, "p", "m", None)
    assert may_go("junk", "p", "m", None)


async def test_what_is_old_goes_by_itself(house: Any, quick_clock: Any) -> None:
    now = 0.0
    kept = house.gateway.answers = Answers(Bounds(1 << 20, 10, 3600.0), clock=lambda: now)
    await remembered(house)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.gateway.tidy)
        await trio.sleep(TIDY_SECONDS + 1)
        assert len(kept) == 1
        now = 3601.0
        await trio.sleep(TIDY_SECONDS)
        assert len(kept) == 0
        nursery.cancel_scope.cancel()


async def test_the_bounds_are_settings(house: Any) -> None:
    before = house.gateway.answers.bounds
    assert (before.bytes, before.count, before.age) == (256 << 20, 1000, 86400)
    await remembered(house)
    house.gateway.reload(replace(house.config, answers_count=7))
    assert house.gateway.answers.bounds.count == 7
    assert len(house.gateway.answers) == 1
