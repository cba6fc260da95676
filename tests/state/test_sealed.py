"""The document of the vault: what is sealed opens only where it belongs; what is not ours is left alone."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.state import sealed
from rotom.state.keys import Key

KEY = Key(bytes(range(32)), "file", "/home/key")
TOKEN = Token("access-planted", "refresh-planted", 5.0, "acc", "a@example.com", "plus", 1.0, {"fedramp": True})

tokens = st.builds(
    Token,
    access=st.text(),
    refresh=st.none() | st.text(),
    expires_at=st.none() | st.floats(0, 1e12),
    account_id=st.none() | st.text(),
    extra=st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53)),
)


@given(tokens)
def test_a_sealed_token_comes_back(token):
    assert sealed.unseal("openai", sealed.seal("openai", token, KEY), KEY) == token


def test_an_entry_shows_nothing_but_expiry_and_key():
    text = json.dumps(sealed.seal("openai", TOKEN, KEY))
    assert json.loads(text).keys() == {"sealed", "key", "expires_at"}
    for secret in ("planted", "acc", "example", "plus", base64.b64encode(KEY.secret).decode()):
        assert secret not in text
    assert sealed.key_hint(json.loads(text)) == ("file", KEY.id)


def test_an_entry_opens_only_as_itself_and_undamaged():
    entry = sealed.seal("openai", TOKEN, KEY)
    raw = bytearray(base64.b64decode(entry["sealed"]))
    raw[20] ^= 1
    cases = [
        ("grok", entry, KEY),
        ("openai", entry, Key(bytes(32), "file", "x")),
        ("openai", entry | {"sealed": base64.b64encode(raw).decode()}, KEY),
        ("openai", entry | {"sealed": "AAAA"}, KEY),
        ("openai", entry | {"sealed": None}, KEY),
        ("openai", {}, KEY),
    ]
    for provider, bad, key in cases:
        with pytest.raises(Problem) as caught:
            sealed.unseal(provider, bad, key)
        assert caught.value.kind is Kind.INVALID
        assert caught.value.hint == f"run: rotom login --provider {provider}"


def test_fields_of_a_later_rotom_are_left_out():
    assert sealed.token_of({"access": "a", "later": 1}) == Token("a")


@pytest.mark.parametrize("data", [b"", b" \n", b'{"version": 1, "providers": {}}', b'{"version": 1}'])
def test_a_vault_without_a_login(data):
    assert sealed.read(data, "x")["providers"] == {}


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b'{"version": 2, "providers": {}}', Kind.CONFLICT, "newer rotom"),
        (b'{"access_token": "planted"}', Kind.CONFLICT, "Rust program"),
        (b'{"version": "1", "tokens": {}}', Kind.CONFLICT, "Rust program"),
        (b'{"version": true}', Kind.CONFLICT, "Rust program"),
        (b'["planted"]', Kind.CONFLICT, "Rust program"),
        (b"planted", Kind.INVALID, "damaged"),
        (b'{"version": 1, "providers": []}', Kind.INVALID, "damaged"),
        (b'{"version": 1, "providers": {"openai": "planted"}}', Kind.INVALID, "damaged"),
        (b'{"version": 0}', Kind.INVALID, "damaged"),
        (b'{"version": 1, "providers": {}, "passphrase": 5}', Kind.INVALID, "damaged"),
        (b'{"version": 1, "providers": {}, "passphrase": {"kdf": "scrypt"}}', Kind.INVALID, "damaged"),
        (b"[" * 100_000, Kind.INVALID, "damaged"),
    ],
)
def test_what_is_not_ours_is_refused_and_not_quoted(data, kind, words):
    with pytest.raises(Problem, match=words) as caught:
        sealed.read(data, "/home/auth.json")
    assert caught.value.kind is kind
    assert "/home/auth.json" in caught.value.message
    assert "Nothing was changed" in caught.value.message
    assert "planted" not in f"{caught.value.message}{caught.value.hint}"


def test_a_renewal_that_was_begun_is_known_for_exactly_that_token():
    entry = {"renewing": {"token": sealed.mark(TOKEN), "at": 7}}
    assert sealed.renewing(entry, TOKEN) == 7.0
    assert sealed.renewing(entry, Token("access-planted", "another")) is None
    for bad in ({}, {"renewing": 1}, {"renewing": {"token": sealed.mark(TOKEN), "at": "x"}}):
        assert sealed.renewing(bad, TOKEN) is None
