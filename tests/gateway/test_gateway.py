"""The gateway against the strict simulator: dead attempts are never noticed, and everything else is."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from rotom.gateway.standing import statuses
from rotom.problem import Kind, Problem
from rotom.sse import Event
from rotom.turn import Turn, input_text, message

USER = message("user", [input_text("hello")])


def turn(*items: Any, model: str = "gpt-5.5") -> Turn:
    return Turn({"model": model, "instructions": "", "input": list(items) or [USER]}, model)


async def text_of(house: Any, asked: Turn) -> tuple[str, Any]:
    """The text of an answer, and the answer."""
    plan = await house.gateway.plan(asked)
    text = ""
    async with house.gateway.run(plan) as answer:
        async for events in answer:
            text += "".join(e.data["delta"] for e in events if e.type == "response.output_text.delta")
    return text, answer


async def test_an_answer(house: Any) -> None:
    house.simulator.script("text")
    text, answer = await text_of(house, turn())
    assert text
    assert (answer.served, answer.retries) == ("gpt-5.5", 0)
    assert answer.usage["input_tokens"] > 0


@pytest.mark.parametrize("scenario", ["overload", "overloaded", "http_500", "http_502", "eof_at_once", "cut_at_once"])
async def test_a_dead_attempt_leaves_no_trace(house: Any, scenario: str, quick_clock: Any) -> None:
    house.simulator.script(scenario, "text")
    text, answer = await text_of(house, turn())
    assert text
    assert answer.retries == 1
    assert len(house.simulator.questions()) == 2


async def test_three_attempts_and_no_more(house: Any, quick_clock: Any) -> None:
    house.simulator.script(*["overload"] * 9)
    with pytest.raises(Problem) as caught:
        await text_of(house, turn())
    assert caught.value.kind in (Kind.OVERLOADED, Kind.UNAVAILABLE)
    assert len(house.simulator.questions()) == 3


@pytest.mark.parametrize(
    "scenario",
    [
        *(
            "usage_limit",
            "failed_usage_limit",
            "http_400",
            "http_400_context",
            "http_403",
            "cloudflare",
            "http_404_model",
        ),
        *("usage_not_included", "failed_invalid_prompt", "failed_insufficient_quota", "http_413"),
    ],
)
async def test_what_will_not_pass_by_itself_is_asked_once(house: Any, scenario: str) -> None:
    house.simulator.script(*[scenario] * 3)
    with pytest.raises(Problem):
        await text_of(house, turn())
    assert len(house.simulator.questions()) == 1


@pytest.mark.parametrize("scenario", ["failed_late", "error_late", "cut", "eof"])
async def test_nothing_is_repeated_after_content(house: Any, scenario: str) -> None:
    house.simulator.script(scenario, "text")
    plan = await house.gateway.plan(turn())
    seen: list[Event] = []

    async def run() -> None:
        async with house.gateway.run(plan) as answer:
            async for events in answer:
                seen.extend(events)

    with pytest.raises(Problem) as caught:
        await run()
    assert any(event.type == "response.output_text.delta" for event in seen)
    assert caught.value.kind in (Kind.UPSTREAM, Kind.INTERNAL)
    assert len(house.simulator.questions()) == 1


async def test_a_refused_token_is_renewed_once(house: Any) -> None:
    house.simulator.script("http_401", "text")
    before = await house.gateway.keeper.token("openai")
    text, answer = await text_of(house, turn())
    assert text
    assert answer.retries == 1
    assert (await house.gateway.keeper.token("openai")).access != before.access


async def test_a_token_that_stays_refused_means_a_new_login(house: Any) -> None:
    house.simulator.script("http_401", "http_401", "text")
    with pytest.raises(Problem) as caught:
        await text_of(house, turn())
    assert caught.value.kind == Kind.UNAUTHENTICATED
    assert "rotom login" in caught.value.message
    assert caught.value.retry is False
    assert len(house.simulator.questions()) == 2


async def test_reasoning_that_the_provider_cannot_read_is_left_out(house: Any) -> None:
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "Zm9yZWlnbg==", "rotom_provider": "openai"}
    text, answer = await text_of(house, turn(USER, foreign, message("assistant", []), USER))
    assert text
    assert answer.retries == 1
    first, second = (received.body["input"] for received in house.simulator.questions())
    assert [item["type"] for item in first].count("reasoning") == 1
    assert [item["type"] for item in second].count("reasoning") == 0


async def test_silence_has_an_end(house: Any, quick_clock: Any) -> None:
    house.simulator.script("stall")
    began = trio.current_time()
    with pytest.raises(Problem) as caught:
        await text_of(house, turn())
    assert caught.value.code == "provider_silent"
    assert 300 <= trio.current_time() - began < 310
    await house.simulator.quiet()


async def test_a_provider_that_says_nothing_at_all_has_its_limit(build: Any, quick_clock: Any) -> None:
    async with build(first_byte_timeout="20") as house:
        house.simulator.script("mute", "text")
        began = trio.current_time()
        with pytest.raises(Problem) as caught:
            await text_of(house, turn())
        assert caught.value.kind == Kind.TIMEOUT
        assert 20 <= trio.current_time() - began < 25


async def test_a_slow_client_is_no_silent_provider(build: Any, quick_clock: Any) -> None:
    async with build(idle_timeout="20") as house:
        house.simulator.script(("long", {"rate": "100", "count": "30"}))
        plan = await house.gateway.plan(turn())
        async with house.gateway.run(plan) as answer:
            async for _ in answer:
                await trio.sleep(30)  # longer than the provider's limit, but it is ours
                break
            async for _ in answer:
                pass
        assert answer.usage is not None


async def test_who_leaves_early_stops_the_provider(house: Any) -> None:
    house.simulator.script(("long", {"rate": "50", "count": "5000"}))
    plan = await house.gateway.plan(turn())
    async with house.gateway.run(plan) as answer:
        async for _ in answer:
            break
    with trio.fail_after(1):
        await house.simulator.quiet()


async def test_limits_are_remembered_and_told(house: Any) -> None:
    await text_of(house, turn())
    (login,) = await statuses(house.gateway)
    assert {window.minutes for window in login.windows} == {300, 10080}
    assert not any(received.path.endswith("/usage") for received in house.simulator.requests)


async def test_limits_are_asked_for_when_nothing_is_known(house: Any) -> None:
    (login,) = await statuses(house.gateway)
    assert {window.minutes for window in login.windows} == {300, 10080}
    assert [received.path for received in house.simulator.requests][-1].endswith("/wham/usage")


async def test_limits_are_asked_for_again_with_a_renewed_token(house: Any) -> None:
    house.simulator.issuer_state.expire_access()
    (login,) = await statuses(house.gateway)
    assert (login.problem, login.active) == (None, True)
    assert {window.minutes for window in login.windows} == {300, 10080}


async def test_a_login_that_is_over_says_what_to_do(house: Any) -> None:
    house.simulator.issuer_state.end()
    (login,) = await statuses(house.gateway)
    assert login.active is False
    assert "rotom login" in login.problem


async def test_what_goes_upstream_is_from_the_allow_list(house: Any) -> None:
    asked = turn()
    asked = asked.with_body(temperature=1, metadata={"a": "b"}, max_output_tokens=5, user="x", store=True)
    await text_of(house, asked)
    (received,) = house.simulator.questions()
    assert received.body["store"] is False
    assert not {"temperature", "metadata", "max_output_tokens", "user"} & set(received.body)
