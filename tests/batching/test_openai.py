"""OpenAI's batches in a whole rotom against the strict simulator: from the file to the lines, whatever is in between."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio

from rotom.batching import BACKOFF
from rotom.simulator.play import Play, Wait
from rotom.simulator.scenarios_ask import Ask

PATH = "/v1/batches"


class Clock:
    """Unix time that a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> dict[str, Any]:
    body = {"model": "gpt-5.5", "input": text} | more
    return {"custom_id": name, "method": "POST", "url": "/v1/responses", "body": body}


async def upload(house: Any, *requests: dict[str, Any]) -> str:
    text = "".join(json.dumps(one) + "\n" for one in requests)
    response = await house.client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", text)})
    return str(response.json()["id"])


async def begin(house: Any, file: str, endpoint: str = "/v1/responses") -> str:
    body = {"input_file_id": file, "endpoint": endpoint, "completion_window": "24h"}
    response = await house.client.post(PATH, json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def create(house: Any, *requests: dict[str, Any]) -> str:
    return await begin(house, await upload(house, *requests))


async def get(house: Any, name: str) -> Any:
    return (await house.client.get(f"{PATH}/{name}")).json()


async def until(house: Any, name: str, true: Callable[[Any], Any]) -> Any:
    """Poll until that is true of the batch."""
    with trio.fail_after(10):
        while True:
            if true(batch := await get(house, name)):
                return batch
            await trio.sleep(0.02)


async def over(house: Any, name: str) -> Any:
    ends = ("completed", "failed", "expired", "cancelled")
    return await until(house, name, lambda batch: batch["status"] in ends)


async def begun(house: Any, name: str) -> None:
    await until(house, name, lambda batch: batch["status"] != "validating")


async def lines(house: Any, file: str | None) -> dict[str, Any]:
    if file is None:
        return {}
    text = (await house.client.get(f"/v1/files/{file}/content")).text
    found = [json.loads(line) for line in text.splitlines()]
    assert len({line["id"] for line in found}) == len(found)
    return {line["custom_id"]: line for line in found}


def prompts(house: Any) -> list[str]:
    return [received.body["input"][-1]["content"][0]["text"] for received in house.simulator.questions()]


def held(go: trio.Event) -> Callable[[Ask], Play]:
    """An answer that does not come before `go` is set."""

    def play(ask: Ask) -> Play:
        yield ask.pen.opening()
        while not go.is_set():
            yield Wait(0.01)
        yield ask.complete()

    return play


async def test_each_request_is_asked_once_and_is_in_one_of_the_files(house: Any) -> None:
    made = await create(
        house,
        request("a"),
        request("b", "demo:http_400_context"),
        request("c", model="nothing-of-the-kind"),
        request("d", previous_response_id="resp_1"),
        request("e", input=[{"type": "item_reference", "id": "rs_1"}]),
        request("f", background=True),
        request("g", input=7),
    )
    end = await over(house, made)
    assert (end["status"], end["model"]) == ("completed", None)
    assert end["request_counts"] == {"total": 7, "completed": 1, "failed": 6}
    good, bad = await lines(house, end["output_file_id"]), await lines(house, end["error_file_id"])
    assert list(good) == ["a"]
    answer = good["a"]["response"]["body"]
    assert answer["output"][-1]["content"][0]["text"] == "OK"
    assert (answer["object"], answer["status"]) == ("response", "completed")
    usage = answer["usage"]
    assert end["usage"]["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    errors = {name: line["response"] for name, line in bad.items()}
    assert {name: error["status_code"] for name, error in errors.items()} == {
        "b": 400,
        "c": 404,
        **dict.fromkeys("defg", 400),
    }
    told = {name: (error["body"]["error"]["code"], error["body"]["error"]["param"]) for name, error in errors.items()}
    assert told["b"][0] == "context_length_exceeded"
    assert told["c"][0] == "model_not_found"
    assert told["d"] == ("unsupported_parameter", "previous_response_id")
    assert told["e"] == ("unsupported_value", "input[0]")
    assert told["f"] == ("unsupported_parameter", "background")
    assert told["g"][1] == "input"
    assert len(prompts(house)) == 2


async def test_chat_completions_go_the_same_way(house: Any) -> None:
    def chat(name: str, text: str, **more: Any) -> dict[str, Any]:
        body = {"model": "gpt-5.5", "messages": [{"role": "user", "content": text}]} | more
        return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}

    file = await upload(
        house,
        chat("a", "Reply with the single word OK"),
        chat("b", "demo:http_400_context"),
        chat("c", "Reply with the single word OK", n=2),
    )
    end = await over(house, await begin(house, file, "/v1/chat/completions"))
    assert (end["status"], end["endpoint"], end["model"]) == ("completed", "/v1/chat/completions", "gpt-5.5")
    assert end["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    answer = (await lines(house, end["output_file_id"]))["a"]["response"]["body"]
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "OK"
    assert end["usage"]["total_tokens"] == answer["usage"]["total_tokens"]
    failed = await lines(house, end["error_file_id"])
    assert failed["b"]["response"]["body"]["error"]["code"] == "context_length_exceeded"
    assert failed["c"]["response"]["body"]["error"]["param"] == "n"


async def test_an_answer_of_a_batch_is_not_kept(house: Any) -> None:
    end = await over(house, await create(house, request("a", store=True)))
    answer = (await lines(house, end["output_file_id"]))["a"]["response"]["body"]
    response = await house.ask("go on", path="/v1/responses", previous_response_id=answer["id"])
    assert response.status_code == 400


async def test_a_file_that_is_not_good_asks_nothing(house: Any) -> None:
    end = await over(house, await create(house, request("a"), request("a")))
    assert (end["status"], end["request_counts"]["total"]) == ("failed", 0)
    (error,) = end["errors"]["data"]
    assert (error["line"], error["code"], error["param"]) == (2, "duplicate_custom_id", "custom_id")
    assert set(error) == {"code", "message", "line", "param"}
    assert prompts(house) == []


async def test_a_request_of_a_batch_has_the_limit_of_other_requests(build: Any) -> None:
    async with build(max_body="1M") as house:
        end = await over(house, await create(house, request("a"), request("b", "x" * 2_000_000)))
        (error,) = end["errors"]["data"]
        assert (error["line"], error["code"]) == (2, "request_too_large")


async def test_a_file_that_goes_before_it_was_looked_at_fails_the_batch(house: Any) -> None:
    file = await upload(house, request("a"))
    store, real = house.batching.store, house.batching.store.files.part
    gone = False

    def part(name: str, position: int, now: float) -> Any:
        nonlocal gone
        if not gone:
            gone = True
            store.files.delete(file, now)
        return real(name, position, now)

    store.files.part = part
    end = await over(house, await begin(house, file))
    assert (end["status"], end["errors"]["data"][0]["code"]) == ("failed", "invalid_file_id")


async def test_a_bug_in_the_look_at_a_file_is_told_and_not_the_end(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> Any:
        raise ZeroDivisionError("a secret text")

    monkeypatch.setattr("rotom.dialects.openai_batches.read_file", broken)
    end = await over(house, await create(house, request("a")))
    assert (end["status"], end["errors"]["data"][0]["code"]) == ("failed", "internal_error")
    assert "secret" not in json.dumps(end)
    monkeypatch.undo()
    assert (await over(house, await create(house, request("a"))))["status"] == "completed"
    assert any("a bug in rotom" in line["message"] for line in house.log)
    house.output.truncate(0)  # or the house would find it as well


async def test_a_stop_while_a_file_is_looked_at_delays_it_only(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        looked = trio.Event()

        def endless(chunks: Any, endpoint: str, longest: int, look: Any) -> Any:
            trio.from_thread.run_sync(looked.set)
            while True:
                look()
                time.sleep(0.01)

        patch.setattr("rotom.dialects.openai_batches.read_file", endless)
        async with build() as house:
            name = await create(house, request("a"))
            await looked.wait()
            assert (await get(house, name))["status"] == "validating"
            response = await house.ask("Reply with the single word OK")
            assert response.status_code == 200, "people are served"
    async with build() as house:
        assert (await over(house, name))["status"] == "completed"


async def test_cancelling_keeps_what_is_done(build: Any) -> None:
    async with build(batch_concurrency="1") as house:
        go = trio.Event()

        house.simulator.script(held(go))
        name = await create(house, *(request(str(number)) for number in range(4)))
        await begun(house, name)
        await house.simulator.received(1)
        batch = (await house.client.post(f"{PATH}/{name}/cancel")).json()
        assert (batch["status"], batch["rotom"]["done"]) == ("cancelling", 3)
        go.set()
        end = await over(house, name)
        assert end["status"] == "cancelled"
        assert list(await lines(house, end["output_file_id"])) == ["0"]
        failed = await lines(house, end["error_file_id"])
        assert list(failed) == ["1", "2", "3"]
        assert {line["error"]["code"] for line in failed.values()} == {"batch_cancelled"}
        assert len(prompts(house)) == 1


async def test_what_is_left_after_a_day_expires_and_the_rest_is_kept(build: Any) -> None:
    clock = Clock()
    async with build(clock=clock, batch_concurrency="1") as house:
        house.simulator.quota.primary_resets_in = 200_000
        house.simulator.script("text", "usage_limit")
        name = await create(house, *(request(str(number)) for number in range(4)))
        await until(house, name, lambda batch: batch["rotom"]["waits"])
        clock.ahead = 86401
        house.batching.wake()
        end = await over(house, name)
        assert end["status"] == "expired"
        assert end["expired_at"] is not None
        assert end["request_counts"] == {"total": 4, "completed": 1, "failed": 3}
        assert list(await lines(house, end["output_file_id"])) == ["0"]
        failed = await lines(house, end["error_file_id"])
        assert {line["error"]["code"] for line in failed.values()} == {"batch_expired"}


async def test_what_may_pass_is_tried_again_later(build: Any) -> None:
    clock = Clock()
    async with build(clock=clock) as house:
        house.simulator.script(*["overload"] * 3)
        name = await create(house, request("a"))
        await until(house, name, lambda batch: any(line.get("state") == "waiting" for line in house.log))
        clock.ahead = BACKOFF[0] * 1.3
        house.batching.wake()
        assert (await over(house, name))["request_counts"]["completed"] == 1
        assert len(prompts(house)) == 4


async def test_batches_of_both_apis_go_in_their_order(build: Any) -> None:
    async with build(batch_concurrency="1") as house:
        go = trio.Event()
        house.simulator.script(held(go))
        ours = await create(house, request("a", "first"), request("b", "second"))
        await begun(house, ours)
        params = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "third"}]}
        body = {"requests": [{"custom_id": "a", "params": params}]}
        await house.client.post("/v1/messages/batches", json=body)
        last = await create(house, request("a", "fourth"))
        go.set()
        assert (await over(house, last))["status"] == "completed"
        assert prompts(house) == ["first", "second", "third", "fourth"]
        keys = [received.body["prompt_cache_key"] for received in house.simulator.questions()]
        assert keys[0] == keys[1], "the requests of a batch share a session"
        assert len(set(keys)) == 3


async def test_what_is_answered_is_on_the_disk(house: Any) -> None:
    file = await upload(house, request("a"))
    name = await begin(house, file)
    with sqlite3.connect(house.config.home / "rotom.db") as db:
        assert db.execute("SELECT purpose FROM files WHERE id = ?", (file,)).fetchone() == ("batch",)
        assert db.execute("SELECT input_file FROM batches WHERE id = ?", (name,)).fetchone() == (file,)
    db.close()
    await over(house, name)
