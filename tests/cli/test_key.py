"""`rotom key`: the key is managed and never shown."""

import os

import pytest

from rotom.providers import Token

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")

ONE = Token("access-1", "refresh-1")


async def test_the_source_is_told_and_the_key_is_not(person):
    person.vault.save("openai", ONE)
    status, output = await person.runs("key", "show-source")
    assert status == 0
    assert f"the key from file: {person.home}/key\n" in output
    assert "openai     encrypted with key " in output
    assert (person.home / "key").read_text().strip() not in output


async def test_rotating(person):
    person.vault.save("openai", ONE)
    old = (person.home / "key").read_bytes()
    status, output = await person.runs("key", "rotate")
    assert (status, output) == (
        0,
        f"The saved logins are encrypted with a new key now (file: {person.home}/key).\n",
    )
    assert (person.home / "key").read_bytes() != old
    assert person.vault.load("openai") == ONE


async def test_a_passphrase_is_set_used_and_removed(person):
    person.vault.save("openai", ONE)
    async with person.types("key", "set-passphrase") as process:
        for prompt in ("new passphrase: ", "once more: "):
            await person.sees(prompt)
            os.write(person.tty, b"correct horse\n")
        assert await person.ends(process) == 0
    assert "correct horse" not in person.shown
    assert not (person.home / "key").exists()
    status, output = await person.runs("key", "show-source")
    assert (status, "made from the passphrase" in output) == (0, True)
    status, output = await person.runs("refresh")
    assert (status, "only a person at a terminal can type" in output) == (69, True)
    async with person.types("key", "remove-passphrase") as process:
        await person.sees("passphrase of the saved logins: ")
        os.write(person.tty, b"wrong horse\n")
        await person.sees("that is not it")
        os.write(person.tty, b"correct horse\n")
        assert await person.ends(process) == 0
    assert person.vault.load("openai") == ONE
    status, output = await person.runs("key", "remove-passphrase")
    assert (status, "are not locked" in output) == (65, True)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [("short", None, "at least 8"), ("long enough", "not the same", "nothing was changed")],
)
async def test_a_passphrase_that_is_no_good_changes_nothing(person, first, second, words):
    person.vault.save("openai", ONE)
    async with person.types("key", "set-passphrase") as process:
        await person.sees("new passphrase: ")
        os.write(person.tty, f"{first}\n".encode())
        if second is not None:
            await person.sees("once more: ")
            os.write(person.tty, f"{second}\n".encode())
        assert await person.ends(process) == 65
    assert words in person.shown
    assert person.vault.load("openai") == ONE
