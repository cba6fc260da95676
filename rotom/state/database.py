"""The database: one SQLite file for what must survive a crash and grows item by item. Synchronous.

Theory of operation: WAL with ``synchronous=FULL``, so a transaction that returned is on the disk: kill -9 and power loss
leave it or nothing of it. One connection is used by one thread at a time, which is its owner's duty (a task on the loop
calls it in worker threads, one after the other); other processes may use the file too and wait for one another's
transactions. It is opened at the first use, so that a file that cannot be used is told to who needs it, and rotom serves
on without.

The form of the file has a number, kept in the file itself. A newer file is refused and left as it is; an older one is
brought up by the steps in `MIGRATIONS`, after a copy of it was put beside it.

What is not here: what is in the tables (batches.py, client_files.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rotom.problem import Kind, Problem
from rotom.state.files import FileLock, private_folder

if TYPE_CHECKING:
    import sqlite3  # for real only where a database is: it takes a megabyte, and most never make a batch

APPLICATION = 0x726F746D
"""Stands in the file's head ("rotm"), so that no other program's database is taken for ours."""

WAIT_SECONDS = 10.0
"""How long to wait for another process's transaction."""

JOURNAL_BYTES = 16 << 20
"""What is left of the write-ahead log after a transaction that made it longer."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE batches (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            status TEXT NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            cancel_initiated_at REAL,
            ended_at REAL,
            total INTEGER NOT NULL,
            succeeded INTEGER NOT NULL DEFAULT 0,
            errored INTEGER NOT NULL DEFAULT 0,
            canceled INTEGER NOT NULL DEFAULT 0,
            expired INTEGER NOT NULL DEFAULT 0
        )""",
        """CREATE TABLE requests (
            number INTEGER PRIMARY KEY,
            batch INTEGER NOT NULL REFERENCES batches (number) ON DELETE CASCADE,
            custom_id TEXT NOT NULL,
            model TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting',
            failures INTEGER NOT NULL DEFAULT 0,
            not_before REAL NOT NULL DEFAULT 0
        )""",
        # The texts have tables of their own: a change of state must not write megabytes anew.
        """CREATE TABLE questions (
            request INTEGER PRIMARY KEY REFERENCES requests (number) ON DELETE CASCADE,
            item BLOB NOT NULL
        )""",
        """CREATE TABLE results (
            request INTEGER PRIMARY KEY REFERENCES requests (number) ON DELETE CASCADE,
            result BLOB NOT NULL
        )""",
        "CREATE TABLE pauses (provider TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL)",
        "CREATE INDEX requests_of_a_batch ON requests (batch, number)",
        "CREATE INDEX requests_waiting ON requests (batch, number) WHERE state = 'waiting'",
        "CREATE INDEX requests_running ON requests (batch) WHERE state = 'running'",
        "CREATE INDEX batches_open ON batches (number) WHERE status <> 'ended'",
    ),
    (
        # Batches of more than one API, and OpenAI's files.
        "ALTER TABLE batches ADD COLUMN api TEXT NOT NULL DEFAULT 'anthropic'",
        "ALTER TABLE batches ADD COLUMN endpoint TEXT NOT NULL DEFAULT '/v1/messages'",
        "ALTER TABLE batches ADD COLUMN input_file TEXT",
        "ALTER TABLE batches ADD COLUMN metadata TEXT",
        "ALTER TABLE batches ADD COLUMN output_seconds REAL",
        "ALTER TABLE batches ADD COLUMN model TEXT",
        "ALTER TABLE batches ADD COLUMN begun_at REAL",
        "ALTER TABLE batches ADD COLUMN errors TEXT",
        "ALTER TABLE batches ADD COLUMN output_file TEXT",
        "ALTER TABLE batches ADD COLUMN error_file TEXT",
        "ALTER TABLE batches ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE batches ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE batches ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE batches ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE files (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            filename TEXT NOT NULL,
            purpose TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            batch INTEGER REFERENCES batches (number) ON DELETE CASCADE,
            holds TEXT
        )""",
        """CREATE TABLE parts (
            file INTEGER NOT NULL REFERENCES files (number) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (file, number)
        )""",
        "CREATE INDEX files_of_a_batch ON files (batch) WHERE batch IS NOT NULL",
    ),
)
"""What makes version n of the file from version n - 1, n counted from 1."""


def database_file(home: Path) -> Path:
    """The database in the state folder `home`."""
    return home / "rotom.db"


def worker_lock(database: Path) -> FileLock:
    """The lock of the one process that works on the batches in there."""
    return FileLock(database.with_name(f"{database.name}.worker.lock"))


class Database:
    """One database file.

    Arguments:
      migrations: of another form, for tests.
    """

    def __init__(self, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
        self.path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None

    def exists(self) -> bool:
        """Whether there is anything to read at all; looking makes no file."""
        return self.path.exists()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that read.

        Raises:
          Problem: when the file cannot be used, here and in `transaction`.
        """
        with self._told():
            yield self._open()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction: durable when the block was left, undone when it raised."""
        with self._told():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has ended it already
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            import sqlite3

            private_folder(self.path.parent)
            with contextlib.suppress(FileExistsError):  # SQLite would give it the umask's mode
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            connection = sqlite3.connect(
                self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table, or never
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        if version == len(self._migrations):
            return
        if version:
            self._back_up(connection, version)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for steps in self._migrations[self._version(connection) :]:  # another process may have been quicker
                for step in steps:
                    connection.execute(step)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(self._migrations)}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        """The number of the file's form; 0: it is empty."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and owner != APPLICATION:
            raise Problem(
                Kind.CONFLICT,
                f"{self.path} is a database of another program; it was left as it is",
                code="foreign_database",
                retry=False,
                hint="move it away, or point ROTOM_HOME to another folder",
            )
        if version > len(self._migrations):
            raise Problem(
                Kind.CONFLICT,
                f"{self.path} was written by a newer rotom (version {version} of the file, this one knows "
                f"{len(self._migrations)}); it was left as it is",
                code="newer_database",
                retry=False,
                hint="use the newer rotom, or point ROTOM_HOME to another folder",
            )
        return int(version)

    def _back_up(self, connection: sqlite3.Connection, version: int) -> None:
        import sqlite3

        path = self.path.with_name(f"{self.path.name}.v{version}.backup")
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite and the file system say, as Problems. Mistakes in our own statements stay what they are: bugs."""
        try:
            yield
        except OSError as exc:
            raise no_room(exc) or Problem(
                Kind.UNAVAILABLE, f"cannot use {self.path}: {exc.strerror}", code="database", retry=False
            ) from exc
        except Exception as exc:
            import sqlite3

            name = getattr(exc, "sqlite_errorname", "") or ""
            ours = not isinstance(exc, sqlite3.Error) or isinstance(
                exc, sqlite3.ProgrammingError | sqlite3.IntegrityError
            )
            if ours or name in ("", "SQLITE_ERROR"):
                raise
            raise _problem(self.path, name, str(exc)) from exc


def no_room(exc: OSError) -> Problem | None:
    """The Problem of a full disk, when it is that."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full()
    return None


def _full() -> Problem:
    return Problem(
        Kind.UNAVAILABLE,
        "the disk with rotom's home folder is full: nothing was stored, and nothing that was stored before is lost",
        code="storage_full",
        retry=False,
    )


def _problem(path: Path, name: str, text: str) -> Problem:
    match name.split("_")[1] if name.startswith("SQLITE_") else "":
        case "FULL":
            return _full()
        case "BUSY" | "LOCKED":
            return Problem(
                Kind.UNAVAILABLE, f"another program holds {path} for too long", code="database_busy", retry=True
            )
        case "CORRUPT" | "NOTADB":
            return Problem(
                Kind.UNAVAILABLE,
                f"{path} is damaged and was left as it is ({text})",
                code="database",
                retry=False,
                hint=f"move it away; the sqlite3 program can recover what is left: sqlite3 {path.name} .recover",
            )
        case "CANTOPEN" | "READONLY" | "PERM" | "AUTH":
            return Problem(Kind.UNAVAILABLE, f"cannot write {path}: {text}", code="database", retry=False)
        case "IOERR":
            # Also what SQLite makes of a disk that is too full for its shared memory file (seen: IOERR_SHMSIZE).
            return Problem(
                Kind.UNAVAILABLE,
                f"cannot use {path}: {text} ({name}); is the disk full?",
                code="storage_full" if name == "SQLITE_IOERR_SHMSIZE" else "database",
                retry=False,
            )
        case _:
            return Problem(Kind.UNAVAILABLE, f"cannot use {path}: {text}", code="database", retry=False)
