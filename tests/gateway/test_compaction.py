"""Compaction by a provider that has a call for it; the simulated Codex lends an address of its own for that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rotom.providers import Outgoing
from rotom.simulator.play import json_reply

ADDRESS = "/oauth/revoke"
MADE = {
    "id": "cmp_1",
    "object": "response.compaction",
    "created_at": 5,
    "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "AAAA"}],
    "usage": {"input_tokens": 5, "output_tokens": 1, "total_tokens": 6},
}


@pytest.fixture
def able(house: Any) -> Any:
    """A house whose provider has such a call."""
    provider = house.gateway.providers["openai"]

    def compact(turn: Any, model: Any, token: Any) -> Outgoing:
        return Outgoing.json(
            f"{house.simulator.issuer}{ADDRESS}", {"model": model.id, "items": len(turn.body["input"])}
        )

    house.gateway.providers["openai"] = replace(provider, compact=compact)
    return house


async def ask(house: Any) -> Any:
    return await house.client.post("/v1/responses/compact", json={"model": "gpt-5.5", "input": "a long story"})


async def test_the_providers_own_call_is_used(able: Any) -> None:
    able.simulator.script(json_reply(200, MADE), path=ADDRESS)
    answer = await ask(able)
    assert (answer.status_code, answer.json()) == (200, MADE)
    assert able.simulator.questions() == []
    received = able.simulator.requests[-1]
    assert received.body == {"model": "gpt-5.5", "items": 1}


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [(400, {"detail": "no"}, 400), (200, {"output": 5}, 502), (200, [], 502), (500, {}, 502)],
)
async def test_what_comes_instead_is_told(able: Any, status: int, body: Any, seen: int) -> None:
    able.simulator.script(json_reply(status, body), path=ADDRESS)
    answer = await ask(able)
    assert answer.status_code == seen
    assert answer.json()["error"]["message"]


async def test_a_token_that_ended_is_renewed(able: Any) -> None:
    able.simulator.script(json_reply(401, {}), json_reply(200, MADE), path=ADDRESS)
    old = await able.gateway.keeper.token("openai")
    assert (await ask(able)).status_code == 200
    assert (await able.gateway.keeper.token("openai")).access != old.access
