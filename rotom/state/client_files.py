"""The files of OpenAI's clients: what they upload for batches, and what batches make for them. Synchronous.

Theory of operation: an uploaded file is a row and its content in parts of `PART_BYTES`, written in one transaction, so
that it is there whole or not at all, and goes with its row. An output file is a row only (results.py). Ids name both; what
is past its time is gone for clients at once, and from the disk with the next `tidy`.

The number of files and their bytes are bounded: what is over is refused, as rotom cannot know which of somebody's files
may go.

What is not here: the fields of an upload (routes/files.py), and what is in a file (dialects/openai_batches.py).
"""

# ruff: noqa: S608 - what is put into statements are words of this module

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotom.problem import Kind, Problem
from rotom.state import results
from rotom.state.database import Database

if TYPE_CHECKING:
    import sqlite3

BATCH, BATCH_OUTPUT = "batch", "batch_output"
"""Purposes: of what is uploaded, and of what batches make."""

KEPT_SECONDS = 30 * 24 * 3600.0
"""OpenAI's own number for files of batches."""

PART_BYTES = 1 << 20

MOST_FILES = 1000
MOST_STORED = 8 << 30
"""Uploaded files, and the bytes of them all."""


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One file. Times are unix seconds.

    Fields:
      number: of its row.
      batch, holds: of an output file, the number of its batch and which ends it holds.
    """

    number: int
    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: float
    expires_at: float
    batch: int | None
    holds: str | None


_FIELDS = "number, id, filename, purpose, bytes, created_at, expires_at, batch, holds"


class ClientFiles:
    """The files of one database. Used by one thread at a time, which is the same for its batches."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, filename: str, parts: Iterable[bytes], seconds: float | None, now: float) -> ClientFile:
        """Keep an uploaded file; its content is drawn inside the transaction, all parts but the last of `PART_BYTES`.

        Arguments:
          seconds: how long to keep it; None: as long as OpenAI does.

        Raises:
          Problem: INVALID when there are too many files already.
        """
        with self.database.transaction() as db:
            count, stored = db.execute(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE purpose = ? AND expires_at > ?", (BATCH, now)
            ).fetchone()
            cursor = db.execute(
                "INSERT INTO files (id, filename, purpose, bytes, created_at, expires_at) VALUES (?, ?, ?, 0, ?, ?)",
                (new_id(), filename, BATCH, now, now + (KEPT_SECONDS if seconds is None else seconds)),
            )
            file, total = cursor.lastrowid, 0
            for index, part in enumerate(parts):
                cursor.execute("INSERT INTO parts (file, number, data) VALUES (?, ?, ?)", (file, index, part))
                total += len(part)
            if count >= MOST_FILES or stored + total > MOST_STORED:
                raise Problem(
                    Kind.INVALID,
                    f"rotom keeps {MOST_FILES} files and {MOST_STORED >> 30} GB at most, and has {count} files with "
                    f"{stored} bytes: delete some that are not needed any more",
                    code="file_limit_exceeded",
                )
            db.execute("UPDATE files SET bytes = ? WHERE number = ?", (total, file))
            (name,) = db.execute("SELECT id FROM files WHERE number = ?", (file,)).fetchone()
            return find(db, name, now)

    def get(self, name: str, now: float) -> ClientFile:
        """One file.

        Raises:
          Problem: NOT_FOUND, here and wherever an id is given.
        """
        with self.database.reading() as db:
            return find(db, name, now)

    def page(
        self, limit: int, after: str | None, purpose: str | None, now: float, *, oldest_first: bool = False
    ) -> tuple[list[ClientFile], bool]:
        """Files in the order of their making, and whether there are more.

        Arguments:
          after: the page follows this id; purpose: only files of that.
        """
        compare, order = (">", "") if oldest_first else ("<", " DESC")
        with self.database.reading() as db:
            edge = find(db, after, now).number if after is not None else 0 if oldest_first else 1 << 62
            rows = db.execute(
                f"SELECT {_FIELDS} FROM files WHERE number {compare} ? AND expires_at > ? AND (? IS NULL OR purpose = ?) "
                f"ORDER BY number{order} LIMIT ?",
                (edge, now, purpose, purpose, limit + 1),
            ).fetchall()
        return [ClientFile(*row) for row in rows[:limit]], len(rows) > limit

    def part(self, name: str, position: int, now: float) -> tuple[bytes, int | None]:
        """Some of a file's content, and the position where it goes on; None: that was all. The first position is 0.

        Raises:
          Problem: NOT_FOUND also when it was deleted meanwhile.
        """
        with self.database.reading() as db:
            file = find(db, name, now)
            if file.batch is not None and file.holds is not None:
                return results.lines(db, file.batch, file.holds, position)
            row = db.execute("SELECT data FROM parts WHERE file = ? AND number = ?", (file.number, position)).fetchone()
            return (b"", None) if row is None else (row[0], position + 1)

    def delete(self, name: str, now: float) -> None:
        """Forget a file and its content. Batches that were made of it go on."""
        with self.database.transaction() as db:
            _remove(db, [find(db, name, now)])

    def tidy(self, now: float) -> bool:
        """Forget files that are past their time. Whether there were any."""
        with self.database.transaction() as db:
            rows = db.execute(f"SELECT {_FIELDS} FROM files WHERE expires_at <= ?", (now,)).fetchall()
            _remove(db, [ClientFile(*row) for row in rows])
        return bool(rows)


class Reader:
    """Reads the content of an uploaded file inside a transaction, here and there but mostly forwards."""

    def __init__(self, db: sqlite3.Connection, file: int) -> None:
        self._db = db
        self._file = file
        self._index = -1
        self._data = b""

    def read(self, offset: int, length: int) -> bytes:
        """That many bytes from there on."""
        pieces = list[bytes]()
        while length > 0:
            index, start = divmod(offset, PART_BYTES)
            if index != self._index:
                row = self._db.execute(
                    "SELECT data FROM parts WHERE file = ? AND number = ?", (self._file, index)
                ).fetchone()
                self._index, self._data = index, row[0]
            piece = self._data[start : start + length]
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)


def find(db: sqlite3.Connection, name: str, now: float) -> ClientFile:
    """The file of that id.

    Raises:
      Problem: NOT_FOUND.
    """
    row = db.execute(f"SELECT {_FIELDS} FROM files WHERE id = ? AND expires_at > ?", (name, now)).fetchone()
    if row is None:
        # The real API's words (2026-11).
        raise Problem(Kind.NOT_FOUND, f"No such File object: {name[:100]}", param="id")
    return ClientFile(*row)


def add_output(db: sqlite3.Connection, batch: int, name: str, holds: str, seconds: float, now: float) -> str | None:
    """Make an output file of a batch that has ended; its id, or None when it would be empty.

    Arguments:
      batch, name: the batch's number and id.
    """
    count, size = results.size(db, batch, holds)
    if not count:
        return None
    file = new_id()
    db.execute(
        "INSERT INTO files (id, filename, purpose, bytes, created_at, expires_at, batch, holds) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (file, f"{name}_{holds}.jsonl", BATCH_OUTPUT, size, now, now + seconds, batch, holds),
    )
    return file


def new_id() -> str:
    """An id that no other file has."""
    return "file-" + secrets.token_hex(12)


def _remove(db: sqlite3.Connection, files: Iterable[ClientFile]) -> None:
    for file in files:
        if file.batch is not None and file.holds is not None:
            results.forget(db, file.batch, file.holds)
        db.execute("DELETE FROM files WHERE number = ?", (file.number,))
