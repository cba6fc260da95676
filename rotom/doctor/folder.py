"""The folder of everything that rotom keeps: who may look into it, the room on its disk, the database, the locks.

What is not here: what is in the files (settings.py, logins.py).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, trouble, warn
from rotom.exits import CANNOT_CREATE, DATA, PERMISSION
from rotom.problem import Problem
from rotom.state.database import APPLICATION, MIGRATIONS, database_file, worker_lock
from rotom.state.files import POSIX, FileLock

LITTLE, TOO_LITTLE = 200 << 20, 20 << 20
"""Bytes of free space at which it is told, and at which writing is about to fail."""

QUICK_SECONDS = 5.0
"""How long the database may take to be looked through."""

LOCK_SECONDS = 2.0
"""A lock that is held longer than this is told; a write takes milliseconds."""


def check(case: Case) -> list[Finding]:
    """Everything of this subject."""
    home = case.config.home
    if not home.exists():
        return [skip("files.home", f"{home} is not there yet; the first login makes it"), *_secrets(case, [])]
    files = list(_files(home))
    return [
        *_home(home),
        *_secrets(case, files),
        _room(home),
        *_database(database_file(home)),
        *_locks(home, files),
    ]


def _home(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield fail("files.home", f"{home} is no folder", "move it away, or point ROTOM_HOME elsewhere", CANNOT_CREATE)
        return
    info = home.stat()
    if not POSIX:
        yield ok("files.home", f"{home}, which the profile folder protects")
    elif info.st_uid != os.geteuid():
        yield fail("files.home", f"{home} belongs to another user", "run rotom as that user", PERMISSION)
    elif info.st_mode & 0o077:
        mode = stat.S_IMODE(info.st_mode)
        yield warn("files.home", f"others can look into {home} (mode {mode:04o})", f"chmod 700 {home}")
    elif not os.access(home, os.W_OK | os.X_OK):
        yield fail("files.home", f"{home} cannot be written", f"chmod 700 {home}", CANNOT_CREATE)
    else:
        yield ok("files.home", f"{home} is yours alone")


def _files(home: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(path for path in home.iterdir() if path.is_file() or path.is_symlink())


def _secrets(case: Case, files: Iterable[Path]) -> Iterator[Finding]:
    """Modes and owners. What holds a secret is refused by rotom itself when others can read it."""
    config = case.config
    strict = {config.auth_file, config.home / "key", config.key_file, config.api_key_file}
    if config.api_key is not None and case.sources.get("api_key", "").startswith("file "):
        strict.add(case.file)
    good = 0
    for path in dict.fromkeys([*files, *(path for path in strict if path is not None)]):
        try:
            info = path.stat()
        except FileNotFoundError:
            if path in (config.key_file, config.api_key_file):
                yield fail("files.missing", f"{path} is named in the settings and not there", "rotom config show", DATA)
            elif path.is_symlink():
                yield warn("files.missing", f"{path} is a link that leads nowhere", f"rm {path}")
            continue
        except OSError as exc:
            yield fail("files.unreadable", f"{path} cannot be looked at: {exc.strerror}", None, PERMISSION)
            continue
        if not POSIX:
            good += 1
        elif info.st_uid not in (os.geteuid(), 0):
            yield fail(
                "files.owner", f"{path} belongs to another user", f"chown it, or move it away: {path}", PERMISSION
            )
        elif info.st_mode & 0o077:
            mode = f"{path} can be read or changed by others (mode {stat.S_IMODE(info.st_mode):04o})"
            if path in strict:
                yield fail("files.modes", mode, f"chmod 600 {path}", PERMISSION)
            else:
                yield warn("files.modes", mode, f"chmod 600 {path}")
        elif not os.access(path, os.R_OK | os.W_OK):
            yield warn("files.modes", f"{path} cannot be read and written", f"chmod 600 {path}")
        else:
            good += 1
    if good:
        yield ok("files.modes", f"{good} {'file' if good == 1 else 'files'} in it that nobody else can read")


def _room(home: Path) -> Finding:
    try:
        free = shutil.disk_usage(home).free
    except OSError as exc:
        return skip("files.room", f"the free space cannot be told: {exc.strerror}")
    shown = f"{free >> 30} GiB" if free >> 30 else f"{free >> 20} MiB"
    if free < TOO_LITTLE:
        return fail("files.room", f"the disk is full: {shown} are free", "make room; renewed logins cannot be kept")
    if free < LITTLE:
        return warn("files.room", f"little room is left on the disk: {shown}", "make room")
    return ok("files.room", f"{shown} are free on its disk")


def _database(path: Path) -> Iterator[Finding]:
    check = "files.database"
    if not path.exists():
        yield skip(check, f"no {path.name}: no batches were made")
        return
    import sqlite3

    move = f"move it away; what is left in it can be had by: sqlite3 {path.name} .recover"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            ends = time.monotonic() + QUICK_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > ends, 100_000)
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if owner != APPLICATION:
                yield fail(check, f"{path} is another program's database", "move it away", DATA)
                return
            if version > len(MIGRATIONS):
                yield fail(check, f"{path} was written by a newer rotom", "use the newer rotom", DATA)
                return
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                yield fail(check, f"{path} is damaged", move, DATA)
                return
            yield ok(check, f"{path.name} is sound ({path.stat().st_size >> 10} KiB, form {version})")
    except sqlite3.DatabaseError as exc:
        name = getattr(exc, "sqlite_errorname", "") or ""
        if name == "SQLITE_INTERRUPT":
            yield ok(check, f"{path.name} opens; it is too large to be looked through in {QUICK_SECONDS:g} s")
        elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            yield warn(check, f"another program holds {path}", "try again; a batch may be written")
        elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            yield fail(check, f"{path} is damaged", move, DATA)
        else:
            yield fail(check, f"{path} cannot be read ({name or type(exc).__name__})", f"chmod 600 {path}", DATA)


def _locks(home: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Locks that stay held. The one of the batches' worker is a server's for as long as it runs."""
    worker = worker_lock(database_file(home)).path
    free = 0
    for path in files:
        if path.suffix != ".lock" or path == worker:
            continue
        try:
            held = not _free(FileLock(path))
        except Problem as problem:
            yield trouble("files.locks", problem)
            continue
        if held:
            yield warn(
                "files.locks",
                f"another process holds {path.name} for longer than {LOCK_SECONDS:g} s",
                "a login may be under way; else end the rotom that hangs",
            )
        else:
            free += 1
    if free:
        yield ok("files.locks", f"no process holds a lock for long ({free} looked at)")


def _free(lock: FileLock) -> bool:
    ends = time.monotonic() + LOCK_SECONDS
    while not lock.try_acquire():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    lock.release()
    return True
