"""Files that hold what must not be lost or read by others: atomic replacement, locks, modes.

Theory of operation: a file is never written in place. Its new content goes to a fresh temporary file in the same folder
(made with O_EXCL and 0600 whatever the umask), is flushed to disk, takes the name of the old one, and the folder is
flushed too: after a crash at any moment there is either the old or the new content, whole. A symbolic link, as dotfile
managers make them, is followed first, so that the link stays one.

A lock is an flock on a file of its own that is never replaced or removed (a lock on the data file itself would be lost
with its replacement). flock and not fcntl record locks: those vanish when any descriptor of the file is closed.

What is not here: what is in the files.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rotom.problem import Kind, Problem

POSIX = os.name == "posix"


def private_folder(path: Path) -> None:
    """Make `path` a folder that only we can use (0700), if it is not there.

    Raises:
      Problem: FORBIDDEN when it exists and others may write into it, or when it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot make the folder {path}: {_why(exc)}") from exc
    if POSIX and info.st_mode & 0o022 and not info.st_mode & stat.S_ISVTX:
        raise Problem(
            Kind.FORBIDDEN,
            f"others may write into {path}, so nothing secret is kept there",
            hint=f"chmod 700 {path}",
        )


def read_private(path: Path) -> bytes | None:
    """The content of a file that only we may read; None when there is no such file.

    Raises:
      Problem: FORBIDDEN when others can read it, when it is not ours, or when it cannot be read.
    """
    flags = os.O_RDONLY
    for name in ("O_CLOEXEC", "O_BINARY", "O_NONBLOCK"):  # the last: a pipe with that name must not hang us
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot read {path}: {_why(exc)}") from exc
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise Problem(Kind.FORBIDDEN, f"{path} is not a regular file")
        if POSIX:
            _check_owner(path, info)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot read {path}: {_why(exc)}") from exc
    finally:
        os.close(descriptor)


def _check_owner(path: Path, info: os.stat_result) -> None:
    if info.st_mode & 0o077:
        raise Problem(
            Kind.FORBIDDEN,
            f"other users of this machine can read {path} (mode {stat.S_IMODE(info.st_mode):04o}), so it is not used",
            hint=f"chmod 600 {path}",
        )
    if sys.platform != "win32" and info.st_uid != os.geteuid() and os.geteuid() != 0:
        raise Problem(Kind.FORBIDDEN, f"{path} belongs to another user (uid {info.st_uid}), so it is not used")


def write_atomic(path: Path, data: bytes, mode: int = 0o600, *, private: bool = True) -> None:
    """Replace the content of `path` by `data`, whole and durable; `mode` are its permissions.

    Arguments:
      private: the folder must be one that only we can write to; where it is not there, it is made so.

    Raises:
      Problem: FORBIDDEN when the folder or the file cannot be written (also: the disk is full).
    """
    target = Path(os.path.realpath(path))
    if private:
        private_folder(target.parent)
    try:
        from tempfile import mkstemp  # with what it brings, half a megabyte

        descriptor, name = mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with open(descriptor, "wb") as file:
                if POSIX and mode != 0o600:
                    os.fchmod(descriptor, mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        sync_folder(target.parent)
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot write {path}: {_why(exc)}") from exc


def create_private(path: Path, data: bytes) -> bool:
    """Make the file `path` with `data`, durable and 0600, unless there is one: then False is returned.

    The name appears with its whole content or not at all, so that a crash never leaves half a file under it.
    """
    private_folder(path.parent)
    try:
        from tempfile import mkstemp

        descriptor, name = mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            try:
                _rename_new(name, path)
            except FileExistsError:
                return False
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)
        sync_folder(path.parent)
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot write {path}: {_why(exc)}") from exc
    return True


def _rename_new(name: str, path: Path) -> None:
    """Give the file `name` the new name `path`; FileExistsError when that is taken."""
    if POSIX:
        try:
            os.link(name, path)
        except PermissionError:  # a file system without hard links (FAT, some FUSE): the second best
            if path.exists():
                raise FileExistsError(path) from None
            os.rename(name, path)
    else:
        os.rename(name, path)  # on Windows rename refuses a name that is taken


def remove(path: Path) -> None:
    """Remove `path` durably, if it is there."""
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot remove {path}: {_why(exc)}") from exc


def sweep(path: Path) -> None:
    """Remove the temporary files that killed writers of `path` left behind. Only for who holds the lock of `path`."""
    target = Path(os.path.realpath(path))
    for leftover in target.parent.glob(f".{target.name}-*"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def sync_folder(path: Path) -> None:
    """Flush a folder's list of names to disk. Windows has no such thing."""
    if POSIX:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class FileLock:
    """A lock between processes, and between two holders in one process, on a lock file that stays.

    `try_acquire` never blocks: a task on the loop polls it. `held` blocks, for plain code.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free."""
        assert self._descriptor is None
        private_folder(self.path.parent)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as exc:
            raise Problem(Kind.FORBIDDEN, f"cannot open the lock file {self.path}: {_why(exc)}") from exc
        try:
            taken = _try_lock(descriptor)
        except OSError as exc:
            os.close(descriptor)
            raise Problem(Kind.FORBIDDEN, f"cannot lock {self.path}: {_why(exc)}") from exc
        if taken:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return taken

    def release(self) -> None:
        """Give the lock back. The kernel does it too, whatever way the process ends."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextlib.contextmanager
    def held(self, timeout: float = 30.0) -> Iterator[None]:
        """Hold the lock for a block.

        Raises:
          Problem: CONFLICT when another program has held it for `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = 0.001
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                raise Problem(
                    Kind.CONFLICT, f"another rotom process has held {self.path} for {timeout:.0f} seconds", retry=True
                )
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
        try:
            yield
        finally:
            self.release()


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _why(exc: OSError) -> str:
    return (exc.strerror or type(exc).__name__).lower()
