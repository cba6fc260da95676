"""The service under macOS's launchd: an agent of the person's session.

Theory of operation: one property list, and `launchctl` to load it (bootstrap), unload it (bootout) and ask about it
(print). launchd knows nothing of readiness, so a start is watched until the server has written down where it listens
(running.py). It restarts what ends badly for ever; so a rotom that sees its configuration is wrong says so in the log and
ends well (cli/__init__.py), and `start` tells that it did. A stop is asked for by a signal and waited for before anything
is unloaded, so that running answers are finished.

launchd has no journal: what the service says goes to a file, of which `trim` keeps the end.

What is not here: sockets that launchd holds; they need a call of its own library, which a Python program lacks.
"""

from __future__ import annotations

import math
import os
import plistlib
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rotom import running
from rotom.config import load
from rotom.problem import Kind, Problem
from rotom.service import FAILED, LABEL, RETRYING, RUNNING, STARTING, STOPPED, Plan, State, ask, variables
from rotom.state import files

QUICK_SECONDS, START_SECONDS = 15.0, 60.0
POLL_SECONDS = 0.1
LOG_NAME = "rotom.log"
LONGEST_LOG = 16 << 20

NO_SUCH_DOMAIN = 125
BUSY = (36, 37)
"""What launchctl ends with: there is no session of that kind; the last operation is still under way."""

DISTRIBUTION = Plan(command=("/usr/local/bin/rotom",))
SOMEBODY = Path("/Users/YOU")


def plist(plan: Plan, home: Path) -> dict[str, Any]:
    """The property list.

    Arguments:
      home: the person's home folder, where the log goes; launchd expands no tilde.
    """
    log = str(log_file(home))
    # What a shell of the person's would have: rotom starts `security` for a key in the keychain.
    known = {"PATH": "/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin:/usr/sbin:/sbin", **plan.environment}
    if plan.home is not None:
        known["ROTOM_HOME"] = str(plan.home)
    return {
        "Label": LABEL,
        "ProgramArguments": [*plan.command, "serve"],
        "EnvironmentVariables": known,
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": math.ceil(plan.grace) + 5,
        "ProcessType": "Interactive",
        "Umask": 0o077,
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }


def rendered(plan: Plan, home: Path) -> bytes:
    """The property list as a file."""
    return plistlib.dumps(plist(plan, home), sort_keys=False)


def log_file(home: Path) -> Path:
    """Where the service's log lines go."""
    return home / "Library" / "Logs" / LOG_NAME


class Launchd:
    """A person's own launchd."""

    name = "launchd"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._home = Path(environ.get("HOME") or Path.home())
        self.file = self._home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self.log = log_file(self._home)

    # Asking ---------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """See `Manager`."""
        if self._run("print", self._domain()).returncode == NO_SUCH_DOMAIN:
            message = "launchd has no session for your user"
            hint = "log in to this Mac, by its screen or by ssh, as the user that rotom is for"
            raise Problem(Kind.UNAVAILABLE, message, code="no_service_manager", hint=hint)

    def options(self) -> tuple[str, ...]:
        """See `Manager`: none of them means anything here."""
        return ()

    def tries_sandbox(self, plan: Plan) -> str | None:
        """See `Manager`."""
        return "launchd has none for agents"

    def differs(self, plan: Plan) -> bool:
        """See `Manager`."""
        return self._written() != plist(self._complete(plan), self._home)

    def state(self) -> State:
        """See `Manager`."""
        shown = self._print()
        pid = _number(shown, "pid")
        status = _number(shown, "last exit code")
        phase, why = STOPPED, None
        if pid is not None:
            phase = RUNNING if self._serves(pid) else STARTING
        elif shown is not None and status:
            phase, why = (RETRYING if "spawn" in shown else FAILED), f"it ended with status {status}"
        since = self._started(pid) if pid is not None else None
        return State(
            installed=self.file.exists() or shown is not None,
            phase=phase,
            pid=pid,
            since=since,
            restarts=max(0, runs - 1) if (runs := _number(shown, "runs")) else None,
            why=why,
            at_login=self.file.exists(),
            home=self._state_home(),
            files=(self.file,) if self.file.exists() else (),
        )

    def log_command(self, lines: int, follow: bool) -> list[str]:
        """See `Manager`."""
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), str(self.log)]

    def last_words(self, lines: int = 8) -> list[str]:
        """See `Manager`."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 65536))
                return file.read().decode("utf-8", "replace").splitlines()[-lines:]
        except OSError:
            return []

    # Doing ----------------------------------------------------------------------------------------------------------

    def install(self, plan: Plan) -> tuple[Path, ...]:
        """See `Manager`. A property list by this name is ours: the label is."""
        content = rendered(self._complete(plan), self._home)
        if not self.file.exists() or self.file.read_bytes() != content:
            self.stop()
            for folder in (self.file.parent, self.log.parent):
                folder.mkdir(parents=True, exist_ok=True)
            files.write_atomic(self.file, content, private=False)
        self._run("enable", self._target())
        self.start()
        return ()

    def uninstall(self) -> tuple[Path, ...]:
        """See `Manager`."""
        self.stop()
        for path in (self.file, self.log, _older(self.log)):
            if path.exists():
                files.remove(path)
        return ()

    def start(self) -> None:
        """See `Manager`."""
        trim(self.log)
        if self._print() is None:
            done = self._patiently("bootstrap", self._domain(), str(self.file))
        else:
            done = self._run("kickstart", self._target())
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            message = f"launchd does not start the service: {said[-1]}"
            raise Problem(Kind.UNAVAILABLE, message, code="start_failed", hint="rotom daemon logs")
        self._until_it_serves()

    def stop(self) -> None:
        """See `Manager`."""
        if self._print() is not None:
            self._end_process()
            self._patiently("bootout", self._target())
            self._wait(lambda: self._print() is None, QUICK_SECONDS)

    def restart(self) -> None:
        """See `Manager`. Unlike ``kickstart -k``, which kills, this lets answers finish."""
        if self._print() is not None:
            self._end_process()
        self.start()

    def reload(self) -> None:
        """See `Manager`."""
        done = self._run("kill", "SIGHUP", self._target())
        if done.returncode:
            message = "the service cannot be told: it does not run"
            raise Problem(Kind.UNAVAILABLE, message, code="service_manager", hint="rotom daemon start")

    # Parts ----------------------------------------------------------------------------------------------------------

    def _complete(self, plan: Plan) -> Plan:
        """The plan with the variables of its file, which launchd does not read. A password must not get into the list."""
        if plan.environment_file is None:
            return plan
        found = variables.read(plan.environment_file)
        told = {
            name: value for name, value in found.items() if value.isprintable() and not variables.has_password(value)
        }
        return Plan(command=plan.command, home=plan.home, environment={**plan.environment, **told}, grace=plan.grace)

    def _written(self) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = plistlib.loads(self.file.read_bytes())
        except (OSError, ValueError, plistlib.InvalidFileException):
            return None
        return content

    def _end_process(self) -> None:
        """Ask the process to end, and wait for it."""
        written = self._written() or {}
        seconds = written.get("ExitTimeOut", START_SECONDS)
        if self._run("kill", "SIGTERM", self._target()).returncode == 0:
            self._wait(lambda: _number(self._print(), "pid") is None, float(seconds))

    def _until_it_serves(self) -> None:
        """Wait until the server has written down where it listens.

        Raises:
          Problem: it ended before, or takes too long.
        """
        ended_at: list[float] = []

        def settled() -> bool:
            pid = _number(self._print(), "pid")
            if pid is not None:
                ended_at.clear()
                return self._serves(pid)
            ended_at.append(time.monotonic())
            return ended_at[-1] - ended_at[0] > 1  # launchd may not have come to it yet

        self._wait(settled, START_SECONDS)
        pid = _number(self._print(), "pid")
        if pid is None or not self._serves(pid):
            why = "it ended at once" if pid is None else f"it does not serve after {START_SECONDS:.0f} seconds"
            message = f"the service did not start: {why}"
            raise Problem(Kind.UNAVAILABLE, message, code="start_failed", hint="rotom daemon logs")

    def _serves(self, pid: int) -> bool:
        here = self._here()
        return here is not None and here.pid == pid

    def _started(self, pid: int) -> float | None:
        here = self._here()
        return here.started_at if here is not None and here.pid == pid else None

    def _here(self) -> running.Running | None:
        """What the service has written down, in the home that its property list says."""
        folder = self._state_home()
        environ = {"HOME": str(self._home), **({} if folder is None else {"ROTOM_HOME": str(folder)})}
        try:
            return running.find(load({}, environ).config)
        except Problem:
            return None

    def _state_home(self) -> Path | None:
        told = (self._written() or {}).get("EnvironmentVariables", {}).get("ROTOM_HOME")
        return None if told is None else Path(told)

    def _domain(self) -> str:
        """The session: that of the screen, or, for one who only came by ssh, the user's own."""
        uid = os.getuid()
        screen = f"gui/{uid}"
        return f"user/{uid}" if self._run("print", screen).returncode == NO_SUCH_DOMAIN else screen

    def _target(self) -> str:
        return f"{self._domain()}/{LABEL}"

    def _print(self) -> str | None:
        """What launchd says of the service; None: it is not loaded."""
        done = self._run("print", self._target())
        return done.stdout if done.returncode == 0 else None

    def _patiently(self, *words: str) -> subprocess.CompletedProcess[str]:
        """An operation, again while launchd is busy with the last one."""
        end = time.monotonic() + QUICK_SECONDS
        while (done := self._run(*words)).returncode in BUSY and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        return done

    def _wait(self, settled: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not settled() and time.monotonic() < end:
            time.sleep(POLL_SECONDS)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return ask(["launchctl", *words], self._environ, QUICK_SECONDS)
        except (FileNotFoundError, PermissionError):
            message = "launchctl is not there, so launchd cannot be talked to"
        except subprocess.TimeoutExpired:
            message = f"launchctl {words[0]} does not end"
        raise Problem(Kind.UNAVAILABLE, message, code="no_service_manager")


def trim(log: Path, longest: int = LONGEST_LOG) -> None:
    """Put a log that has grown too long aside, in place of the one before it. For when nobody writes to it."""
    try:
        if log.stat().st_size > longest:
            os.replace(log, _older(log))
    except OSError:
        pass  # there is none yet, or it cannot be moved: no reason not to serve


def _older(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def _number(shown: str | None, name: str) -> int | None:
    """A number in what ``launchctl print`` says."""
    match = re.search(rf"^\t{re.escape(name)} = (-?\d+)", shown or "", re.MULTILINE)
    return int(match[1]) if match else None
