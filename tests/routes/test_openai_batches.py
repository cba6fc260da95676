"""The routes of OpenAI's batches: shapes for every way that a batch can go, and errors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import trio

from rotom.routes.openai_batches import shape, status
from rotom.state.batches import OPENAI, Batch, Pause

PATH = "/v1/batches"
NOW = 1_790_000_000.5
GOOD = {"endpoint": "/v1/responses", "completion_window": "24h"}
BATCH = Batch("batch_1", "in_progress", NOW, NOW + 86400, None, None, 4, 1, 1, 0, 0, OPENAI, "/v1/responses", "file-1")


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> dict[str, Any]:
    body = {"model": "gpt-5.5", "input": text} | more
    return {"custom_id": name, "method": "POST", "url": "/v1/responses", "body": body}


async def upload(house: Any, *requests: dict[str, Any]) -> str:
    text = "".join(json.dumps(one) + "\n" for one in requests)
    response = await house.client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", text)})
    return str(response.json()["id"])


async def create(house: Any, *requests: dict[str, Any], **more: Any) -> Any:
    file = await upload(house, *requests)
    response = await house.client.post(PATH, json={"input_file_id": file} | GOOD | more)
    assert response.status_code == 200, response.text
    return response.json()


async def over(house: Any, name: str) -> Any:
    with trio.fail_after(10):
        while True:
            batch = (await house.client.get(f"{PATH}/{name}")).json()
            if batch["status"] in ("completed", "failed", "expired", "cancelled"):
                return batch
            await trio.sleep(0.02)


async def test_a_batch_has_the_shape_of_the_api(house: Any) -> None:
    made = await create(house, request("a"), metadata={"a": "b"})
    assert made["status"] == "validating"
    assert made["request_counts"] == {"total": 0, "completed": 0, "failed": 0}
    assert made["rotom"] == {"done": 0, "total": 0, "waits": []}
    end = await over(house, made["id"])
    assert (end["status"], end["metadata"], end["model"]) == ("completed", {"a": "b"}, "gpt-5.5")
    assert "rotom" not in end
    assert set(end) == set(made) - {"rotom"}
    assert (await house.client.get(PATH)).json() == {
        "object": "list",
        "data": [end],
        "first_id": end["id"],
        "last_id": end["id"],
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("changes", "word", "moments"),
    [
        ({"status": "validating", "total": 0, "succeeded": 0, "errored": 0}, "validating", set()),
        ({"begun_at": NOW}, "in_progress", {"in_progress_at"}),
        (
            {"begun_at": NOW, "status": "canceling", "cancel_initiated_at": NOW},
            "cancelling",
            {"in_progress_at", "cancelling_at"},
        ),
        (
            {"begun_at": NOW, "status": "ended", "ended_at": NOW},
            "completed",
            {"in_progress_at", "finalizing_at", "completed_at"},
        ),
        ({"status": "ended", "ended_at": NOW, "errors": "[]", "total": 0}, "failed", {"failed_at"}),
        (
            {"begun_at": NOW, "status": "ended", "ended_at": NOW, "expired": 2},
            "expired",
            {"in_progress_at", "finalizing_at", "expired_at"},
        ),
        ({"status": "ended", "ended_at": NOW, "total": 0}, "expired", {"expired_at"}),
        (
            {"begun_at": NOW, "status": "ended", "ended_at": NOW, "cancel_initiated_at": NOW, "canceled": 2},
            "cancelled",
            {"in_progress_at", "finalizing_at", "cancelling_at", "cancelled_at"},
        ),
    ],
)
def test_each_way_that_a_batch_can_go(changes: Any, word: str, moments: set[str]) -> None:
    batch = replace(BATCH, **changes)
    value = shape(batch, [Pause("openai", NOW, "why")])
    assert value["status"] == status(batch) == word
    told = {name for name in value if name.endswith("_at") and value[name] is not None}
    assert told == {"created_at", "expires_at"} | moments
    assert all(isinstance(value[name], int) for name in told)
    counts = value["request_counts"]
    assert counts["completed"] + counts["failed"] == batch.done
    assert (value["errors"] is None) == (word != "failed")
    assert ("rotom" in value) == (batch.status != "ended")


async def test_errors_are_openais(house: Any) -> None:
    file = await upload(house, request("a"))
    for body, param in (
        ({}, "input_file_id"),
        ({"input_file_id": "file-nothing"} | GOOD, "input_file_id"),
        ({"input_file_id": file} | GOOD | {"endpoint": "/v1/messages"}, "endpoint"),
        ({"input_file_id": file} | GOOD | {"completion_window": "1h"}, "completion_window"),
    ):
        response = await house.client.post(PATH, json=body)
        error = response.json()["error"]
        assert (response.status_code, error["param"], error["type"]) == (400, param, "invalid_request_error")
    for content in (b"{", b"[]", b"\xff"):
        response = await house.client.post(PATH, content=content, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_json")
    for method, path in (("GET", "batch_nothing"), ("POST", "batch_nothing/cancel")):
        response = await house.client.request(method, f"{PATH}/{path}")
        assert response.status_code == 404
        message = "No batch found with id 'batch_nothing'."
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        assert response.json() == {"error": error}
    for query in ({"limit": "101"}, {"limit": "x"}):
        assert (await house.client.get(PATH, params=query)).status_code == 400
    assert (await house.client.get(PATH)).json()["data"] == []


async def test_a_batch_that_is_over_cannot_be_cancelled(house: Any) -> None:
    end = await over(house, (await create(house, request("a")))["id"])
    response = await house.client.post(f"{PATH}/{end['id']}/cancel")
    assert response.status_code == 409
    assert response.json()["error"]["message"] == "Cannot cancel a batch with status 'completed'."
    assert response.headers["x-should-retry"] == "false"


async def test_the_batches_of_the_two_apis_do_not_see_each_other(house: Any) -> None:
    ours = (await create(house, request("a")))["id"]
    params = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    response = await house.client.post(
        "/v1/messages/batches", json={"requests": [{"custom_id": "a", "params": params}]}
    )
    theirs = response.json()["id"]
    assert [batch["id"] for batch in (await house.client.get(PATH)).json()["data"]] == [ours]
    assert [batch["id"] for batch in (await house.client.get("/v1/messages/batches")).json()["data"]] == [theirs]
    assert (await house.client.get(f"{PATH}/{theirs}")).status_code == 404
    for path in ("", "/results"):
        response = await house.client.get(f"/v1/messages/batches/{ours}{path}")
        assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")
    assert (await house.client.delete(f"/v1/messages/batches/{ours}")).status_code == 404
    assert (await house.client.post(f"/v1/messages/batches/{ours}/cancel")).status_code == 404
