"""Where the server of this home listens, written down while it runs, so that `rotom status` can ask it what it has learned.

The file is advice: one that a killed server left behind leads nowhere, and whoever reads it then goes on without.

What is not here: asking (cli/status.py).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rotom import __version__
from rotom.config import Config
from rotom.problem import Problem
from rotom.sse import dumps
from rotom.state import files

NAME = "serve.json"

WILDCARDS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what stands for all addresses, and what reaches them


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its addresses, as ``HOST:PORT``; the credentials file that it serves, the one provider that it is limited
    to, and its process; since when it runs, in unix seconds, and which version of rotom it is, where that is known."""

    addresses: tuple[str, ...]
    auth_file: str
    provider: str | None
    pid: int
    started_at: float | None = None
    version: str | None = None


@contextmanager
def noted(config: Config, addresses: Iterable[str]) -> Iterator[None]:
    """Write down where this process serves, for a block. Not being able to is no reason not to serve."""
    path = config.home / NAME
    ours = {
        "addresses": list(addresses),
        "auth_file": os.path.realpath(config.auth_file),
        "provider": config.provider,
        "pid": os.getpid(),
        "started_at": time.time(),
        "version": __version__,
    }
    with suppress(Problem):
        files.write_atomic(path, dumps(ours))
    try:
        yield
    finally:
        with suppress(Problem):
            if (now := _read(path)) is not None and now.pid == os.getpid():
                files.remove(path)


def find(config: Config) -> Running | None:
    """The server that serves the same credentials as this configuration, as far as it is written down."""
    with suppress(Problem):
        found = _read(config.home / NAME)
        if found is not None and found.auth_file == os.path.realpath(config.auth_file) and _alive(found.pid):
            return found
    return None


def root_of(address: str) -> str:
    """Where programs of this machine ask a server that listens on ``HOST:PORT``."""
    host, _, port = address.rpartition(":")
    return f"http://{WILDCARDS.get(host, host)}:{port}"


def _read(path: Path) -> Running | None:
    try:
        value: Any = json.loads(files.read_private(path) or b"null")
        addresses = tuple(str(one) for one in value["addresses"])
        provider, started_at, version = value["provider"], value.get("started_at"), value.get("version")
        return Running(
            addresses,
            str(value["auth_file"]),
            provider and str(provider),
            int(value["pid"]),
            None if started_at is None else float(started_at),
            version and str(version),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _alive(pid: int) -> bool:
    if not files.POSIX:  # there, os.kill would end it
        return True
    try:
        if pid > 0:
            os.kill(pid, 0)
    except (OSError, OverflowError):
        return False  # it is gone, or its number is now another user's, who must not be sent our key
    return pid > 0
