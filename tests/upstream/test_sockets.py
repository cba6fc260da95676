"""Turns on WebSockets, through the whole of rotom against the strict simulator: what is saved, and that nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trio

from rotom.problem import Kind, Problem
from rotom.simulator import HANDSHAKE, scenarios
from rotom.simulator import sockets as simulated
from rotom.simulator.play import Reply, detail, error, unauthorized
from rotom.sse import Event, Json, encode
from rotom.turn import Turn, input_text, message
from rotom.upstream import sockets, websocket
from rotom.upstream.keeper import ASKED
from rotom.upstream.websocket import Socket

USER = message("user", [input_text("hello")])
SAID = message("assistant", [{"type": "output_text", "text": "hi", "annotations": []}])
TOOL = {
    "name": "Write",
    "description": "writes",
    "input_schema": {
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["file_path", "content"],
    },
}


def turn(*items: Json, session: str | None = "s", **more: Any) -> Turn:
    body = {"model": "gpt-5.5", "instructions": "", "input": list(items) or [USER], **more}
    return Turn(body, "gpt-5.5", session=session)


async def run(house: Any, asked: Turn) -> tuple[str, list[Json], Any]:
    """The text and the items of an answer, and the answer."""
    text, items = "", []
    async with house.gateway.run(await house.gateway.plan(asked)) as answer:
        async for events in answer:
            text += "".join(e.data["delta"] for e in events if e.type == "response.output_text.delta")
            items += [e.data["item"] for e in events if e.type == "response.output_item.done"]
    return text, items, answer


def handshakes(house: Any) -> list[Any]:
    return [r for r in house.simulator.requests if r.method == "GET" and r.path.endswith("/codex/responses")]


def ways(house: Any) -> list[str]:
    """How each question came."""
    return [received.method for received in house.simulator.questions()]


def hear(house: Any) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    house.gateway.say = lambda level, sentence: said.append((level, sentence))
    return said


@pytest.fixture
def over(build: Any) -> Any:
    """A house whose turns go by WebSocket."""
    return lambda **settings: build(**{"upstream_transport": "websocket"} | settings)


async def test_a_loop_of_tool_calls_sends_what_is_new(over: Any) -> None:
    async with over() as house:
        told: list[Json] = [{"role": "user", "content": "Create a file hello.txt with the text hi"}]
        for _ in range(3):
            body = {"model": "gpt-5.5", "max_tokens": 9000, "messages": told, "tools": [TOOL]}
            body["thinking"] = {"type": "enabled", "budget_tokens": 5000}
            said = (await house.client.post("/v1/messages", json=body)).json()["content"]
            results = [{"type": "tool_result", "tool_use_id": b["id"], "content": "ok"} for b in said if "input" in b]
            told += [{"role": "assistant", "content": said}, {"role": "user", "content": results or "say yes"}]
        assert [block["type"] for block in told[1]["content"]] == ["thinking", "text", "tool_use"]
        assert len(handshakes(house)) == 1
        first, second, third = (received.body for received in house.simulator.questions())
        assert ways(house) == ["WEBSOCKET"] * 3
        assert first["type"] == "response.create"
        assert "previous_response_id" not in first
        assert [item["type"] for item in second["input"]] == ["function_call_output"]
        assert [item["type"] for item in third["input"]] == ["message"]
        assert second["tools"] == first["tools"]
        assert second["previous_response_id"] != third["previous_response_id"]
        assert not any(received.gone for received in house.simulator.questions())


async def test_the_handshake_says_who_asks_and_nothing_else(over: Any) -> None:
    async with over() as house:
        await run(house, turn())
        headers = handshakes(house)[0].headers
        assert headers["openai-beta"] == "responses_websockets=2026-02-06"
        assert headers["session-id"] == headers["thread-id"] == headers["x-client-request-id"]
        assert set(headers) - {name for name in headers if name.startswith("sec-websocket-")} == {
            *("authorization", "chatgpt-account-id", "originator", "user-agent", "version"),
            *("openai-beta", "session-id", "thread-id", "x-client-request-id", "host", "upgrade", "connection"),
        }


async def test_what_comes_back_changed_is_sent_whole(over: Any) -> None:
    async with over() as house:
        _, items, _ = await run(house, turn())
        await run(house, turn(USER, {**SAID, "content": [{"type": "output_text", "text": "I said this"}]}, USER))
        await run(house, turn(USER, *items, USER, instructions="other"))
        bodies = [received.body for received in house.simulator.questions()]
        assert not any("previous_response_id" in body for body in bodies)
        assert [len(body["input"]) for body in bodies] == [1, 3, 2 + len(items)]


@pytest.mark.parametrize("ending", ["max_output_tokens", "refusal"])
async def test_only_a_whole_answer_is_gone_on_from(over: Any, ending: str) -> None:
    async with over() as house:
        house.simulator.script(ending)
        _, items, answer = await run(house, turn())
        await run(house, turn(USER, *items, USER))
        assert ("previous_response_id" in house.simulator.questions()[1].body) == answer.whole


# The same over both ways --------------------------------------------------------------------------------------------------

UNLIKE = {
    "flood": "is made of HTTP's chunks",
    "paced": "tells the time",
    "silent": "is a head without events, and there are no heads",
    "cut_at_once": "is asked again by HTTP",
}
"""Scenarios that cannot end the same, and why."""


async def outcome(house: Any, name: str) -> Any:
    house.simulator.script(*[(name, {"count": "9"} if name == "long" else {})] * 9)
    try:
        text, items, answer = await run(house, turn(tools=[{"type": "function", "name": "f", "parameters": None}]))
    except Problem as problem:
        return problem.kind, problem.code, problem.retry
    finally:
        house.simulator._scripts.clear()
    return text, [item["type"] for item in items], answer.usage, answer.whole, answer.served


@pytest.mark.parametrize("part", range(4))
async def test_every_scenario_ends_the_same_by_either_way(build: Any, part: int, quick_clock: Any) -> None:
    names = sorted(set(scenarios.SCENARIOS) - set(UNLIKE))[part::4]
    limits = {"idle_timeout": "20", "first_byte_timeout": "20"}
    async with build(**limits) as house:
        by_http = {name: await outcome(house, name) for name in names}
    by_socket = {}
    async with build(upstream_transport="websocket", **limits) as house:
        for name in names:
            by_socket[name] = await outcome(house, name)
            house.gateway.sockets._off.clear()
        assert "WEBSOCKET" in ways(house)
    assert by_socket == by_http


# HTTP in its place --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("transport", "level"), [("websocket", "warning"), ("auto", "info")])
async def test_a_provider_without_websockets(build: Any, transport: str, level: str, quick_clock: Any) -> None:
    async with build(upstream_transport=transport) as house:
        said = hear(house)
        house.simulator.websockets = False
        for _ in range(3):
            text, _, _ = await run(house, turn(USER, SAID, USER))
            assert text
        assert ways(house) == ["POST"] * 3
        assert len(handshakes(house)) == 1  # it is remembered
        assert [entry[0] for entry in said] == [level]
        assert "426" in said[0][1]
        house.simulator.websockets = True
        await trio.sleep(601)
        await run(house, turn(USER, SAID, USER))
        assert ways(house)[-1] == "WEBSOCKET"
        house.simulator.websockets = False
        await trio.sleep(601)
        await run(house, turn(USER, SAID, USER))
        assert ways(house)[-1] == "POST"
        assert [entry for entry in said if entry[0] != "debug"] == said[:1]  # once is enough


@pytest.mark.parametrize(
    "refusal", [detail(403, "no"), Reply(502, b"<html>"), error(429, "slow", "x"), detail(404, "x")]
)
async def test_a_handshake_that_is_refused(over: Any, refusal: Reply, quick_clock: Any) -> None:
    async with over() as house:
        house.simulator.script(refusal, path=HANDSHAKE)
        for _ in range(2):
            text, _, answer = await run(house, turn())
            assert text
            assert answer.retries == 0
        assert ways(house) == ["POST"] * 2
        await trio.sleep(61)
        await run(house, turn())
        assert ways(house)[-1] == "WEBSOCKET"


async def test_a_connection_that_breaks_before_the_first_event(over: Any) -> None:
    async with over() as house:
        house.simulator.script("cut_at_once")
        text, _, _ = await run(house, turn())
        assert text
        assert ways(house) == ["WEBSOCKET", "POST"]


async def test_a_socket_that_breaks_between_two_turns(over: Any) -> None:
    async with over() as house:
        _, items, _ = await run(house, turn())
        house.simulator.script("cut_at_once")
        text, _, answer = await run(house, turn(USER, *items, USER))
        assert text
        assert answer.retries == 0
        assert ways(house) == ["WEBSOCKET"] * 3  # everything was said again on a new one
        assert len(handshakes(house)) == 2
        assert "previous_response_id" not in house.simulator.questions()[-1].body


@pytest.mark.parametrize("code", ["previous_response_not_found", "websocket_connection_limit_reached"])
async def test_a_socket_that_forgot(over: Any, code: str) -> None:
    async with over() as house:
        _, items, _ = await run(house, turn())
        house.simulator.script(error(400, "no", code))
        text, _, answer = await run(house, turn(USER, *items, USER))
        assert text
        assert answer.retries == 0
        assert len(handshakes(house)) == 2
        assert [len(r.body["input"]) for r in house.simulator.questions()] == [1, 1, 2 + len(items)]


@pytest.mark.parametrize("scenario", ["cut", "eof", "failed_late", "error_late"])
async def test_nothing_is_repeated_after_content(over: Any, scenario: str) -> None:
    async with over() as house:
        house.simulator.script(scenario)
        with pytest.raises(Problem):
            await run(house, turn())
        assert ways(house) == ["WEBSOCKET"]
        await run(house, turn())
        assert len(handshakes(house)) == 2  # such a socket is not used again


async def test_a_provider_that_is_silent_is_not_asked_by_http_as_well(over: Any, quick_clock: Any) -> None:
    async with over(first_byte_timeout="7") as house:
        house.simulator.script("mute")
        began = trio.current_time()
        with pytest.raises(Problem, match="did not begin its answer within 7") as caught:
            await run(house, turn())
        assert (caught.value.kind, caught.value.retry) == (Kind.TIMEOUT, False)
        assert trio.current_time() - began == pytest.approx(7, abs=1)
        assert ways(house) == ["WEBSOCKET"]
        await house.simulator.quiet()


# Tokens -------------------------------------------------------------------------------------------------------------------


async def test_a_token_that_is_refused_in_the_handshake_is_renewed(over: Any) -> None:
    async with over() as house:
        before = await house.gateway.keeper.token("openai")
        house.simulator.script(unauthorized("token_expired", "sign in again"), path=HANDSHAKE)
        text, _, answer = await run(house, turn())
        assert text
        assert answer.retries == 1
        after = await house.gateway.keeper.token("openai")
        sent = [request.headers["authorization"] for request in handshakes(house)]
        assert sent == [f"Bearer {before.access}", f"Bearer {after.access}"]
        assert ways(house) == ["WEBSOCKET"]


async def test_a_token_that_stays_refused_is_the_end(over: Any) -> None:
    async with over() as house:
        house.simulator.script(*[unauthorized("token_expired", "x")] * 2, path=HANDSHAKE)
        with pytest.raises(Problem) as caught:
            await run(house, turn())
        assert caught.value.code == "login_over"
        assert ways(house) == []


async def test_a_renewed_token_gets_a_socket_of_its_own(over: Any) -> None:
    async with over() as house:
        _, items, _ = await run(house, turn())
        await house.gateway.keeper.renew("openai", ASKED)
        await run(house, turn(USER, *items, USER))
        assert len(handshakes(house)) == 2
        assert "previous_response_id" not in house.simulator.questions()[1].body


async def test_no_token_in_any_word(over: Any) -> None:
    async with over(log_level="debug") as house:
        said = hear(house)
        token = (await house.gateway.keeper.token("openai")).access
        house.simulator.script(detail(403, token), path=HANDSHAKE)
        await run(house, turn())
        await house.ask("hello", session="other")
        words = repr(said) + house.output.getvalue() + repr(house.gateway.sockets._all) + repr(house.gateway.sockets)
        assert token not in words


# Sockets ------------------------------------------------------------------------------------------------------------------


async def test_who_leaves_early_stops_the_provider(over: Any) -> None:
    async with over() as house:
        house.simulator.script(("long", {"rate": "50", "count": "5000"}))
        async with house.gateway.run(await house.gateway.plan(turn())) as answer:
            async for _ in answer:
                break
        with trio.fail_after(1):
            await house.simulator.quiet()
        assert house.simulator.questions()[0].gone
        assert all(socket.over for socket in house.gateway.sockets._all)


async def given_up(house: Any, arrived: Callable[[], bool]) -> None:
    """Ask, and give up a moment after the provider heard of it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, house, turn())
        with trio.fail_after(20):
            while not arrived():  # noqa: ASYNC110
                await trio.sleep(0.01)
            await trio.sleep(0.1)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("scenario", ["mute", "silent", "stall", ("slow_thinking", {"seconds": "100"})])
async def test_cancellation_at_any_moment(over: Any, scenario: Any) -> None:
    async with over() as house:
        house.simulator.script(scenario)
        await given_up(house, lambda: bool(ways(house)))
        with trio.fail_after(2):
            await house.simulator.quiet()
        text, _, _ = await run(house, turn())
        assert text


async def test_cancellation_in_the_handshake(over: Any) -> None:
    async with over() as house:
        house.simulator.script("mute", path=HANDSHAKE)
        await given_up(house, lambda: bool(handshakes(house)))
        assert house.gateway.sockets._all == []
        text, _, _ = await run(house, turn())
        assert text


async def test_turns_side_by_side_have_sockets_of_their_own_and_then_http(over: Any) -> None:
    async with over() as house:
        many = sockets.MOST_ALIKE + 2
        house.simulator.script(*[("slow_thinking", {"seconds": "0.5"})] * many)
        async with trio.open_nursery() as nursery:
            for _ in range(many):
                nursery.start_soon(run, house, turn())
        assert sorted(ways(house)) == ["POST"] * 2 + ["WEBSOCKET"] * sockets.MOST_ALIKE
        await run(house, turn())  # there are enough: one of them is used, though it remembers something else
        assert len(handshakes(house)) == sockets.MOST_ALIKE


async def test_fifty_conversations_at_once(over: Any) -> None:
    async with over() as house:

        async def talk(number: int) -> None:
            said = message("user", [input_text(f"say word{number}")])
            text, items, _ = await run(house, turn(said, session=str(number)))
            assert text == f"word{number}"
            more = message("user", [input_text("say more")])
            text, _, _ = await run(house, turn(said, *items, more, session=str(number)))
            assert text == "more"

        house.simulator.requests = type(house.simulator.requests)(maxlen=500)
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(talk, number)
        assert ways(house) == ["WEBSOCKET"] * 100
        assert len(handshakes(house)) == 50
        assert sum("previous_response_id" in received.body for received in house.simulator.questions()) == 50


async def test_the_number_of_sockets_is_bounded(over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MOST", 2)
    async with over() as house:
        for name in "abc":
            await run(house, turn(session=name))
        assert ways(house) == ["WEBSOCKET"] * 3
        assert len([socket for socket in house.gateway.sockets._all if not socket.over]) == 2
        house.simulator.script(*[("slow_thinking", {"seconds": "0.5"})] * 3)
        async with trio.open_nursery() as nursery:
            for name in "bcd":
                nursery.start_soon(run, house, turn(session=name))
        assert sorted(ways(house)[3:]) == ["POST", "WEBSOCKET", "WEBSOCKET"]


async def test_a_socket_is_left_before_its_hour_is_over(
    over: Any, quick_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert websocket.OLD_SECONDS < simulated.LIFE_SECONDS == 3600
    monkeypatch.setattr(websocket, "OLD_SECONDS", 550.0)
    async with over() as house:
        items: list[Json] = [USER]
        for _ in range(4):
            _, came, _ = await run(house, turn(*items))
            items += [*came, USER]
            await trio.sleep(200)
        assert len(handshakes(house)) == 2
        assert sum("previous_response_id" in r.body for r in house.simulator.questions()) == 2


async def test_the_answer_before_may_end_twice(over: Any) -> None:
    async with over() as house:
        house.simulator.script("text")
        _, items, _ = await run(house, turn())
        last = house.gateway.sockets._all[0].last
        again = Event("", data={"type": "response.done", "response": {"id": last}})

        def late(ask: Any) -> Any:
            yield again
            yield ask.pen.opening()
            yield list(ask.pen.text("a new answer"))
            yield ask.complete()

        house.simulator.script(late)
        text, _, _ = await run(house, turn(USER, *items, USER))
        assert text == "a new answer"


async def test_a_bug_in_a_socket_ends_that_socket_only(over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Socket) -> None:
        raise RuntimeError("a bug")

    async with over() as house:
        said = hear(house)
        with monkeypatch.context() as patched:
            patched.setattr(Socket, "_stay", broken)
            text, _, _ = await run(house, turn())
        assert text
        assert ("error", "a WebSocket to the provider ended by RuntimeError, which is a bug") in said
        assert (await run(house, turn(session="t")))[0]


# Settings, and what is learned --------------------------------------------------------------------------------------------


async def test_auto_asks_first_questions_by_http(build: Any) -> None:
    async with build(upstream_transport="auto") as house:
        _, items, _ = await run(house, turn())
        _, more, _ = await run(house, turn(USER, *items, USER))
        await run(house, turn(USER, *items, USER, *more, USER))
        assert ways(house) == ["POST", "WEBSOCKET", "WEBSOCKET"]
        assert "previous_response_id" in house.simulator.questions()[2].body


async def test_http_is_the_default_and_opens_nothing(house: Any) -> None:
    await run(house, turn())
    assert handshakes(house) == []
    assert house.gateway.sockets is None


async def test_limits_and_the_served_model_are_learned_from_events(over: Any) -> None:
    async with over() as house:
        _, items, _ = await run(house, turn())
        house.simulator.quota.primary = 55.0
        _, _, answer = await run(house, turn(USER, *items, USER))
        assert {w.minutes: w.used_percent for w in house.gateway.limits["openai"].windows}[300] == 55.0
        assert answer.served == "gpt-5.5"
        assert dict(answer.told)["x-codex-primary-used-percent"] == "55"


async def test_the_usage_limit_is_told_with_its_end(over: Any) -> None:
    async with over() as house:
        house.simulator.script("usage_limit")
        with pytest.raises(Problem) as caught:
            await run(house, turn())
        assert caught.value.code == "usage_limit_reached"
        assert caught.value.retry_after == pytest.approx(4851, abs=2)
        assert dict(caught.value.told)["x-codex-primary-used-percent"] == "100.0"
        assert ways(house) == ["WEBSOCKET"]


async def test_an_answer_without_an_end_is_ended(over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ANSWER_BYTES", 10_000)
    async with over() as house:
        delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "x" * 1000}
        house.simulator.script(Reply(200, encode([Event(delta["type"], data=delta)] * 20)))
        with pytest.raises(Problem) as caught:
            await run(house, turn())
        assert caught.value.code == "answer_too_long"


def test_nothing_of_it_is_loaded_before_it_is_wanted() -> None:
    script = "import sys, rotom.serve; print({'trio_websocket', 'rotom.upstream.sockets'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"
