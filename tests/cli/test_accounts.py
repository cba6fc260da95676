"""`rotom accounts`: who is logged in, without asking anybody."""

import io
import json
import os

import pytest

from rotom.cli.accounts import rendered
from rotom.providers import Token
from rotom.term import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")

HOME = Token("planted-a", "planted-r", account_id="one", email="me@home.example", plan="plus")


async def test_the_accounts_and_which_is_in_use(person):
    person.vault.save("openai@work", Token("planted-b", "planted-s", account_id="two"))
    person.vault.save("openai", HOME)
    status, output = await person.runs("accounts")
    assert status == 0
    lines = [line.split() for line in output.splitlines()]
    assert lines == [
        ["PROVIDER", "ACCOUNT", "EMAIL", "PLAN"],
        ["*", "openai", "work", "two", "-"],
        ["openai", "default", "me@home.example", "plus"],
    ]
    status, output = await person.runs("accounts", "--json", "--provider", "codex")
    found = json.loads(output)["accounts"]
    assert [(one["login"], one["in_use"]) for one in found] == [("openai@work", True), ("openai", False)]
    assert found[1]["email"] == "me@home.example"
    assert "planted" not in output
    assert not person.simulated.requests


async def test_nobody_is_logged_in(person):
    assert await person.runs("accounts") == (0, "rotom: nobody is logged in\n       rotom login\n")
    status, output = await person.runs("accounts", "--json")
    assert (status, json.loads(output)) == (0, {"accounts": []})


async def test_a_login_that_cannot_be_opened_is_there_all_the_same(person):
    person.vault.save("openai@work", HOME)
    (person.home / "key").unlink()
    person.vault.save("openai", HOME)
    status, output = await person.runs("accounts")
    assert (status, "was sealed with key" in output, "me@home.example" in output) == (0, True, True)


def test_foreign_words_are_cleaned():
    one = {"provider": "p", "account": "a", "email": "x\x1b[2J", "plan": None, "problem": None, "in_use": True}
    assert "\x1b" not in rendered([{**one, "account_id": None}], Terminal(io.StringIO(), {}))
