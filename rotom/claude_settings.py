"""What Claude Code's settings files say of the variables that it is started with, where the files win.

Its settings have variables, too, under "env", and these win over its environment. `rotom launch` starts it so that those
about the provider do not (clients.py); the others still do, and the person should know. The files are read and left alone.

What is not here: the rest of what may be wrong with a client (doctor/clients.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

LARGEST = 1 << 20
"""Bytes of a file that are looked at."""

OF_THE_PROVIDER = "ANTHROPIC_"
"""How the variables begin that the files cannot change then (seen in 2.1.330, 2026-11)."""

OF_THE_MACHINE = ("/etc/claude-code", "/Library/Application Support/ClaudeCode")


def overrides(environment: Mapping[str, str], environ: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, str]]:
    """File and variable, for each that a file makes another one.

    Arguments:
      environment: what the client is told. environ: where it is started; folder: in which folder.
    """
    for file, document in documents(environ, folder):
        for name, value in variables(document).items():
            if name in environment and not name.startswith(OF_THE_PROVIDER) and str(value) != environment[name]:
                yield file, name


def documents(environ: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The settings files that can be read, the weaker first, with what is in them."""
    for file in _files(environ, folder):
        with suppress(OSError, ValueError, RecursionError):
            if file.is_file() and file.stat().st_size <= LARGEST:
                document = json.loads(file.read_bytes())
                if isinstance(document, dict):
                    yield file, document


def variables(document: Mapping[str, Any]) -> Mapping[str, object]:
    """The variables that a settings file sets."""
    found = document.get("env")
    return found if isinstance(found, dict) else {}


def _files(environ: Mapping[str, str], folder: Path) -> Iterator[Path]:
    given = environ.get("CLAUDE_CONFIG_DIR")
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if given or home:
        yield (Path(given) if given else Path(home or "") / ".claude") / "settings.json"
    yield folder / ".claude" / "settings.json"
    yield folder / ".claude" / "settings.local.json"
    for machine in OF_THE_MACHINE:
        yield Path(machine) / "managed-settings.json"
