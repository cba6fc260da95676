"""The folder: modes, room, the database, locks."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from surgery import verdicts

from rotom.doctor import folder
from rotom.doctor.finding import Verdict
from rotom.exits import PERMISSION
from rotom.state.database import Database
from rotom.state.files import FileLock

posix = pytest.mark.skipif(os.name != "posix", reason="modes")


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


def private(path, data=b"x", mode=0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


def of(case, check):
    return [one for one in folder.check(case) if one.check == check]


def test_a_home_that_is_not_there_yet_is_no_failure(empty):
    assert verdicts(folder.check(empty())) == {"files.home": "skip"}


def test_a_good_home_is_all_right(empty, home):
    private(home / "auth.json")
    private(home / "auth.json.lock", b"")
    Database(home / "rotom.db").close()
    found = folder.check(empty())
    assert {one.verdict for one in found} <= {Verdict.OK, Verdict.SKIP}


@posix
def test_modes_of_secrets_are_failures_and_others_warnings(empty, home):
    home.chmod(0o755)
    private(home / "auth.json", mode=0o640)
    private(home / "models.json", mode=0o644)
    found = folder.check(empty())
    assert verdicts(found)["files.home"] == "warn"
    modes = {one.advice: one for one in found if one.check == "files.modes"}
    secret = modes[f"chmod 600 {home / 'auth.json'}"]
    assert (secret.verdict, secret.status) == (Verdict.FAIL, PERMISSION)
    assert modes[f"chmod 600 {home / 'models.json'}"].verdict is Verdict.WARN


def test_a_file_that_the_settings_name_must_be_there(empty, home):
    (found,) = of(empty(ROTOM_KEY_FILE=str(home / "gone")), "files.missing")
    assert found.verdict is Verdict.FAIL


def test_a_home_that_is_no_folder_is_told(empty, tmp_path):
    (tmp_path / "home").touch()
    assert verdicts(folder.check(empty()))["files.home"] == "fail"


@pytest.mark.parametrize(("free", "verdict"), [(1 << 20, "fail"), (100 << 20, "warn"), (1 << 40, "ok")])
def test_a_full_disk_is_told(empty, home, monkeypatch, free, verdict):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1, 1, free))
    assert verdicts(folder.check(empty()))["files.room"] == verdict


def test_a_sound_database_is_told_and_not_changed(empty, home):
    database = Database(home / "rotom.db")
    with database.transaction():
        pass
    database.close()
    before = (home / "rotom.db").read_bytes()
    (found,) = of(empty(), "files.database")
    assert found.verdict is Verdict.OK
    assert (home / "rotom.db").read_bytes() == before


def test_a_damaged_database_is_told(empty, home):
    database = Database(home / "rotom.db")
    with database.transaction():
        pass
    database.close()
    data = bytearray((home / "rotom.db").read_bytes())
    data[4096:12288] = b"\xff" * 8192
    private(home / "rotom.db", bytes(data))
    (found,) = of(empty(), "files.database")
    assert found.verdict is Verdict.FAIL
    assert "damaged" in found.sentence
    assert ".recover" in found.advice


def test_what_is_no_database_or_not_ours_is_told(empty, home):
    private(home / "rotom.db", b"not a database at all" * 100)
    assert "damaged" in of(empty(), "files.database")[0].sentence
    (home / "rotom.db").unlink()
    with closing(sqlite3.connect(home / "rotom.db")) as other:
        other.execute("CREATE TABLE t (a)")
    assert "another program" in of(empty(), "files.database")[0].sentence


def test_a_lock_that_stays_held_is_told(empty, home, monkeypatch):
    monkeypatch.setattr(folder, "LOCK_SECONDS", 0.05)
    lock = FileLock(home / "auth.json.lock")
    with lock.held():
        (found,) = of(empty(), "files.locks")
    assert found.verdict is Verdict.WARN
    assert of(empty(), "files.locks")[0].verdict is Verdict.OK
