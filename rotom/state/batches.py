"""Batches in the database: what was asked, how far it is, and how it ends. Synchronous.

Theory of operation: two state machines, both as tables, for the batches of every API. A batch is in progress until its
last request is done, with canceling on the way when somebody wants it to end. One whose requests are in a file (OpenAI's)
begins as validating, without requests, until the worker has looked at the file: then it has them all, or has ended with
what is wrong. A request waits, runs, waits again (after a failure that may pass, or
after a restart), and ends in one of four ways; only a waiting one can be canceled or expire, since one that runs has been
asked already. Each method is one transaction, so each change is on the disk before anybody is told. That a result can
come only once is the database's own rule: it takes the state ``running`` to end with one, and leaves it.

The counts of the four ends are kept with the batch; that its last request is done is their sum. The transaction that ends
an OpenAI batch also makes its output files. What was asked is removed with the end of a request, the results with the
batch: after `KEPT_SECONDS`, or when a client deletes it, or its output file.

What is not here: when something is run (batching/), what a request or a result says (dialects/), and the results of a
batch in pages and files (results.py, client_files.py).
"""

# ruff: noqa: S608 - what is put into statements are words of this module

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from rotom.problem import Kind, Problem
from rotom.state import client_files, results
from rotom.state.client_files import ClientFiles
from rotom.state.database import Database
from rotom.state.results import CANCELED, ERROR, ERRORED, EXPIRED, OUTPUT, SUCCEEDED, Result

if TYPE_CHECKING:
    import sqlite3

EXPIRY_SECONDS = 24 * 3600.0
KEPT_SECONDS = 29 * 24 * 3600.0
"""The APIs' own numbers: a day to be processed, and 29 days for the results to be fetched. OpenAI's files have a time of
their own (client_files.py), and the batch stays as long as they may."""

ANTHROPIC, OPENAI = "anthropic", "openai"
"""The APIs that have batches."""

VALIDATING, IN_PROGRESS, CANCELING, ENDED = "validating", "in_progress", "canceling", "ended"
WAITING, RUNNING = "waiting", "running"

FOUND_GOOD, FOUND_BAD, EXPIRE = "the file is good", "the file is not good", "time is over"
CANCEL, LAST_DONE = "cancel", "last request is done"

BATCH = {
    (VALIDATING, FOUND_GOOD): IN_PROGRESS,
    (VALIDATING, FOUND_BAD): ENDED,
    (VALIDATING, CANCEL): CANCELING,
    (VALIDATING, EXPIRE): ENDED,
    (IN_PROGRESS, CANCEL): CANCELING,
    (IN_PROGRESS, LAST_DONE): ENDED,
    (CANCELING, CANCEL): CANCELING,
    (CANCELING, LAST_DONE): ENDED,
    (ENDED, CANCEL): ENDED,
}
"""(status, what happens) -> status. What is not here cannot happen."""

REQUEST = {
    WAITING: {RUNNING, CANCELED, EXPIRED},
    RUNNING: {WAITING, SUCCEEDED, ERRORED},
}
"""State -> the states that may follow. The four ends have none."""

GIVEN_BACK = 16384
"""Pages of the file that are given back to the disk at once, where they are free: 64 MB."""

Tokens = tuple[int, int, int, int]
"""What an answer took: input tokens, those of them from the cache, output tokens, those of them for reasoning."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. Times are unix seconds; the four counts are of requests that ended that way.

    Fields, of OpenAI's batches only:
      input_file, output_file, error_file: ids of files, which may be gone.
      metadata, errors: as JSON; errors: what is wrong with the input file.
      output_seconds: how long the output files are kept.
      model: the one that all requests ask. begun_at: when the input file was found good.
    """

    id: str
    status: str
    created_at: float
    expires_at: float
    cancel_initiated_at: float | None
    ended_at: float | None
    total: int
    succeeded: int
    errored: int
    canceled: int
    expired: int
    api: str = ANTHROPIC
    endpoint: str = "/v1/messages"
    input_file: str | None = None
    metadata: str | None = None
    output_seconds: float | None = None
    model: str | None = None
    begun_at: float | None = None
    errors: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def done(self) -> int:
        """How many requests have ended."""
        return self.succeeded + self.errored + self.canceled + self.expired


@dataclass(frozen=True, slots=True)
class Item:
    """A request to be run: its own number, its batch's id, API and endpoint, what the client calls it, what was asked, and
    how often it has failed already."""

    number: int
    batch: str
    api: str
    endpoint: str
    custom_id: str
    item: bytes
    failures: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Batches wait for a provider until then, and why."""

    provider: str
    until: float
    reason: str


_FIELDS = ", ".join(field.name for field in fields(Batch))
_EXPIRED_NOW = "(SELECT number FROM batches WHERE status IN ('in_progress', 'canceling') AND expires_at <= ?)"


class Batches:
    """The batches of one database. Used by one thread at a time.

    Attributes:
      files: the files of clients, in the same database.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.files = ClientFiles(database)

    # What clients do.

    def add(self, requests: Iterable[tuple[str, str, bytes]], now: float) -> Batch:
        """Keep a new batch; `requests` are (custom_id, model, item), drawn inside the transaction."""
        with self.database.transaction() as db:
            name = "msgbatch_" + secrets.token_hex(12)
            cursor = db.execute(
                "INSERT INTO batches (id, status, created_at, expires_at, total) VALUES (?, ?, ?, ?, 0)",
                (name, IN_PROGRESS, now, now + EXPIRY_SECONDS),
            )
            assert cursor.lastrowid is not None
            _fill(db, cursor.lastrowid, requests)
            return _get(db, name)

    def open(self, endpoint: str, file: str, metadata: str | None, output_seconds: float | None, now: float) -> Batch:
        """Keep a new OpenAI batch, whose requests are in that file and still to be looked at.

        Raises:
          Problem: INVALID when there is no such file, or when it is for something else.
        """
        with self.database.transaction() as db:
            try:
                purpose = client_files.find(db, file, now).purpose
            except Problem as problem:
                raise Problem(Kind.INVALID, problem.message, code="invalid_file_id", param="input_file_id") from problem
            if purpose != client_files.BATCH:
                raise Problem(
                    Kind.INVALID,
                    f"the file {file} has the purpose {purpose!r}; a batch needs one of the purpose 'batch'",
                    code="invalid_file_purpose",
                    param="input_file_id",
                )
            name = "batch_" + secrets.token_hex(16)
            db.execute(
                "INSERT INTO batches (id, status, created_at, expires_at, total, api, endpoint, input_file, metadata, "
                "output_seconds) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
                (name, VALIDATING, now, now + EXPIRY_SECONDS, OPENAI, endpoint, file, metadata, output_seconds),
            )
            return _get(db, name)

    def get(self, name: str, api: str | None = None) -> Batch:
        """One batch.

        Arguments:
          api: here and below, the only API whose batches are known; None: all of them.

        Raises:
          Problem: NOT_FOUND, here and wherever an id is given.
        """
        with self.database.reading() as db:
            return _get(db, name, api)

    def page(
        self, limit: int, after: str | None = None, before: str | None = None, api: str | None = None
    ) -> tuple[list[Batch], bool]:
        """Batches, newest first, and whether there are more in the direction of the page.

        Arguments:
          after: the page follows this id; before: the page ends before it.
        """
        with self.database.reading() as db:
            if before is not None:
                sql, edge = "number > ? AND {} ORDER BY number", _number(db, before, api)
            elif after is not None:
                sql, edge = "number < ? AND {} ORDER BY number DESC", _number(db, after, api)
            else:
                sql, edge = "number > ? AND {} ORDER BY number DESC", 0
            rows = db.execute(
                f"SELECT {_FIELDS} FROM batches WHERE {sql.format('(? IS NULL OR api = ?)')} LIMIT ?",
                (edge, api, api, limit + 1),
            ).fetchall()
        found = [Batch(*row) for row in rows[:limit]]
        return found[::-1] if before is not None else found, len(rows) > limit

    def cancel(self, name: str, now: float, api: str | None = None) -> Batch:
        """Let what runs finish and nothing else begin. A batch that has ended stays as it is."""
        with self.database.transaction() as db:
            batch, number = _get(db, name, api), _number(db, name)
            if (status := BATCH[batch.status, CANCEL]) != batch.status:
                db.execute(
                    "UPDATE batches SET status = ?, cancel_initiated_at = ? WHERE number = ?", (status, now, number)
                )
                _end_waiting(db, CANCELED, "= ?", number)
                _settle(db, number, now)
            return _get(db, name)

    def delete(self, name: str, api: str | None = None) -> None:
        """Forget a batch that has ended.

        Raises:
          Problem: INVALID while it has not.
        """
        with self.database.transaction() as db:
            if _get(db, name, api).status != ENDED:
                raise Problem(
                    Kind.INVALID,
                    f"the batch {name} has not ended, so it cannot be deleted: cancel it first",
                    code="batch_not_ended",
                )
            db.execute("DELETE FROM batches WHERE id = ?", (name,))

    def results(self, name: str, after: int = 0, api: str | None = None) -> list[Result]:
        """Some results of a batch that has ended, in the order of its requests; none: that was all.

        Arguments:
          after: the number of the last one that was had.

        Raises:
          Problem: INVALID while it has not ended.
        """
        with self.database.reading() as db:
            if _get(db, name, api).status != ENDED:
                raise Problem(
                    Kind.INVALID,
                    f"the batch {name} has not ended yet, so it has no results: wait until its processing_status is ended",
                    code="batch_not_ended",
                )
            return results.page(db, _number(db, name), after)

    # What the worker does.

    def resume(self, now: float) -> None:
        """After a start: what ran when the last process ended runs no more. Only for who holds the worker's lock."""
        with self.database.transaction() as db:
            db.execute("UPDATE requests SET state = ? WHERE state = ?", (WAITING, RUNNING))
            begun = db.execute("SELECT number FROM batches WHERE status IN (?, ?)", (IN_PROGRESS, CANCELING)).fetchall()
            _end_waiting(db, CANCELED, "IN (SELECT number FROM batches WHERE status = ?)", CANCELING)
            for (number,) in begun:
                _settle(db, number, now)
            db.execute("DELETE FROM pauses")

    def tidy(self, now: float) -> bool:
        """Let expire what is due, and forget what is old. Whether any batch is open afterwards."""
        with self.database.transaction() as db:
            db.execute(
                "UPDATE batches SET status = ?, ended_at = ? WHERE status = ? AND expires_at <= ?",
                (BATCH[VALIDATING, EXPIRE], now, VALIDATING, now),
            )
            due = [number for (number,) in db.execute(_EXPIRED_NOW[1:-1], (now,))]
            if due:
                _end_waiting(db, EXPIRED, f"IN {_EXPIRED_NOW}", now)
            for number in due:
                _settle(db, number, now)
            old = db.execute(
                "DELETE FROM batches WHERE status = 'ended' "
                "AND (CASE api WHEN ? THEN ended_at + ? ELSE created_at + ? END) <= ?",
                (OPENAI, client_files.KEPT_SECONDS, KEPT_SECONDS, now),
            )
            left = db.execute("SELECT 1 FROM batches WHERE status <> 'ended' LIMIT 1").fetchone()
        if self.files.tidy(now) or old.rowcount or left is None:
            with self.database.reading() as db:
                # As a script, for execute() makes one step of it, and a step gives back one page (SQLite 3.40).
                db.executescript(f"PRAGMA incremental_vacuum({GIVEN_BACK})")
        return left is not None

    def unfinished(self) -> bool:
        """Whether any batch has not ended."""
        with self.database.reading() as db:
            return db.execute("SELECT 1 FROM batches WHERE status <> 'ended' LIMIT 1").fetchone() is not None

    def unread(self) -> Batch | None:
        """The oldest batch whose file is still to be looked at."""
        with self.database.reading() as db:
            row = db.execute(
                f"SELECT {_FIELDS} FROM batches WHERE status = ? ORDER BY number LIMIT 1", (VALIDATING,)
            ).fetchone()
        return None if row is None else Batch(*row)

    def begin(self, name: str, requests: Iterable[tuple[str, str, int, int]], model: str | None, now: float) -> bool:
        """The file of a batch is good: these are its requests. Nothing happens when nobody waits for that any more.

        Returns: False when the file is gone; else True.

        Arguments:
          requests: (custom_id, model, offset and length in bytes of its text in the file).
          model: of all requests, if they ask the same.
        """
        with self.database.transaction() as db:
            batch = _get(db, name)
            if batch.status != VALIDATING:
                return True
            number = _number(db, name)
            (file,) = db.execute("SELECT number FROM files WHERE id = ?", (batch.input_file,)).fetchone() or (None,)
            if file is None:
                return False
            text = client_files.Reader(db, file)
            _fill(db, number, ((name, asked, text.read(at, length)) for name, asked, at, length in requests))
            db.execute(
                "UPDATE batches SET status = ?, begun_at = ?, model = ? WHERE number = ?",
                (BATCH[VALIDATING, FOUND_GOOD], now, model, number),
            )
            return True

    def refuse(self, name: str, errors: str, now: float) -> None:
        """The file of a batch is not good. Nothing happens when nobody waits for that any more.

        Arguments:
          errors: what is wrong, as JSON.
        """
        with self.database.transaction() as db:
            db.execute(
                "UPDATE batches SET status = ?, ended_at = ?, errors = ? WHERE id = ? AND status = ?",
                (BATCH[VALIDATING, FOUND_BAD], now, errors, name, VALIDATING),
            )

    def take(self, now: float, but: Collection[str] = ()) -> Item | None:
        """The next request to run, the oldest batch's first: it counts as running from now on.

        Arguments:
          but: models that cannot be asked now.
        """
        marks = ",".join("?" * len(but))
        with self.database.transaction() as db:
            for number, name, api, endpoint in db.execute(
                "SELECT number, id, api, endpoint FROM batches WHERE status = ? AND expires_at > ? ORDER BY number",
                (IN_PROGRESS, now),
            ).fetchall():
                row = db.execute(
                    "SELECT number, custom_id, failures FROM requests WHERE batch = ? AND state = 'waiting' "
                    f"AND not_before <= ? AND model NOT IN ({marks}) ORDER BY number LIMIT 1",
                    (number, now, *but),
                ).fetchone()
                if row is not None:
                    request, custom_id, failures = row
                    db.execute("UPDATE requests SET state = ? WHERE number = ?", (RUNNING, request))
                    (item,) = db.execute("SELECT item FROM questions WHERE request = ?", (request,)).fetchone()
                    return Item(request, name, api, endpoint, custom_id, item, failures)
        return None

    def put_back(self, number: int, not_before: float, failures: int, now: float) -> None:
        """A request that ran is to run again, not before that time; if its batch goes on."""
        with self.database.transaction() as db:
            db.execute(
                "UPDATE requests SET state = ?, not_before = ?, failures = ? WHERE number = ? AND state = ?",
                (WAITING, not_before, failures, number, RUNNING),
            )
            (batch, status) = db.execute(
                "SELECT batches.number, status FROM batches JOIN requests ON batch = batches.number "
                "WHERE requests.number = ?",
                (number,),
            ).fetchone()
            if status == CANCELING:
                _end_waiting(db, CANCELED, "= ?", batch)
            _settle(db, batch, now)

    def finish(self, number: int, state: str, result: bytes, now: float, tokens: Tokens = (0, 0, 0, 0)) -> None:
        """A request that ran has this result. Nothing happens when it does not run any more."""
        assert state in REQUEST[RUNNING]
        with self.database.transaction() as db:
            ended = db.execute(
                "UPDATE requests SET state = ? WHERE number = ? AND state = ?", (state, number, RUNNING)
            ).rowcount
            if not ended:
                return
            (batch,) = db.execute("SELECT batch FROM requests WHERE number = ?", (number,)).fetchone()
            db.execute("INSERT INTO results (request, result) VALUES (?, ?)", (number, result))
            db.execute("DELETE FROM questions WHERE request = ?", (number,))
            db.execute(
                f"UPDATE batches SET {state} = {state} + 1, input_tokens = input_tokens + ?, "
                "cached_tokens = cached_tokens + ?, output_tokens = output_tokens + ?, "
                "reasoning_tokens = reasoning_tokens + ? WHERE number = ?",
                (*tokens, batch),
            )
            _settle(db, batch, now)

    def next_due(self) -> float | None:
        """When the first of the requests that wait for a time may run."""
        with self.database.reading() as db:
            (due,) = db.execute(
                "SELECT min(not_before) FROM requests WHERE state = 'waiting' AND not_before > 0 "
                "AND batch IN (SELECT number FROM batches WHERE status <> 'ended')"
            ).fetchone()
            return None if due is None else float(due)

    # What is told about the worker, also to other processes.

    def pause(self, pauses: Iterable[Pause]) -> None:
        """Write down which providers batches wait for, and no other."""
        with self.database.transaction() as db:
            db.execute("DELETE FROM pauses")
            db.executemany(
                "INSERT INTO pauses (provider, until, reason) VALUES (?, ?, ?)",
                [(pause.provider, pause.until, pause.reason) for pause in pauses],
            )

    def pauses(self) -> list[Pause]:
        """What the worker wrote down."""
        with self.database.reading() as db:
            return [Pause(*row) for row in db.execute("SELECT provider, until, reason FROM pauses ORDER BY provider")]


def _get(db: sqlite3.Connection, name: str, api: str | None = None) -> Batch:
    row = db.execute(
        f"SELECT {_FIELDS} FROM batches WHERE id = ? AND (? IS NULL OR api = ?)", (name, api, api)
    ).fetchone()
    if row is None:
        raise Problem(Kind.NOT_FOUND, f"there is no batch {name[:100]!r}", code="not_found")
    return Batch(*row)


def _number(db: sqlite3.Connection, name: str, api: str | None = None) -> int:
    _get(db, name, api)
    (number,) = db.execute("SELECT number FROM batches WHERE id = ?", (name,)).fetchone()
    return int(number)


def _fill(db: sqlite3.Connection, batch: int, requests: Iterable[tuple[str, str, bytes]]) -> None:
    """Give a batch its requests."""
    cursor, total = db.cursor(), 0
    for custom_id, model, item in requests:
        cursor.execute("INSERT INTO requests (batch, custom_id, model) VALUES (?, ?, ?)", (batch, custom_id, model))
        cursor.execute("INSERT INTO questions (request, item) VALUES (?, ?)", (cursor.lastrowid, item))
        total += 1
    db.execute("UPDATE batches SET total = ? WHERE number = ?", (total, batch))


def _end_waiting(db: sqlite3.Connection, state: str, batches: str, value: float | str) -> None:
    """End the waiting requests of some batches; `batches` is the condition on their number, `value` what it takes."""
    assert state in REQUEST[WAITING]
    waiting = f"FROM requests WHERE state = 'waiting' AND batch {batches}"
    counts = db.execute(f"SELECT batch, count(*) {waiting} GROUP BY batch", (value,)).fetchall()
    db.execute(f"DELETE FROM questions WHERE request IN (SELECT number {waiting})", (value,))
    db.execute(f"UPDATE requests SET state = ? WHERE state = 'waiting' AND batch {batches}", (state, value))
    db.executemany(
        f"UPDATE batches SET {state} = {state} + ? WHERE number = ?", [(count, batch) for batch, count in counts]
    )


def _settle(db: sqlite3.Connection, number: int, now: float) -> None:
    """End a batch whose last request is done."""
    row = db.execute(f"SELECT {_FIELDS} FROM batches WHERE number = ?", (number,)).fetchone()
    batch = Batch(*row)
    if batch.status == ENDED or batch.done != batch.total:
        return
    db.execute(
        "UPDATE batches SET status = ?, ended_at = ? WHERE number = ?", (BATCH[batch.status, LAST_DONE], now, number)
    )
    if batch.api == OPENAI:
        seconds = client_files.KEPT_SECONDS if batch.output_seconds is None else batch.output_seconds
        made = [client_files.add_output(db, number, batch.id, holds, seconds, now) for holds in (OUTPUT, ERROR)]
        db.execute("UPDATE batches SET output_file = ?, error_file = ? WHERE number = ?", (*made, number))
