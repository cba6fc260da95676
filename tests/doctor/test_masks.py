"""What must not stand in a report is taken out, and words of the report stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.doctor.masks import Masks, is_public


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail of me.too+x@sub.example.co.uk is out", "mail of (mail address) is out"),
        ("Bearer abcdefghij.klmn", "Bearer (token)"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln rest", "token (token) rest"),
        ("key sk-proj-0123456789abcdef", "key (token)"),
        ("refresh rt_0123456789abcdef", "refresh (token)"),
        ("account 5f0d4b4e-6c1d-5b0f-9a3e-726f746f6d00.", "account (id)."),
        ("user-Ab12Cd34Ef is gone", "(id) is gone"),
        ("http://me:pass@host.example:3128/x", "http://host.example:3128/x"),
        ("a" * 30 + "1" + "b" * 30, "(secret)"),
    ],
)
def test_what_has_the_form_of_a_secret_goes(text, masked):
    assert Masks({})(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:14550",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS is not set: Claude Code would compact its conversation too late",
        "rotom config set bind 127.0.0.1:PORT",
        "trio 0.35.0, h11 0.16.0, cryptography 50.0.2",
        "gpt-5.3-codex-spark, grok-4.20-multi-agent-0309 and 7 more",
        "rotom login --provider openai --account work",
        "x-codex-primary-window-minutes, subscription_sharing_unsupported_capability",
    ],
)
def test_words_of_the_report_stay(text):
    assert Masks({})(text) == text


def test_known_values_go_the_longest_first():
    masks = Masks(
        {"planted": "(key)", "planted-and-longer": "(token)", "abc": "(key)", "272000": "(key)", "rotom": "(key)"}
    )
    assert masks("planted-and-longer planted abc 272000 rotom") == "(token) (key) abc 272000 rotom"


def test_the_home_folder_and_the_name_of_the_person_go():
    masks = Masks({}, {"/home/alice": "~", "/srv/rotom-of-alice": "$ROTOM_HOME"}, ["alice", "root", "rotom"])
    assert masks("/home/alice/.rotom/key") == "~/.rotom/key"
    assert masks("/home/alice: no; /home/alice2/x") == "~: no; /home/alice2/x"
    assert masks("/srv/rotom-of-alice/auth.json") == "$ROTOM_HOME/auth.json"
    assert masks("alice, malice and root use rotom") == "(name), malice and root use rotom"


def test_a_short_name_is_taken_out_of_paths_only():
    masks = Masks({}, {}, ["max"])
    assert masks("the effort max of /srv/max/x and /srv/max") == "the effort max of /srv/(name)/x and /srv/(name)"


def test_a_folder_of_one_letter_is_none():
    assert Masks({}, {"/": "~"})("/usr/bin") == "/usr/bin"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "chatgpt.com", "auth.openai.com", "api.x.ai"])
def test_hosts_that_everybody_asks_may_be_named(host):
    assert is_public(host)


@pytest.mark.parametrize("host", ["proxy.corp.example", "evilx.ai", "10.0.0.1", "notopenai.com", ""])
def test_other_hosts_may_not(host):
    assert not is_public(host)


@given(secret=st.text(min_size=6).filter(lambda text: not text.isdigit()), around=st.text(max_size=20))
def test_a_known_value_never_gets_through(secret, around):
    from rotom.doctor.masks import OURS

    if secret.lower() not in OURS and "(key)" not in secret and secret not in "(key)":
        assert secret not in Masks({secret: "(key)"})(f"{around}{secret}{around}") or secret in f"{around}(key){around}"
