"""Sign in with ChatGPT as it is played, asked by rotom itself: the login, its tokens, and what the API refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import trio

from rotom.problem import Kind, Problem
from rotom.providers import Token, chatgpt
from rotom.upstream.flows import play
from rotom.upstream.keeper import ASKED, REFUSED

REDIRECT = "http://127.0.0.1:1455/auth/callback"


@pytest.fixture
def signed_in(build: Any) -> Any:
    """A house with this login alone."""

    @asynccontextmanager
    async def start(**settings: str) -> AsyncIterator[Any]:
        async with build(login=False, **settings) as house:
            await log_in(house)
            yield house

    return start


async def log_in(house: Any, earlier: Token | None = None) -> Token:
    provider = house.gateway.providers["chatgpt"]

    async def person(step: Any) -> str:
        return str(house.simulator.consent(step.url))

    flow = provider.login(REDIRECT)
    token: Token = await play(house.gateway.client, flow, person=person, earlier=earlier)
    await trio.to_thread.run_sync(house.vault.save, "chatgpt", token)
    return token


async def test_a_question_and_a_tool_that_cannot_be_had(signed_in: Any) -> None:
    async with signed_in() as house:
        answer = await house.ask("hello", path="/v1/responses", metadata={"a": "b"}, temperature=1)
        assert answer.status_code == 200, answer.text
        (asked,) = [one for one in house.simulator.requests if one.path == "/siwc-api/v1/responses"]
        assert {"metadata", "temperature", "client_metadata"}.isdisjoint(asked.body)
        assert {name for name in asked.headers if name.startswith(("x-", "chatgpt", "originator"))} == set()
        refused = await house.ask("draw", path="/v1/responses", tools=[{"type": "image_generation"}])
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools[0]")
        assert (await house.ask("hello", model="claude-sonnet-4-5")).status_code == 200


async def test_a_conversation_is_compacted_within_an_answer(signed_in: Any) -> None:
    more: dict[str, Any] = {"context_management": [{"type": "compaction", "compact_threshold": 500}]}
    kinds = ["message"]
    async with signed_in() as house:
        for text in ("hello", "long " * 1000, "and then?"):
            answer = await house.ask(text, path="/v1/responses", **more)
            assert answer.status_code == 200, answer.text
            assert "x-rotom-receipt" not in answer.headers
            made = [item["type"] for item in answer.json()["output"]]
            assert ("compaction" in made) == (text != "hello")
            assert [item.get("type") for item in house.asked("chatgpt")[-1].body["input"]] == kinds
            kinds += [*made, "message"]
            more["previous_response_id"] = answer.json()["id"]
        for rules in ([{"type": "x"}], [{"type": "compaction", "compact_threshold": "x"}]):
            answer = await house.ask("hi", path="/v1/responses", context_management=rules)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "context_management")


async def test_the_second_login_uses_the_first_ones_client(signed_in: Any) -> None:
    async with signed_in() as house:
        first = await trio.to_thread.run_sync(house.vault.load, "chatgpt")
        second = await log_in(house, first)
        assert second.extra["client_id"] == first.extra["client_id"]
        assert second.access != first.access


async def test_no_path_to_a_renewal_spends_the_token_too_early(signed_in: Any) -> None:
    async with signed_in() as house:
        keeper, siwc = house.gateway.keeper, house.simulator.siwc
        token = await keeper.token("chatgpt")
        with pytest.raises(Problem, match="need not be"):
            await keeper.renew("chatgpt", ASKED)
        with pytest.raises(Problem, match="cannot be renewed before"):
            await keeper.renew("chatgpt", REFUSED, token)
        answer = await house.client.post("/v1/auth/refresh", json={})
        assert "cannot be renewed before" in answer.text
        (family,) = siwc.families()
        assert (family.refreshed, family.over) == (0, False)
        assert (await house.ask("hello")).status_code == 200  # and the login is as good as before


async def test_a_refusal_of_the_login_reaches_the_client_once(signed_in: Any) -> None:
    async with signed_in() as house:
        house.simulator.siwc.end()
        answer = await house.ask("hello", path="/v1/responses")
        assert answer.status_code == 401
        assert "cannot be renewed before" in answer.json()["error"]["message"]
        assert "rotom login --provider chatgpt" in answer.json()["error"]["message"]


async def test_a_renewal_when_its_time_has_come(signed_in: Any) -> None:
    async with signed_in() as house:
        siwc = house.simulator.siwc
        siwc.access_seconds = 200.0  # so that the earliest moment has passed
        token = await log_in(house, await trio.to_thread.run_sync(house.vault.load, "chatgpt"))
        house.gateway.keeper.reload()
        renewed = await house.gateway.keeper.renew("chatgpt", ASKED, token)
        assert renewed.access != token.access
        assert renewed.refresh != token.refresh
        assert renewed.extra["client_id"] == token.extra["client_id"]
        assert (await house.ask("hello")).status_code == 200


@pytest.mark.parametrize(
    ("status", "code", "seen", "words"),
    [
        (429, "subscription_sharing_usage_limit_exceeded", 429, "settings/usage"),
        (429, "subscription_sharing_usage_unavailable", 503, "moment"),
        (403, "subscription_sharing_user_not_eligible", 403, "Plus or Pro"),
        (401, "subscription_sharing_invalid_user", 403, "Plus or Pro"),
    ],
)
async def test_its_own_refusals(
    signed_in: Any, status: int, code: str, seen: int, words: str, autojump_clock: object
) -> None:
    async with signed_in() as house:
        house.simulator.siwc.refusing = (status, code)
        answer = await house.ask("hello", path="/v1/responses")
        assert (answer.status_code, words in answer.text) == (seen, True), answer.text
        assert house.simulator.siwc.families()[0].refreshed == 0


async def test_without_the_plans_scope_there_is_no_login(build: Any) -> None:
    async with build(login=False) as house:
        house.simulator.siwc.granted = "openid email offline_access"
        with pytest.raises(Problem, match="without the permission"):
            await log_in(house)


async def test_an_id_token_that_somebody_else_signed(build: Any) -> None:
    async with build(login=False) as house:
        siwc = house.simulator.siwc
        real = siwc.signer.sign

        def forged(claims: Any) -> str:
            head, body, signature = str(real(claims)).split(".")
            return ".".join((head, body, signature[::-1]))

        siwc.signer.sign = forged
        with pytest.raises(Problem, match="signature is wrong") as caught:
            await log_in(house)
        assert caught.value.kind is Kind.FORBIDDEN


GOOD = {
    "client_id": "dynamic_agent_client",
    "agent_name_hint": "rotom",
    "ext_agent_host_id": "urn:uuid:1",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "scope": "openid offline_access",
    "state": "s" * 10,
    "nonce": "n" * 10,
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "oaiapp_x"},
        {"agent_name_hint": ""},
        {"ext_agent_host_id": "x"},
        {"redirect_uri": "http://localhost:1455/auth/callback"},
        {"response_type": "token"},
        {"state": ""},
        {"nonce": ""},
        {"resource": "https://elsewhere"},
        {"scope": "openid"},
    ],
)
async def test_what_the_authorize_page_refuses(house: Any, change: Any) -> None:
    siwc = house.simulator.siwc
    query = {**GOOD, "resource": siwc.base_url}
    url = httpx.URL(f"{siwc.issuer}/api/accounts/authorize")
    with pytest.raises(Problem):
        siwc.consent(str(url.copy_merge_params({**query, **change})))
    page = await house.client.get(url.copy_merge_params({**query, **change}))
    assert page.status_code == 400
    good = url.copy_merge_params(query)
    assert (await house.client.get(good)).status_code == 200
    back = (await house.client.get(good.copy_merge_params({"auto": "1"}))).headers["location"]
    assert dict(parse_qsl(urlsplit(back).query))["client_id"].startswith("oaiapp_")
    denied = dict(parse_qsl(urlsplit(siwc.consent(str(good), allow=False)).query))
    assert denied["error"] == "access_denied"


async def test_what_the_token_endpoint_refuses(house: Any) -> None:
    token = await log_in(house)
    siwc = house.simulator.siwc
    base = {"client_id": token.extra["client_id"], "resource": siwc.base_url}

    def asked(**fields: str) -> Any:
        reply = siwc.token({**base, **fields})
        return reply.status, json.loads(reply.body).get("error")

    assert asked(client_id="x") == (401, "invalid_client")
    assert asked(resource="x") == (400, "invalid_target")
    assert asked(grant_type="x") == (400, "unsupported_grant_type")
    assert asked(grant_type="authorization_code", code="x") == (400, "invalid_grant")
    assert asked(grant_type="refresh_token", refresh_token="x") == (400, "invalid_grant")
    assert asked(grant_type="refresh_token", refresh_token=token.refresh) == (400, "invalid_grant")
    assert siwc.families()[0].over  # too early: it is spent
    assert chatgpt.renewable_at(token) > 0
    flow = house.gateway.providers["chatgpt"].revoke(token)
    await play(house.gateway.client, flow)
