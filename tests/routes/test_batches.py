"""The routes of message batches: shapes, pages, errors, and a body that never lies in memory."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
import trio

from rotom.routes.batches import line, moment
from rotom.state.results import Result

PATH = "/v1/messages/batches"


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> dict[str, Any]:
    params = {"model": "gpt-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "params": params | more}


async def create(house: Any, *requests: dict[str, Any]) -> Any:
    response = await house.client.post(PATH, json={"requests": requests})
    assert response.status_code == 200, response.text
    return response.json()


async def ended(house: Any, name: str) -> Any:
    with trio.fail_after(10):
        while True:
            batch = (await house.client.get(f"{PATH}/{name}")).json()
            if batch["processing_status"] == "ended":
                return batch
            await trio.sleep(0.02)


async def test_a_batch_has_the_shape_of_the_api(house: Any) -> None:
    made = await create(house, request("a"), request("b"))
    assert list(made) == [
        "id",
        "type",
        "processing_status",
        "request_counts",
        "created_at",
        "expires_at",
        "ended_at",
        "cancel_initiated_at",
        "archived_at",
        "results_url",
        "rotom",
    ]
    assert made["id"].startswith("msgbatch_")
    assert (made["type"], made["processing_status"], made["results_url"]) == ("message_batch", "in_progress", None)
    assert made["request_counts"] == {"processing": 2, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    assert made["rotom"] == {"done": 0, "total": 2, "waits": []}
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts.total_seconds() == 86400
    end = await ended(house, made["id"])
    assert end["request_counts"] == {"processing": 0, "succeeded": 2, "errored": 0, "canceled": 0, "expired": 0}
    assert end["ended_at"] >= end["created_at"]
    assert end["results_url"] == f"{house.client.base_url}{PATH}/{made['id']}/results".replace("//v1", "/v1")
    assert "rotom" not in end


async def test_results_are_lines_under_the_address_that_the_client_used(house: Any) -> None:
    made = await create(house, request("a"), request("b", "demo:http_400_context"))
    await ended(house, made["id"])
    there = {"host": f"localhost:{house.client.base_url.port}"}
    url = (await house.client.get(f"{PATH}/{made['id']}", headers=there)).json()["results_url"]
    assert url == f"http://{there['host']}{PATH}/{made['id']}/results"
    response = await house.client.get(f"{PATH}/{made['id']}/results")
    assert response.headers["content-type"] == "application/x-jsonl"
    first, second = map(json.loads, response.text.splitlines())
    assert (first["custom_id"], first["result"]["type"]) == ("a", "succeeded")
    assert first["result"]["message"]["type"] == "message"
    assert (second["custom_id"], second["result"]["type"]) == ("b", "errored")
    assert set(second["result"]["error"]) == {"type", "error", "request_id"}
    assert (await house.client.head(f"{PATH}/{made['id']}/results")).content == b""


async def test_pages_follow_their_cursors(house: Any) -> None:
    made = [(await create(house, request("a")))["id"] for _ in range(5)][::-1]

    async def page(**query: Any) -> tuple[list[str], bool, str | None, str | None]:
        value = (await house.client.get(PATH, params=query)).json()
        return [batch["id"] for batch in value["data"]], value["has_more"], value["first_id"], value["last_id"]

    assert await page() == (made, False, made[0], made[4])
    assert await page(limit=2) == (made[:2], True, made[0], made[1])
    assert await page(limit=2, after_id=made[1]) == (made[2:4], True, made[2], made[3])
    assert await page(limit=2, before_id=made[2]) == (made[:2], False, made[0], made[1])
    assert await page(after_id=made[4]) == ([], False, None, None)
    for limit in ("0", "1001", "x"):
        response = await house.client.get(PATH, params={"limit": limit})
        assert response.status_code == 400
        assert response.json()["error"]["message"].startswith("limit: ")
    assert (await house.client.get(PATH, params={"after_id": "x"})).status_code == 404


async def test_what_has_ended_can_be_deleted_and_what_has_not_cannot(build: Any) -> None:
    async with build(login=False) as house:
        name = (await create(house, request("a")))["id"]
        for method, path in (("DELETE", f"{PATH}/{name}"), ("GET", f"{PATH}/{name}/results")):
            response = await house.client.request(method, path)
            assert response.status_code == 400
            assert "has not ended" in response.json()["error"]["message"]
        assert (await house.client.post(f"{PATH}/{name}/cancel")).json()["cancel_initiated_at"]
        batch = await ended(house, name)
        assert batch["request_counts"]["canceled"] == 1
        assert (await house.client.post(f"{PATH}/{name}/cancel")).json() == batch
        response = await house.client.delete(f"{PATH}/{name}")
        assert response.json() == {"id": name, "type": "message_batch_deleted"}
        for method, path in (("GET", name), ("DELETE", name), ("POST", f"{name}/cancel"), ("GET", f"{name}/results")):
            response = await house.client.request(method, f"{PATH}/{path}")
            assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "the body is not JSON as it should be: it is empty"),
        (b"{}", 400, "requests: Field required"),
        (b'{"requests": []}', 400, "requests: List should have at least 1 item"),
        (json.dumps({"requests": [request("a"), request("a")]}).encode(), 400, "requests.1.custom_id: 'a' is"),
        (json.dumps({"requests": [request("a", stream=True)]}).encode(), 400, "requests.0.params.stream: "),
        (json.dumps({"requests": [request("a", "x" * 3_000_000)]}).encode(), 413, "requests.0: longer than 1048576"),
    ],
)
async def test_a_batch_that_is_not_good_is_refused_whole(build: Any, body: bytes, status: int, words: str) -> None:
    async with build(max_body="1M") as house:
        response = await house.client.post(PATH, content=body, headers={"content-type": "application/json"})
        assert response.status_code == status
        assert response.json()["error"]["message"].startswith(words)
        assert (await house.client.get(PATH)).json()["data"] == []


async def test_a_body_has_the_limit_of_the_api_and_not_of_other_bodies(build: Any) -> None:
    async with build(max_body="1M", login=False) as house:
        body = json.dumps({"requests": [request(str(n), "x" * 100_000) for n in range(40)]}).encode()
        kind = {"content-type": "application/json"}
        assert (await house.client.post(PATH, content=body, headers=kind)).json()["request_counts"]["processing"] == 40
        packed = {**kind, "content-encoding": "gzip"}
        assert (await house.client.post(PATH, content=gzip.compress(body), headers=packed)).status_code == 200
        over = json.dumps({"requests": [request("a", "x" * (256 << 20))]}).encode()
        assert (await house.client.post(PATH, content=over, headers=kind)).status_code == 413
        assert [file.name for file in house.config.home.iterdir() if file.name.startswith(".batch")] == []


async def test_a_client_that_hangs_up_in_the_body_leaves_nothing(house: Any) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"requests": ['
        yield json.dumps(request("a")).encode()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await house.client.post(PATH, content=body(), headers={"content-type": "application/json"})
    assert (await house.client.get(PATH)).json()["data"] == []


async def test_a_batch_that_is_deleted_under_a_reader_is_cut_and_not_shortened(house: Any) -> None:
    made = await create(house, *(request(str(number)) for number in range(3)))
    await ended(house, made["id"])
    store = house.batching.store
    real = store.results

    def results(name: str, after: int = 0, api: str | None = None) -> Any:
        page = real(name, after)[:1]
        store.delete(name)
        return page

    store.results = results
    with pytest.raises(Exception, match=r"peer closed|incomplete"):
        await house.client.get(f"{PATH}/{made['id']}/results")


async def test_a_long_batch_keeps_nobody_waiting(build: Any) -> None:
    async with build(login=False) as house:

        def body() -> Iterator[bytes]:
            item = json.dumps(request("ID", "x" * 2000))
            yield b'{"requests": ['
            for number in range(10_000):
                yield (("," if number else "") + item.replace("ID", str(number))).encode()
            yield b"]}"

        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            while True:  # by the time that the loop itself used: other programs may keep it from running
                before = time.thread_time()
                await trio.sleep(0.01)
                longest = max(longest, time.thread_time() - before)

        def post() -> Any:
            there = http.client.HTTPConnection(house.client.base_url.host, house.client.base_url.port)
            with closing(there) as connection:
                connection.request("POST", PATH, b"".join(body()), {"content-type": "application/json"})
                return json.loads(connection.getresponse().read())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            made = await trio.to_thread.run_sync(post)
            nursery.cancel_scope.cancel()
        assert made["request_counts"]["processing"] == 10_000
        assert longest < 0.3, "the loop stood still"


def test_lines_and_moments() -> None:
    assert line(Result(1, "a", "canceled", b"")) == b'{"custom_id":"a","result":{"type":"canceled"}}\n'
    assert line(Result(1, "a", "succeeded", b'{"x":1}')) == b'{"custom_id":"a","result":{"x":1}}\n'
    assert moment(None) is None
    assert moment(0.5) == "1970-01-01T00:00:00.500000Z"
