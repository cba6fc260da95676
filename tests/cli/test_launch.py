"""`rotom launch`: what the client is started with, through which server, and what is said when it cannot be.

The client is a script that tells what it got. The true clients are in tests/clients.
"""

import json
import os
import subprocess
import sys

import pytest
from homes import noted

from rotom import cli, exits
from rotom.cli import companion, foreground

TELLER = (
    f"#!{sys.executable}\n"
    "import json, os, sys, urllib.request\n"
    "names = ('ANTHROPIC_', 'CLAUDE_', 'OPENAI_', 'ROTOM_CLIENT', 'NO_PROXY', 'NOTIFY')\n"
    "told = {name: value for name, value in os.environ.items() if name.startswith(names)}\n"
    "umask = os.umask(0)\n"
    "root = os.environ.get('ANTHROPIC_BASE_URL')\n"
    "if root:\n"
    "    urllib.request.urlopen(root + '/health').read()\n"
    "print(json.dumps({'arguments': sys.argv[1:], 'told': told, 'umask': umask}))\n"
    "sys.exit(5)\n"
)


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with clients that tell what they got."""
    foreign = ("ROTOM_", "ANTHROPIC_", "OPENAI_", "CLAUDE_", "NO_PROXY", "HTTP_PROXY", "http_proxy")
    for name in [name for name in os.environ if name.startswith(foreign)]:
        monkeypatch.delenv(name)
    bin_, home = tmp_path / "bin", tmp_path / "person"
    bin_.mkdir()
    home.mkdir()
    for name in ("claude", "codex", "any"):
        (bin_ / name).write_text(TELLER)
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def launched(*words, **environ):
    """Run it as a person does; (status, what the client told or None, what was said)."""
    done = subprocess.run(
        [sys.executable, "-m", "rotom", "launch", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        umask=0o022,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout, done.stderr


def test_claude_with_a_server_of_its_own(machine):
    status, got, said = launched("--demo", "claude", "--", "-p", "a  b", "--", "--model")
    assert (status, said) == (5, "")
    assert got["arguments"] == ["-p", "a  b", "--", "--model"]
    assert got["umask"] == 0o022, "a client's files are not rotom's"
    told = got["told"]
    assert told.pop("ANTHROPIC_BASE_URL").startswith("http://127.0.0.1:")
    assert len(told.pop("ANTHROPIC_AUTH_TOKEN")) > 20
    assert told == {
        "ANTHROPIC_MODEL": "gpt-5.5",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "272000",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    }
    assert not list(machine.glob("rotom-*")), "its log is not needed any more"


def test_what_is_wished_and_what_is_in_the_way():
    status, got, said = launched(
        *("--demo", "claude", "--model", "gpt-6-sol", "--small-model", "gpt-6-luna", "--effort", "low"),
        ANTHROPIC_API_KEY="planted-secret",
        CLAUDE_CODE_USE_BEDROCK="1",
        HTTP_PROXY="http://127.0.0.1:9",
        NOTIFY_SOCKET="/nonexistent",
    )
    assert status == 5
    assert said == "rotom: left out, since it leads elsewhere: ANTHROPIC_API_KEY, CLAUDE_CODE_USE_BEDROCK\n"
    told = got["told"]
    assert (told["ANTHROPIC_MODEL"], told["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("gpt-6-sol", "gpt-6-sol")
    assert (told["ANTHROPIC_DEFAULT_HAIKU_MODEL"], told["CLAUDE_CODE_EFFORT_LEVEL"]) == ("gpt-6-luna", "low")
    assert told["NO_PROXY"] == "127.0.0.1"
    assert "NOTIFY_SOCKET" not in told


def test_codex_gets_words_and_the_key_is_not_among_them():
    status, got, _ = launched("--demo", "codex", "--", "exec", "hello")
    assert status == 5
    assert got["arguments"][-2:] == ["exec", "hello"]
    assert got["arguments"][:2] == ["-c", 'model_provider="rotom"']
    (key,) = got["told"].values()
    assert key not in json.dumps(got["arguments"])


@pytest.mark.parametrize(("name", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_any_command(name, variable):
    status, got, _ = launched("--demo", name, "--", "any", "x")
    assert (status, got["arguments"]) == (5, ["x"])
    assert len(got["told"][variable]) > 20


def test_a_server_that_runs_is_used(machine):
    environ = {"PATH": os.environ["PATH"], "ROTOM_HOME": str(machine / "other")}
    login = [sys.executable, "-m", "rotom", "login", "--provider", "mine", "--base-url", "http://127.0.0.1:9/v1"]
    subprocess.run(login, input=b"\n", check=True, capture_output=True)
    with companion.companion(["--demo"], environ) as server:
        noted(machine / "home", server.root.removeprefix("http://"))
        status, got, said = launched("claude")
        assert (status, got) == (exits.PERMISSION, "")
        assert "wants another local key" in said
        status, got, said = launched("claude", "--", "x", ROTOM_API_KEY=server.key)
        assert (status, got["arguments"], said) == (5, ["x"], "")
        assert got["told"]["ANTHROPIC_BASE_URL"] == server.root
        assert got["told"]["ANTHROPIC_AUTH_TOKEN"] == server.key
        status, shown, _ = launched("--print", "claude", ROTOM_API_KEY=server.key)
        assert f"# through the server that runs at {server.root}" in shown
        assert server.key not in shown


def test_what_would_be_run_is_shown_without_a_server():
    status, shown, said = launched("--print", "--demo", "codex", "--", "exec", "a b")
    assert (status, said) == (0, "")
    assert shown.startswith("# with a server for it alone: rotom serve --demo --bind 127.0.0.1:0\n")
    assert shown.rstrip().endswith(" exec 'a b'")
    status, shown, _ = launched("--print", "openai", "--", "any", "x")
    assert (status, shown.splitlines()[-1]) == (0, "any x")


def test_the_clients_are_listed(machine):
    (machine / "bin" / "codex").unlink()
    status, shown, _ = launched("--list")
    assert status == 0
    rows = {line.split()[0]: line for line in shown.splitlines()}
    assert str(machine / "bin" / "claude") in rows["claude"]
    assert "not installed" in rows["codex"]
    assert "npm install -g @openai/codex" in rows["codex"]
    assert "rotom launch openai -- COMMAND" in rows["openai"]


def test_one_beside_the_path_is_found(machine):
    place = machine / "person" / ".local" / "bin"
    place.mkdir(parents=True)
    (machine / "bin" / "claude").rename(place / "claude")
    status, got, _ = launched("--demo", "claude", "--", "x")
    assert (status, got["arguments"]) == (5, ["x"])


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["claude"], exits.PERMISSION, "rotom: nobody is logged in\n       rotom login; or try it without: --demo\n"),
        (["claude", "-p", "x"], exits.USAGE, "what is meant for the client comes after --: rotom launch claude -- ..."),
        (["--bogus", "claude"], exits.USAGE, "rotom launch --help"),
        (["claud"], exits.USAGE, "there is no client 'claud'; did you mean 'claude'?"),
        ([], exits.USAGE, "<client> is missing"),
        (["openai"], exits.USAGE, "say which command: what is built on OpenAI's libraries"),
        (["--demo", "openai", "--", "nonexistent"], exits.UNAVAILABLE, "there is no command 'nonexistent'"),
        (["--demo", "claude", "--model", "gpt-9"], exits.DATA, "there is no model 'gpt-9'; did you mean"),
        (["--demo", "claude", "--effort", "hihg"], exits.USAGE, "did you mean 'high'?"),
    ],
)
def test_what_cannot_be(machine, words, status, said):
    found, _, told = launched(*words)
    assert (found, said in told) == (status, True), told
    assert not list(machine.glob("rotom-*"))


def test_a_client_that_is_not_installed(machine):
    (machine / "bin" / "claude").unlink()
    status, _, said = launched("--demo", "claude")
    assert (status, said) == (
        exits.UNAVAILABLE,
        "rotom: Claude Code is not installed\n       npm install -g @anthropic-ai/claude-code\n",
    )


def test_settings_that_win_are_told(machine):
    folder = machine / "person" / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_text('{"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "5", "ANTHROPIC_MODEL": "x"}}')
    _, _, said = launched("--demo", "claude")
    assert said == f"rotom: {folder / 'settings.json'} sets CLAUDE_CODE_MAX_CONTEXT_TOKENS, too, and wins\n"


def test_a_server_that_did_not_last_is_told_with_its_log(machine, capsys, monkeypatch):
    def die(command, environ, umask):
        server = seen[0]
        server._process.kill()
        server._process.wait(10)
        server.log.write_text("something\nrotom: the disk is full\n")
        return 3

    seen = []
    true = companion.Companion.wait_ready
    monkeypatch.setattr(companion.Companion, "wait_ready", lambda self: (true(self), seen.append(self)))
    monkeypatch.setattr(foreground, "run", die)
    monkeypatch.setattr(companion.tempfile, "tempdir", str(machine))
    assert cli.main(["launch", "--demo", "claude"]) == 3
    said = capsys.readouterr().err
    (log,) = machine.glob("rotom-launch-*")
    assert said.endswith(f"rotom: the server of this client did not last: the disk is full\n       its log: {log}\n")


async def test_a_person_is_offered_to_log_in(person, machine):
    """And then the client is started, with a server that has that login."""
    person.environ |= {"PATH": os.environ["PATH"], "TMPDIR": str(machine)}
    async with person.types("launch", "claude", "--", "x") as process:
        await person.sees(r"Log in now\? \[Y/n\] ")
        os.write(person.tty, b"n\n")
        assert await person.ends(process) == exits.PERMISSION
    await person.log_in()
    async with person.types("launch", "claude", "--", "x") as process:
        await person.sees("Claude Code asks gpt-5.5 through a server of its own")
        assert await person.ends(process) == 5
    assert '"arguments": ["x"]' in person.shown


async def test_logins_that_no_server_can_open(person, machine):
    person.environ |= {"PATH": os.environ["PATH"]}
    await person.log_in()
    person.vault.set_passphrase("a long passphrase")
    status, said = await person.runs("launch", "claude")
    assert (status, "rotom key remove-passphrase" in said) == (exits.PERMISSION, True)
