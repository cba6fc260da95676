"""How the requests of a batch ended: pages of results, and the lines of OpenAI's output files. Synchronous.

Theory of operation: a result is stored once, as the client will read it, and never copied. An output file of an OpenAI
batch is a row that names the batch and which ends it holds; its content is drawn from the results when somebody reads it,
and its size is counted once, when the batch ends. So a file can be had exactly when its results are there, whatever was
killed when. A request that never ran has no result; what its line says follows from how it ended.

What is not here: the states that lead to an end (batches.py), and files as such (client_files.py).
"""

# ruff: noqa: S608 - what is put into statements are words of this module

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

SUCCEEDED, ERRORED, CANCELED, EXPIRED = "succeeded", "errored", "canceled", "expired"
ENDS = (SUCCEEDED, ERRORED, CANCELED, EXPIRED)

OUTPUT, ERROR = "output", "error"
HOLDS = {OUTPUT: (SUCCEEDED,), ERROR: (ERRORED, CANCELED, EXPIRED)}
"""The two files of an OpenAI batch -> which ends they hold."""

PAGE_BYTES = 1 << 20
PAGE_ROWS = 500

_UNRUN = {
    # The words for the second are in OpenAI's guide to the Batch API (2026-11); those for the first are modelled on them.
    CANCELED: ("batch_cancelled", "This request was not executed: the batch was cancelled before."),
    EXPIRED: ("batch_expired", "This request could not be executed before the completion window expired."),
}


@dataclass(frozen=True, slots=True)
class Result:
    """How a request ended; `result` is empty for those that never ran."""

    number: int
    custom_id: str
    state: str
    result: bytes


def page(db: sqlite3.Connection, batch: int, after: int, states: Collection[str] = ENDS) -> list[Result]:
    """Some results of the batch of that number, in the order of its requests; none: that was all.

    Arguments:
      after: the number of the last one that was had.
      states: only of requests that ended so.
    """
    marks = ",".join("?" * len(states))
    cursor = db.execute(
        "SELECT requests.number, custom_id, state, coalesce(result, x'') FROM requests "
        "LEFT JOIN results ON results.request = requests.number "
        f"WHERE batch = ? AND requests.number > ? AND state IN ({marks}) ORDER BY requests.number LIMIT ?",
        (batch, after, *states, PAGE_ROWS),
    )
    found, size = list[Result](), 0
    for row in cursor:
        found.append(Result(*row))
        size += len(found[-1].result)
        if size >= PAGE_BYTES:
            break
    cursor.close()
    return found


def lines(db: sqlite3.Connection, batch: int, holds: str, after: int) -> tuple[bytes, int | None]:
    """Some lines of an output file, and where they go on; None: that was all."""
    name = _name(db, batch)
    found = page(db, batch, after, HOLDS[holds])
    data = b"".join((one.result or _unrun(name, one.number, one.custom_id, one.state)) + b"\n" for one in found)
    return data, found[-1].number if found else None


def size(db: sqlite3.Connection, batch: int, holds: str) -> tuple[int, int]:
    """How many lines and bytes an output file has."""
    states = HOLDS[holds]
    count, total = db.execute(
        # SQLite knows the length of a blob without reading it.
        "SELECT count(*), coalesce(sum(length(result) + 1), 0) FROM results "
        "JOIN requests ON requests.number = results.request "
        f"WHERE batch = ? AND state IN ({','.join('?' * len(states))})",
        (batch, *states),
    ).fetchone()
    name = _name(db, batch)
    unrun = [state for state in states if state in _UNRUN]
    for number, custom_id, state in db.execute(
        f"SELECT number, custom_id, state FROM requests WHERE batch = ? AND state IN ({','.join('?' * len(unrun))})",
        (batch, *unrun),
    ):
        count += 1
        total += len(_unrun(name, number, custom_id, state)) + 1
    return count, total


def forget(db: sqlite3.Connection, batch: int, holds: str) -> None:
    """Remove the content of an output file; that the requests ended stays known."""
    states = HOLDS[holds]
    db.execute(
        "DELETE FROM results WHERE request IN "
        f"(SELECT number FROM requests WHERE batch = ? AND state IN ({','.join('?' * len(states))}))",
        (batch, *states),
    )


def _name(db: sqlite3.Connection, batch: int) -> str:
    (name,) = db.execute("SELECT id FROM batches WHERE number = ?", (batch,)).fetchone()
    return str(name)


def _unrun(batch: str, number: int, custom_id: str, state: str) -> bytes:
    """The line of a request that never ran, always the same."""
    code, message = _UNRUN[state]
    value = {
        "id": f"batch_req_{batch.removeprefix('batch_')}{number:x}",
        "custom_id": custom_id,
        "response": None,
        "error": {"code": code, "message": message},
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
