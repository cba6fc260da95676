"""Claude Code and the Codex CLI: versions and settings, read and never changed."""

import json
import os

import pytest
from surgery import one, verdicts

from rotom.catalogue import Catalogue
from rotom.doctor import clients
from rotom.doctor.finding import Verdict
from rotom.providers.openai_models import BUILTIN

CATALOGUE = Catalogue(BUILTIN)
GOOD = {
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:14550",
    "ANTHROPIC_AUTH_TOKEN": "rotom",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "272000",
}


def claude(case):
    return list(clients.claude(case, None, CATALOGUE))


def program(tmp_path, name, says):
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)
    return f"{folder}:{os.defpath}"


def settings(tmp_path, name="settings.json", **document):
    (tmp_path / ".claude").mkdir(exist_ok=True)
    (tmp_path / ".claude" / name).write_text(json.dumps(document))


def codex(tmp_path, text):
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(text)


def test_all_is_well(empty):
    found = claude(empty(**GOOD))
    assert verdicts(found) == {
        "claude.version": "skip",
        "claude.url": "ok",
        "claude.token": "ok",
        "claude.window": "ok",
    }


@pytest.mark.parametrize(
    ("url", "verdict", "words"),
    [
        ("http://127.0.0.1:14550/v1", "fail", "ends in /v1"),
        ("http://127.0.0.1:14550/v1/", "fail", "ends in /v1"),
        ("https://127.0.0.1:14550", "fail", "begins with https"),
        ("http://localhost:9999", "warn", "another port"),
        ("https://gateway.planted.example", "warn", "another machine"),
        ("http://[::1]:14550/", "ok", "asks this rotom"),
        ("http://[", "warn", "another machine"),
    ],
)
def test_an_address_that_does_not_lead_here_is_told(empty, url, verdict, words):
    found = one(claude(empty(**{**GOOD, "ANTHROPIC_BASE_URL": url})), "claude.url")
    assert found.verdict.value == verdict
    assert words in found.sentence
    assert "planted" not in found.sentence
    if verdict != "ok":
        assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:14550" in found.advice


def test_its_own_settings_win_over_the_shell(empty, tmp_path, monkeypatch):
    settings(tmp_path, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:14550/v1"})
    found = one(claude(empty(**GOOD)), "claude.url")
    assert found.verdict is Verdict.FAIL
    assert str(tmp_path / ".claude" / "settings.json") in found.sentence
    monkeypatch.chdir(tmp_path)
    settings(tmp_path, "settings.local.json", env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:14550"})
    assert one(claude(empty(**GOOD)), "claude.url").verdict is Verdict.OK


def test_a_window_that_is_missing_or_too_large_is_told(empty):
    without = {name: value for name, value in GOOD.items() if "CONTEXT" not in name}
    found = one(claude(empty(**without)), "claude.window")
    assert (found.verdict, found.advice) == (Verdict.WARN, "export CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000")
    for value, verdict in {"1000000": "warn", "many": "warn", "200000": "ok"}.items():
        case = empty(**{**GOOD, "CLAUDE_CODE_MAX_CONTEXT_TOKENS": value})
        assert one(claude(case), "claude.window").verdict.value == verdict
    assert (
        one(claude(empty(**without, CLAUDE_CODE_AUTO_COMPACT_WINDOW="272000")), "claude.window").verdict is Verdict.OK
    )


def test_keys_are_compared_and_never_told(empty):
    key = "planted-local-key"
    found = claude(empty(**{**GOOD, "ANTHROPIC_API_KEY": "planted-other"}, ROTOM_API_KEY=key))
    assert one(found, "claude.token").verdict is Verdict.FAIL
    assert one(found, "claude.key").verdict is Verdict.WARN
    assert "planted" not in str(found)
    assert (
        one(claude(empty(**{**GOOD, "ANTHROPIC_AUTH_TOKEN": key}, ROTOM_API_KEY=key)), "claude.token").verdict
        is Verdict.OK
    )
    none = {name: value for name, value in GOOD.items() if "TOKEN" not in name}
    assert one(claude(empty(**none)), "claude.token").advice == "export ANTHROPIC_AUTH_TOKEN=rotom"


def test_what_makes_it_ask_somebody_else_is_told(empty, tmp_path):
    settings(tmp_path, apiKeyHelper="/bin/planted")
    found = claude(empty(**GOOD, CLAUDE_CODE_USE_BEDROCK="1", CLAUDE_CODE_USE_VERTEX="0"))
    assert one(found, "claude.elsewhere").verdict is Verdict.FAIL
    assert one(found, "claude.helper").verdict is Verdict.WARN


def test_a_model_that_nobody_has_is_told(empty):
    found = claude(empty(**GOOD, ANTHROPIC_MODEL="gpt-55"))
    assert one(found, "claude.model").verdict is Verdict.WARN
    assert one(claude(empty(**GOOD, ANTHROPIC_MODEL="sonnet")), "claude.model").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("says", "verdict"), [("2.1.330 (Claude Code)", "ok"), ("1.0.3 (Claude Code)", "warn"), ("what", "warn")]
)
def test_versions_are_held_against_what_was_tried(empty, tmp_path, says, verdict):
    found = claude(empty(PATH=program(tmp_path, "claude", says)))
    assert one(found, "claude.version").verdict.value == verdict
    assert one(found, "claude.url").advice == "rotom launch claude, or: rotom env claude"


@pytest.mark.parametrize("text", ["{", "[]", '{"env": 1}', '{"env": {"ANTHROPIC_BASE_URL": {}}}', "\xff"])
def test_settings_of_any_form_do_no_harm(empty, tmp_path, text):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(text, encoding="latin-1")
    assert claude(empty())[0].check == "claude.version"
    assert (tmp_path / ".claude" / "settings.json").read_text(encoding="latin-1") == text


RIGHT = """model_provider = "rotom"
[model_providers.rotom]
base_url = "http://127.0.0.1:14550/v1"
wire_api = "responses"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", {"codex.url": "ok"}),
        ('"responses"', '"chat"', {"codex.url": "ok", "codex.wire": "fail"}),
        ("14550", "1", {"codex.url": "warn"}),
        ("/v1", "/v1/messages", {"codex.url": "fail"}),
        ("http://", "https://", {"codex.url": "fail"}),
        ("127.0.0.1:14550", "planted.example", {"codex.url": "skip"}),
        ('base_url = "http', 'base_urls = "http', {"codex.url": "skip"}),
        ("model_provider =", "model_provider", {"codex.file": "fail"}),
        ("wire_api", 'env_key = "NOT_SET_ANYWHERE"\nwire_api', {"codex.url": "ok", "codex.key": "warn"}),
        ("wire_api", 'env_key = "planted7key"\nwire_api', {"codex.url": "ok", "codex.key": "fail"}),
    ],
)
def test_the_settings_of_codex(empty, tmp_path, old, new, said):
    text = RIGHT.replace(old, new) if old else RIGHT
    codex(tmp_path, text)
    found = list(clients.codex(empty(), None))
    assert verdicts(found) == {"codex.version": "skip", **said}
    assert (tmp_path / ".codex" / "config.toml").read_text() == text
    assert "planted" not in str(found)


def test_codex_and_the_local_key(empty, tmp_path):
    codex(tmp_path, RIGHT + 'env_key = "MY_KEY"\n')
    found = list(clients.codex(empty(ROTOM_API_KEY="planted-key", MY_KEY="planted-other"), None))
    assert verdicts(found)["codex.key"] == "fail"
    assert "planted" not in str(found)
    assert "codex.key" not in verdicts(clients.codex(empty(ROTOM_API_KEY="planted-key", MY_KEY="planted-key"), None))


def test_codex_without_settings_is_no_matter(empty):
    assert verdicts(clients.codex(empty(), None)) == {"codex.version": "skip"}
