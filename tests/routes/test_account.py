"""Health, status, refresh."""

from __future__ import annotations

from typing import Any


async def test_health_and_root(house: Any) -> None:
    assert (await house.client.get("/health")).json() == {"status": "ok"}
    assert (await house.client.get("/")).json()["name"] == "rotom"
    head = await house.client.head("/")
    assert (head.status_code, head.content) == (200, b"")


async def test_status_has_the_fields_that_scripts_read(house: Any) -> None:
    value = (await house.client.get("/v1/status")).json()
    assert value["account_id"]
    assert value["token"]["remaining_seconds"] > 0
    assert value["token"]["expires_at_local"][-3] == ":"
    assert value["account"]["email"]
    assert value["account"]["plan"]
    assert value["account"]["has_active_subscription"] is True
    assert {window["minutes"] for window in value["windows"]} == {300, 10080}
    assert value["providers"][0]["provider"] == "openai"


async def test_refresh_renews(house: Any) -> None:
    before = await house.gateway.keeper.token("openai")
    response = await house.client.post("/v1/auth/refresh")
    assert response.status_code == 200
    assert response.json()["providers"][0]["refreshed"] is True
    after = await house.gateway.keeper.token("openai")
    assert after.access != before.access
    assert before.access not in response.text
    assert after.access not in response.text


async def test_refresh_that_fails_says_why(house: Any) -> None:
    token = await house.gateway.keeper.token("openai")
    house.simulator.issuer_state.revoke({"token": token.refresh, "token_type_hint": "refresh_token"})
    response = await house.client.post("/v1/auth/refresh")
    assert response.status_code == 502
    (result,) = response.json()["providers"]
    assert result["refreshed"] is False
    assert "rotom login" in result["message"]


async def test_refresh_without_a_login(build: Any) -> None:
    async with build(login=False) as house:
        response = await house.client.post("/v1/auth/refresh")
    assert response.status_code == 401
    assert "rotom login" in response.json()["error"]["message"]
