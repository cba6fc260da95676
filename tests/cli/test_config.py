"""`rotom config`: what it shows and what it writes."""

import io
import json
import os
import sys

import pytest

from rotom import cli, exits
from rotom.cli import config as command
from rotom.config import SETTINGS, load
from rotom.running import noted


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    before = os.umask(0o077)
    for name in [name for name in os.environ if name.startswith(("ROTOM_", "SSL_CERT_FILE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path))
    yield tmp_path
    os.umask(before)


@pytest.fixture
def file(home):
    return home / "config.json"


def stored(file):
    return json.loads(file.read_text())


def test_show_tells_value_and_source(capsys, home, monkeypatch):
    monkeypatch.setenv("ROTOM_LOG_LEVEL", "debug")
    assert cli.main(["config", "set", "grace", "3"]) == 0
    capsys.readouterr()
    assert cli.main(["config", "show"]) == 0
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in capsys.readouterr().out.splitlines()}
    assert set(rows) == set(SETTINGS)
    assert rows["grace"] == ["3", f"file {home}/config.json"]
    assert rows["log_level"] == ["debug", "environment ROTOM_LOG_LEVEL"]
    assert rows["idle_timeout"] == ["300", "default"]
    assert rows["provider"] == ["-", "default"]


def test_show_masks_secrets_in_both_forms(capsys, monkeypatch):
    monkeypatch.setenv("ROTOM_API_KEY", "planted-secret")
    assert cli.main(["config", "show"]) == cli.main(["config", "show", "--json"]) == 0
    out = capsys.readouterr().out
    assert "planted" not in out
    assert out.count("********") == 2


def test_show_as_json(capsys, home):
    assert cli.main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == str(home / "config.json")
    assert set(document["settings"]) == set(SETTINGS)
    assert document["settings"]["bind"] == {"value": ["127.0.0.1:14550"], "source": "default"}


def test_set_keeps_the_others_and_what_was_typed(file):
    for name, value in (("max-body", "8M"), ("grace", "4"), ("idle_timeout", "2.5"), ("grace", "5")):
        assert cli.main(["config", "set", name, value]) == 0
    assert stored(file) == {"version": 1, "max_body": "8M", "grace": 5, "idle_timeout": "2.5"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_set_takes_a_secret_from_stdin(file, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a-key-of-sixteen\n"))
    assert cli.main(["config", "set", "api_key", "-"]) == 0
    assert stored(file)["api_key"] == "a-key-of-sixteen"


def test_set_says_when_the_environment_wins(capsys, monkeypatch):
    monkeypatch.setenv("ROTOM_GRACE", "1")
    assert cli.main(["config", "set", "grace", "5"]) == 0
    assert "ROTOM_GRACE in the environment wins" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["set", "grase", "1"], "did you mean 'grace'?"),
        (["set", "grace", "soon"], "grace must be a number of seconds"),
        (["set", "home", "/x"], "home can only be set by ROTOM_HOME in the environment"),
        (["reset", "grase"], "did you mean 'grace'?"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_written(capsys, file, argv, said):
    assert cli.main(["config", *argv]) == exits.CONFIG
    assert said in capsys.readouterr().err
    assert not file.exists()


def test_reset_takes_away_one_or_all(file):
    cli.main(["config", "set", "grace", "4"])
    cli.main(["config", "set", "provider", "openai"])
    assert cli.main(["config", "reset", "grace"]) == 0
    assert stored(file) == {"version": 1, "provider": "openai"}
    assert cli.main(["config", "reset"]) == 0
    assert stored(file) == {"version": 1}


@pytest.mark.parametrize("name", ["modle_fallback", "max-body"])
def test_reset_takes_out_what_is_no_setting(capsys, file, name):
    file.write_text(json.dumps({"version": 1, name: "x", "grace": 3}))
    assert cli.main(["config", "show"]) == exits.CONFIG
    assert f"rotom config reset {name}" in capsys.readouterr().err
    assert cli.main(["config", "reset", name]) == 0
    assert stored(file) == {"version": 1, "grace": 3}


def test_reset_makes_no_file_where_there_is_none(file):
    assert cli.main(["config", "reset"]) == 0
    assert not file.exists()


def test_a_file_of_the_rust_program_is_taken_over_only_when_asked(capsys, file):
    foreign = json.dumps({"bind": "127.0.0.1:1", "model_fallback": "gpt-5.4", "grace": "x", "theme": "dark"})
    file.write_text(foreign)
    for argv in (["set", "grace", "1"], ["reset"], ["show"]):
        assert cli.main(["config", *argv]) == exits.CONFIG
        assert "--take-over" in capsys.readouterr().err
        assert file.read_text() == foreign
    assert cli.main(["config", "reset", "--take-over"]) == 0
    err = capsys.readouterr().err
    assert "took over: bind, model_fallback" in err
    assert "grace, theme" in err
    assert stored(file) == {"version": 1, "bind": "127.0.0.1:1", "model_fallback": "gpt-5.4"}
    backup = file.with_name("config.json.backup")
    assert backup.read_text() == foreign
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_second_backup_does_not_replace_the_first(file):
    for number in (1, 2):
        file.write_text(json.dumps({"grace": number}))
        assert cli.main(["config", "set", "bind", "127.0.0.1:1", "--take-over"]) == 0
    assert json.loads(file.with_name("config.json.backup").read_text()) == {"grace": 1}
    assert json.loads(file.with_name("config.json.backup1").read_text()) == {"grace": 2}
    assert stored(file) == {"version": 1, "grace": 2, "bind": "127.0.0.1:1"}


def test_a_newer_file_is_refused_untouched_even_with_take_over(file):
    newer = '{"version": 99, "later": true}'
    file.write_text(newer)
    for argv in (["set", "grace", "1", "--take-over"], ["reset", "--take-over"], ["reset"]):
        assert cli.main(["config", *argv]) == exits.CONFIG
    assert file.read_text() == newer


class Person(io.StringIO):
    """A terminal at which somebody types these lines."""

    def isatty(self):
        return True


def dialogue(monkeypatch, capsys, *answers):
    monkeypatch.setattr(sys, "stdin", Person())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    left = list(answers)
    monkeypatch.setattr("builtins.input", lambda prompt="": print(prompt) or (left.pop(0) if left else ""))
    monkeypatch.setattr("getpass.getpass", lambda prompt="": print(prompt) or (left.pop(0) if left else ""))
    code = cli.main(["config"])
    return code, capsys.readouterr().out


def test_the_dialogue_changes_what_is_answered(monkeypatch, capsys, file):
    cli.main(["config", "set", "provider", "openai"])
    cli.main(["config", "set", "api_key", "planted-secret-key"])
    code, out = dialogue(monkeypatch, capsys, "nonsense", "127.0.0.1:9", "", "-", "gpt-5.4")
    assert code == 0
    assert "bind must be HOST:PORT" in out
    assert "planted" not in out
    assert stored(file) == {
        "version": 1,
        "bind": "127.0.0.1:9",
        "api_key": "planted-secret-key",
        "model_fallback": "gpt-5.4",
    }


def test_the_dialogue_may_change_nothing(monkeypatch, capsys, file):
    code, out = dialogue(monkeypatch, capsys)
    assert code == 0
    assert "nothing changed" in out
    assert not file.exists()


def test_the_dialogue_asks_for_settings_that_exist():
    assert set(command.ASKED) <= set(SETTINGS)


def test_a_server_that_runs_is_named_with_what_it_needs(capsys):
    assert cli.main(["config", "set", "strict", "yes"]) == 0
    assert capsys.readouterr().err == ""
    with noted(load({}, os.environ).config, ["127.0.0.1:14550"]):
        assert cli.main(["config", "set", "strict", "no"]) == 0
        assert "takes this up on SIGHUP ('rotom daemon reload') or at its next start" in capsys.readouterr().err
        assert cli.main(["config", "reset", "bind"]) == 0
        assert f"(process {os.getpid()})" in (said := capsys.readouterr().err)
        assert "after 'rotom daemon reinstall'" in said
