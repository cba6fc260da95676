"""Where rotom keeps its files: names only, nothing is created here.

Everything lies in one folder, ``~/.rotom``, which ROTOM_HOME moves as a whole. There is no split by XDG on purpose: one
folder is easy to back up, to lock (0700) and to remove; ``ROTOM_HOME="$XDG_STATE_HOME/rotom"`` is the answer for those
who want it elsewhere.

What is not here: atomic writes and locks (state/files.py).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from rotom.problem import Kind, Problem


def home(environ: Mapping[str, str]) -> Path:
    """The folder of all state: $ROTOM_HOME, else ``.rotom`` in the person's home."""
    if given := environ.get("ROTOM_HOME"):
        try:
            return Path(given).expanduser().absolute()
        except RuntimeError:
            message = f"ROTOM_HOME must be a path; nobody's home is known for {given!r}"
            raise Problem(Kind.INVALID, message, code="config") from None
    base = environ.get("HOME") if os.name == "posix" else None
    try:
        return (Path(base) if base else Path.home()) / ".rotom"
    except RuntimeError:
        message = "HOME is not set, and nobody's home is known for this user"
        raise Problem(
            Kind.INVALID, message, code="config", hint="set ROTOM_HOME to a folder for rotom's files"
        ) from None


def config_file(folder: Path) -> Path:
    """The configuration in the state folder `folder`."""
    return folder / "config.json"


def check_private(path: Path, what: str) -> None:
    """Refuse a file with a secret in it that other users of the machine can read or write.

    Arguments:
      what: how to call the file in the message, e.g. "the API key file".

    Raises:
      Problem: FORBIDDEN, with the command that mends it. A missing file is not refused here. Windows has no such modes:
        there the folder of the person's profile is what protects.
    """
    _check(path, what, 0o077, "read or changed")


def check_trusted(path: Path, what: str) -> None:
    """Refuse a file that other users of the machine can write: what it says decides where tokens go.

    Arguments, Raises: as `check_private`; and INVALID for what is no file (reading a fifo would wait for ever).
    """
    _check(path, what, 0o022, "changed")
    if path.exists() and not path.is_file():
        raise Problem(Kind.INVALID, f"{what} {path} is not a file", code="config")


def _check(path: Path, what: str, mask: int, how: str) -> None:
    if os.name != "posix":
        return
    try:
        status = path.stat()
    except OSError:
        return
    if stat.S_ISREG(status.st_mode) and status.st_mode & mask:
        mode = stat.S_IMODE(status.st_mode)
        raise Problem(
            Kind.FORBIDDEN,
            f"{what} {path} can be {how} by others (mode {mode:04o})",
            code="config",
            hint=f"chmod 600 {path}",
        )
    if os.geteuid() not in (status.st_uid, 0) and status.st_uid != 0:
        raise Problem(Kind.FORBIDDEN, f"{what} {path} belongs to another user", code="config")
