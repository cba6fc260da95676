"""Status, refresh."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from rotom.providers import Token
from rotom.simulator.oauth_claims import Account


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


WORK = Account(account_id="work-1", user_id="user-work", email="me@work.example", plan="team")


async def test_every_account_is_in_the_status_and_the_one_in_use_at_the_top(house: Any) -> None:
    await house.log_in("openai@work", WORK)
    house.vault.use("openai@work")
    await house.ask("x")
    value = (await house.client.get("/v1/status")).json()
    assert value["account_id"] == "work-1"
    assert value["account"]["name"] == "work"
    assert [(one["login"], one["in_use"]) for one in value["providers"]] == [("openai", False), ("openai@work", True)]
    assert [one["account"]["email"] for one in value["providers"]] == ["demo@example.com", "me@work.example"]
    assert all(one["windows"] for one in value["providers"])


async def test_what_went_wrong_last_is_told(house: Any) -> None:
    house.simulator.script("usage_limit", "http_400", "text")
    assert (await house.ask("x")).status_code == 429
    assert (await house.ask("x")).status_code == 400
    assert (await house.ask("x")).status_code == 200
    (entry,) = (await house.client.get("/v1/status")).json()["providers"]
    error = entry["last_error"]
    assert (error["status"], error["code"]) == (429, "usage_limit_reached"), "a bad question says nothing of a login"
    assert "usage limit" in error["message"]
    assert error["at_local"][:2] == "20"
    assert entry["problem"] is None


async def test_one_account_is_renewed_or_all(house: Any) -> None:
    await house.log_in("openai@work", WORK)

    async def access() -> list[str]:
        return [(await house.gateway.keeper.token(name)).access for name in ("openai", "openai@work")]

    before = await access()
    answer = await house.client.post("/v1/auth/refresh", json={"provider": "codex", "account": "work"})
    assert answer.status_code == 200
    (result,) = answer.json()["providers"]
    assert (result["login"], result["refreshed"], result["failed"]) == ("openai@work", True, False)
    assert result["remaining_seconds"] > 0
    between = await access()
    assert [old == new for old, new in zip(before, between, strict=True)] == [True, False]
    assert (await house.client.post("/v1/auth/refresh", json={})).status_code == 200
    assert not set(await access()) & {*before, *between}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"account": "nobody"}, "account"),
        ({"provider": 7}, "provider"),
        ({"provider": "openai", "account": []}, "account"),
    ],
)
async def test_who_is_to_be_renewed_must_be_there(house: Any, body: Any, param: str) -> None:
    answer = await house.client.post("/v1/auth/refresh", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_a_body_that_is_no_json_is_told(house: Any) -> None:
    assert (await house.client.post("/v1/auth/refresh", content=b"provider=openai")).status_code == 400
    assert (await house.client.post("/v1/auth/refresh", content=b" \n")).status_code == 200


async def test_one_that_fails_does_not_hide_the_others(house: Any) -> None:
    await house.log_in("openai@work", WORK)
    await trio.to_thread.run_sync(house.vault.save, "openai@old", Token("x", "never given", 1.0))
    answer = await house.client.post("/v1/auth/refresh")
    assert answer.status_code == 502
    report = answer.json()
    assert report["refreshed"] is False
    assert [(one["login"], one["refreshed"]) for one in report["providers"]] == [
        ("openai", True),
        ("openai@work", True),
        ("openai@old", False),
    ]
    assert "--account old" in report["providers"][2]["message"]
    assert "never given" not in answer.text


async def test_a_key_has_nothing_to_renew_and_that_is_no_failure(build: Any) -> None:
    async with build(endpoints="local=http://127.0.0.1:9/v1") as house:
        await trio.to_thread.run_sync(house.vault.save, "local", Token("sk-planted"))
        answer = await house.client.post("/v1/auth/refresh")
        assert answer.status_code == 200
        results = {one["login"]: (one["refreshed"], one["failed"]) for one in answer.json()["providers"]}
        assert results == {"openai": (True, False), "local": (False, False)}
        assert "planted" not in answer.text
