"""Message batches in the database: what was asked, how far it is, and the results. Synchronous.

Theory of operation: two state machines, both as tables. A batch is in progress until its last request is done, with
canceling on the way when somebody wants it to end. A request waits, runs, waits again (after a failure that may pass, or
after a restart), and ends in one of four ways; only a waiting one can be canceled or expire, since one that runs has been
asked already. Each method is one transaction, so each change is on the disk before anybody is told. That a result can
come only once is the database's own rule: it takes the state ``running`` to end with one, and leaves it.

The counts of the four ends are kept with the batch; that its last request is done is their sum. What was asked is removed
with the end of a request, the results with the batch: after `KEPT_SECONDS`, or when a client deletes it.

What is not here: when something is run (batching.py), and what a request or a result says (dialects/).
"""

# ruff: noqa: S608 - what is put into statements are words of this module

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotom.problem import Kind, Problem
from rotom.state.database import Database

if TYPE_CHECKING:
    import sqlite3

EXPIRY_SECONDS = 24 * 3600.0
KEPT_SECONDS = 29 * 24 * 3600.0
"""The API's own numbers: a day to be processed, and 29 days for the results to be fetched."""

IN_PROGRESS, CANCELING, ENDED = "in_progress", "canceling", "ended"
WAITING, RUNNING = "waiting", "running"
SUCCEEDED, ERRORED, CANCELED, EXPIRED = "succeeded", "errored", "canceled", "expired"
ENDS = (SUCCEEDED, ERRORED, CANCELED, EXPIRED)

CANCEL, LAST_DONE = "cancel", "last request is done"

BATCH = {
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

PAGE_BYTES = 1 << 20
PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. Times are unix seconds; the four counts are of requests that ended that way."""

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

    @property
    def done(self) -> int:
        """How many requests have ended."""
        return self.succeeded + self.errored + self.canceled + self.expired


@dataclass(frozen=True, slots=True)
class Item:
    """A request to be run: its own number, its batch's id, what was asked, and how often it has failed already."""

    number: int
    batch: str
    item: bytes
    failures: int


@dataclass(frozen=True, slots=True)
class Result:
    """How a request ended; `result` is empty for those that never ran."""

    number: int
    custom_id: str
    state: str
    result: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Batches wait for a provider until then, and why."""

    provider: str
    until: float
    reason: str


_FIELDS = (
    "id, status, created_at, expires_at, cancel_initiated_at, ended_at, total, succeeded, errored, canceled, expired"
)
_EXPIRED_NOW = "(SELECT number FROM batches WHERE status <> 'ended' AND expires_at <= ?)"


class Batches:
    """The batches of one database. Used by one thread at a time."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # What clients do.

    def add(self, requests: Iterable[tuple[str, str, bytes]], now: float) -> Batch:
        """Keep a new batch; `requests` are (custom_id, model, item), drawn inside the transaction."""
        with self.database.transaction() as db:
            name = "msgbatch_" + secrets.token_hex(12)
            cursor = db.execute(
                "INSERT INTO batches (id, status, created_at, expires_at, total) VALUES (?, ?, ?, ?, 0)",
                (name, IN_PROGRESS, now, now + EXPIRY_SECONDS),
            )
            batch, total = cursor.lastrowid, 0
            for custom_id, model, item in requests:
                cursor.execute(
                    "INSERT INTO requests (batch, custom_id, model) VALUES (?, ?, ?)", (batch, custom_id, model)
                )
                cursor.execute("INSERT INTO questions (request, item) VALUES (?, ?)", (cursor.lastrowid, item))
                total += 1
            db.execute("UPDATE batches SET total = ? WHERE number = ?", (total, batch))
            return _get(db, name)

    def get(self, name: str) -> Batch:
        """One batch.

        Raises:
          Problem: NOT_FOUND, here and wherever an id is given.
        """
        with self.database.reading() as db:
            return _get(db, name)

    def page(self, limit: int, after: str | None = None, before: str | None = None) -> tuple[list[Batch], bool]:
        """Batches, newest first, and whether there are more in the direction of the page.

        Arguments:
          after: the page follows this id; before: the page ends before it.
        """
        with self.database.reading() as db:
            if before is not None:
                sql, edge = "number > ? ORDER BY number", _number(db, before)
            elif after is not None:
                sql, edge = "number < ? ORDER BY number DESC", _number(db, after)
            else:
                sql, edge = "number > ? ORDER BY number DESC", 0
            rows = db.execute(f"SELECT {_FIELDS} FROM batches WHERE {sql} LIMIT ?", (edge, limit + 1)).fetchall()
        found = [Batch(*row) for row in rows[:limit]]
        return found[::-1] if before is not None else found, len(rows) > limit

    def cancel(self, name: str, now: float) -> Batch:
        """Let what runs finish and nothing else begin. A batch that has ended stays as it is."""
        with self.database.transaction() as db:
            batch, number = _get(db, name), _number(db, name)
            if (status := BATCH[batch.status, CANCEL]) != batch.status:
                db.execute(
                    "UPDATE batches SET status = ?, cancel_initiated_at = ? WHERE number = ?", (status, now, number)
                )
                _end_waiting(db, CANCELED, "= ?", number)
                _settle(db, number, now)
            return _get(db, name)

    def delete(self, name: str) -> None:
        """Forget a batch that has ended.

        Raises:
          Problem: INVALID while it has not.
        """
        with self.database.transaction() as db:
            if _get(db, name).status != ENDED:
                raise Problem(
                    Kind.INVALID,
                    f"the batch {name} has not ended, so it cannot be deleted: cancel it first",
                    code="batch_not_ended",
                )
            db.execute("DELETE FROM batches WHERE id = ?", (name,))

    def results(self, name: str, after: int = 0) -> list[Result]:
        """Some results of a batch that has ended, in the order of its requests; none: that was all.

        Arguments:
          after: the number of the last one that was had.

        Raises:
          Problem: INVALID while it has not ended.
        """
        with self.database.reading() as db:
            if _get(db, name).status != ENDED:
                raise Problem(
                    Kind.INVALID,
                    f"the batch {name} has not ended yet, so it has no results: wait until its processing_status is ended",
                    code="batch_not_ended",
                )
            cursor = db.execute(
                "SELECT requests.number, custom_id, state, coalesce(result, x'') FROM requests "
                "LEFT JOIN results ON results.request = requests.number "
                "WHERE batch = ? AND requests.number > ? ORDER BY requests.number LIMIT ?",
                (_number(db, name), after, PAGE_ROWS),
            )
            page, size = list[Result](), 0
            for row in cursor:
                page.append(Result(*row))
                size += len(page[-1].result)
                if size >= PAGE_BYTES:
                    break
            cursor.close()
            return page

    # What the worker does.

    def resume(self, now: float) -> None:
        """After a start: what ran when the last process ended runs no more. Only for who holds the worker's lock."""
        with self.database.transaction() as db:
            db.execute("UPDATE requests SET state = ? WHERE state = ?", (WAITING, RUNNING))
            open_now = [number for (number,) in db.execute("SELECT number FROM batches WHERE status <> 'ended'")]
            _end_waiting(db, CANCELED, "IN (SELECT number FROM batches WHERE status = ?)", CANCELING)
            for number in open_now:
                _settle(db, number, now)
            db.execute("DELETE FROM pauses")

    def tidy(self, now: float) -> bool:
        """Let expire what is due, and forget what is old. Whether any batch is open afterwards."""
        with self.database.transaction() as db:
            due = [number for (number,) in db.execute(_EXPIRED_NOW[1:-1], (now,))]
            if due:
                _end_waiting(db, EXPIRED, f"IN {_EXPIRED_NOW}", now)
            for number in due:
                _settle(db, number, now)
            old = db.execute("DELETE FROM batches WHERE status = 'ended' AND created_at <= ?", (now - KEPT_SECONDS,))
            left = db.execute("SELECT 1 FROM batches WHERE status <> 'ended' LIMIT 1").fetchone()
        if old.rowcount:
            with self.database.reading() as db:
                db.execute("PRAGMA incremental_vacuum").fetchall()
        return left is not None

    def take(self, now: float, but: Collection[str] = ()) -> Item | None:
        """The next request to run, the oldest batch's first: it counts as running from now on.

        Arguments:
          but: models that cannot be asked now.
        """
        marks = ",".join("?" * len(but))
        with self.database.transaction() as db:
            for number, name in db.execute(
                "SELECT number, id FROM batches WHERE status = ? AND expires_at > ? ORDER BY number", (IN_PROGRESS, now)
            ).fetchall():
                row = db.execute(
                    "SELECT number, failures FROM requests WHERE batch = ? AND state = 'waiting' AND not_before <= ? "
                    f"AND model NOT IN ({marks}) ORDER BY number LIMIT 1",
                    (number, now, *but),
                ).fetchone()
                if row is not None:
                    request, failures = row
                    db.execute("UPDATE requests SET state = ? WHERE number = ?", (RUNNING, request))
                    (item,) = db.execute("SELECT item FROM questions WHERE request = ?", (request,)).fetchone()
                    return Item(request, name, item, failures)
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

    def finish(self, number: int, state: str, result: bytes, now: float) -> None:
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
            db.execute(f"UPDATE batches SET {state} = {state} + 1 WHERE number = ?", (batch,))
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


def _get(db: sqlite3.Connection, name: str) -> Batch:
    row = db.execute(f"SELECT {_FIELDS} FROM batches WHERE id = ?", (name,)).fetchone()
    if row is None:
        raise Problem(Kind.NOT_FOUND, f"there is no batch {name[:100]!r}", code="not_found")
    return Batch(*row)


def _number(db: sqlite3.Connection, name: str) -> int:
    _get(db, name)
    (number,) = db.execute("SELECT number FROM batches WHERE id = ?", (name,)).fetchone()
    return int(number)


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
    if batch.status != ENDED and batch.done == batch.total:
        db.execute(
            "UPDATE batches SET status = ?, ended_at = ? WHERE number = ?",
            (BATCH[batch.status, LAST_DONE], now, number),
        )
