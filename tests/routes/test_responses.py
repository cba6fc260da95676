"""The Responses API through the whole of rotom: answers that go on from each other."""

from __future__ import annotations

import json
from typing import Any

from rotom.sse import Decoder

TOOL = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


def inputs(house: Any) -> list[str]:
    """What the provider was asked last: the types of its items."""
    return [item["type"] for item in house.simulator.questions()[-1].body["input"]]


async def test_a_tool_loop_by_ids(house: Any) -> None:
    house.simulator.script("tool", "text")
    asked = {"path": "/v1/responses", "tools": [TOOL], "include": ["reasoning.encrypted_content"]}
    first = (await house.ask("weather?", **asked)).json()
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"} for call in calls]
    second = await house.ask("", **asked | {"input": results, "previous_response_id": first["id"]})
    assert second.status_code == 200, second.text
    assert inputs(house) == ["message", *(item["type"] for item in first["output"]), *(r["type"] for r in results)]
    body = house.simulator.questions()[-1].body
    assert "previous_response_id" not in body
    assert body["store"] is False


async def test_a_streamed_answer_is_kept_before_its_end_is_told(house: Any) -> None:
    house.simulator.script("text")
    question = {"model": "gpt-5.5", "input": "hi", "stream": True}
    kept = None
    async with house.client.stream("POST", "/v1/responses", json=question) as response:
        decoder = Decoder()
        async for data in response.aiter_bytes():
            for event in decoder.feed(data):
                if event.type == "response.completed":
                    kept, told = house.gateway.answers.get(event.data["response"]["id"]), event.data["response"]
    assert kept is not None
    assert kept.response == told


async def test_an_unknown_answer(house: Any) -> None:
    for stream in (False, True):
        response = await house.ask("x", path="/v1/responses", previous_response_id="resp_x", stream=stream)
        assert response.status_code == 400
        assert response.json()["error"] == {
            "message": "Previous response with id 'resp_x' not found.",
            "type": "invalid_request_error",
            "param": "previous_response_id",
            "code": "previous_response_not_found",
        }


async def test_an_unknown_item(house: Any) -> None:
    response = await house.ask("", path="/v1/responses", input=[{"type": "item_reference", "id": "rs_x"}])
    assert response.status_code == 404
    assert json.loads(response.content)["error"]["message"].startswith("Item with id 'rs_x' not found.")


async def test_what_is_not_stored_cannot_be_gone_on_from(house: Any) -> None:
    house.simulator.script("text")
    first = (await house.ask("x", path="/v1/responses", store=False)).json()
    response = await house.ask("x", path="/v1/responses", previous_response_id=first["id"])
    assert response.status_code == 400
