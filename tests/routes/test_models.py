"""The model lists in both forms."""

from __future__ import annotations

from typing import Any

from rotom.simulator import models as simulated
from rotom.simulator.play import Reply

ANTHROPIC = {"anthropic-version": "2023-06-01"}


async def test_the_list_in_two_forms(house: Any) -> None:
    openai = (await house.client.get("/v1/models")).json()
    anthropic = (await house.client.get("/v1/models?limit=1000", headers=ANTHROPIC)).json()
    assert openai["object"] == "list"
    assert [model["id"] for model in openai["data"]] == [model["id"] for model in anthropic["data"]]
    assert "gpt-5.5" in [model["id"] for model in openai["data"]]
    assert anthropic["data"][0]["lifecycle"] == "active"


async def test_one_model(house: Any) -> None:
    assert (await house.client.get("/v1/models/gpt-5.5")).json()["object"] == "model"
    assert (await house.client.get("/v1/models/openai/gpt-5.5")).json()["id"] == "gpt-5.5"
    assert (await house.client.get("/v1/models/gpt-5.5", headers=ANTHROPIC)).json()["type"] == "model"
    unknown = await house.client.get("/v1/models/nothing")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"
    assert (await house.client.get("/v1/models/nothing", headers=ANTHROPIC)).status_code == 404


async def test_a_retired_model_is_not_listed_but_found(house: Any) -> None:
    listed = [model["id"] for model in (await house.client.get("/v1/models")).json()["data"]]
    assert "gpt-5.1" not in listed
    assert (await house.client.get("/v1/models/gpt-5.1", headers=ANTHROPIC)).json()["lifecycle"] == "retired"


async def test_the_list_for_codex_is_the_providers_own(house: Any) -> None:
    answer = await house.client.get("/v1/models?client_version=0.169.0")
    theirs, etag = simulated.listing("0.169.0")
    assert answer.json() == theirs
    assert answer.headers["etag"] == etag
    old = await house.client.get("/models?client_version=0.128.0")
    assert len(old.json()["models"]) < len(theirs["models"])


async def test_the_list_for_codex_has_the_models_of_others_too(house: Any) -> None:
    await house.log_in("grok")
    answer = await house.client.get("/v1/models?client_version=0.169.0")
    theirs, etag = simulated.listing("0.169.0")
    count = len(theirs["models"])
    models = answer.json()["models"]
    assert models[:count] == theirs["models"]
    assert "grok-4.6" in [model["slug"] for model in models[count:]]
    assert min(model["priority"] for model in models[count:]) > max(model["priority"] for model in models[:count])
    assert answer.headers["etag"] == etag
    listed = [model["id"] for model in (await house.client.get("/v1/models")).json()["data"]]
    assert {model["slug"] for model in models} >= set(listed)


async def test_the_list_for_codex_when_the_provider_has_none(house: Any) -> None:
    house.simulator.script(Reply(500, b"{}"), path="/backend-api/codex/models")
    answer = await house.client.get("/v1/models", params={"client_version": "0.169.0&x=y"})
    assert answer.status_code == 200
    listed = [model["id"] for model in (await house.client.get("/v1/models")).json()["data"]]
    assert [model["slug"] for model in answer.json()["models"]] == listed
    assert answer.headers["etag"]
