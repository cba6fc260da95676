"""The worker of batches, in a whole rotom against the strict simulator."""

from __future__ import annotations

import time
from typing import Any

import trio


def request(name: str, text: str, **more: Any) -> dict[str, Any]:
    params = {"model": "gpt-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "params": params | more}


async def create(house: Any, *requests: dict[str, Any]) -> Any:
    response = await house.client.post("/v1/messages/batches", json={"requests": list(requests)})
    assert response.status_code == 200, response.text
    return response.json()


async def ended(house: Any, batch: Any) -> Any:
    with trio.fail_after(100_000):
        while True:
            now = (await house.client.get(f"/v1/messages/batches/{batch['id']}")).json()
            if now["processing_status"] == "ended":
                return now
            await trio.sleep(0.05)


async def results(house: Any, batch: Any) -> dict[str, Any]:
    import json
    response = await house.client.get(f"/v1/messages/batches/{batch['id']}/results")
    assert response.status_code == 200
    return {value["custom_id"]: value["result"] for value in map(json.loads, response.text.splitlines())}


async def test_a_batch_is_run(house: Any) -> None:
    batch = await create(house, request("a", "Reply with the single word OK"), request("b", "demo:http_400_context"))
    print(batch)
    end = await ended(house, batch)
    print(end, time.time())
    print(await results(house, batch))
    print(house.output.getvalue())
