"""Names of logins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.accounts import (
    DEFAULT,
    LONGEST,
    account_of,
    directed,
    in_use,
    login_name,
    options,
    provider_of,
    read_account,
    select,
)

PROVIDERS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
ACCOUNTS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,31}", fullmatch=True)


@given(PROVIDERS, ACCOUNTS)
def test_a_name_says_whose_it_is(provider, account):
    login = login_name(provider, read_account(account))
    assert (provider_of(login), account_of(login)) == (provider, account)


def test_the_first_account_has_no_name_of_its_own():
    assert login_name("openai") == login_name("openai", DEFAULT) == "openai"
    assert options("openai") == "--provider openai"
    assert options("openai@work") == "--provider openai --account work"


@pytest.mark.parametrize("text", ["", " ", "-x", ".x", "a b", "a/b", "a@b", "ä", "x" * (LONGEST + 1), "a\nb", "../x"])
def test_what_cannot_be_a_name(text):
    with pytest.raises(ValueError, match="an account's name is"):
        read_account(text)


def test_capitals_are_small_ones():
    assert read_account(" Work ") == "work"


@pytest.mark.parametrize(
    ("logins", "chosen", "result"),
    [
        ([], {"openai": "work"}, {}),
        (["openai", "openai@work"], {}, {"openai": "openai"}),
        (["openai@work", "openai"], {}, {"openai": "openai"}),
        (["openai@b", "openai@a"], {}, {"openai": "openai@b"}),
        (["openai", "openai@work"], {"openai": "work"}, {"openai": "openai@work"}),
        (["openai", "openai@work"], {"openai": "gone"}, {"openai": "openai"}),
        (["openai@work", "grok"], {"openai": "default"}, {"openai": "openai@work", "grok": "grok"}),
    ],
)
def test_which_login_is_in_use(logins, chosen, result):
    assert in_use(logins, chosen) == result


def test_logins_are_selected():
    logins = ["openai", "openai@work", "grok@work", "openai-x"]
    assert select(logins) == logins
    assert select(logins, "openai") == ["openai", "openai@work"]
    assert select(logins, None, "Work") == ["openai@work", "grok@work"]
    assert select(logins, "openai", "default") == ["openai"]
    assert select(logins, "x") == []


def test_advice_is_for_the_account():
    text = "run 'rotom login --provider openai' or `rotom login --provider openai --device`, not --provider openai-x"
    assert directed(text, "openai") == text
    told = directed(text, "openai@work")
    assert "'rotom login --provider openai --account work' or" in told
    assert "--provider openai --account work --device`" in told
    assert told.endswith("not --provider openai-x")
    assert directed(told, "openai@work") == told
