"""`rotom refresh`: renews what is saved, says until when, and tells what failed."""

import os
import re

import pytest

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
