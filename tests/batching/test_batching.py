"""The worker of batches, in a whole rotom against the strict simulator: finished, polite, and never twice."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio

from rotom.batching import BACKOFF, Batching
from rotom.log import Log
from rotom.plain import helpers
from rotom.routes import DIALECTS
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import Play, Stall, Wait
from rotom.simulator.scenarios_ask import Ask

PATH = "/v1/messages/batches"


class Clock:
    """Unix time that a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def forward(self, house: Any, seconds: float) -> None:
        """So much time passes at once."""
        self.ahead += seconds
        house.batching.wake()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(build: Any, clock: Clock) -> Any:
    """Builds a house whose batches live by that clock."""
    return partial(build, clock=clock)


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> dict[str, Any]:
    params = {"model": "gpt-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "params": params | more}


async def create(house: Any, *requests: dict[str, Any]) -> str:
    response = await house.client.post(PATH, json={"requests": requests})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def get(house: Any, name: str) -> Any:
    return (await house.client.get(f"{PATH}/{name}")).json()


async def until(house: Any, name: str, true: Callable[[Any], bool]) -> Any:
    """Poll until that is true of the batch."""
    with trio.fail_after(10):
        while True:
            if true(batch := await get(house, name)):
                return batch
            await trio.sleep(0.02)


async def ended(house: Any, name: str) -> dict[str, int]:
    batch = await until(house, name, lambda batch: batch["processing_status"] == "ended")
    return {key: count for key, count in batch["request_counts"].items() if count}


async def results(house: Any, name: str) -> dict[str, Any]:
    lines = (await house.client.get(f"{PATH}/{name}/results")).text.splitlines()
    found = {value["custom_id"]: value["result"] for value in map(json.loads, lines)}
    assert len(found) == len(lines)
    return found


def prompts(house: Any) -> list[str]:
    """What was asked of the provider, in order."""
    return [received.body["input"][-1]["content"][0]["text"] for received in house.simulator.questions()]


def said(house: Any, words: str) -> list[Any]:
    return [line for line in house.log if words in line["message"]]


async def logged(house: Any, words: str, count: int = 1) -> None:
    """Wait until the log says that so often."""
    with trio.fail_after(10):
        while len(said(house, words)) < count:
            await trio.lowlevel.checkpoint()


async def test_each_request_is_asked_once_and_has_its_result(house: Any) -> None:
    name = await create(
        house, request("a"), request("b", "demo:http_400_context"), request("c", model="nothing-of-the-kind")
    )
    assert await ended(house, name) == {"succeeded": 1, "errored": 2}
    found = await results(house, name)
    assert found["a"]["message"]["content"] == [{"type": "text", "text": "OK"}]
    assert found["a"]["message"]["model"] == "gpt-5.5"
    assert found["a"]["message"]["stop_reason"] == "end_turn"
    for wrong in ("b", "c"):
        assert found[wrong]["error"]["type"] == "error"
        assert found[wrong]["error"]["error"]["type"] == "invalid_request_error"
    assert "nothing-of-the-kind" in found["c"]["error"]["error"]["message"]
    assert len(prompts(house)) == 2


async def test_no_more_than_the_setting_says_run_at_once(build: Any) -> None:
    most = 0

    def counted(ask: Ask) -> Play:
        nonlocal most
        most = max(most, house.simulator.open_streams)
        yield Wait(0.02)
        yield ask.complete()

    async with build(batch_concurrency="3") as house:
        house.simulator.script(*[counted] * 12)
        name = await create(house, *(request(str(number)) for number in range(12)))
        assert await ended(house, name) == {"succeeded": 12}
    assert 2 <= most <= 3


async def test_requests_of_a_batch_share_a_session(house: Any) -> None:
    first = await create(house, request("a", "one"), request("b", "two"))
    await ended(house, first)
    second = await create(house, request("a", "three"))
    await ended(house, second)
    keys = [received.body["prompt_cache_key"] for received in house.simulator.questions()]
    assert keys[0] == keys[1] != keys[2]


async def test_what_may_pass_is_tried_again_later(timed: Any, clock: Clock) -> None:
    async with timed() as house:
        # The gateway itself tries three times at once; the third failure is ours.
        house.simulator.script(*["overload"] * 3)
        name = await create(house, request("a"))
        await logged(house, "batch request")
        clock.forward(house, BACKOFF[0] * 0.7)
        await trio.sleep(0.1)
        assert len(prompts(house)) == 3
        clock.forward(house, BACKOFF[0] * 0.6)
        assert await ended(house, name) == {"succeeded": 1}
        assert len(prompts(house)) == 4
        assert [line["state"] for line in said(house, "batch request")] == ["waiting", "succeeded"]


async def test_what_never_passes_is_an_error_in_the_end(timed: Any, clock: Clock) -> None:
    async with timed() as house:
        house.simulator.script(*["cut_at_once"] * 100)
        name = await create(house, request("a"))
        for count, pause in enumerate(BACKOFF, 1):
            await logged(house, "batch request", count)
            clock.forward(house, pause * 1.3)
        assert await ended(house, name) == {"errored": 1}
        assert (await results(house, name))["a"]["error"]["error"]["type"] == "api_error"
        assert len(said(house, "batch request")) == 6


async def test_an_answer_that_breaks_off_is_no_result(timed: Any, clock: Clock) -> None:
    async with timed() as house:
        house.simulator.script("cut")
        name = await create(house, request("a"))
        await logged(house, "batch request")
        clock.forward(house, 10)
        assert await ended(house, name) == {"succeeded": 1}
        assert len(prompts(house)) == 2


async def test_a_usage_limit_pauses_until_its_reset(timed: Any, clock: Clock) -> None:
    async with timed() as house:
        house.simulator.quota.primary_resets_in = 5000
        house.simulator.script("usage_limit")
        name = await create(house, *(request(str(number)) for number in range(5)))
        batch = await until(house, name, lambda batch: batch["rotom"]["waits"])
        (wait,) = batch["rotom"]["waits"]
        assert wait["provider"] == "openai"
        assert "usage limit" in wait["reason"]
        assert batch["processing_status"] == "in_progress"
        await logged(house, "batch request", 2)
        asked = len(prompts(house))
        assert asked <= 2
        clock.forward(house, 4900)
        await trio.sleep(0.1)
        assert len(prompts(house)) == asked
        clock.forward(house, 110)
        assert await ended(house, name) == {"succeeded": 5}
        assert len(said(house, "batches wait at openai")) == 1
        assert len(said(house, "batches go on")) == 1


async def test_a_pause_is_an_accounts_own_and_another_is_asked_only_when_a_person_says_so(
    timed: Any, clock: Clock
) -> None:
    async with timed(batch_concurrency="1") as house:
        await house.log_in("openai@work", Account(account_id="work-1", user_id="user-work"))
        house.simulator.quota.primary_resets_in = 5000
        house.simulator.script("usage_limit")
        name = await create(house, *(request(str(number)) for number in range(3)))
        await until(house, name, lambda batch: batch["rotom"]["waits"])
        for _ in range(5):
            clock.forward(house, 120)
            await trio.sleep(0.02)
        asked = [one.headers["chatgpt-account-id"] for one in house.simulator.questions()]
        assert len(asked) == 1, "the limit is waited for"
        house.vault.use("openai@work")
        clock.forward(house, 120)
        assert await ended(house, name) == {"succeeded": 3}
        assert {one.headers["chatgpt-account-id"] for one in house.simulator.questions()[1:]} == {"work-1"}


async def test_a_window_used_beyond_the_reserve_pauses(timed: Any, clock: Clock) -> None:
    async with timed(batch_reserve="60") as house:
        house.simulator.quota.primary, house.simulator.quota.per_turn = 58.5, 1.0
        house.simulator.quota.primary_resets_in = 3000
        name = await create(house, *(request(str(number)) for number in range(6)))
        batch = await until(house, name, lambda batch: batch["rotom"]["waits"])
        assert "of a rate limit is used, and batches leave 40 % of it free" in batch["rotom"]["waits"][0]["reason"]
        assert len(prompts(house)) <= 3
        assert (await house.ask("Reply with the single word OK")).status_code == 200, "people are served"
        house.simulator.quota.primary = 0.0
        clock.forward(house, 3001)
        assert await ended(house, name) == {"succeeded": 6}


async def test_a_window_that_is_free_again_ends_the_pause(timed: Any, clock: Clock) -> None:
    async with timed() as house:
        house.simulator.quota.secondary = 99.0
        name = await create(house, request("a"))
        await until(house, name, lambda batch: batch["rotom"]["waits"])
        assert prompts(house) == [], "limits are known before anything is asked"
        before = len(house.simulator.requests)
        for _ in range(20):
            clock.forward(house, 300)
            await trio.sleep(0.01)
        assert len(house.simulator.requests) == before, "a provider is not asked all the time"
        house.simulator.quota.secondary = 1.0
        await house.ask("Reply with the single word OK")  # whose answer tells of the limits
        clock.forward(house, 1)
        assert await ended(house, name) == {"succeeded": 1}


async def test_without_a_login_batches_wait_for_one(timed: Any, clock: Clock) -> None:
    async with timed(login=False) as house:
        name = await create(house, request("a"))
        batch = await until(house, name, lambda batch: batch["rotom"]["waits"])
        assert "rotom login" in batch["rotom"]["waits"][0]["reason"]
        clock.forward(house, 7200)
        await trio.sleep(0.1)
        await house.log_in()
        clock.forward(house, 61)
        await trio.sleep(0.2)  # another round may have begun just before the login
        clock.forward(house, 61)
        assert await ended(house, name) == {"succeeded": 1}
        assert len(said(house, "batches wait")) <= 2


async def test_people_go_first(build: Any) -> None:
    async with build(provider_concurrency="2", batch_concurrency="4") as house:
        order: list[str] = []
        go = trio.Event()

        def noted(ask: Ask) -> Play:
            order.append(ask.prompt)
            yield Stall() if not go.is_set() else ask.complete()

        house.simulator.script(noted)
        async with helpers() as nursery:
            nursery.start_soon(partial(house.ask, "person 0", stream=True))
            await house.simulator.received(1)
            name = await create(house, *(request(str(number), f"batch {number}") for number in range(3)))
            await trio.sleep(0.3)
            assert order == ["person 0"], "one place is left for people"
            house.simulator.script(noted)
            nursery.start_soon(partial(house.ask, "person 1", stream=True))
            await house.simulator.received(2)
            nursery.start_soon(partial(house.ask, "person 2"))
            await trio.sleep(0.1)
            assert house.gateway.places["openai"].waiting == 1
            go.set()
            nursery.cancel_scope.cancel()  # those who waited hang up
        assert await ended(house, name) == {"succeeded": 3}
        assert order == ["person 0", "person 1"]


async def test_canceling_asks_nothing_more(build: Any) -> None:
    async with build(batch_concurrency="1") as house:
        go = trio.Event()

        def held(ask: Ask) -> Play:
            yield ask.pen.opening()
            while not go.is_set():
                yield Wait(0.01)
            yield ask.complete()

        house.simulator.script(held)
        name = await create(house, *(request(str(number)) for number in range(4)))
        await house.simulator.received(1)
        batch = (await house.client.post(f"{PATH}/{name}/cancel")).json()
        assert batch["processing_status"] == "canceling"
        assert batch["cancel_initiated_at"]
        assert batch["request_counts"]["processing"] == 4
        assert batch["rotom"]["done"] == 3
        go.set()
        assert await ended(house, name) == {"succeeded": 1, "canceled": 3}
        assert [value["type"] for value in (await results(house, name)).values()] == ["succeeded", *["canceled"] * 3]
        assert len(prompts(house)) == 1


async def test_what_is_left_after_a_day_expires(timed: Any, clock: Clock) -> None:
    async with timed(login=False) as house:
        name = await create(house, request("a"), request("b"))
        await until(house, name, lambda batch: batch["rotom"]["waits"])
        clock.forward(house, 86401)
        assert await ended(house, name) == {"expired": 2}
        assert {value["type"] for value in (await results(house, name)).values()} == {"expired"}


async def test_a_bug_is_a_result_and_not_the_end(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(item: Any, dialect: Any) -> Any:
        raise ZeroDivisionError("a secret text")

    monkeypatch.setattr("rotom.batching.forms.question", broken)
    name = await create(house, request("a"))
    assert await ended(house, name) == {"errored": 1}
    monkeypatch.undo()
    (found,) = (await results(house, name)).values()
    assert found["error"]["error"]["type"] == "api_error"
    assert "secret" not in json.dumps(found)
    again = await create(house, request("a"))
    assert await ended(house, again) == {"succeeded": 1}
    assert said(house, "a bug in rotom")
    house.output.truncate(0)  # or the house would find it as well


async def test_a_result_that_cannot_be_stored_is_held(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rotom.batching.TROUBLE", 0.05)
    async with build() as house:
        store = house.batching.store
        name = await create(house, request("a"), request("b"))
        await ended(house, name)

        def room(pages: int) -> None:
            with store.database.reading() as db:
                db.execute(f"PRAGMA max_page_count = {pages}")

        def used() -> int:
            with store.database.reading() as db:
                return int(db.execute("PRAGMA page_count").fetchone()[0])

        def long(ask: Ask) -> Play:
            yield ask.pen.opening()
            yield list(ask.pen.text(" word" * 20_000))
            yield ask.complete()

        house.simulator.script(long)
        name = await create(house, request("a"))
        await house.batching.call(room, await house.batching.call(used))
        await house.simulator.received(3)
        await logged(house, "the disk with rotom's home folder is full")
        full = await house.client.post(PATH, json={"requests": [request(str(n), "x" * 9000) for n in range(50)]})
        assert full.status_code == 503
        assert "full" in full.json()["error"]["message"]
        await trio.sleep(0.2)
        assert (await get(house, name))["processing_status"] == "in_progress"
        await house.batching.call(room, 1_000_000)
        assert await ended(house, name) == {"succeeded": 1}
        assert len(prompts(house)) == 3, "nothing was asked twice"
        await logged(house, "the database works again")


async def test_after_a_stop_the_rest_is_run_by_the_next_start(build: Any) -> None:
    async with build(batch_concurrency="1") as house:
        house.simulator.script(lambda ask: iter([Stall()]))
        name = await create(house, *(request(str(number), f"number {number}") for number in range(3)))
        await house.simulator.received(1)
    async with build() as house:
        assert await ended(house, name) == {"succeeded": 3}
        assert sorted(prompts(house)) == ["number 0", "number 1", "number 2"]


async def test_what_runs_at_a_stop_has_its_grace(house: Any) -> None:
    stop, go = trio.Event(), trio.Event()

    def slow(ask: Ask) -> Play:
        yield ask.pen.opening()
        go.set()
        while not stop.is_set():  # nothing ends before, so that nothing more can begin, however busy the machine is
            yield Wait(0.02)
        yield ask.complete()

    async def idle(items: object) -> float:
        return 3600.0

    await ended(house, await create(house, request("warm")))
    house.batching._round = idle  # the house's own worker must not take what is ours, however long this takes
    await house.batching.call(house.batching.store.database.close)
    ours = Batching(house.gateway, house.batching.log, DIALECTS)
    house.batching._lock.release()
    house.simulator.script(slow)
    async with helpers() as nursery:
        await nursery.start(ours.run, stop.wait, 5.0)
        batch = ours.store.add([(n, "gpt-5.5", json.dumps(request(n)).encode()) for n in "abc"], time.time())
        ours.wake()
        await go.wait()
        stop.set()
        with trio.fail_after(4):
            await ours.ended.wait()
    assert 1 <= ours.store.get(batch.id).succeeded <= 2
    ours.store.database.close()


async def test_one_process_of_several_does_the_work(house: Any) -> None:
    other = Batching(house.gateway, Log(house.output, "json"), DIALECTS)
    async with helpers() as nursery:
        await nursery.start(other.run, trio.sleep_forever, 0)
        name = await create(house, *(request(str(number)) for number in range(10)))
        assert await ended(house, name) == {"succeeded": 10}
        assert len(prompts(house)) == 10
        assert not other._resumed


async def test_a_database_of_a_newer_rotom_does_not_stop_the_server(house: Any) -> None:
    path = house.config.home / "rotom.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 1919906925")
        db.execute("PRAGMA user_version = 99")
        db.execute("CREATE TABLE future (x)")
    db.close()
    before = path.read_bytes()
    response = await house.client.post(PATH, json={"requests": [request("a")]})
    assert response.status_code == 409
    assert "newer rotom" in response.json()["error"]["message"]
    assert (await house.ask("Reply with the single word OK")).status_code == 200
    assert path.read_bytes() == before
