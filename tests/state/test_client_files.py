"""Files of clients: whole or not there, bounded, gone in time, and with their batches."""

import json
import os

import pytest

from rotom.problem import Kind, Problem
from rotom.state import client_files
from rotom.state.batches import EXPIRY_SECONDS, OPENAI, Batches
from rotom.state.client_files import KEPT_SECONDS, PART_BYTES, Reader
from rotom.state.database import Database

NOW = 1_790_000_000.0


@pytest.fixture
def store(tmp_path):
    database = Database(tmp_path / "rotom.db")
    yield Batches(database)
    database.close()


@pytest.fixture
def files(store):
    return store.files


def content(files, name, now=NOW):
    pieces, position = [], 0
    while position is not None:
        data, position = files.part(name, position, now)
        pieces.append(data)
    return b"".join(pieces)


def ids(found):
    return [file.id for file in found[0]], found[1]


def missing(call, *arguments):
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value.kind is Kind.NOT_FOUND


def test_a_file_is_kept_part_by_part(files):
    whole = os.urandom(2 * PART_BYTES + 77)
    parts = [whole[start : start + PART_BYTES] for start in range(0, len(whole), PART_BYTES)]
    made = files.add("a.jsonl", iter(parts), None, NOW)
    assert (made.filename, made.purpose, made.bytes, made.created_at) == ("a.jsonl", "batch", len(whole), NOW)
    assert made.expires_at == NOW + KEPT_SECONDS
    assert files.get(made.id, NOW) == made
    assert content(files, made.id) == whole
    with files.database.reading() as db:
        reader = Reader(db, made.number)
        for offset, length in ((0, 5), (PART_BYTES - 2, 4), (5, 2 * PART_BYTES), (len(whole) - 1, 1), (7, 0)):
            assert reader.read(offset, length) == whole[offset : offset + length]
    empty = files.add("empty", iter(()), None, NOW)
    assert (empty.bytes, content(files, empty.id)) == (0, b"")


def test_a_file_that_cannot_be_drawn_to_its_end_is_not_there(files):
    def broken():
        yield b"x" * PART_BYTES
        raise OSError(28, "No space left on device")

    with pytest.raises(Problem) as caught:
        files.add("a", broken(), None, NOW)
    assert caught.value.code == "storage_full"
    assert files.page(10, None, None, NOW) == ([], False)
    with files.database.reading() as db:
        assert db.execute("SELECT count(*) FROM parts").fetchone() == (0,)


def test_a_deleted_file_is_gone_with_its_parts(files):
    made = files.add("a", iter([b"x"]), None, NOW)
    files.delete(made.id, NOW)
    for call in (files.get, files.delete):
        assert missing(call, made.id, NOW)
    assert missing(files.part, made.id, 0, NOW)
    with files.database.reading() as db:
        assert db.execute("SELECT count(*) FROM parts").fetchone() == (0,)


def test_a_file_is_gone_when_its_time_is_over(files):
    made, other = files.add("a", iter([b"x"]), 3600.0, NOW), files.add("b", iter([b"y"]), None, NOW)
    assert not files.tidy(NOW + 3599)
    assert files.get(made.id, NOW + 3599) == made
    assert missing(files.get, made.id, NOW + 3600), "before anybody tidied"
    assert ids(files.page(10, None, None, NOW + 3600)) == ([other.id], False)
    assert files.tidy(NOW + 3600)
    with files.database.reading() as db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM parts").fetchone() == (1,)


def test_pages(files):
    made = [files.add(str(number), iter([b"x"]), None, NOW).id for number in range(5)]
    assert ids(files.page(10, None, None, NOW)) == (made[::-1], False)
    assert ids(files.page(2, None, None, NOW)) == (made[:2:-1], True)
    assert ids(files.page(2, made[3], None, NOW)) == ([made[2], made[1]], True)
    assert ids(files.page(2, made[1], None, NOW, oldest_first=True)) == ([made[2], made[3]], True)
    assert ids(files.page(9, made[3], None, NOW, oldest_first=True)) == ([made[4]], False)
    assert ids(files.page(9, None, "batch_output", NOW)) == ([], False)
    assert missing(files.page, 2, "file-nothing", None, NOW)


def test_there_is_a_most_of_files_and_of_bytes(files, monkeypatch):
    monkeypatch.setattr(client_files, "MOST_FILES", 2)
    monkeypatch.setattr(client_files, "MOST_STORED", 10)
    first = files.add("a", iter([b"123456"]), None, NOW)
    with pytest.raises(Problem) as caught:
        files.add("b", iter([b"12345"]), None, NOW)
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "file_limit_exceeded")
    files.add("b", iter([b"1234"]), 3600.0, NOW)
    with pytest.raises(Problem, match="delete some"):
        files.add("c", iter([b""]), None, NOW)
    assert len(files.page(10, None, None, NOW)[0]) == 2
    files.delete(first.id, NOW)
    files.add("c", iter([b"123456"]), None, NOW)
    files.add("d", iter([b"1234"]), None, NOW + 3600), "what is past its time does not count"


def finished(store, *states, seconds=None, custom_ids="abcdef"):
    """A batch whose requests ended so."""
    text = b"".join(json.dumps({"of": name}).encode() + b"\n" for name in custom_ids[: len(states)])
    file = store.files.add("in.jsonl", iter([text]), None, NOW)
    batch = store.open("/v1/responses", file.id, None, seconds, NOW)
    size = len(text) // len(states)
    found = [(name, "m", index * size, size - 1) for index, name in enumerate(custom_ids[: len(states)])]
    assert store.begin(batch.id, found, "m", NOW)
    for state in states:
        if state in ("succeeded", "errored"):
            item = store.take(NOW)
            assert (item.api, item.endpoint) == (OPENAI, "/v1/responses")
            assert json.loads(item.item) == {"of": item.custom_id}
            store.finish(item.number, state, b'{"result":"%s"}' % item.custom_id.encode(), NOW + 1, (4, 3, 2, 1))
    if "expired" in states:
        store.tidy(NOW + EXPIRY_SECONDS)
    elif "canceled" in states:
        store.cancel(batch.id, NOW + 2)
    return store.get(batch.id)


def test_the_output_files_of_a_batch_have_what_ended_how(store):
    batch = finished(store, "succeeded", "errored", "succeeded", "canceled")
    assert (batch.status, batch.input_tokens, batch.reasoning_tokens) == ("ended", 12, 3)
    output, error = (store.files.get(name, NOW + 2) for name in (batch.output_file, batch.error_file))
    assert (output.filename, error.filename) == (f"{batch.id}_output.jsonl", f"{batch.id}_error.jsonl")
    assert content(store.files, output.id) == b'{"result":"a"}\n{"result":"c"}\n'
    failed = content(store.files, error.id).splitlines()
    assert failed[0] == b'{"result":"b"}'
    unrun = json.loads(failed[1])
    assert unrun["id"].startswith("batch_req_")
    assert (unrun["custom_id"], unrun["response"], unrun["error"]["code"]) == ("d", None, "batch_cancelled")
    for file in (output, error):
        assert file.bytes == len(content(store.files, file.id))
        assert (file.purpose, file.created_at, file.expires_at) == ("batch_output", NOW + 2, NOW + 2 + KEPT_SECONDS)


def test_the_size_of_an_output_file_is_counted_in_bytes(store):
    batch = finished(store, "expired", "expired", custom_ids=['"ä\n', "\x00x😀"])
    (error,) = store.files.page(10, None, "batch_output", NOW + EXPIRY_SECONDS)[0]
    assert (batch.output_file, batch.error_file) == (None, error.id)
    text = content(store.files, error.id, NOW + EXPIRY_SECONDS)
    assert error.bytes == len(text)
    assert [json.loads(line)["custom_id"] for line in text.splitlines()] == ['"ä\n', "\x00x😀"]
    assert {json.loads(line)["error"]["code"] for line in text.splitlines()} == {"batch_expired"}


def test_a_deleted_output_file_takes_its_results_with_it(store):
    batch = finished(store, "succeeded", "errored")
    store.files.delete(batch.output_file, NOW + 1)
    with store.database.reading() as db:
        assert db.execute("SELECT count(*) FROM results").fetchone() == (1,)
    assert content(store.files, batch.error_file, NOW + 1) == b'{"result":"b"}\n'
    assert store.get(batch.id) == batch, "the batch is as it was"


def test_output_files_are_kept_as_long_as_the_client_wants_and_batches_a_month(store):
    batch = finished(store, "succeeded", seconds=3600.0)
    store.tidy(NOW + 1 + 3599)
    assert store.files.get(batch.output_file, NOW + 3600)
    store.tidy(NOW + 1 + 3600)
    assert missing(store.files.get, batch.output_file, NOW)
    store.tidy(NOW + KEPT_SECONDS)
    assert store.get(batch.id) == batch
    store.tidy(NOW + 1 + KEPT_SECONDS)
    assert missing(store.get, batch.id)
    with store.database.reading() as db:
        for table in ("batches", "requests", "results", "questions", "files", "parts"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_batch_goes_on_without_its_input_file(store):
    file = store.files.add("in.jsonl", iter([b'{"of": "a"}\n']), None, NOW)
    batch = store.open("/v1/responses", file.id, None, None, NOW)
    assert store.begin(batch.id, [("a", "m", 0, 11)], "m", NOW)
    store.files.delete(file.id, NOW)
    assert store.take(NOW).item == b'{"of": "a"}'


def test_the_room_of_what_was_deleted_is_given_back_when_there_is_nothing_to_do(store):
    size = store.database.path.stat
    file = store.files.add("a", iter([os.urandom(PART_BYTES)] * 8), None, NOW)
    store.add([("a", "m", b"{}")], NOW)
    store.files.delete(file.id, NOW)
    assert store.tidy(NOW), "a batch is open"
    with store.database.reading() as db:
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > 1000
        store.cancel(store.page(1)[0][0].id, NOW)
        assert not store.tidy(NOW)
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
    store.database.close()
    assert size().st_size < PART_BYTES
