"""The vault: what it keeps, what it leaves untouched, and that no death of a process makes it unreadable."""

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rotom.config import load
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.state import keys
from rotom.state.keys import KeyFile, key_source
from rotom.state.vault import Vault, open_vault

ONE, TWO = Token("access-1", "refresh-1", 5.0), Token("access-2", "refresh-2", 6.0)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def vault(home):
    return opened(home)


@pytest.fixture
def quick_scrypt(monkeypatch):
    monkeypatch.setattr(keys, "SCRYPT", {"n": 2**14, "r": 8, "p": 1})


def opened(home, **how):
    return Vault(home / "auth.json", key_source(home, {}, **how))


def entry(home, provider):
    return json.loads((home / "auth.json").read_bytes())["providers"][provider]


def test_logins_live_side_by_side(vault, home):
    assert (vault.logins(), vault.load("openai"), vault.stamp()) == ((), None, None)
    vault.save("openai", ONE)
    before, stamp = entry(home, "openai"), vault.stamp()
    vault.save("grok", TWO)
    assert entry(home, "openai") == before
    assert vault.stamp() != stamp
    assert vault.logins() == ("openai", "grok")
    assert (opened(home).load("openai"), opened(home).load("grok")) == (ONE, TWO)
    assert vault.remove("openai")
    assert not vault.remove("openai")
    assert (vault.logins(), vault.load("grok")) == (("grok",), TWO)


def test_accounts_of_one_provider_live_side_by_side(vault, home):
    vault.save("openai", ONE)
    vault.save("openai@work", TWO)
    assert vault.logins() == ("openai", "openai@work")
    assert (vault.load("openai"), vault.load("openai@work")) == (ONE, TWO)
    assert vault.renewal_lock("openai").path != vault.renewal_lock("openai@work").path
    document = json.loads((home / "auth.json").read_bytes())
    entries = document["providers"]
    entries["openai"], entries["openai@work"] = entries["openai@work"], entries["openai"]
    (home / "auth.json").write_text(json.dumps(document))
    with pytest.raises(Problem, match="sealed for something else") as caught:
        vault.load("openai@work")
    assert caught.value.hint.endswith("rotom login --provider openai --account work")


def test_the_account_in_use_changes_when_a_person_says_so(vault, home):
    vault.save("openai@work", ONE)
    assert vault.in_use() == {"openai": "openai@work"}
    vault.save("openai", TWO)
    vault.save("grok", TWO)
    assert vault.in_use() == {"openai": "openai@work", "grok": "grok"}, "another login does not change it"
    vault.use("openai")
    assert opened(home).in_use() == {"openai": "openai", "grok": "grok"}
    vault.replace("openai@work", ONE, TWO)
    vault.save("openai@work", ONE)
    assert vault.in_use()["openai"] == "openai"
    with pytest.raises(Problem, match="there is no login openai@x") as caught:
        vault.use("openai@x")
    assert caught.value.kind is Kind.NOT_FOUND
    assert vault.in_use()["openai"] == "openai"


def test_where_the_one_in_use_goes_another_takes_its_place(vault):
    for name in ("openai", "openai@b", "openai@a"):
        vault.save(name, ONE)
    vault.use("openai@a")
    vault.remove("openai@a")
    assert vault.in_use() == {"openai": "openai"}
    vault.remove("openai")
    vault.save("openai", TWO)
    assert vault.in_use() == {"openai": "openai@b"}, "a new login takes no place"


def test_running_conversations_are_moved_until_the_next_choice(vault):
    vault.save("openai", ONE)
    vault.save("openai@work", TWO)
    vault.use("openai@work", move=True)
    assert vault.moved() == {"openai"}
    vault.use("openai")
    assert vault.moved() == frozenset()


@pytest.mark.parametrize("said", [None, [], {"openai": 7}, {"openai": "nobody"}, "work"])
def test_what_is_said_wrongly_of_the_accounts_in_use_is_not_taken(vault, home, said):
    vault.save("openai", ONE)
    vault.save("openai@work", TWO)
    document = json.loads((home / "auth.json").read_bytes()) | {"in_use": said, "moved": said}
    (home / "auth.json").write_text(json.dumps(document))
    assert vault.in_use() == {"openai": "openai"}
    assert "openai" not in vault.moved()


def test_a_file_from_before_there_were_accounts(vault, home):
    vault.save("openai", ONE)
    document = json.loads((home / "auth.json").read_bytes())
    del document["in_use"]
    (home / "auth.json").write_text(json.dumps(document))
    assert (vault.load("openai"), vault.in_use()) == (ONE, {"openai": "openai"})
    vault.save("openai@work", TWO)
    assert vault.in_use() == {"openai": "openai"}


def test_a_new_key_seals_every_account(vault, home):
    vault.save("openai", ONE)
    vault.save("openai@work", TWO)
    vault.use("openai@work")
    vault.rotate()
    assert (opened(home).load("openai"), opened(home).load("openai@work")) == (ONE, TWO)
    assert vault.in_use() == {"openai": "openai@work"}


def test_a_login_leaves_alone_what_it_cannot_open(vault, home):
    vault.save("grok", TWO)
    (home / "key").unlink()
    before = entry(home, "grok")
    vault.save("openai", ONE)
    assert vault.load("openai") == ONE
    assert entry(home, "grok") == before
    with pytest.raises(Problem, match=r"sealed with key [0-9a-f]{8} from source 'file', which is not there") as caught:
        vault.load("grok")
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert caught.value.hint.endswith("rotom login --provider grok")


def test_unknown_fields_are_kept(vault, home):
    vault.save("openai", ONE)
    document = json.loads((home / "auth.json").read_bytes())
    document["later"] = {"x": 1}
    (home / "auth.json").write_text(json.dumps(document))
    vault.save("grok", TWO)
    assert json.loads((home / "auth.json").read_bytes())["later"] == {"x": 1}


def test_a_renewal_replaces_only_what_it_renewed(vault):
    vault.save("openai", ONE)
    assert vault.replace("openai", ONE, TWO) == TWO
    late = Token("access-late", "refresh-late")
    assert vault.replace("openai", ONE, late) == TWO
    assert vault.load("openai") == TWO
    vault.remove("openai")
    assert vault.replace("openai", TWO, late) is None
    assert vault.logins() == ()


def test_a_renewal_that_was_cut_off_is_known_until_another_token_is_there(vault, home):
    vault.save("openai", ONE)
    assert vault.unfinished("openai") is None
    vault.begin_renewal("openai", ONE, 1000.0)
    assert opened(home).unfinished("openai") == 1000.0
    assert opened(home).load("openai") == ONE
    vault.end_renewal("openai")
    assert vault.unfinished("openai") is None
    vault.begin_renewal("openai", ONE, 1000.0)
    vault.replace("openai", ONE, TWO)
    assert vault.unfinished("openai") is None


@pytest.mark.parametrize("content", [b'{"version": 2}', b'{"access_token": "a"}', b"broken"])
def test_what_is_not_ours_is_never_written(vault, home, content):
    home.mkdir(mode=0o700)
    (home / "auth.json").write_bytes(content)
    (home / "auth.json").chmod(0o600)
    for attempt in (
        lambda: vault.save("openai", ONE),
        lambda: vault.remove("openai"),
        lambda: vault.begin_renewal("openai", ONE),
        vault.rotate,
        vault.logins,
    ):
        with pytest.raises(Problem):
            attempt()
    assert (home / "auth.json").read_bytes() == content


def test_a_foreign_file_is_taken_over_with_a_copy_beside_it(vault, home):
    assert vault.foreign() is None
    home.mkdir(mode=0o700)
    for number, content in enumerate((b'{"access_token": "a"}', b'{"access_token": "b"}')):
        (home / "auth.json").write_bytes(content)
        (home / "auth.json").chmod(0o600)
        assert vault.foreign() == content
        copy = vault.take_over({"openai": ONE})
        assert copy.name == ("auth.json.backup1" if number else "auth.json.backup")
        assert copy.read_bytes() == content
        assert vault.foreign() is None
        assert vault.load("openai") == ONE


def test_rotation_changes_the_key_and_nothing_else(vault, home):
    vault.save("openai", ONE)
    vault.save("grok", TWO)
    vault.begin_renewal("grok", TWO, 9.0)
    old = (home / "key").read_bytes()
    vault.rotate()
    assert (home / "key").read_bytes() != old
    assert sorted(path.name for path in home.iterdir()) == ["auth.json", "auth.json.lock", "key"]
    again = opened(home)
    assert (again.load("openai"), again.load("grok"), again.unfinished("grok")) == (ONE, TWO, 9.0)


@pytest.mark.parametrize("dies_at", ["stage", "write", "promote", "remove"])
def test_a_rotation_may_die_anywhere(vault, home, monkeypatch, dies_at):
    vault.save("openai", ONE)

    class Death(BaseException):
        pass

    def die(*_):
        raise Death

    target = {
        "stage": (KeyFile, "stage"),
        "write": (Vault, "_write"),
        "promote": (KeyFile, "promote"),
        "remove": (keys.files, "remove"),
    }[dies_at]
    with monkeypatch.context() as patch:
        patch.setattr(*target, die)
        with pytest.raises(Death):
            vault.rotate()
    again = opened(home)
    assert again.load("openai") == ONE
    again.save("grok", TWO)  # settles what was left behind
    assert not (home / "key.next").exists()
    again.rotate()
    assert (opened(home).load("openai"), opened(home).load("grok")) == (ONE, TWO)


def test_rotation_moves_logins_to_another_source(vault, home, tmp_path):
    vault.save("openai", ONE)
    named = tmp_path / "named.key"
    moved = opened(home, key_file=named)
    assert moved.load("openai") == ONE
    moved.rotate()
    (home / "key").unlink()
    assert moved.load("openai") == ONE
    assert moved.key_hints()["openai"][0] == "key-file"


def test_a_passphrase_replaces_the_key_file_and_back(vault, home, quick_scrypt):
    vault.save("openai", ONE)
    assert not vault.locked_by_passphrase()
    vault.set_passphrase("correct horse")
    assert not (home / "key").exists()
    assert vault.locked_by_passphrase()
    with pytest.raises(Problem, match="only a person at a terminal"):
        opened(home).load("openai")
    person = opened(home, ask=lambda prompt: "correct horse")
    assert person.load("openai") == ONE
    person.save("grok", TWO)
    with pytest.raises(Problem, match="not the passphrase"):
        opened(home, ask=lambda prompt: "wrong").save("grok", ONE)
    with pytest.raises(Problem, match="no key to rotate"):
        person.rotate()
    person.remove_passphrase()
    assert (opened(home).load("openai"), opened(home).load("grok")) == (ONE, TWO)


def test_many_threads_lose_nothing(vault):
    vault.save("count", replace(ONE, expires_at=0.0))

    def bump(_):
        with vault.lock():
            token = vault.load("count")
            vault.save("count", replace(token, expires_at=token.expires_at + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bump, range(40)))
    assert vault.load("count").expires_at == 40


def test_the_settings_name_file_and_key(home, tmp_path):
    environ = {
        "ROTOM_HOME": str(home),
        "ROTOM_AUTH_FILE": str(tmp_path / "x" / "a.json"),
        "ROTOM_KEY_FILE": str(home / "my.key"),
    }
    vault = open_vault(load({}, environ).config, environ)
    vault.save("openai", ONE)
    assert vault.path == tmp_path / "x" / "a.json"
    assert (home / "my.key").exists()


WRITER = """
import sys, time
from pathlib import Path
from rotom.providers import Token
from rotom.state.keys import key_source
from rotom.state.vault import Vault
home = Path(sys.argv[1])
vault = Vault(home / "auth.json", key_source(home, {}))
n = 0
print("ready", flush=True)
while True:
    old = vault.load("openai")
    new = Token(f"access-{n}", f"refresh-{n}", float(n))
    if n % 5 == 0:
        vault.rotate()
    if old is None:
        vault.save("openai", new)
    else:
        vault.begin_renewal("openai", old)
        vault.replace("openai", old, new)
    n += 1
    print(n, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_9_at_any_moment_leaves_the_vault_readable(home):
    opened(home).save("grok", TWO)
    dice, done = random.Random(), 0
    command = [sys.executable, "-c", WRITER, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:  # how long a round takes on this disk
        writer.stdout.readline()
        begun = time.monotonic()
        writer.stdout.readline()
        round_seconds = time.monotonic() - begun
        writer.kill()
    for _ in range(30):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(dice.uniform(0, 4 * round_seconds))
            writer.kill()
            done += len(writer.stdout.read().splitlines())
        after = opened(home)
        assert after.load("grok") == TWO
        token = after.load("openai")
        assert token is None or token.access.removeprefix("access-") == token.refresh.removeprefix("refresh-")
    assert done > 10  # it was really killed at work
    opened(home).save("last", ONE)
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_a_vault_has_a_name(tmp_path):
    environ = {"ROTOM_HOME": str(tmp_path), "ROTOM_AUTH_FILE": "/"}
    with pytest.raises(Problem, match="auth_file must be a file") as caught:
        open_vault(load({}, environ).config, environ)
    assert caught.value.code == "config"
