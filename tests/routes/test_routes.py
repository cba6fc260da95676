"""The application: the guard stands before everything, and each error has the words of the client's API."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.routes.guard import Rules

KEY = "a-local-key-of-some-length"


async def test_every_answer_has_an_id_of_its_own(house: Any) -> None:
    ids = set()
    for path in ("/health", "/nothing", "/v1/models", "/v1/messages", "/v1/messages/nothing"):
        response = await house.client.get(path)
        ids.add(response.headers["x-request-id"])
        assert response.headers["cache-control"] == "no-store"
        assert ("request-id" in response.headers) == path.startswith("/v1/messages")
    assert len(ids) == 5


async def test_errors_speak_the_clients_language(house: Any) -> None:
    anthropic = (await house.client.get("/v1/messages")).json()
    assert anthropic["type"] == "error"
    assert anthropic["error"]["type"]
    openai = (await house.client.get("/v1/responses")).json()
    assert set(openai["error"]) == {"message", "type", "param", "code"}
    assert (await house.client.get("/nothing")).status_code == 404
    assert (await house.client.get("/nothing", headers={"anthropic-version": "2023-06-01"})).json()["type"] == "error"


@pytest.mark.parametrize("header", [("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)])
async def test_with_a_key_only_two_routes_are_open(build: Any, header: tuple[str, str]) -> None:
    async with build(rules=Rules(key=KEY)) as house:
        assert (await house.client.get("/health")).status_code == 200
        assert (await house.client.head("/")).status_code == 200
        for method, path in [("GET", "/"), ("GET", "/v1/models"), ("POST", "/v1/messages"), ("GET", "/nothing")]:
            assert (await house.client.request(method, path)).status_code == 401
            assert (await house.client.request(method, path, headers=[header])).status_code != 401
        wrong = await house.client.get("/v1/models", headers=[header, ("x-api-key", "wrong")])
        assert wrong.status_code == 401
        assert KEY not in house.output.getvalue()


async def test_a_web_page_gets_nothing(house: Any) -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
    ):
        response = await house.client.post("/v1/auth/refresh", headers=headers)
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
    form = {"content-type": "text/plain"}
    assert (await house.client.post("/v1/messages", content=b"{}", headers=form)).status_code == 415


async def test_an_allowed_origin_gets_exactly_its_answer(build: Any) -> None:
    async with build(rules=Rules(origins=frozenset({"https://good.example"}))) as house:
        preflight = await house.client.options(
            "/v1/messages",
            headers={
                "origin": "https://good.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type,x-api-key",
            },
        )
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://good.example"
        response = await house.client.get("/v1/models", headers={"origin": "https://good.example"})
        assert response.headers["access-control-allow-origin"] == "https://good.example"
        assert response.headers["access-control-expose-headers"] == "*"
        assert (await house.client.get("/v1/models", headers={"origin": "https://other.example"})).status_code == 403
        house.app.rules = Rules(key="a-local-key", origins=frozenset({"https://good.example"}))
        for origin, status in (("https://good.example", 401), ("https://other.example", 403)):
            refused = await house.client.get("/v1/models", headers={"origin": origin})
            assert refused.status_code == status
            assert refused.headers.get("access-control-allow-origin") == (origin if status == 401 else None)
        house.app.rules = Rules()
        assert (await house.client.options("/v1/messages")).status_code == 405
