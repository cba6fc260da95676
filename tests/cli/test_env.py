"""`rotom env`: lines that a shell takes, without a secret in them."""

import json
import os
import subprocess
import sys

import pytest
from homes import noted

from rotom import cli, exits, shells
from rotom.cli import companion

PLANTED = "planted-key-of-16-characters"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("ROTOM_", "ANTHROPIC_", "OPENAI_", "CLAUDE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shells, "_ancestors", lambda: iter(["bash"]))


def test_without_a_server_the_settings_say_it(capsys):
    assert cli.main(["env", "claude"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:14550",
        "export ANTHROPIC_AUTH_TOKEN=rotom",
        "export ANTHROPIC_MODEL=gpt-5.5",
        "export CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000",
    ]
    assert said.err == "rotom: no server runs yet: rotom serve, or all in one: rotom launch claude\n"


def test_models_that_are_set_or_wished(capsys, monkeypatch):
    monkeypatch.setenv("ROTOM_MODEL_FALLBACK", "my own")
    assert cli.main(["env", "claude"]) == 0
    out = capsys.readouterr().out
    assert "export ANTHROPIC_MODEL='my own'\n" in out
    assert "MAX_CONTEXT" not in out, "it is not known"
    assert cli.main(["env", "claude", "--model", "grok-4.3", "--small-model", "tiny", "--effort", "low"]) == 0
    out = capsys.readouterr().out
    assert "export ANTHROPIC_DEFAULT_SONNET_MODEL=grok-4.3\n" in out
    assert "export ANTHROPIC_DEFAULT_HAIKU_MODEL=tiny\n" in out
    assert "export CLAUDE_CODE_EFFORT_LEVEL=low\n" in out


@pytest.mark.parametrize("model_small", [None, "tiny"])
def test_a_wished_model_is_meant_for_small_tasks_too_unless_a_setting_says_otherwise(capsys, monkeypatch, model_small):
    if model_small:
        monkeypatch.setenv("ROTOM_MODEL_SMALL", model_small)
    assert cli.main(["env", "claude", "--model", "gpt-6-sol"]) == 0
    assert ("HAIKU_MODEL=gpt-6-sol" in capsys.readouterr().out) is (model_small is None)


@pytest.mark.parametrize("shell", ["sh", "fish", "pwsh"])
@pytest.mark.parametrize("client", ["claude", "codex", "openai", "anthropic"])
def test_the_key_is_never_in_the_lines(capsys, tmp_path, shell, client):
    assert cli.main(["config", "set", "api_key", PLANTED]) == 0
    assert cli.main(["env", client, "--shell", shell]) == 0
    assert cli.main(["env", client, "--json"]) == 0
    said = capsys.readouterr()
    assert PLANTED not in said.out + said.err
    assert "--key" in said.out
    assert cli.main(["env", "--key"]) == 0
    assert capsys.readouterr().out == f"{PLANTED}\n"


def test_there_may_be_no_key(capsys):
    assert cli.main(["env", "--key"]) == exits.USAGE
    assert "none is needed" in capsys.readouterr().err


def test_a_shell_takes_the_lines_and_gets_the_key(tmp_path):
    assert cli.main(["config", "set", "api_key", PLANTED]) == 0
    rotom = f"{sys.executable} -m rotom"
    script = f'eval "$({rotom} env claude --shell sh 2>/dev/null)"; env; eval "$({rotom} env claude --unset)"; env'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.count(f"ANTHROPIC_AUTH_TOKEN={PLANTED}\n") == 1
    assert done.stdout.count("CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000\n") == 1
    assert done.stderr == ""


def test_what_is_in_the_way_is_taken_out(capsys, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    assert cli.main(["env", "claude"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("unset ANTHROPIC_API_KEY\n")
    assert "export NO_PROXY=127.0.0.1\n" in out
    assert "planted" not in out


def test_the_opposite_takes_all_back_whatever_was_wished(capsys):
    assert cli.main(["env", "claude", "--unset"]) == 0
    out = capsys.readouterr().out
    assert "unset ANTHROPIC_BASE_URL\n" in out
    assert "unset CLAUDE_CODE_EFFORT_LEVEL\n" in out
    assert "export" not in out
    assert cli.main(["env", "codex", "--unset", "--shell", "fish"]) == 0
    assert capsys.readouterr().out == "set -e ROTOM_CLIENT_KEY\nfunctions -e codex\n"


def test_codex_gets_a_function(capsys):
    assert cli.main(["env", "codex"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("codex() { command codex -c 'model_provider=\"rotom\"' -c ")
    assert "http://127.0.0.1:14550/v1" in last


def test_programs_get_json(capsys):
    assert cli.main(["env", "openai", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "client": "openai",
        "program": None,
        "environment": {
            "OPENAI_BASE_URL": "http://127.0.0.1:14550/v1",
            "OPENAI_API_KEY": "rotom",
            "OPENAI_DEFAULT_MODEL": "gpt-5.5",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
        },
        "arguments": [],
        "unset": [],
        "key": None,
    }


def test_a_server_that_runs_says_it(capsys, monkeypatch, tmp_path):
    environ = {"PATH": os.environ["PATH"], "ROTOM_HOME": str(tmp_path / "other"), "ROTOM_MODEL_FALLBACK": "gpt-6-sol"}
    with companion.companion(["--demo"], environ) as server:
        noted(tmp_path / "home", server.root.removeprefix("http://"))
        assert cli.main(["env", "claude"]) == exits.PERMISSION
        assert "wants another local key" in capsys.readouterr().err
        monkeypatch.setenv("ROTOM_API_KEY", server.key)
        assert cli.main(["env", "claude"]) == 0
        said = capsys.readouterr()
        assert f"export ANTHROPIC_BASE_URL={server.root}\n" in said.out
        assert "export ANTHROPIC_MODEL=gpt-6-sol\n" in said.out
        assert 'export ANTHROPIC_AUTH_TOKEN="$ROTOM_API_KEY"\n' in said.out
        assert said.err == ""
        assert cli.main(["env", "claude", "--model", "gpt-9"]) == exits.DATA


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["claud"], "there is no client 'claud'; did you mean 'claude'?"),
        (["claude", "--shell", "fsh"], "there is no shell 'fsh'; did you mean 'fish'?"),
        (["claude", "--effort", "hihg"], "there is no effort 'hihg'; did you mean 'high'?"),
        ([], "<client> is missing"),
    ],
)
def test_words_that_are_not_right(capsys, words, said):
    assert cli.main(["env", *words]) == exits.USAGE
    assert said in capsys.readouterr().err
