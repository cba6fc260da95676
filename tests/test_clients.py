"""The table of clients: what each is told, as far as it is known."""

from __future__ import annotations

import json
import tomllib

import pytest

from rotom import clients
from rotom.clients import CLAUDE, CLIENTS, CODEX, OPENAI, Target

ROOT = "http://127.0.0.1:1"
FULL = Target(ROOT, "the-key", "gpt-5.5", 272_000, chosen="gpt-5.5", small="tiny", effort="high")


def test_what_claude_code_is_told_when_all_is_known() -> None:
    assert clients.environment(CLAUDE, FULL, managed=True) == {
        "ANTHROPIC_BASE_URL": ROOT,
        "ANTHROPIC_AUTH_TOKEN": "the-key",
        "ANTHROPIC_MODEL": "gpt-5.5",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "272000",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "gpt-5.5",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "gpt-5.5",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "gpt-5.5",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "tiny",
        "CLAUDE_CODE_EFFORT_LEVEL": "high",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert clients.environment(CLAUDE, Target(ROOT)) == {"ANTHROPIC_BASE_URL": ROOT, "ANTHROPIC_AUTH_TOKEN": "rotom"}
    assert [word for word in clients.arguments(CODEX, Target(ROOT)) if "model=" in word or "effort" in word] == []


def test_codex_gets_toml_whatever_the_names_are() -> None:
    name = 'a"b\\c é'
    words = clients.arguments(CODEX, Target(ROOT, model=name, context=5, effort="low"))
    assert words[::2] == ["-c"] * (len(words) // 2)
    assert tomllib.loads("\n".join(words[1::2])) == {
        "model": name,
        "model_context_window": 5,
        "model_provider": "rotom",
        "model_reasoning_effort": "low",
        "model_providers": {
            "rotom": {
                "name": "rotom",
                "base_url": f"{ROOT}/v1",
                "env_key": CODEX.key,
                "wire_api": "responses",
                "supports_websockets": True,
            }
        },
    }


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_the_key_is_in_its_variable_and_nowhere_else(client: clients.Client) -> None:
    environment = clients.environment(client, FULL, managed=True)
    assert environment.pop(client.key) == "the-key"
    assert "the-key" not in json.dumps([environment, clients.arguments(client, FULL)])
    assert "the-key" not in repr(FULL)
    assert not {*client.variables, *client.managed} & {*client.foreign}


def test_openais_address_has_the_version_and_claudes_has_not() -> None:
    assert clients.environment(OPENAI, FULL)["OPENAI_BASE_URL"] == f"{ROOT}/v1"
    assert clients.environment(CLAUDE, FULL)["ANTHROPIC_BASE_URL"] == ROOT


def test_what_would_lead_elsewhere() -> None:
    environ = {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_API_KEY": "x", "CLAUDE_CODE_USE_VERTEX": "", "PATH": "/"}
    assert clients.in_the_way(CLAUDE, environ) == ["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "http://p"}, {}),
        ({"http_proxy": "http://p"}, {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}),
        ({"ALL_PROXY": "p", "no_proxy": "a, b"}, {"NO_PROXY": "a,b,127.0.0.1", "no_proxy": "a,b,127.0.0.1"}),
        ({"HTTP_PROXY": "p", "NO_PROXY": "x,127.0.0.1"}, {}),
        ({"HTTP_PROXY": "p", "NO_PROXY": "*"}, {}),
    ],
)
def test_a_proxy_is_gone_around(environ: dict[str, str], expected: dict[str, str]) -> None:
    assert clients.around_proxies(ROOT, environ) == expected
