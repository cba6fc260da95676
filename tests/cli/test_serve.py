"""`rotom serve`: what its options become. The serving itself is tested with the server and with real clients."""

import pytest

from rotom import cli, exits
from rotom.config import SETTINGS

VALUES = {
    "bind": "[::1]:0",
    "api_key": "a-key-of-16-chars",
    "api_key_file": "/k",
    "provider": "codex",
    "model_fallback": "gpt-6-sol",
    "model_small": "gpt-6-luna",
    "auth_file": "/a.json",
    "allow_host": "box.lan",
    "allow_origin": "https://app.example.org",
    "max_body": "1M",
    "grace": "0",
    "idle_exit": "60",
    "log_format": "json",
    "log_level": "debug",
}


@pytest.fixture
def served(monkeypatch, tmp_path):
    """The calls of serve()."""
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path))
    calls = []
    monkeypatch.setattr("rotom.serve.serve", lambda loaded, demo: calls.append((loaded, demo)) or 0)
    return calls


def test_each_flag_reaches_its_setting(served):
    assert {*VALUES, "strict"} == {setting.name for setting in SETTINGS.values() if setting.flag}
    argv = [word for name, value in VALUES.items() for word in (SETTINGS[name].flag, value)]
    assert cli.main(["serve", *argv, "--strict", "--demo"]) == 0
    ((loaded, demo),) = served
    assert demo is True
    assert loaded.config.strict is True
    for name, value in VALUES.items():
        assert getattr(loaded.config, name) == SETTINGS[name].read(value)
        assert loaded.sources[name] == "flag"


def test_no_flag_at_all(served):
    assert cli.main(["serve"]) == 0
    ((loaded, demo),) = served
    assert demo is False
    assert "flag" not in loaded.sources.values()


def test_a_bad_setting_is_told_before_anything_starts(served, capsys):
    assert cli.main(["serve", "--grace", "soon"]) == exits.CONFIG
    assert served == []
    assert capsys.readouterr().err == "rotom: the option --grace: grace must be a number of seconds, 0 or more\n"


def test_the_list_belongs_to_the_demonstration(served, capsys):
    assert cli.main(["serve", "--list"]) == exits.USAGE
    assert cli.main(["serve", "--demo", "--list"]) == 0
    assert "demo:text" in capsys.readouterr().out
    assert served == []
