"""How the status looks on a terminal, in a pipe and as JSON."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from rotom import cli, exits
from rotom.cli.status import rendered
from rotom.providers import Token, Window
from rotom.status import LoginStatus, Trouble, document
from rotom.term import Terminal, width

NOW = 1_780_000_000.0
TOKEN = Token("planted", "planted", NOW + 7800, account_id="acc-1", email="user@example.com", plan="plus")
WINDOWS = (Window(300, 37.0, NOW + 600), Window(10080, 95.0, NOW + 3 * 86400))


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def shown(*logins, stream=None, environ=None):
    return rendered(document(logins, NOW), Terminal(stream or io.StringIO(), environ or {}))


def test_a_login_is_a_paragraph():
    lines = shown(LoginStatus("openai", "ChatGPT", TOKEN, WINDOWS, NOW)).splitlines()
    assert lines[0] == "ChatGPT  user@example.com  plan plus"
    assert lines[1] == "  account   acc-1"
    assert lines[2].startswith("  token     2 h 10 min left (2026-05-")
    assert lines[3].startswith("  5 hours   [")
    assert " 37 % used, resets in 10 min (05-" in lines[3]
    assert " 95 % used, resets in 3 days (" in lines[4]
    assert "planted" not in "".join(lines)


def test_a_problem_stands_at_the_end():
    text = shown(LoginStatus("openai", "ChatGPT", Token(""), problem="log\x1b[2J in again", active=False))
    assert text.splitlines() == ["ChatGPT", "  # log?[2J in again"]


def test_logins_are_kept_apart_and_what_is_not_known_is_left_out():
    text = shown(LoginStatus("a", "A", Token("x")), LoginStatus("b", "B", Token("x"), ()))
    assert text == "A\n\nB\n  limits    the provider names none"


def test_no_escape_gets_into_a_pipe_and_some_onto_a_terminal():
    login = LoginStatus("openai", "ChatGPT", TOKEN, WINDOWS, NOW)
    assert "\x1b" not in shown(login)
    assert "\x1b[31m█" in shown(login, stream=Tty(), environ={"TERM": "xterm"})


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_windows_fit_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = shown(LoginStatus("openai", "ChatGPT", TOKEN, WINDOWS, NOW), stream=Tty(), environ={"TERM": "xterm"})
    assert all(width(line) <= max(columns, 72) for line in text.splitlines()[3:])


def test_a_plan_without_a_subscription_says_so():
    token = Token("x", plan="free")
    assert shown(LoginStatus("openai", "ChatGPT", token)) == "ChatGPT  plan free (no subscription)"


def test_nobody_is_logged_in(simulator, capsys):
    assert cli.main(["status"]) == exits.PERMISSION
    assert capsys.readouterr().err == "rotom: nobody is logged in\n       rotom login\n"
    assert cli.main(["status", "--json"]) == exits.PERMISSION
    assert json.loads(capsys.readouterr().out)["providers"] == []


def test_the_account_and_its_limits_come_from_the_provider(logged_in, capsys):
    assert cli.main(["status"]) == 0
    out = capsys.readouterr().out
    assert "demo@example.com" in out
    assert "5 hours" in out
    assert "weekly" in out
    assert cli.main(["status", "--json", "--provider", "codex"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["account"] == {
        "name": "default",
        "email": "demo@example.com",
        "plan": "plus",
        "has_active_subscription": True,
    }
    assert report["token"]["remaining_seconds"] > 0
    assert [window["minutes"] for window in report["windows"] if window["limit"] is None] == [300, 10080]


def test_a_provider_that_is_not_known_is_told(simulator, capsys):
    assert cli.main(["status", "--provider", "nobody"]) == exits.CONFIG
    assert "there is no provider 'nobody'" in capsys.readouterr().err


def test_a_file_of_another_program_is_not_taken_for_an_empty_one(simulator, capsys):
    home = Path(os.environ["ROTOM_HOME"])
    home.mkdir(mode=0o700)
    (home / "auth.json").write_text('{"access_token": "planted", "refresh_token": "planted"}')
    (home / "auth.json").chmod(0o600)
    assert cli.main(["status"]) not in (0, exits.PERMISSION)
    err = capsys.readouterr().err
    assert "rotom login --take-over" in err
    assert "planted" not in err


WORK = Token("planted", "planted", NOW + 60, account_id="acc-2", email="me@work.example", plan="team")


def test_several_accounts_are_told_apart():
    lines = shown(
        LoginStatus("openai", "ChatGPT", TOKEN, (), NOW),
        LoginStatus("openai@work", "ChatGPT", WORK, (), NOW, in_use=False),
        LoginStatus("grok", "Grok", Token("x")),
    ).splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    assert heads == [
        "ChatGPT  account default  user@example.com  plan plus  in use",
        "ChatGPT  account work  me@work.example  plan team",
        "Grok",
    ]


def test_origin_and_last_error_are_shown():
    trouble = Trouble(time.time() - 130, 429, "usage_limit_reached", "too\x1b much")
    text = shown(LoginStatus("grok", "Grok", Token("x"), (), origin="https://api.x.ai/v1", trouble=trouble))
    assert "  asked at  https://api.x.ai/v1\n" in text
    assert "  last error 2 min ago: too? much" in text


@pytest.mark.parametrize("interval", ["0", "0.5", "x", "nan", "inf", "-3"])
def test_an_interval_that_cannot_be_is_told(simulator, capsys, interval):
    assert cli.main(["status", "--watch", f"--interval={interval}"]) == exits.USAGE
    assert "--interval: seconds from 1 to 86400" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
async def test_watching_on_a_terminal_draws_anew_and_ctrl_c_is_quiet(person):
    await person.log_in()
    async with person.types("status", "--watch", "--interval", "1") as process:
        await person.sees(r"\x1b\[\?25l\x1b\[2J\x1b\[H")
        await person.sees("(?s)demo@example.com.*\x1b\\[H.*demo@example.com.*\x1b\\[H.*demo@example.com")
        process.send_signal(signal.SIGINT)
        assert await person.ends(process) == 0
    assert person.shown.count("\x1b[2J") == 1
    assert person.shown.rstrip("\n").endswith("\x1b[?25h")
    assert "Traceback" not in person.shown
    usages = [one for one in person.simulated.requests if one.path.endswith("/wham/usage")]
    assert len(usages) == 1, "the provider is not asked each time"


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
async def test_watching_in_a_pipe_says_one_after_the_other(person):
    await person.log_in()
    command = [sys.executable, "-m", "rotom", "status", "--watch", "--json", "--interval", "1"]
    process = await trio.lowlevel.open_process(command, env=person.environ, stdout=subprocess.PIPE)
    data = b""
    with trio.fail_after(30):
        while data.count(b"\n") < 2:
            data += await process.stdout.receive_some()
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    reports = [json.loads(line) for line in data.splitlines()[:2]]
    assert [one["logged_in"] for one in reports] == [True, True]
    assert b"\x1b" not in data


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
async def test_watching_follows_logins_and_a_reader_that_goes(person):
    command = [sys.executable, "-m", "rotom", "status", "--watch", "--interval", "1"]
    process = await trio.lowlevel.open_process(command, env=person.environ, stdout=subprocess.PIPE)
    data = b""
    with trio.fail_after(30):
        while b"nobody is logged in" not in data:
            data += await process.stdout.receive_some()
        await person.log_in()
        while b"demo@example.com" not in data:
            data += await process.stdout.receive_some()
        await process.stdout.aclose()
        assert await process.wait() == exits.PIPE
