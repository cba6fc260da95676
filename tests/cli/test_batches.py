"""`rotom batches`: what it shows and cancels, with a server and without."""

import io
import json
import os
import time
from pathlib import Path

import pytest

from rotom import cli, exits
from rotom.cli.batches import everything, rendered, report
from rotom.state.batches import Batch, Batches, Pause
from rotom.state.database import Database, database_file, worker_lock
from rotom.term import Terminal

NOW = 1_790_000_000.0
RUNNING = Batch("msgbatch_1", "in_progress", NOW - 120, NOW + 86280, None, None, 200, 49, 1, 0, 0)
OURS = Batch("batch_3", "in_progress", NOW - 60, NOW + 9, None, None, 4, 1, 0, 0, 0, "openai", "/v1/responses")
WRONG = (
    '[{"code": "invalid_json_line", "line": 3, "message": "This line is not parseable as valid JSON.", "param": null}]'
)
REFUSED = Batch("batch_4", "ended", NOW, NOW, None, NOW, 0, 0, 0, 0, 0, "openai", "/v1/responses", errors=WRONG)
DONE = Batch("msgbatch_2", "ended", NOW - 7200, NOW, NOW - 30, NOW - 20, 10, 3, 0, 7, 0)


def shown(*batches, pauses=(), working=True):
    return rendered(batches, pauses, Terminal(io.StringIO(), {}), NOW, working=working).splitlines()


@pytest.fixture
def store(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("ROTOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
    database = Database(database_file(tmp_path / "home"))
    yield Batches(database)
    database.close()


def test_a_batch_is_a_line():
    lines = shown(RUNNING, DONE)
    assert lines[0].split() == ["BATCH", "API", "STATUS", "DONE", "CREATED"]
    assert lines[1].split("  ")[0] == "msgbatch_1"
    assert " 50/200 " in lines[1]
    assert "1 errored" in lines[1]
    assert lines[1].endswith("2 min ago")
    assert " 10/10 " in lines[2]
    assert "7 canceled" in lines[2]
    assert len(lines) == 3


def test_batches_of_all_apis_are_shown_with_theirs():
    lines = shown(RUNNING, OURS, REFUSED)
    assert [line.split()[1] for line in lines[1:4]] == ["anthropic", "openai", "openai"]
    assert " failed " in lines[3]
    assert "its file: line 3: This line is not parseable as valid JSON." in lines[3]
    first, second, third = report([RUNNING, OURS, REFUSED], [], working=True)["batches"]
    assert (first["api"], first["endpoint"], first["errors"]) == ("anthropic", "/v1/messages", None)
    assert (second["api"], second["endpoint"]) == ("openai", "/v1/responses")
    assert third["errors"] == json.loads(WRONG)


def test_what_they_wait_for_is_said():
    lines = shown(RUNNING, pauses=[Pause("openai", NOW + 7800, "the limit\x1b[2J is used up")])
    assert lines[-1].startswith("they wait at openai until 2026-")
    assert lines[-1].endswith("for 2 h 10 min: the limit?[2J is used up")
    assert shown(RUNNING, working=False)[-1] == "no server works on them now: 'rotom serve' does"
    assert "no server" not in shown(DONE, working=False)[-1]


def test_the_report_has_every_field():
    value = report([RUNNING, DONE], [Pause("", NOW + 9.5, "why")], working=True)
    assert value["working"] is True
    assert value["waits"] == [{"provider": None, "until": int(NOW) + 9, "reason": "why"}]
    assert value["batches"][0] == {
        "id": "msgbatch_1",
        "api": "anthropic",
        "endpoint": "/v1/messages",
        "processing_status": "in_progress",
        "created_at": int(NOW) - 120,
        "expires_at": int(NOW) + 86280,
        "cancel_initiated_at": None,
        "ended_at": None,
        "total": 200,
        "done": 50,
        "succeeded": 49,
        "errored": 1,
        "canceled": 0,
        "expired": 0,
        "errors": None,
    }
    assert report([], [Pause("", NOW, "stale")], working=False)["waits"] == []


def test_without_a_database_nothing_is_made(store, capsys):
    assert cli.main(["batches"]) == 0
    assert capsys.readouterr().out == "no batches\n"
    assert cli.main(["batches", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"working": False, "waits": [], "batches": []}
    assert cli.main(["batches", "cancel", "msgbatch_1"]) == exits.USAGE
    assert not Path(os.environ["ROTOM_HOME"]).exists()


def test_a_batch_is_canceled_without_a_server(store, capsys):
    batch = store.add([("a", "m", b"{}"), ("b", "m", b"{}")], time.time())
    store.take(time.time())
    assert cli.main(["batches", "cancel", batch.id]) == 0
    assert capsys.readouterr().out == f"{batch.id} is canceling: 1 still running\n"
    store.resume(time.time())
    assert cli.main(["batches", "cancel", batch.id]) == 0
    assert capsys.readouterr().out == f"{batch.id} has ended\n"
    assert cli.main(["batches", "cancel", "msgbatch_nothing"]) == exits.DATA
    assert "there is no batch 'msgbatch_nothing'" in capsys.readouterr().err


def test_whether_a_server_works_on_them_is_seen(store, capsys):
    store.add([("a", "m", b"{}")], time.time())
    lock = worker_lock(store.database.path)
    assert cli.main(["batches"]) == 0
    assert "no server works on them" in capsys.readouterr().out
    assert not lock.path.exists()
    assert lock.try_acquire()
    assert cli.main(["batches", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["working"] is True
    lock.release()
    assert cli.main(["batches", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["working"] is False


def test_all_are_listed_however_many(store, monkeypatch):
    monkeypatch.setattr("rotom.cli.batches.PAGE", 3)
    made = [store.add([("a", "m", b"{}")], NOW + number).id for number in range(8)]
    assert [batch.id for batch in everything(store)] == made[::-1]
