"""``rotom doctor`` and ``rotom doctor --contract``: who is asked, what is printed and what not, and how it ends."""

import json
import os
import signal
from pathlib import Path

import pytest
from mutants import reply

from rotom import cli, exits
from rotom.config import load
from rotom.state.vault import open_vault


def test_without_a_login_there_is_nothing_to_ask(simulator, capsys):
    assert cli.main(["doctor", "--contract", "--yes"]) == exits.PERMISSION
    assert capsys.readouterr().err == "rotom: nothing to ask: nobody is logged in\n       rotom login\n"


def test_nobody_is_asked_without_consent(logged_in, capsys):
    before = len(logged_in.requests)
    assert cli.main(["doctor", "--contract"]) == exits.USAGE
    assert "rotom doctor --contract --yes" in capsys.readouterr().err
    assert len(logged_in.requests) == before


def test_all_as_assumed(logged_in, capsys):
    assert cli.main(["doctor", "--contract", "--yes"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("What rotom assumes of OpenAI's Codex service\n")
    assert "  ok   no [DONE] follows: as assumed\n" in out
    assert out.endswith(" as assumed.\n")


def test_a_difference_has_an_exit_status_and_is_in_the_document(logged_in, capsys):
    logged_in.script(reply(400, {"detail": "planted words"}))
    assert cli.main(["doctor", "--contract", "--yes", "--json"]) == exits.PROTOCOL
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == exits.PROTOCOL
    (entry,) = document["providers"]
    assert entry["provider"] == "openai"
    first = entry["lines"][0]
    assert first["name"] == "instructions"
    assert first["judgement"] == "different"
    assert first["how"] == "refused with 400"
    assert "planted" not in json.dumps(document)


def test_a_provider_that_is_not_logged_in_is_told(logged_in, capsys):
    assert cli.main(["doctor", "--contract", "--yes", "--provider", "grok"]) == exits.PERMISSION
    assert "nobody is logged in" in capsys.readouterr().err


# The examination -------------------------------------------------------------------------------------------------------

PLANTED = {
    "HTTPS_PROXY": "http://planteduser:plantedpass@proxy.planted.example:3128",
    "NO_PROXY": "127.0.0.1,planted-intranet.example",
    "ANTHROPIC_BASE_URL": "https://gateway.planted.example/v1",
    "ANTHROPIC_AUTH_TOKEN": "planted-shell-token",
    "ANTHROPIC_API_KEY": "sk-ant-planted-0123456789",
    "OPENAI_API_KEY": "sk-planted-0123456789",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+secret",
    "ROTOM_API_KEY": "planted-local-key-0123456789",
    "USER": "plantedperson",
    "LOGNAME": "plantedperson",
}


def people(monkeypatch, tmp_path):
    """A home with secrets in everything; the settings of clients, and what they hold."""
    home = tmp_path / "home-of-plantedperson"
    (home / ".claude").mkdir(parents=True)
    (home / ".codex").mkdir()
    (home / ".claude" / "settings.json").write_text(
        json.dumps(
            {
                "apiKeyHelper": "/home/plantedperson/helper",
                "env": {
                    "ANTHROPIC_AUTH_TOKEN": "planted-claude-token",
                    "ANTHROPIC_CUSTOM_HEADERS": "x-secret: planted-header",
                    "ANTHROPIC_MODEL": "gpt-55",
                },
            }
        )
    )
    (home / ".codex" / "config.toml").write_text(
        'model_provider = "p"\n[model_providers.p]\nbase_url = "https://codex.planted.example/v1"\n'
        'wire_api = "chat"\nexperimental_bearer_token = "planted-codex-token"\n'
    )
    monkeypatch.setenv("HOME", str(home))
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    return home


def files_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("json_too", [False, True])
def test_planted_secrets_are_in_no_report_and_no_file_is_changed(logged_in, monkeypatch, tmp_path, capfd, json_too):
    home = people(monkeypatch, tmp_path)
    folder = Path(os.environ["ROTOM_HOME"])
    settings = {
        "version": 1,
        "api_key": "planted-config-key-0123456789",
        "endpoints": ["lab=https://lab.planted.example/v1"],
        "model_aliases": ["a=b"],
        "allow_host": ["box.planted.example"],
    }
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "config.json").chmod(0o600)
    token = open_vault(load({}, os.environ).config, os.environ).load("openai")
    logged_in.script(
        reply(400, {"detail": f"words {token.access} of {token.email} ({token.account_id}) at {home}"}),
        path="/backend-api/codex/models",
    )
    before = files_of(home)
    code = cli.main(["doctor", "--yes", *(["--json"] if json_too else [])])
    shown = "".join(capfd.readouterr())
    assert code in (exits.UNAVAILABLE, exits.CONFIG, exits.DATA)
    assert "planted" not in shown
    for secret in (token.access, token.refresh, token.email, token.account_id, str(home), str(tmp_path)):
        assert secret not in shown
    assert "of (mail address) ((id)) at ~" in shown, "the provider's words, without what is nobody's business"
    assert files_of(home) == before
    if json_too:
        assert json.loads(shown)["status"] == code


def test_without_a_terminal_nothing_is_asked_and_how_to_is_told(logged_in, capsys):
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "to ask one: rotom doctor --yes" in out
    assert logged_in.questions() == []
    assert "\x1b" not in out
    assert "FAIL" not in out


def test_with_consent_each_provider_is_asked(logged_in, capsys):
    assert cli.main(["doctor", "--yes", "--provider", "codex"]) == 0
    assert "openai: gpt-5.5 answered" in capsys.readouterr().out
    assert len(logged_in.questions()) == 1


def test_nobody_is_logged_in(simulator, capsys):
    assert cli.main(["doctor"]) == exits.PERMISSION
    out = capsys.readouterr().out
    assert "  FAIL nobody is logged in\n       -> rotom login\n" in out
    assert "A real question" not in out


def test_a_broken_configuration_fails_its_own_line_and_the_rest_goes_on(logged_in, capsys):
    path = Path(os.environ["ROTOM_HOME"]) / "config.json"
    path.write_text("{")
    path.chmod(0o600)
    assert cli.main(["doctor", "--json"]) == exits.CONFIG
    found = {one["check"]: one for group in json.loads(capsys.readouterr().out)["groups"] for one in group["findings"]}
    assert found["settings.value"]["verdict"] == "fail"
    assert found["logins.openai"]["verdict"] == "ok"
    assert found["models.openai"]["verdict"] == "ok"


def test_a_provider_that_does_not_exist_is_a_mistake_in_the_command(simulator, capsys):
    assert cli.main(["doctor", "--provider", "nobody"]) == exits.USAGE
    assert "there is no provider 'nobody'" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize(("answer", "asked"), [(b"y\n", 1), (b"\n", 0), (b"no\n", 0)])
async def test_on_a_terminal_a_person_is_asked(person, answer, asked):
    await person.log_in()
    person.environ["COLUMNS"] = "60"
    async with person.types("doctor") as process:
        await person.sees(r"Ask openai one tiny question each\? It costs a little of the limit. \[y/N\] ")
        os.write(person.tty, answer)
        assert await person.ends(process) == 0
    assert len(person.simulated.questions()) == asked
    assert "✓" in person.shown or "ok" in person.shown


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
async def test_the_contract_is_explained_before_anything_is_sent(person):
    await person.log_in()
    async with person.types("doctor", "--contract") as process:
        await person.sees(r"24 tiny requests to OpenAI's Codex service, of which a model answers 5")
        await person.sees(r"Go on\? \[y/N\] ")
        assert person.simulated.questions() == []
        os.write(person.tty, b"n\n")
        assert await person.ends(process) == 0
    assert "nothing was asked" in person.shown
    assert person.simulated.questions() == []


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
async def test_ctrl_c_at_the_question_is_quiet(person):
    await person.log_in()
    async with person.types("doctor") as process:
        await person.sees(r"\[y/N\] ")
        process.send_signal(signal.SIGINT)
        assert await person.ends(process) == exits.INTERRUPTED
    assert "Traceback" not in person.shown
