"""The list of models and who may use them."""

import json

import pytest

from rotom.simulator.models import MODELS, listing, serve_model, version
from rotom.simulator.play import Refused


def slugs(client_version):
    return [info["slug"] for info in listing(client_version)[0]["models"]]


def test_old_clients_see_less():
    assert slugs("0.169.0") == [model.slug for model in MODELS]
    assert slugs("0.128.0") == ["gpt-5.5", "gpt-5.4-mini", "codex-auto-review"]
    assert slugs(None) == []
    assert listing("0.169.0")[1] != listing("0.128.0")[1]


def test_versions_compare_as_numbers():
    assert version("0.9.0") < version("0.10") < version("0.169.0-alpha.1")
    assert version("nonsense") < version("0.1.0")


def refusal(name, **headers):
    with pytest.raises(Refused) as refused:
        serve_model(name, headers)
    return refused.value.reply.status, json.loads(refused.value.reply.body)


def test_what_is_refused():
    assert refusal("gpt-5.1", version="0.169.0") == (
        400,
        {"detail": "The 'gpt-5.1' model is not supported when using Codex with a ChatGPT account."},
    )
    assert "requires a newer version" in refusal("gpt-6-astra", version="0.144.0")[1]["detail"]
    assert "requires a newer version" in refusal("gpt-5.5")[1]["detail"]
    status, body = refusal("gpt-5.6-luna", version="0.169.0", originator="rotom")
    assert (status, body["error"]["message"]) == (404, "Model not found gpt-5.6-luna")


def test_what_is_served():
    assert serve_model("gpt-5.5", {"version": "0.169.0"}).context == 272_000
    codex = {"version": "0.169.0", "originator": "codex_cli_rs", "user-agent": "codex_cli_rs/0.169.0 (Debian)"}
    assert serve_model("gpt-5.6-luna", codex).accepted_efforts == ("low", "medium", "high", "xhigh", "max")
