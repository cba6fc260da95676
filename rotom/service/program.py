"""The command that a service starts: the rotom that runs now, by the path that will last the longest.

An upgrade must not break the service. pipx, uv and Homebrew put a link that stays (``~/.local/bin/rotom``) before a
folder that may not; so when the rotom on PATH is this same program, its name there is taken and its links are not
followed. A rotom that was started as a module has no such name and is started as a module again.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path


def command(environ: Mapping[str, str], argv0: str | None = None) -> tuple[str, ...]:
    """The words that start this rotom from anywhere.

    Arguments:
      argv0: how it was called; None: sys.argv[0].
    """
    called = sys.argv[0] if argv0 is None else argv0
    found = _executable(called, environ)
    if found is None:
        beside = Path(sys.executable).parent / "rotom"  # where pip puts it; `python -m rotom` is the same program
        found = beside if os.access(beside, os.X_OK) and called.endswith("__main__.py") else None
    if found is None:
        return (sys.executable, "-P", "-m", "rotom")  # -P: nothing of the working folder is imported
    if (named := shutil.which("rotom", path=environ.get("PATH"))) is not None:
        named = os.path.abspath(named)
        if os.path.samefile(named, found):
            return (named,)
    return (str(found),)


def _executable(called: str, environ: Mapping[str, str]) -> Path | None:
    """The file that was called, if it is a program called rotom."""
    if os.path.basename(called) != "rotom":
        return None
    path = called if os.path.dirname(called) else shutil.which(called, path=environ.get("PATH"))
    if path is None or not os.path.isfile(path) or not os.access(path, os.X_OK):
        return None
    return Path(os.path.abspath(path))
