"""The variables that a service needs of the shell: where the proxy is, and which authorities to trust.

A service manager starts its services without the shell's environment. What a provider is reached through is kept, so that
the service reaches it as the shell does, in ``daemon.env`` in the state folder: a file of its own (0600), because a proxy's
address may hold a password. A person may put more variables there; those are left as they are.

What is not here: how the file gets to the service (systemd reads it itself; launchd.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rotom.state import files

NAME = "daemon.env"

KEPT = (
    *("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a shell that the service needs too."""
    return {name: environ[name] for name in KEPT if environ.get(name) and environ[name].isprintable()}


def read(file: Path) -> dict[str, str]:
    """The variables in a file.

    Raises:
      Problem: FORBIDDEN when others can read it.
    """
    found = {}
    for line in (files.read_private(file) or b"").decode("utf-8", "replace").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            found[name] = _unquoted(value.strip())
    return found


def write(file: Path, wanted: Mapping[str, str]) -> list[str]:
    """Put variables into the file, beside what else it holds; the names of those that were not there so before.

    Raises:
      Problem: FORBIDDEN when it cannot be written, or others can read it.
    """
    before = read(file)
    changed = [name for name, value in wanted.items() if before.get(name) != value]
    if changed:
        lines = (files.read_private(file) or b"").decode("utf-8", "replace").splitlines()
        lines = [line for line in lines if line.strip().partition("=")[0] not in changed]
        lines += [f"{name}={_quoted(wanted[name])}" for name in changed]
        files.write_atomic(file, ("\n".join(lines) + "\n").encode())
    return changed


def _quoted(value: str) -> str:
    escaped = re.sub(r'([\\"`$])', r"\\\1", value)
    return f'"{escaped}"'


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r'\\([\\"`$])', r"\1", value[1:-1])
    return value


def has_password(value: str) -> bool:
    """Whether an address names a user, and with that perhaps a password; one may be written without its scheme."""
    return "@" in (value.partition("://")[2] or value).partition("/")[0]
