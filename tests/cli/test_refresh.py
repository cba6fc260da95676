"""`rotom refresh`: renews what is saved, says until when, and tells what failed."""

import json
import os
import re

import pytest

from rotom.providers import Token
from rotom.simulator.oauth_claims import Account

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")


async def test_refreshing_renews_and_says_for_how_long(person):
    old = await person.log_in()
    status, output = await person.runs("refresh")
    assert status == 0
    assert re.fullmatch(
        r"Renewed ChatGPT \(Codex\) as demo@example\.com, plan plus; good for (10 days|9 days 23 h)\.\n", output
    )
    new = person.vault.load("openai")
    assert new.refresh not in (old.refresh, None)
    assert new.access not in output


async def test_nobody_is_logged_in(person):
    assert await person.runs("refresh") == (77, "rotom: nobody is logged in\n       rotom login\n")
    status, output = await person.runs("refresh", "--provider", "openai")
    assert (status, "not logged in to ChatGPT (Codex)" in output) == (77, True)


async def test_a_login_that_is_over_says_what_to_type(person):
    await person.log_in()
    person.simulated.issuer_state.end()
    status, output = await person.runs("refresh", "--provider", "codex")
    assert status == 77
    assert output.startswith("rotom: the OpenAI login is over: ")
    assert output.endswith("\n       run: rotom login --provider openai\n")


async def test_one_account_or_all_of_them(person):
    await person.log_in()
    work = person.simulated.issuer_state.account = Account(account_id="two", user_id="w", email="me@work.example")
    async with person.types("login", "--no-browser", "--provider", "openai", "--account", "work") as process:
        os.write(person.tty, f"{person.simulated.consent(await person.address())}\n".encode())
        assert await person.ends(process) == 0
    before = [person.vault.load(name).refresh for name in ("openai", "openai@work")]
    status, output = await person.runs("refresh", "--account", "work")
    assert status == 0
    assert output.startswith(f"Renewed ChatGPT (Codex), account work as {work.email}")
    assert person.vault.load("openai").refresh == before[0]
    status, output = await person.runs("refresh")
    assert (status, output.count("Renewed")) == (0, 2)
    assert not {person.vault.load(name).refresh for name in ("openai", "openai@work")} & set(before)
    assert (await person.runs("refresh", "--account", "nobody"))[0] == 64


async def test_one_that_fails_does_not_hide_the_others(person):
    person.vault.save("openai@old", Token("x", "never given", 1.0))
    await person.log_in()
    status, output = await person.runs("refresh", "--json")
    assert status == 77
    report = json.loads(output)
    assert report["refreshed"] is False
    assert {one["login"]: one["refreshed"] for one in report["providers"]} == {"openai@old": False, "openai": True}
    status, output = await person.runs("refresh")
    assert status == 77
    assert "Renewed ChatGPT (Codex) as demo@example.com" in output
    assert "rotom login --provider openai --account old" in output


async def test_a_key_is_not_renewed_and_that_is_no_failure(person):
    person.environ["ROTOM_ENDPOINTS"] = "local=http://127.0.0.1:9/v1"
    person.vault.save("local", Token("sk-planted"))
    await person.log_in()
    status, output = await person.runs("refresh")
    assert status == 0
    assert "Not renewed: " in output
    assert "planted" not in output
