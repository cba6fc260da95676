"""The service that runs rotom for one person: what a service manager is, and which one this machine has.

There are two managers, systemd's for a user and macOS's launchd, behind one seam: `Manager`. What the service is to be
is a `Plan`, made from the configuration; what became of it is a `State`. The settings themselves are not in here and not
in the manager's files either: the service reads config.json like any other ``rotom serve``.

What is not here: the command and what it says (cli/daemon.py), and the running server's side (supervisor.py).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rotom.problem import Kind, Problem

LABEL = "com.rotom.daemon"
"""The service's name at launchd, which tells it to its processes in XPC_SERVICE_NAME."""

RUNNING, STARTING, WAITING = "running", "starting", "waiting"
STOPPING, STOPPED, FAILED, RETRYING = "stopping", "stopped", "failed", "retrying"
"""Phases of a service. `WAITING`: its address is open, and the first connection starts it; `RETRYING`: it failed, and the
manager is about to start it again."""

UP = (RUNNING, STARTING, WAITING)
"""Phases in which somebody who connects is answered, now or in a moment."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the service is to be.

    Fields:
      command: the words that start it; the first is an absolute path.
      home: the folder of all state, where it is not the usual one.
      environment: further variables of the service, none of them secret.
      environment_file: a file with more of them, which need not be there.
      credential: the file with the local key.
      writable: the files and folders that it must be able to write to, as they are on disk.
      grace: seconds that running answers get at a stop.
      streams: addresses that the manager is to hold open for it.
      sandbox: close off the file system and devices.
      options: how it was asked for: options of ``rotom daemon install`` that are no settings.

    Raises:
      Problem: INVALID for a path with a line break or the like, which would be a line of its own in a manager's file.
    """

    command: tuple[str, ...]
    home: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_file: Path | None = None
    credential: Path | None = None
    writable: tuple[Path, ...] = ()
    grace: float = 25.0
    streams: tuple[str, ...] = ()
    sandbox: bool = True
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for one in (*self.command, self.home, self.environment_file, self.credential, *self.writable):
            if _CONTROL.search(str(one)):
                message = f"a service cannot be told of a path with a control character in it: {str(one)!r}"
                raise Problem(Kind.INVALID, message, code="config", hint="give that file or folder another name")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the manager knows of the service.

    Fields:
      installed: it is there, from `Manager.install` or from a distribution's package.
      phase: one of the words above.
      pid, since: its process, and when that came up, in unix seconds.
      restarts: how often the manager had to start it again by itself.
      why: why it is not up, as a sentence; None when nothing is wrong.
      says: what it says of itself.
      at_login: it is started with the person's session.
      socket: whether the manager holds its address open; None: it is not asked to.
      lingers: whether it goes on when the person logs out; None: not known.
      home: the folder of all state that it was installed for, where that is not the usual one.
      files: what `Manager.install` wrote; foreign: other files that have a say: a distribution's unit, the person's own.
    """

    installed: bool
    phase: str = STOPPED
    pid: int | None = None
    since: float | None = None
    restarts: int | None = None
    why: str | None = None
    says: str | None = None
    at_login: bool = False
    socket: bool | None = None
    lingers: bool | None = None
    home: Path | None = None
    files: tuple[Path, ...] = ()
    foreign: tuple[Path, ...] = ()

    @property
    def up(self) -> bool:
        """Somebody who connects is answered."""
        return self.phase in UP


class Manager(Protocol):
    """A service manager. Every call may raise Problem, UNAVAILABLE, when it cannot be reached."""

    name: str

    def check(self) -> None:
        """Nothing, when it can be talked to.

        Raises:
          Problem: UNAVAILABLE, with why not, and what to do.
        """

    def options(self) -> tuple[str, ...]:
        """`Plan.options` of what is installed."""

    def tries_sandbox(self, plan: Plan) -> str | None:
        """Why the plan's sandbox does not work on this machine; None when it does."""

    def differs(self, plan: Plan) -> bool:
        """Whether what is installed is not what the plan says."""

    def install(self, plan: Plan) -> tuple[Path, ...]:
        """Write what the plan says, have it started with the session, and run it anew if it was running otherwise.

        Returns:
          The new names of files that somebody else had written in the place of ours.

        Raises:
          Problem: FORBIDDEN when a file cannot be written; UNAVAILABLE when it does not start, with why.
        """

    def uninstall(self) -> tuple[Path, ...]:
        """Stop it and remove what `install` wrote; the person's own files that were left."""

    def start(self) -> None:
        """Start it, and wait until it serves.

        Raises:
          Problem: UNAVAILABLE when it does not, with why.
        """

    def stop(self) -> None:
        """Stop it, and wait until it has; it comes back with the next session."""

    def restart(self) -> None:
        """Stop and start it, and wait until it serves; an address that the manager holds stays open."""

    def reload(self) -> None:
        """Have it read configuration and credentials again."""

    def state(self) -> State:
        """What is known of it now."""

    def log_command(self, lines: int, follow: bool) -> list[str]:
        """The command that shows the end of its log."""

    def last_words(self, lines: int = 8) -> list[str]:
        """The last lines that its last process logged."""


def manager_here(environ: Mapping[str, str], platform: str = sys.platform) -> Manager:
    """The manager of this machine.

    Raises:
      Problem: UNAVAILABLE where there is none that rotom knows.
    """
    if platform.startswith("linux"):
        from rotom.service.systemd import Systemd

        return Systemd(environ)
    if platform == "darwin":
        from rotom.service.launchd import Launchd

        return Launchd(environ)
    if platform == "win32":
        message, hint = "on Windows there is no service manager that rotom could use", "use rotom inside WSL"
    else:
        message = f"rotom knows no service manager of this system ({platform})"
        hint = "run 'rotom serve' by your own service manager: see SIGNALS and EXIT STATUS in rotom(1)"
    raise Problem(Kind.UNAVAILABLE, message, code="no_service_manager", hint=hint)


def ask(words: list[str], environ: Mapping[str, str], seconds: float | None) -> subprocess.CompletedProcess[str]:
    """Run one of a manager's programs to its end.

    Raises:
      FileNotFoundError, PermissionError: there is no such program; subprocess.TimeoutExpired: it does not end.
    """
    return subprocess.run(
        words,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
