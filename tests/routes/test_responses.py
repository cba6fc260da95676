"""The Responses API through the whole of rotom: answers that go on from each other."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rotom.simulator import Account
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


async def test_an_event_that_is_no_json_ends_the_answer(house: Any) -> None:
    house.simulator.script("broken_json")
    response = await house.ask("hello", path="/v1/responses", stream=True)
    told = Decoder().feed(response.content)
    assert [event.type for event in told if "delta" not in event.type][-1] == "response.failed"
    assert "that is not JSON" in told[-1].data["response"]["error"]["message"]
    assert [event.data["sequence_number"] for event in told] == list(range(len(told)))


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


async def test_an_answer_can_be_fetched_listed_and_forgotten(house: Any) -> None:
    house.simulator.script("text", "text")
    first = (await house.ask("one", path="/v1/responses", metadata={"a": "b"})).json()
    second = (await house.ask("two", path="/v1/responses", previous_response_id=first["id"])).json()
    where = f"/v1/responses/{second['id']}"
    assert (await house.client.get(where)).json() == second
    assert (await house.client.get(f"/responses/{first['id']}")).json()["metadata"] == {"a": "b"}
    items = (await house.client.get(f"{where}/input_items?order=asc")).json()
    texts = [part["text"] for item in items["data"] for part in item.get("content") or ()]
    assert (texts[0], texts[-1]) == ("one", "two")
    assert all(item["id"] for item in items["data"])
    rest = (await house.client.get(f"{where}/input_items?limit=1")).json()
    assert (rest["data"], rest["has_more"]) == ([items["data"][-1]], True)
    refused = await house.client.post(f"{where}/cancel")
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Cannot cancel a synchronous response.")
    gone = await house.client.delete(f"/v1/responses/{first['id']}")
    assert gone.json() == {"id": first["id"], "object": "response", "deleted": True}
    assert (await house.client.get(f"/v1/responses/{first['id']}")).status_code == 404
    house.simulator.script("text")
    assert (await house.ask("three", path="/v1/responses", previous_response_id=second["id"])).status_code == 200


async def test_a_kept_answer_as_a_stream(house: Any) -> None:
    house.simulator.script("text")
    whole = (await house.ask("one", path="/v1/responses")).json()
    stream = await house.client.get(f"/v1/responses/{whole['id']}?stream=true")
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = Decoder().feed(stream.content)
    assert events[-1].data["response"] == whole
    rest = await house.client.get(f"/v1/responses/{whole['id']}?stream=true&starting_after=3")
    assert Decoder().feed(rest.content) == events[4:]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel"), ("GET", "?stream=true")],
)
async def test_what_is_not_kept(house: Any, method: str, path: str) -> None:
    answer = await house.client.request(method, f"/v1/responses/resp_x{path}")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "Response with id 'resp_x' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_compacting(house: Any) -> None:
    first = (await house.ask("one", path="/v1/responses")).json()
    question = {"model": "gpt-5.5", "input": "two", "previous_response_id": first["id"]}
    made = await house.client.post("/v1/responses/compact", json=question)
    assert made.status_code == 200, made.text
    value = made.json()
    assert value["object"] == "response.compaction"
    assert [item["type"] for item in value["output"]] == ["message", "message", "compaction"]
    assert house.simulator.questions()[-1].body["input"][-1] == {"type": "compaction_trigger"}
    assert value["usage"]["input_tokens_details"]["cache_write_tokens"] == 0
    again = await house.ask("", path="/v1/responses", input=[*value["output"], {"role": "user", "content": "go on"}])
    assert again.status_code == 200, again.text


async def test_a_compaction_that_the_provider_does_not_make(house: Any) -> None:
    house.simulator.script("text")
    made = await house.client.post("/v1/responses/compact", json={"model": "gpt-5.5", "input": "x"})
    assert made.status_code == 502


async def test_a_trigger_in_an_ordinary_request(house: Any) -> None:
    items = [{"role": "user", "content": "hello"}, {"type": "compaction_trigger"}]
    value = (await house.ask("", path="/v1/responses", input=items)).json()
    assert [item["type"] for item in value["output"]] == ["compaction"]


async def test_counting(house: Any) -> None:
    first = (await house.ask("one", path="/v1/responses")).json()

    async def count(**body: Any) -> int:
        answer = await house.client.post("/v1/responses/input_tokens", json=body)
        assert answer.json()["object"] == "response.input_tokens"
        assert answer.headers["x-rotom-count"]
        return int(answer.json()["input_tokens"])

    alone = await count(model="gpt-5.5", input="two")
    assert 0 < alone < await count(model="gpt-5.5", input="two", previous_response_id=first["id"])
    assert await count(input="two", conversation=None) == alone
    unknown = await house.client.post(
        "/v1/responses/input_tokens", json={"input": "x", "previous_response_id": "resp_x"}
    )
    assert unknown.status_code == 400


async def test_references_and_reasoning_by_id(house: Any) -> None:
    house.simulator.script("reasoning", "text", "text")
    first = (await house.ask("think", path="/v1/responses")).json()
    thought = next(item for item in first["output"] if item["type"] == "reasoning")
    rest = [item for item in first["output"] if item["type"] != "reasoning"]
    for given in (
        {"type": "item_reference", "id": thought["id"]},
        {"type": "reasoning", "id": thought["id"], "summary": []},
    ):
        items = [{"role": "user", "content": "think"}, given, *rest, {"role": "user", "content": "again"}]
        assert (await house.ask("", path="/v1/responses", input=items)).status_code == 200
        sent = [item for item in house.simulator.questions()[-1].body["input"] if item["type"] == "reasoning"]
        assert [item["encrypted_content"] for item in sent] == [thought["encrypted_content"]]


async def test_the_providers_headers_are_passed_on(house: Any) -> None:
    for stream in (False, True):
        house.simulator.script("text")
        headers = (await house.ask("x", path="/v1/responses", stream=stream)).headers
        assert float(headers["x-codex-primary-used-percent"]) >= 0
        assert headers["openai-processing-ms"] == "120"
        assert headers["openai-model"] == "gpt-5.5"
        assert "set-cookie" not in headers
    state = {"x-codex-turn-state": headers["x-codex-turn-state"]}
    house.simulator.script("text", "text")
    await house.client.post("/v1/responses", json={"model": "gpt-5.5", "input": "x"}, headers=state)
    assert house.simulator.questions()[-1].headers["x-codex-turn-state"] == "simulated-turn-state"
    assert "x-codex-primary-used-percent" not in (await house.ask("x")).headers


async def test_a_refusal_has_the_providers_headers_too(house: Any) -> None:
    house.simulator.script("usage_limit")
    refused = await house.ask("x", path="/v1/responses")
    assert refused.status_code == 429
    assert float(refused.headers["x-codex-primary-used-percent"]) == 100
    error = refused.json()["error"]
    assert (error["type"], error["plan_type"]) == ("usage_limit_reached", "plus")
    assert error["resets_at"] > 1_000_000_000
    assert isinstance(error["resets_at"], int)
    assert error["resets_in_seconds"] > 0
    house.simulator.script("usage_limit")
    assert not [name for name in (await house.ask("x")).headers if name.startswith("x-codex-")]


async def test_the_reduced_form_of_the_newer_models(house: Any) -> None:
    tools = {"type": "additional_tools", "role": "developer", "tools": [TOOL]}
    body = {
        "model": "gpt-6-sol",
        "input": [tools, {"role": "user", "content": "hi"}],
        "parallel_tool_calls": False,
        "reasoning": {"context": "all_turns"},
    }
    lite = {"x-openai-internal-codex-responses-lite": "true"}
    answer = await house.client.post("/v1/responses", json=body, headers=lite)
    assert answer.status_code == 200, answer.text
    assert house.simulator.questions()[-1].headers.items() >= lite.items()


async def test_an_unpaired_result_is_refused_in_the_providers_words(house: Any) -> None:
    result = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    answer = await house.ask("", path="/v1/responses", input=[result])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "No tool call found for function call output with call_id call_1."
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    answer = await house.ask("", path="/v1/responses", input=[{"role": "user", "content": "x"}, call])
    assert answer.json()["error"]["message"] == "No tool output found for function call call_1."


async def test_the_clients_own_values_come_back(house: Any) -> None:
    said = {
        "instructions": "be brief",
        "temperature": 0.2,
        "metadata": {"k": "v"},
        "user": "u",
        "max_output_tokens": 99,
    }
    house.simulator.script("text")
    answer = await house.ask("x", path="/v1/responses", stream=True, model="openai/gpt-5.5", **said)
    lives = [event.data["response"] for event in Decoder().feed(answer.content) if "response" in event.data]
    assert len(lives) == 3
    for response in lives:
        assert said.items() <= response.items()
        assert (response["model"], response["store"]) == ("openai/gpt-5.5", True)
    assert lives[-1]["usage"]["input_tokens_details"]["cache_write_tokens"] == 0
    assert answer.headers["x-rotom-receipt"] == "dropped=temperature,max_output_tokens"


async def test_without_the_prefix(house: Any) -> None:
    house.simulator.script("text", "text")
    assert (await house.ask("x", path="/responses")).json()["object"] == "response"
    body = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = await house.client.post("/messages", json=body)
    assert answer.json()["type"] == "message"
    assert answer.headers["request-id"]
    assert (await house.client.get("/nope")).json() == {
        "error": {"message": "Invalid URL (GET /nope)", "type": "invalid_request_error", "param": None, "code": None}
    }


async def test_reasoning_stays_with_its_account(house: Any) -> None:
    house.simulator.script("reasoning")
    first = (await house.ask("think", path="/v1/responses")).json()
    house.simulator.issuer_state.account = Account(account_id="22222222-2222-4222-8222-222222222222")
    await house.log_in()
    second = await house.ask("go on", path="/v1/responses", previous_response_id=first["id"])
    assert second.status_code == 200
    assert inputs(house) == ["message", "message", "message"]
    assert len(house.simulator.questions()) == 2, "it was left out before the provider could refuse it"
    third = await house.ask("on", path="/v1/responses", previous_response_id=second.json()["id"])
    assert third.status_code == 200
    assert len(house.simulator.questions()) == 3


RICH: dict[str, Any] = {
    "model": "gpt-5.5",
    "instructions": "be brief",
    "stream": False,
    "store": True,
    "metadata": {"a": "b"},
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
        {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]},
        {"type": "web_search_preview"},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": True,
    "service_tier": "auto",
    "prompt_cache_key": "k",
    "stream_options": {"include_obfuscation": False},
    "client_metadata": {"a": "b"},
    "previous_response_id": None,
    "input": [
        {"role": "system", "content": "s"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}]},
        {
            "role": "assistant",
            "content": [{"type": "output_text", "text": "x", "annotations": []}],
            "phase": "commentary",
        },
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "x"}]},
        {"type": "custom_tool_call", "call_id": "b", "name": "c", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "x"},
        {"type": "compaction_trigger"},
    ],
}
JUNK: list[Any] = [None, True, -1, 1.5, "", "x", [], {}, [None], [[]], [{}], {"a": 1}, {"type": "text"}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(path: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    made = copy.deepcopy(RICH)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return made


@pytest.mark.parametrize("junk", JUNK, ids=json.dumps)
async def test_whatever_comes_is_answered(house: Any, junk: Any) -> None:
    bad = []
    for path in places(RICH):
        answer = await house.client.post("/v1/responses", json=changed(path, junk))
        if answer.status_code == 200:
            continue
        error = answer.json()["error"]
        if not (400 <= answer.status_code < 500 and error["message"] and {"type", "param", "code"} <= error.keys()):
            bad.append((path, error))
    assert bad == []
