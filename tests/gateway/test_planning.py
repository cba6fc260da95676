"""Which login a turn is asked of, with which model, and with what. More of it: bonds, memory, switching."""

from __future__ import annotations

from typing import Any

import pytest

import rotom.gateway.planning as planning
from rotom.problem import Kind, Problem
from rotom.turn import Turn, input_text, message

USER = message("user", [input_text("hello")])


def turn(*items: Any, model: str = "gpt-5.5", **body: Any) -> Turn:
    return Turn({"model": model, "instructions": "", "input": list(items) or [USER], **body}, model)


async def test_without_a_login(build: Any) -> None:
    async with build(login=False) as house:
        with pytest.raises(Problem) as caught:
            await house.gateway.plan(turn())
        assert caught.value.kind == Kind.UNAUTHENTICATED
        assert "rotom login" in caught.value.message


async def test_a_login_made_meanwhile_is_served(build: Any) -> None:
    async with build(login=False) as house:
        with pytest.raises(Problem):
            await house.gateway.plan(turn())
        await house.log_in()
        assert (await house.gateway.plan(turn())).login == "openai"


async def test_reasoning_of_another_provider_never_leaves(house: Any) -> None:
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "x", "rotom_provider": "grok"}
    plan = await house.gateway.plan(turn(foreign, USER))
    assert [item["type"] for item in plan.turn.body["input"]] == ["message"]


async def test_an_effort_in_the_name_of_a_model_wins_and_is_told(house: Any) -> None:
    plan = await house.gateway.plan(turn(model="gpt-5.5-high", reasoning={"effort": "low", "summary": "auto"}))
    assert plan.model.id == "gpt-5.5"
    assert plan.turn.body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert plan.receipt.mapped == (("effort:low", "high"),)


async def test_a_model_that_draws_answers_no_questions(house: Any) -> None:
    with pytest.raises(Problem, match="makes images") as caught:
        await house.gateway.plan(turn(model="gpt-image-2"))
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "model")


async def test_long_questions_are_counted_in_a_thread_and_the_same(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    short = await house.gateway.count(turn())
    monkeypatch.setattr(planning, "MANY", 0)
    monkeypatch.setattr(planning, "LONG", 0)
    assert await house.gateway.count(turn()) == short
    assert short.tokens > 0
    monkeypatch.setattr(planning, "QUICK", 0)
    assert "input_tokens" not in (await house.gateway.plan(turn())).turn.extra
