"""What the tests with a real systemd share: what of this machine they need, and what is done where it lacks something."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """\
#!{python}
import sys
sys.path[:0] = ["/srv/rotom", "/srv/site"]
from rotom.cli import main
sys.exit(main())
"""
"""The rotom of this checkout, as pipx would put it: a small program that finds its packages elsewhere."""


def missing(reason: str) -> None:
    """Skip, or fail where that must not be."""
    if os.environ.get("ROTOM_TEST_SYSTEMD") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def surroundings(folder: Path) -> dict[str, str]:
    """What the scripts have to show of this machine, in their variables; and the interpreter.

    Arguments:
      folder: for a copy of the program that everybody may read, wherever the checkout is.
    """
    sources = folder / "sources"
    shutil.copytree(ROOT / "rotom", sources / "rotom", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", sources], check=True)
    base, site = os.path.realpath(sys.base_prefix), Path(httpx.__file__).parents[1]
    keep = base if base.startswith(("/root/", "/home/")) else ""
    return {"EXPOSE": f"rotom={sources} site={site}", "KEEP": keep, "PYTHON": os.path.realpath(sys.executable)}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
