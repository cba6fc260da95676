"""The database: durable transactions, forms of the file, and what is told when the disk or the file is no good."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rotom.problem import Kind, Problem
from rotom.state.batches import ANTHROPIC, Batches
from rotom.state.database import APPLICATION, MIGRATIONS, Database, database_file

FIRST = (("CREATE TABLE things (name TEXT)", "CREATE TABLE more (name TEXT)"),)
SECOND = (*FIRST, ("ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7",))


@pytest.fixture
def path(tmp_path):
    return database_file(tmp_path / "home")


def names(database):
    with database.reading() as db:
        return [name for (name,) in db.execute("SELECT name FROM things ORDER BY name")]


def put(database, *values):
    with database.transaction() as db:
        for value in values:
            db.execute("INSERT INTO things (name) VALUES (?)", (value,))


def test_looking_makes_no_file_and_using_makes_a_private_one(path):
    database = Database(path)
    assert not database.exists()
    assert not path.parent.exists()
    with database.reading() as db:
        assert db.execute("SELECT count(*) FROM batches").fetchone() == (0,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert database.exists()
    if os.name == "posix":
        assert path.parent.stat().st_mode & 0o777 == 0o700
        for file in path.parent.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600, file
    database.close()


def test_a_transaction_is_whole_or_nothing_and_seen_by_others(path):
    ours, theirs = Database(path, FIRST), Database(path, FIRST)
    put(ours, "a", "b")
    assert names(theirs) == ["a", "b"]
    with pytest.raises(sqlite3.ProgrammingError):
        put(ours, "c", "d", object)
    assert names(ours) == names(theirs) == ["a", "b"]
    put(theirs, "d")
    assert names(ours) == ["a", "b", "d"]
    ours.close()
    assert names(ours) == ["a", "b", "d"], "it opens again by itself"
    ours.close()
    theirs.close()


def test_what_was_told_survives_a_kill(path):
    script = """if True:
        import os, signal, sys
        from pathlib import Path
        from rotom.state.database import Database
        database = Database(Path(sys.argv[1]), (("CREATE TABLE things (name TEXT)",),))
        for number in range(1000):
            with database.transaction() as db:
                db.execute("INSERT INTO things (name) VALUES (?)", (f"{number:04}",))
                db.execute("INSERT INTO things (name) VALUES (?)", (f"{number:04}",))
            print(number, flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) == 50:
                process.kill()
                break
        told = 50 + len(process.stdout.read().split())
    database = Database(path, FIRST[:1])
    found = names(database)
    assert len(found) >= 2 * (told + 1)
    assert found[::2] == found[1::2] == [f"{number:04}" for number in range(len(found) // 2)]
    database.close()


def test_an_older_file_is_brought_up_with_a_copy_beside_it(path):
    old = Database(path, FIRST)
    put(old, "a")
    old.close()
    new = Database(path, SECOND)
    with new.reading() as db:
        assert db.execute("SELECT name, size FROM things").fetchall() == [("a", 7)]
    new.close()
    copy = path.with_name("rotom.db.v1.backup")
    if os.name == "posix":
        assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as db:
        assert db.execute("SELECT * FROM things").fetchall() == [("a",)]
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()


def test_a_real_file_of_the_first_form_is_brought_up(path):
    path.parent.mkdir(mode=0o700)
    with sqlite3.connect(path) as db:  # as the last rotom of that form left it, which was killed while it worked
        db.executescript((Path(__file__).parent / "v1.sql").read_text(encoding="utf-8"))
    db.close()
    before = path.read_bytes()
    store = Batches(Database(path))
    now = 1_795_350_200.0
    third, second, first = store.page(10)[0]
    assert [batch.api for batch in (first, second, third)] == [ANTHROPIC] * 3
    assert [batch.endpoint for batch in (first, second, third)] == ["/v1/messages"] * 3
    assert [batch.status for batch in (first, second, third)] == ["ended", "in_progress", "ended"]
    assert (first.succeeded, first.errored, second.total, third.canceled) == (1, 1, 2, 1)
    assert [(result.custom_id, result.state) for result in store.results(first.id)] == [
        ("good", "succeeded"),
        ("bad", "errored"),
    ]
    assert json.loads(store.results(first.id)[0].result)["message"]["content"] == [{"type": "text", "text": "OK"}]
    store.resume(now)
    for name in ("left-0", "left-1"):
        item = store.take(now)
        assert (item.custom_id, item.api, item.endpoint) == (name, ANTHROPIC, "/v1/messages")
        store.finish(item.number, "succeeded", b"{}", now)
    assert store.get(second.id).status == "ended"
    assert store.files.page(10, None, None, now) == ([], False), "only OpenAI's have files"
    store.files.add("a", iter([b"x"]), None, now)
    store.database.close()
    copy = path.with_name("rotom.db.v1.backup")
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM batches").fetchone() == (3,)
    db.close()
    assert len(before) == copy.stat().st_size
    with pytest.raises(Problem, match="newer rotom"), Database(path, MIGRATIONS[:1]).reading():
        pass


def test_a_step_that_fails_leaves_the_older_file(path):
    old = Database(path, FIRST)
    put(old, "a")
    old.close()
    broken = Database(path, (*FIRST, ("CREATE TABLE new (name TEXT)", "this is no statement")))
    with pytest.raises(sqlite3.OperationalError), broken.reading():
        pass
    assert names(old) == ["a"]
    with old.reading() as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'new'").fetchone() == (0,)
    old.close()


def newer(path):
    new = Database(path, SECOND)
    put(new, "a")
    new.close()


def foreign(path):
    path.parent.mkdir(mode=0o700)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (name TEXT)")
    db.close()


def garbage(path):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"this is no database, and never was one" * 100)


@pytest.mark.parametrize(
    ("make", "words"),
    [(newer, "written by a newer rotom (version 2"), (foreign, "another program"), (garbage, "damaged")],
)
def test_files_that_are_not_ours_to_touch_are_left_as_they_are(path, make, words):
    make(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(Problem) as caught, Database(path, FIRST).reading():
            pass
        assert words in caught.value.message
        assert caught.value.hint
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["rotom.db"]


def test_an_empty_file_is_a_new_database(path):
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    database = Database(path)
    with database.reading() as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    database.close()


def test_a_full_disk_is_told_and_loses_nothing(path):
    database = Database(path, FIRST)
    put(database, "a")
    with database.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Problem) as caught:
        put(database, "b", "c" * 100_000)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "storage_full")
    assert "nothing that was stored before is lost" in caught.value.message
    assert names(database) == ["a"]
    with database.reading() as db:
        db.execute("PRAGMA max_page_count = 100000")
    put(database, "c" * 100_000)
    assert len(names(database)) == 2
    database.close()


def test_another_programs_transaction_is_waited_for_and_then_told(path, monkeypatch):
    monkeypatch.setattr("rotom.state.database.WAIT_SECONDS", 0.05)
    ours, theirs = Database(path, FIRST), Database(path, FIRST)
    put(ours, "a")
    with theirs.transaction(), pytest.raises(Problem) as caught:
        put(ours, "b")
    assert (caught.value.code, caught.value.retry) == ("database_busy", True)
    put(ours, "b")
    ours.close()
    theirs.close()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(path):
    path.parent.mkdir(mode=0o500)
    with pytest.raises(Problem) as caught, Database(path).reading():
        pass
    assert str(path) in caught.value.message


def test_mistakes_in_statements_are_bugs(path):
    database = Database(path)
    with pytest.raises(sqlite3.ProgrammingError), database.reading() as db:
        db.execute("SELECT ?", ())
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as db:
        db.execute("INSERT INTO requests (batch, custom_id, model) VALUES (99, 'a', 'm')")
    database.close()
