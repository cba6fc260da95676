"""The copy of the vault: read again when the file has changed, and what was learned from failures."""

import pytest

from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.state.keys import key_source
from rotom.state.vault import Vault
from rotom.upstream.logins import FIRST_PAUSE, LONGEST_PAUSE, Login, Logins, fresh

ONE, TWO = Token("access-1", "refresh-1"), Token("access-2", "refresh-2")
WEAK = Problem(Kind.UPSTREAM, "later")
FINAL = Problem(Kind.UNAUTHENTICATED, "it is over", retry=False, hint="log in")


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "home" / "auth.json", key_source(tmp_path / "home", {}))


@pytest.fixture
def said():
    return []


@pytest.fixture
def logins(vault, said):
    return Logins(vault, ("openai", "grok"), lambda level, sentence: said.append((level, sentence)), lambda: 1000.0)


async def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(logins, vault, monkeypatch):
    await logins.look()
    assert logins.known == {}
    vault.save("openai", ONE)
    vault.save("unknown", TWO)
    await logins.look()
    assert logins.known == {"openai": Login(ONE)}
    with monkeypatch.context() as patch:
        patch.setattr(vault, "load", None)
        await logins.look()
    vault.remove("openai")
    await logins.look()
    assert logins.known == {}


async def test_one_login_that_cannot_be_opened_does_not_hide_another(logins, vault, tmp_path, said):
    vault.save("grok", TWO)
    (tmp_path / "home" / "key").unlink()
    vault.save("openai", ONE)
    await logins.look()
    assert logins.known["openai"] == Login(ONE)
    assert logins.known["grok"].token is None
    assert "was sealed with key" in logins.known["grok"].problem.message
    assert said[0][0] == "error"


async def test_a_file_that_turns_bad_is_told_once_and_the_old_logins_stay(logins, vault, said):
    vault.save("openai", ONE)
    await logins.look()
    for content in ("broken", "broken "):
        vault.path.write_text(content)
        await logins.look()
    assert logins.known == {"openai": Login(ONE)}
    assert "not JSON" in logins.trouble.message
    assert len(said) == 1


async def test_pauses_grow_and_a_verdict_is_final(logins, vault, said):
    vault.save("openai", ONE)
    await logins.look()
    pauses = []
    for _ in range(12):
        logins.failed("openai", ONE, WEAK)
        pauses.append(logins.known["openai"].retry_at - 1000)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    logins.failed("openai", ONE, Problem(Kind.RATE_LIMITED, "wait", retry_after=2000))
    assert logins.known["openai"].retry_at == 3000
    assert not logins.known["openai"].over
    logins.failed("openai", ONE, FINAL)
    assert logins.known["openai"].over
    assert said[-1] == ("error", "openai: it is over (log in)")


async def test_what_was_learned_lasts_as_long_as_the_refresh_token(logins, vault):
    vault.save("openai", ONE)
    await logins.look()
    logins.failed("openai", ONE, FINAL)
    vault.save("grok", TWO)
    await logins.look()
    assert logins.known["openai"].over
    logins.failed("openai", TWO, FINAL)  # a verdict on a token that is not there any more
    vault.save("openai", TWO)
    await logins.look()
    assert logins.known["openai"] == Login(TWO)
    logins.failed("openai", TWO, FINAL)
    logins.forget()
    await logins.look()
    assert logins.known["openai"] == Login(TWO)


async def test_a_token_that_could_not_be_saved_is_not_replaced_by_the_one_it_renewed(logins, vault):
    vault.save("openai", ONE)
    await logins.look()
    logins.learn("openai", Login(TWO, spent=ONE))
    vault.save("grok", ONE)
    await logins.look()
    assert logins.known["openai"].token == TWO


async def test_a_renewal_that_was_cut_off_is_told(logins, vault, said):
    vault.save("openai", ONE)
    vault.begin_renewal("openai", ONE, 1_780_000_000.0)
    await logins.look()
    await logins.tell_unfinished()
    assert [level for level, _ in said] == ["warning"]
    assert "was cut off at 2026-0" in said[0][1]


def test_a_problem_is_raised_as_a_new_exception_each_time():
    again = fresh(FINAL, retry_after=0.2)
    assert again is not FINAL
    assert (again.message, again.retry, again.hint, again.retry_after) == ("it is over", False, "log in", 1.0)


async def test_which_account_is_in_use_is_read_and_said(logins, vault, said):
    vault.save("openai", ONE)
    vault.save("openai@work", TWO)
    await logins.look()
    assert (logins.known, logins.in_use) == ({"openai": Login(ONE), "openai@work": Login(TWO)}, {"openai": "openai"})
    assert said == []
    vault.use("openai@work")
    await logins.look()
    assert (logins.in_use, logins.moved) == ({"openai": "openai@work"}, frozenset())
    assert said == [("info", "openai: account work is in use now; running conversations go on with theirs")]
    vault.use("openai@work", move=True)
    await logins.look()
    assert logins.moved == {"openai"}
    assert said[1:] == [("info", "openai: account work is in use now; running conversations too")]


async def test_an_account_that_cannot_be_opened_stays_in_use(logins, vault, tmp_path):
    vault.save("openai@work", TWO)
    (tmp_path / "home" / "key").unlink()
    vault.save("openai", ONE)
    await logins.look()
    assert logins.in_use == {"openai": "openai@work"}
    assert logins.known["openai@work"].token is None
