"""`rotom logout`: the login is ended at the provider and gone here, whatever happens."""

import os

import pytest

from rotom.providers import Token
from rotom.simulator.play import json_reply

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")

TWO = Token("access-2", "refresh-2")


async def test_logging_out_revokes_and_removes_this_login_only(person):
    assert await person.runs("logout") == (0, "Not logged in.\n")
    token = await person.log_in()
    person.vault.save("grok", TWO)
    done = (0, "Logged out of ChatGPT (Codex) as demo@example.com, plan plus.\n")
    status, output = await person.runs("logout")
    assert (status, "say which" in output) == (64, True)
    assert await person.runs("logout", "--provider", "openai") == done
    assert person.vault.logins() == ("grok",)
    assert person.simulated.issuer_state._refresh[token.refresh].over == "token_revoked"
    assert await person.runs("logout", "--provider", "codex") == (0, "Not logged in to ChatGPT (Codex).\n")


async def test_a_provider_that_refuses_does_not_keep_the_login_here(person):
    await person.log_in()
    person.simulated.script(json_reply(503, {"detail": "down"}), path="/oauth/revoke")
    status, output = await person.runs("logout", "--provider", "openai")
    assert status == 0
    assert "could not be told to end the login: OpenAI answered 503" in output
    assert person.vault.logins() == ()


async def test_a_login_that_cannot_be_opened_can_be_removed(person):
    await person.log_in()
    (person.home / "key").unlink()
    status, output = await person.runs("logout")
    assert (status, "removed without telling the provider" in output) == (0, True)
    assert person.vault.logins() == ()


async def test_an_unknown_provider_is_named(person):
    status, output = await person.runs("logout", "--provider", "nobody")
    assert (status, "there is no provider 'nobody'\n       choose from openai" in output) == (64, True)


async def test_one_account_of_several(person):
    person.vault.save("openai@work", TWO)
    person.vault.save("openai@old", TWO)
    await person.log_in()
    status, output = await person.runs("logout", "--provider", "openai")
    assert (status, "say which, by --provider and --account, or --all" in output) == (64, True)
    status, output = await person.runs("logout", "--account", "work")
    assert status == 0
    assert "Logged out of ChatGPT (Codex), account work." in output
    assert "In use is account default now." in output
    assert person.vault.logins() == ("openai@old", "openai")
    status, output = await person.runs("logout", "--account", "work")
    assert (status, "there is no login with account 'work'" in output) == (64, True)
    status, output = await person.runs("logout", "--provider", "openai", "--all")
    assert (status, output.count("Logged out of")) == (0, 2)
    assert person.vault.logins() == ()
