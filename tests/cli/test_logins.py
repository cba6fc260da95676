"""Which provider is meant, and words for an account."""

import io
import sys

import pytest

from rotom.cli.logins import account, chosen, chosen_login, given_account, meant, named, title_of
from rotom.config import Config
from rotom.problem import Problem
from rotom.providers import Token, openai

ONE = openai.make(Config())


@pytest.mark.parametrize("name", ["openai", "codex", "OpenAI"])
def test_names_and_aliases(name):
    assert named([ONE], name) is ONE
    assert chosen([ONE], name, "log in to") is ONE


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(Problem, match="there is no provider 'opnai'; did you mean 'openai'") as caught:
        named([ONE], "opnai")
    assert (caught.value.code, caught.value.hint) == ("usage", "choose from openai, codex")


def test_without_a_terminal_only_one_provider_needs_no_name(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert chosen([ONE], None, "log in to") is ONE
    with pytest.raises(Problem, match="--provider"):
        chosen([ONE, ONE], None, "log in to")


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("typed", ["\n", "1\n", "codex\n", "7\nno\n1\n"])
def test_a_person_chooses_from_a_list(monkeypatch, capsys, typed):
    monkeypatch.setattr(sys, "stdin", Tty(typed))
    assert chosen([ONE], None, "log in to") is ONE
    assert "1  openai" in capsys.readouterr().out


def test_an_end_of_input_chooses_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Tty())
    with pytest.raises(Problem, match="none was chosen"):
        chosen([ONE], None, "log in to")


def test_words_for_an_account():
    assert account(Token("x", email="a\x1b@b.c", plan="plus")) == " as a?@b.c, plan plus"
    assert account(Token("x", account_id="acc")) == " as acc"
    assert account(Token("x")) == ""


SAVED = ("grok", "openai@work", "openai")


def test_which_logins_are_meant():
    assert meant(SAVED, [ONE], None, None) == ["openai@work", "openai"]
    assert meant(SAVED, [ONE], "codex", "default") == ["openai"]
    assert meant((), [ONE], "codex", None) == []
    with pytest.raises(Problem, match="no login with account 'x'; there is openai@work, openai"):
        meant(SAVED, [ONE], None, "x")


@pytest.mark.parametrize("typed", ["2\n", "openai@work\n", "7\nno\n2\n"])
def test_a_login_is_chosen_from_a_list(monkeypatch, typed):
    monkeypatch.setattr(sys, "stdin", Tty(typed))
    assert chosen_login(["openai", "openai@work"], "log out of") == "openai@work"


def test_the_account_of_an_option():
    assert given_account({"--account": None}) is None
    assert given_account({"--account": "Work"}) == "work"
    with pytest.raises(Problem, match="--account: an account's name is") as caught:
        given_account({"--account": "a b"})
    assert caught.value.code == "usage"


def test_a_title_names_the_account_where_there_is_one():
    assert title_of("openai", ONE) == ONE.title
    assert title_of("openai@work", ONE) == f"{ONE.title}, account work"
