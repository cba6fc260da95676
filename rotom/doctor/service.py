"""The service: whether the service manager of this person starts rotom, and goes on when they log out.

`look` is all that is known of service managers here: files and one question to the manager, nothing is started.

What is not here: installing and starting it (`rotom daemon`), and whether the server answers (port.py).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, warn

UNIT, SOCKET = "rotom.service", "rotom.socket"
LABEL = "com.rotom.daemon"
SECONDS = 5.0
SHIPPED = (Path("/usr/lib/systemd/user"), Path("/lib/systemd/user"), Path("/etc/systemd/user"))
LINGER = Path("/var/lib/systemd/linger")


@dataclass(frozen=True, slots=True)
class Service:
    """What a service manager says of rotom.

    Fields:
      manager: its name; None: there is none that we know.
      installed: whether it knows of rotom; enabled: starts it by itself. state: its own word for how it is: "active".
      linger: whether it goes on without anybody logged in; None: not asked for here.
      answers: whether the manager could be asked.
    """

    manager: str | None
    installed: bool = False
    enabled: bool = False
    state: str = ""
    linger: bool | None = None
    answers: bool = True


def check(case: Case) -> list[Finding]:
    """Everything of this subject."""
    return judged(look(case))


def judged(service: Service) -> list[Finding]:
    """What is said of it."""
    if service.manager is None:
        return [skip("service", "no service manager that rotom knows; 'rotom serve' is started by hand")]
    if not service.installed:
        return [skip("service", f"not installed as a service of {service.manager}", "rotom daemon install")]
    if not service.answers:
        return [
            warn("service", f"installed, but {service.manager} does not answer here", "log in anew, or see its log")
        ]
    found = []
    if service.state == "failed":
        found.append(fail("service.state", f"{service.manager} says that it failed", "rotom daemon logs"))
    elif service.state == "active":
        found.append(ok("service.state", f"{service.manager} runs it"))
    elif service.state == "socket":
        found.append(ok("service.state", f"{service.manager} listens for it and starts it when it is asked"))
    else:
        found.append(
            warn("service.state", f"installed, and not running ({service.state or 'no state'})", "rotom daemon start")
        )
    if not service.enabled:
        found.append(warn("service.enabled", "it is not started by itself", "rotom daemon install"))
    if service.linger is False:
        found.append(warn("service.linger", "it ends when you log out", "if it should go on: loginctl enable-linger"))
    return found


def look(case: Case) -> Service:
    """How it is on this machine."""
    if sys.platform == "darwin":
        return _launchd(case)
    if os.name == "posix" and shutil.which("systemctl", path=case.environ.get("PATH")):
        return _systemd(case)
    return Service(None)


def _systemd(case: Case) -> Service:
    base = case.environ.get("XDG_CONFIG_HOME")
    own = (Path(base) if base else case.person / ".config") / "systemd" / "user"
    installed = any((folder / UNIT).exists() for folder in (own, *SHIPPED))
    if not installed:
        return Service("systemd")
    said = _run(case, "systemctl", "--user", "show", "-p", "ActiveState,UnitFileState,LoadState", UNIT, SOCKET)
    if said is None:
        return Service("systemd", installed=True, answers=False)
    unit, _, socket = said.partition("\n\n")
    state, listens = _value(unit, "ActiveState"), _value(socket, "ActiveState") == "active"
    enabled = "enabled" in (_value(unit, "UnitFileState"), _value(socket, "UnitFileState"))
    linger = None
    with suppress(ImportError, KeyError, OSError):
        import pwd

        linger = (LINGER / pwd.getpwuid(os.getuid()).pw_name).exists()
    state = "socket" if listens and state not in ("active", "failed") else state
    return Service("systemd", installed=True, enabled=enabled, state=state, linger=linger)


def _launchd(case: Case) -> Service:
    if not (case.person / "Library" / "LaunchAgents" / f"{LABEL}.plist").exists():
        return Service("launchd")
    said = _run(case, "launchctl", "print", f"gui/{os.getuid()}/{LABEL}") if os.name == "posix" else None
    if said is None:
        return Service("launchd", installed=True, enabled=False, state="not loaded")
    match = re.search(r"^\s*state = (.+)$", said, re.MULTILINE)
    running = match is not None and match[1].strip() == "running"
    return Service("launchd", installed=True, enabled=True, state="active" if running else "waiting")


def _value(text: str, name: str) -> str:
    match = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def _run(case: Case, *command: str) -> str | None:
    """What a program says; None: it fails or takes too long."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command, capture_output=True, timeout=SECONDS, check=False, env=dict(case.environ), stdin=subprocess.DEVNULL
        )
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
    return None
