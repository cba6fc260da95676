"""Keys: how they are written, where they come from, and in which order."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.state import keys
from rotom.state.keys import Key, key_source, parse, written

SECRET = bytes(range(32))


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_read_in_every_form(secret):
    for form in (
        secret,
        written(secret),
        base64.b64encode(secret),
        secret.hex().encode(),
        secret.hex().encode() + b"\n",
    ):
        assert parse(form, "x") == secret


@pytest.mark.parametrize("data", [b"", b"x" * 31, b"x" * 33, base64.b64encode(b"short"), b"zz" * 32])
def test_what_is_no_key_is_refused_without_quoting_it(data):
    with pytest.raises(Problem, match="does not hold a key") as caught:
        parse(data, "/some/file")
    assert "/some/file" in caught.value.message
    assert not data or data.decode() not in caught.value.message


def test_a_key_shows_no_secret_and_has_a_stable_fingerprint():
    key = Key(SECRET, "file", "/home/key")
    assert repr(key) == "Key(file, /home/key)"
    assert key.id == Key(SECRET, "keyring", "elsewhere").id != Key(SECRET[::-1], "file", "/home/key").id


def test_the_default_is_a_file_made_at_first_use(tmp_path):
    home = tmp_path / "home"
    source = key_source(home, {})
    assert source.own.read() is None
    key = source.sealing(None, first_use=True)
    assert (key.source, key.where) == ("file", str(home / "key"))
    assert key_source(home, {}).sealing(None, first_use=False).secret == key.secret
    if os.name == "posix":
        assert os.stat(home / "key").st_mode & 0o777 == 0o600


def test_the_order_of_sources(tmp_path):
    folder, named = tmp_path / "credentials", tmp_path / "named.key"
    folder.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(folder)}

    def sealing():
        return key_source(tmp_path / "home", environ, key_file=named).sealing(None, first_use=True).source

    assert sealing() == "key-file"  # the credential is not there: nobody else can make it
    (folder / "rotom-key").write_bytes(SECRET)
    (folder / "rotom-key").chmod(0o440)  # as systemd shows it when it set an ACL
    assert sealing() == "credential"
    environ.clear()
    named.unlink()
    assert not (tmp_path / "home").exists()


def test_a_named_key_file_that_is_missing_is_not_made_anew_for_an_existing_vault(tmp_path):
    source = key_source(tmp_path / "home", {}, key_file=tmp_path / "unmounted" / "key")
    with pytest.raises(Problem) as caught:
        source.sealing(None, first_use=False)
    assert caught.value.kind is Kind.NOT_FOUND
    assert not (tmp_path / "unmounted").exists()


def test_a_credential_cannot_be_rotated_and_says_what_to_do(tmp_path):
    (tmp_path / "rotom-key").write_bytes(SECRET)
    source = key_source(tmp_path / "home", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).chosen()
    with pytest.raises(Problem, match="service manager"):
        source.stage(SECRET)


def test_a_source_that_fails_does_not_hide_the_next(tmp_path):
    bad = tmp_path / "bad.key"
    bad.write_bytes(b"no key at all")
    bad.chmod(0o600)
    source = key_source(tmp_path / "home", {}, key_file=bad)
    source.own.make(True)
    troubles = []
    assert [key.source for key in source.candidates(None, troubles)] == ["file"]
    assert "does not hold a key" in troubles[0].message


def test_a_passphrase_is_asked_once_and_checked(monkeypatch):
    monkeypatch.setattr(keys, "SCRYPT", {"n": 2**14, "r": 8, "p": 1})
    parameters, key = keys.Passphrase(None).remember("correct horse")
    asked = []

    def ask(prompt):
        asked.append(prompt)
        return "correct horse" if len(asked) > 1 else "wrong"

    passphrase = keys.Passphrase(ask)
    assert passphrase.read(parameters).secret == passphrase.read(parameters).secret == key.secret
    assert len(asked) == 2
    assert asked[1].startswith("that is not it")


def test_a_wrong_passphrase_is_asked_for_three_times_and_no_more(monkeypatch):
    monkeypatch.setattr(keys, "SCRYPT", {"n": 2**14, "r": 8, "p": 1})
    parameters, _ = keys.Passphrase(None).remember("correct horse")
    asked = []
    passphrase = keys.Passphrase(lambda prompt: asked.append(prompt) or "wrong")
    for _ in range(2):
        with pytest.raises(Problem, match="not the passphrase"):
            passphrase.read(parameters)
    assert len(asked) == keys.PASSPHRASE_TRIES


def test_nobody_can_be_asked_for_a_passphrase_in_the_daemon():
    parameters = {"kdf": "scrypt", "salt": "AAAA", "n": 2**14, "r": 8, "p": 1}
    with pytest.raises(Problem, match="only a person at a terminal") as caught:
        keys.Passphrase(None).read(parameters)
    assert caught.value.hint == "run: rotom key remove-passphrase"


@pytest.mark.parametrize(
    "change", [{"kdf": "md5"}, {"n": 2**40}, {"n": "x"}, {"salt": "!"}, {"r": 10**9}, {"salt": None}]
)
def test_parameters_that_make_no_sense_are_refused(change):
    parameters = {"kdf": "scrypt", "salt": "AAAA", "n": 2**14, "r": 8, "p": 1} | change
    with pytest.raises(Problem, match="make no sense"):
        keys.derive("x", parameters)
