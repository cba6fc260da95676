"""Several providers behind one gateway: who is asked, what travels between them, and what a new one takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import trio

from rotom.plain import helpers
from rotom.providers import Token, custom, registry
from rotom.simulator.endpoint import Endpoint, serve


@pytest.fixture
def both(build: Any) -> Callable[..., Any]:
    """A house with two logins: the simulated vendor's, and an endpoint of one's own."""

    @asynccontextmanager
    async def start(login: bool = True, **settings: str) -> AsyncIterator[tuple[Any, Endpoint]]:
        endpoint = Endpoint("sk-planted", ("local-model", "gpt-5.5"))
        async with helpers() as nursery:
            await nursery.start(serve, endpoint)
            async with build(endpoints=f"local={endpoint.base_url}", login=login, **settings) as house:
                await trio.to_thread.run_sync(house.vault.save, "local", Token("sk-planted"))
                async with helpers() as lists:
                    await lists.start(house.gateway.lists.run)
                    with trio.fail_after(5):
                        while not house.gateway.lists.models("local"):  # noqa: ASYNC110 - fetched in the background
                            await trio.sleep(0.01)
                    yield house, endpoint
                    lists.cancel_scope.cancel()
            nursery.cancel_scope.cancel()

    return start


async def test_each_model_is_asked_where_it_is(both: Any) -> None:
    async with both() as (house, endpoint):
        listed = (await house.client.get("/v1/models")).json()["data"]
        assert {one["owned_by"] for one in listed} == {"openai", "local"}
        for path in ("/v1/messages", "/v1/responses"):
            answer = await house.ask("hello there", path=path, model="local-model")
            assert answer.status_code == 200
            assert "You said: hello there" in answer.text
        assert len(endpoint.asked) == 2
        assert len(house.simulator.questions()) == 0
        assert (await house.ask("hello", model="gpt-5.5")).status_code == 200  # both have it: the vendor is first
        assert len(house.simulator.questions()) == 1
        for name in ("local/gpt-5.5", "LOCAL/local-model"):
            assert (await house.ask("hello", model=name)).status_code == 200
        assert len(endpoint.asked) == 4
        assert [asked["model"] for asked in endpoint.asked][2:] == ["gpt-5.5", "local-model"]
        assert (await house.ask("hello", model="openai/local-model")).status_code == 400
        unknown = await house.ask("hello", path="/v1/responses", model="locl-model")
        assert unknown.status_code == 404
        assert "did you mean local-model" in unknown.json()["error"]["message"]
        assert "planted" not in house.output.getvalue()


async def test_only_one_is_served_when_a_person_says_so(both: Any) -> None:
    async with both(login=False, provider="local") as (house, _):
        assert {one["owned_by"] for one in (await house.client.get("/v1/models")).json()["data"]} == {"local"}
        assert (await house.ask("hello", model="claude-sonnet-4-5")).status_code == 200  # its first model stands in


async def test_a_conversation_that_changes_provider_loses_only_reasoning(both: Any) -> None:
    async with both() as (house, endpoint):
        house.simulator.script("reasoning")
        first = (await house.ask("think", path="/v1/responses")).json()
        assert any(item["type"] == "reasoning" for item in first["output"])
        more = {"previous_response_id": first["id"], "model": "local-model"}
        second = (await house.ask("go on", path="/v1/responses", **more)).json()
        assert second["status"] == "completed"
        (asked,) = endpoint.asked
        assert [item["type"] for item in asked["input"]] == ["message", "message", "message"]
        third = await house.ask("back", path="/v1/responses", previous_response_id=second["id"])
        assert third.status_code == 200
        sent = house.simulator.questions()[-1].body["input"]
        assert [item.get("type") for item in sent] == ["message", "reasoning", *["message"] * 4]


async def test_a_call_of_one_is_answered_at_the_other(both: Any) -> None:
    tools = [{"name": "t", "description": "", "input_schema": {"type": "object", "properties": {}}}]
    async with both() as (house, endpoint):
        first = (await house.ask("call it", model="local-model", tools=tools)).json()
        (use,) = (block for block in first["content"] if block["type"] == "tool_use")
        assert use["input"] == {"a": 1}
        history = [
            {"role": "user", "content": "call it"},
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use["id"], "content": "done"}]},
        ]
        second = await house.ask("", messages=history, tools=tools)
        assert second.status_code == 200, second.text
        third = await house.ask("", messages=history, tools=tools, model="local-model")
        assert third.status_code == 200
        assert endpoint.asked[-1]["input"][-1]["output"] == "done"


async def test_a_refused_key_is_told_and_asked_once(both: Any) -> None:
    async with both() as (house, endpoint):
        endpoint.key = "sk-another"
        answer = await house.ask("hello", model="local-model")
        assert answer.status_code == 401
        assert "rotom login --provider local" in answer.text
        assert "planted" not in answer.text
        assert endpoint.asked == []


async def test_a_failing_list_does_not_hide_the_others(both: Any) -> None:
    async with both() as (house, endpoint):
        endpoint.key = "sk-another"
        house.gateway.lists.saw_etag("local", "new")
        await trio.sleep(0.05)
        listed = (await house.client.get("/v1/models")).json()["data"]
        assert {one["owned_by"] for one in listed} == {"openai", "local"}


async def test_adding_a_provider_takes_a_module_and_a_word(monkeypatch: pytest.MonkeyPatch, build: Any) -> None:
    """This is all that a new vendor needs: `make`, and its place in the registry."""
    endpoint = Endpoint(None)

    class Module:
        @staticmethod
        def make(config: Any) -> Any:
            return replace(custom.make("newcomer", endpoint.base_url, ("newcomer-1",)), title="A new vendor")

    async with helpers() as nursery:
        await nursery.start(serve, endpoint)
        monkeypatch.setattr(registry, "VENDORS", (*registry.VENDORS, Module))
        async with build(login=False) as house:
            await trio.to_thread.run_sync(house.vault.save, "newcomer", Token(""))
            answer = await house.ask("hello", model="newcomer-1")
            assert "You said: hello" in answer.text
            status = (await house.client.get("/v1/status")).json()
            assert "A new vendor" in str(status) or "newcomer" in str(status)
        nursery.cancel_scope.cancel()
