"""`rotom login` as a person runs it: the true program, in a process of its own, against the simulator."""

import json
import os
import random
import re
import sys
from functools import partial

import httpx
import pytest
import trio

from rotom.providers import Token
from rotom.simulator.oauth_claims import Account

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals, kill -9")

TWO = Token("access-2", "refresh-2")


async def test_the_browser_comes_back(person):
    async with person.types("login", "--provider", "codex", "--no-browser") as process:
        back = person.simulated.consent(await person.address())
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(back.replace("127.0.0.1", "localhost"))
        assert page.status_code == 200
        assert await person.ends(process) == 0
    assert "Logged in to ChatGPT (Codex) as demo@example.com, plan plus." in person.shown
    assert f"Stored in {person.home}/auth.json, encrypted with the key in {person.home}/key." in person.shown
    token = person.vault.load("openai")
    assert (token.email, token.plan) == ("demo@example.com", "plus")
    assert token.access not in person.shown
    assert "planted" not in person.shown
    raw = (person.home / "auth.json").read_text()
    assert token.access not in raw
    assert token.refresh not in raw


async def test_a_login_to_grok(person):
    async with person.types("login", "--provider", "xai", "--no-browser") as process:
        back = person.simulated.consent(await person.address())
        assert back.startswith("http://127.0.0.1:56121/callback?")
        os.write(person.tty, f"{back}\n".encode())
        assert await person.ends(process) == 0
    assert "Logged in to Grok (xAI) as demo@example.com." in person.shown
    token = person.vault.load("grok")
    assert token.extra["tier"] == 4
    assert token.access not in person.shown
    status, output = await person.runs("status")
    assert (status, "Grok (xAI)  demo@example.com  plan SuperGrok" in output) == (0, True), output
    assert (await person.runs("refresh", "--provider", "grok"))[0] == 0
    assert person.vault.load("grok").refresh != token.refresh
    status, output = await person.runs("models", "--provider", "grok")
    assert (status, "live list" in output, "grok-4.6" in output) == (0, True, True)
    assert await person.runs("logout", "--provider", "grok") == (0, "Logged out of Grok (xAI) as demo@example.com.\n")


async def test_a_code_for_grok(person):
    person.simulated.xai.issuer_state.device_interval = 1
    async with person.types("login", "--provider", "grok", "--device") as process:
        code = (await person.sees(r"[A-Z0-9]{4}-[A-Z0-9]{4}"))[0]
        assert person.simulated.approve(code)
        assert await person.ends(process) == 0
    assert person.vault.load("grok").email == "demo@example.com"


async def test_what_comes_next_is_said(person):
    begin = "Next: rotom launch claude\n"
    await person.log_in()
    assert f"{begin}For a server that is always there: rotom daemon install\n" in person.shown
    note = {
        "addresses": ["127.0.0.1:1"],
        "auth_file": str(person.home / "auth.json"),
        "provider": None,
        "pid": os.getpid(),
    }
    (person.home / "serve.json").write_text(json.dumps(note))
    (person.home / "serve.json").chmod(0o600)
    await person.log_in()
    assert f"The server that runs has it already. {begin}" in person.shown
    assert "daemon install" not in person.shown


async def test_an_import_asks_for_no_choice_where_there_is_one_provider(person, tmp_path):
    async with person.types("login", "--import", str(tmp_path / "none")) as process:
        assert await person.ends(process) != 0
    assert person.shown.startswith(f"rotom: cannot read {tmp_path}/none: no such file or directory")


async def test_the_list_of_providers_fits_a_narrow_terminal(person):
    person.environ["COLUMNS"] = "60"
    async with person.types("login", "--no-browser"):
        await person.sees(r"Which provider")
    assert max(map(len, person.shown.splitlines())) <= 60
    assert "\n                OpenAI's own way for local programs, on" in person.shown


async def test_the_answer_is_pasted_and_corrected(person):
    async with person.types("login", "--no-browser") as process:
        await person.sees(r"1  openai +ChatGPT \(Codex\)")
        os.write(person.tty, b"\n")
        address = await person.address()
        os.write(person.tty, b"what?\n")
        await person.sees("there is no code in that")
        os.write(person.tty, b"http://localhost:1455/auth/callback?code=x&state=wrong\n")
        await person.sees("another login attempt")
        back = person.simulated.consent(address).replace("127.0.0.1", "localhost")
        await trio.sleep(0.2)
        os.write(person.tty, f"'{back}'\n".encode())
        assert await person.ends(process) == 0
    assert person.vault.load("openai").email == "demo@example.com"


async def test_a_browser_window_opens_where_there_is_one(person, tmp_path):
    script = tmp_path / "browser"
    script.write_text(
        f"#!{sys.executable}\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1] + '&auto=1').read()\n"
    )
    script.chmod(0o700)
    person.environ["BROWSER"] = str(script)
    async with person.types("login", "--provider", "openai") as process:
        assert await person.ends(process) == 0
    assert "If no browser window opens" in person.shown
    assert "Logged in to" in person.shown


@pytest.mark.parametrize("words", [["--device"], []])
async def test_a_code_on_another_device(person, words):
    person.simulated.issuer_state.device_interval = 1
    async with person.types("login", "--provider", "openai", *words) as process:
        code = (await person.sees(r"[A-Z]{4}-\d{5}"))[0]
        assert f"{person.simulated.issuer}/codex/device" in person.shown
        person.simulated.approve(code)
        assert await person.ends(process) == 0
    assert person.vault.load("openai").plan == "plus"


async def test_where_codes_are_not_allowed_the_address_is_shown(person):
    person.simulated.issuer_state.device_enabled = False
    status, output = await person.runs("login", "--device", "--provider", "openai")
    assert (status, "does not offer the device login" in output) == (65, True)
    async with person.types("login", "--provider", "openai") as process:
        os.write(person.tty, f"{person.simulated.consent(await person.address())}\n".encode())
        assert await person.ends(process) == 0


async def test_a_refused_consent_and_an_expired_code_say_what_to_do(person):
    async with person.types("login", "--no-browser", "--provider", "openai") as process:
        back = person.simulated.consent(await person.address(), allow=False)
        os.write(person.tty, f"{back}\n".encode())
        assert await person.ends(process) == 77
    assert "rotom: the consent was refused in the browser" in person.shown
    async with person.types("login", "--no-browser", "--provider", "openai") as process:
        state = re.search("state=([^&]+)", await person.address())[1]
        os.write(person.tty, f"ac_old#{state}\n".encode())
        assert await person.ends(process) == 77
    assert "invalid or has expired. A code is good once" in person.shown
    assert not (person.home / "auth.json").exists()


async def test_ctrl_c_leaves_quietly_and_puts_the_terminal_back(person):
    import termios

    async with person.types("login", "--no-browser", "--provider", "openai") as process:
        await person.sees("paste the address")
        await trio.sleep(0.2)
        process.send_signal(2)
        assert await person.ends(process) == 130
        assert termios.tcgetattr(person.tty)[3] & termios.ECHO
    assert "Traceback" not in person.shown


async def test_importing_warns_of_sharing(person, tmp_path):
    theirs = await person.log_in()
    tokens = {"access_token": theirs.access, "refresh_token": theirs.refresh, "id_token": {"email": "x@example.com"}}
    file = tmp_path / "codex.json"
    file.write_text(json.dumps({"auth_mode": "chatgpt", "tokens": tokens}))
    status, output = await person.runs("login", "--import", str(file))
    assert status == 0
    assert "logs the other out" in output
    assert person.vault.load("openai").email == "x@example.com"
    status, output = await person.runs("login", "--import", str(tmp_path / "none"))
    assert (status, "cannot read" in output) == (65, True)


async def test_a_file_of_the_rust_program_is_taken_over_only_when_asked(person):
    person.home.mkdir(mode=0o700)
    old = json.dumps({"access_token": "a", "refresh_token": "r"})
    (person.home / "auth.json").write_text(old)
    (person.home / "auth.json").chmod(0o600)
    status, output = await person.runs("login", "--no-browser", "--provider", "openai")
    assert status == 65
    assert "Rust program" in output
    assert "rotom login --take-over" in output
    assert (person.home / "auth.json").read_text() == old
    status, output = await person.runs("login", "--take-over")
    assert (status, "Logged in to" in output) == (0, True)
    assert person.vault.load("openai").refresh == "r"
    assert (person.home / "auth.json.backup").read_text() == old


async def test_a_newer_file_is_left_alone(person):
    person.home.mkdir(mode=0o700)
    (person.home / "auth.json").write_text('{"version": 2}')
    (person.home / "auth.json").chmod(0o600)
    status, output = await person.runs("login", "--no-browser", "--provider", "openai")
    assert (status, "newer rotom" in output) == (65, True)


async def test_with_no_way_back_it_says_so(person):
    with_ports = [partial(trio.open_tcp_listeners, port, host="127.0.0.1") for port in (1455, 1457)]
    held = []
    for listen in with_ports:
        try:
            held += await listen()
        except OSError:
            continue  # somebody else has it: as good
    status, output = await person.runs("login", "--no-browser", "--provider", "openai")
    for listener in held:
        await listener.aclose()
    assert status == 69
    assert "no way back" in output


async def test_kill_9_at_any_moment_of_a_login(person):
    person.vault.save("grok", TWO)
    dice = random.Random()
    for _ in range(6):
        async with person.types("login", "--no-browser", "--provider", "openai") as process:
            back = person.simulated.consent(await person.address())
            os.write(person.tty, f"{back}\n".encode())
            await trio.sleep(dice.uniform(0.1, 0.25))
            process.kill()
        assert person.vault.load("grok") == TWO
        token = person.vault.load("openai")
        assert token is None or token.email == "demo@example.com"


async def logs_in(person, account, *words):
    """Log in as that account; what was shown."""
    person.simulated.issuer_state.account = account
    async with person.types("login", "--no-browser", "--provider", "openai", *words) as process:
        os.write(person.tty, f"{person.simulated.consent(await person.address())}\n".encode())
        assert await person.ends(process) == 0
    return person.shown


WORK = Account(account_id="work-1", user_id="user-work", email="me@work.example", plan="team")


async def test_a_second_account(person):
    assert "In use is" not in await logs_in(person, Account())
    shown = await logs_in(person, WORK, "--account", "Work")
    assert "Logged in to ChatGPT (Codex), account work as me@work.example, plan team." in shown
    assert "In use is account default as before; to change that: rotom use openai work" in shown
    assert person.vault.logins() == ("openai", "openai@work")
    assert person.vault.load("openai").email == "demo@example.com"
    shown = await logs_in(person, WORK, "--account", "again")
    assert "This is the same account as work: the two have their limits in common." in shown
    shown = await logs_in(person, WORK)
    assert "It takes the place of the login as demo@example.com, plan plus; to have both, give one a name" in shown
    assert "same account as work" in shown
    shown = await logs_in(person, WORK)
    assert "takes the place" not in shown


@pytest.mark.parametrize("name", ["", "a/b", "../x", "x" * 40, "a@b"])
async def test_an_account_must_be_a_name(person, name):
    status, output = await person.runs("login", "--provider", "openai", "--account", name)
    assert (status, "--account: an account's name is" in output) == (64, True)
    assert not person.home.exists()
