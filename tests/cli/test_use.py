"""`rotom use`: the account is changed when a person says so, and only then."""

import os

import pytest
import trio

from rotom.providers import Token

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")

HOME = Token("a", "r", account_id="one", email="me@home.example", plan="plus")
WORK = Token("b", "s", account_id="two", email="me@work.example", plan="team")


@pytest.fixture
def two(person):
    person.vault.save("openai", HOME)
    person.vault.save("openai@work", WORK)
    return person


async def test_another_account_is_put_in_use(two):
    status, output = await two.runs("use", "openai", "work")
    assert status == 0
    assert output == (
        "In use now: ChatGPT (Codex), account work as me@work.example, plan team.\n"
        "Conversations that run go on with theirs.\n"
    )
    assert two.vault.in_use() == {"openai": "openai@work"}
    assert (await two.runs("use", "Work"))[1].startswith("In use already: ")
    status, output = await two.runs("use", "openai@default")
    assert (status, "ChatGPT (Codex), the first account as me@home.example" in output) == (0, True)
    assert two.vault.in_use() == {"openai": "openai"}


async def test_running_conversations_are_moved_when_that_is_said(two):
    status, output = await two.runs("use", "--move", "codex", "work")
    assert (status, "go with it, too" in output) == (0, True)
    assert two.vault.moved() == {"openai"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "there is no login with account 'nobody'; there is openai, openai@work"),
        (("openai", "nobody"), "there is no login with account 'nobody' at openai"),
        (("x", "work"), "there is no provider 'x'"),
        (("a/b",), "an account's name is"),
        (("",), "an account's name is"),
        ((), "ACCOUNT is missing"),
    ],
)
async def test_what_is_not_there_is_told_and_nothing_is_changed(two, words, says):
    before = (two.home / "auth.json").read_bytes()
    status, output = await two.runs("use", *words)
    assert (status, says in output) == (64, True), output
    assert (two.home / "auth.json").read_bytes() == before


async def test_where_several_have_it_the_provider_must_be_said(two):
    two.environ["ROTOM_ENDPOINTS"] = "local=http://127.0.0.1:9/v1"
    two.vault.save("local@work", Token("key"))
    status, output = await two.runs("use", "work")
    assert (status, "several providers have an account 'work' (openai, local)" in output) == (64, True)
    assert "rotom use openai work" in output


async def test_a_server_follows_and_its_log_says_so(two):
    await two.log_in()
    async with two.types("serve", "--bind", "127.0.0.1:0", "--log-format", "json") as process:
        await two.sees(r"http://127\.0\.0\.1:\d+")
        (status, _), _ = await two.runs("use", "work"), await two.runs("status")
        assert status == 0
        with trio.fail_after(10):
            await two.sees("openai: account work is in use now; running conversations go on with theirs")
        process.terminate()
        await two.ends(process)
