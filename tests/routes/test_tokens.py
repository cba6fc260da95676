"""Counting tokens over HTTP."""

from __future__ import annotations

from typing import Any


async def test_an_estimate(house: Any) -> None:
    body = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "How many tokens are these?"}]}
    response = await house.client.post("/v1/messages/count_tokens", json=body)
    assert response.status_code == 200
    assert 3 <= response.json()["input_tokens"] <= 40
    assert house.simulator.questions() == []


async def test_a_body_that_cannot_be_counted(house: Any) -> None:
    response = await house.client.post("/v1/messages/count_tokens", json={"model": "gpt-5.5"})
    assert response.status_code == 400
    assert response.json()["type"] == "error"


async def test_a_large_body_is_counted_beside_the_loop(house: Any) -> None:
    body = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "x" * (5 << 20)}]}
    response = await house.client.post("/v1/messages/count_tokens", json=body)
    assert response.json()["input_tokens"] > 1_000_000
