"""The service under systemd, in the manager that every user has.

Theory of operation: what we write are files, all in the person's ``systemd/user`` folder: the unit ``rotom.service``, or
only a drop-in over it where a distribution ships one; ``rotom.socket``, so that the address stays open while the service
restarts; and the sandbox as a drop-in. Whether the sandbox works is not guessed but tried, by running this very program in
one. systemd says by itself when the service is ready (Type=notify), so that a start that returns has succeeded.

What is not here: the text of the units (units.py), what systemd's answers mean (systemd_state.py), and why it may give none
(systemd_reach.py).
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from rotom.problem import Kind, Problem
from rotom.service import (
    FAILED,
    RETRYING,
    RUNNING,
    STOPPED,
    STOPPING,
    WAITING,
    Plan,
    State,
    ask,
    systemd_reach,
    systemd_state,
    units,
)
from rotom.service.units import DROP_IN, SANDBOX, SERVICE, SOCKET
from rotom.state import files

QUICK_SECONDS, PROBE_SECONDS = 15.0, 30.0
"""For a question; for a trial of the sandbox. For starts and stops the unit itself has limits."""

TRIAL = """\
left=$1; shift
while [ "$left" -gt 0 ]; do
    [ -w "$1" ] || { echo "$1 is hidden by it" >&2; exit 1; }
    left=$((left - 1)); shift
done
exec "$@" --version"""
"""What is run in a sandbox on trial: are the folders there, and does the program start?"""

PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "Result", "ExecMainCode", "ExecMainStatus"),
    *("ActiveEnterTimestampMonotonic", "StatusText", "UnitFileState", "FragmentPath", "DropInPaths", "InvocationID"),
)


class Systemd:
    """A person's own systemd."""

    name = "systemd"

    def __init__(self, environ: Mapping[str, str], booted: Path = Path("/run/systemd/system")) -> None:
        self._environ = environ
        self._booted = booted
        base = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
        self.folder = Path(base) / "systemd" / "user"
        self._drop_ins = self.folder / f"{SERVICE}.d"

    # Asking ---------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """See `Manager`."""
        there = self._run("--version", quiet=True) is not None
        systemd_reach.check(self._environ, there=there, booted=self._booted.is_dir(), user=self._user())
        found = self._run("show", "--property=Version", "--value")
        if found is None or found.returncode:
            raise systemd_reach.silent("" if found is None else _last_line(found.stderr), self._user())

    def options(self) -> tuple[str, ...]:
        """See `Manager`."""
        return units.options(self._ours())

    def tries_sandbox(self, plan: Plan) -> str | None:
        """See `Manager`."""
        properties = [word for line in units.trial_properties(plan) for word in ("-p", line)]
        shown = [str(len(plan.writable)), *map(str, plan.writable)]
        trial = ["/bin/sh", "-c", TRIAL, "-", *shown, *plan.command]
        words = ["--wait", "--quiet", "--collect", "--pipe", *properties, "--", *trial]
        done = self._run(*words, program="systemd-run", timeout=PROBE_SECONDS)
        if done is not None and done.returncode == 0:
            return None
        if done is None:
            return "systemd-run is missing or does not end"
        return (
            systemd_state.STATUSES.get(done.returncode)
            or _last_line(done.stderr)
            or f"it ended with status {done.returncode}"
        )

    def differs(self, plan: Plan) -> bool:
        """See `Manager`. A sandbox that was left out, since it does not work here, is no difference."""
        wanted = self._files(plan)
        if plan.sandbox and _text(self._drop_ins / SANDBOX) is None:
            wanted[self._drop_ins / SANDBOX] = None
        return any(_text(path) != text for path, text in wanted.items())

    def state(self) -> State:
        """See `Manager`."""
        show = self._show(SERVICE, *PROPERTIES)
        ours = tuple(path for path in self._all() if _is_ours(path))
        fragment = show.get("FragmentPath")
        at_login = show.get("UnitFileState", "").startswith("enabled")
        phase = systemd_state.phase(show)
        installed = any(path.name in (SERVICE, DROP_IN) for path in ours) or at_login or phase != STOPPED
        socket = None
        if (self.folder / SOCKET).exists():
            socket = self._show(SOCKET, "ActiveState").get("ActiveState") == "active"
        if phase == STOPPED and socket:
            phase = WAITING
        entered = int(show.get("ActiveEnterTimestampMonotonic") or 0)
        up = phase in (RUNNING, STOPPING)
        drop_ins = [Path(word) for word in show.get("DropInPaths", "").split()]
        foreign = [Path(fragment)] if fragment else []
        return State(
            installed=installed,
            phase=phase,
            pid=int(show.get("MainPID") or 0) or None,
            since=time.time() - time.monotonic() + entered / 1e6 if entered and up else None,
            restarts=int(show["NRestarts"]) if show.get("NRestarts", "").isdigit() else None,
            why=systemd_state.why(show) if phase in (FAILED, RETRYING) else None,
            says=show.get("StatusText") or None,
            at_login=at_login,
            socket=socket,
            lingers=self._lingers(),
            home=units.home(self._ours()),
            files=ours,
            foreign=tuple(path for path in (*foreign, *drop_ins) if path not in ours),
        )

    def log_command(self, lines: int, follow: bool) -> list[str]:
        """See `Manager`. All journals are looked into: a user without one of their own has their lines in the system's."""
        more = ["--follow"] if follow else []
        return ["journalctl", "--quiet", "--no-pager", f"--user-unit={SERVICE}", f"--lines={lines}", *more]

    def last_words(self, lines: int = 8) -> list[str]:
        """See `Manager`."""
        words = ["--quiet", "--no-pager", "--output=cat", f"--lines={lines}"]
        match = [f"--user-unit={SERVICE}"]
        if run := self._show(SERVICE, "InvocationID").get("InvocationID"):
            # What the process itself said. What systemd said of it is told in our own words.
            match = [f"_SYSTEMD_INVOCATION_ID={run}"]
        done = self._run(*words, *match, program="journalctl")
        return [] if done is None or done.returncode else [line for line in done.stdout.splitlines() if line.strip()]

    # Doing ----------------------------------------------------------------------------------------------------------

    def install(self, plan: Plan) -> tuple[Path, ...]:
        """See `Manager`."""
        wanted = self._files(plan)
        copies = tuple(copy for path in wanted if (copy := _put_aside(path)) is not None)
        changed = {path for path, text in wanted.items() if _text(path) != text}
        moved = self.folder / SOCKET in changed
        if moved:  # a socket cannot be changed while it is open, and not be opened while the service holds its address
            self._control("stop", *self._units(present=True))
        try:
            for path, text in wanted.items():
                if path not in changed:
                    continue
                if text is None:
                    if path.name in (SERVICE, SOCKET):
                        self._control("disable", path.name)
                    files.remove(path)
                else:
                    _write(path, text)
        finally:
            self._control("daemon-reload")
        self._rmdir(self._drop_ins)
        self._control("enable", *self._units(), fatal="it cannot be enabled")
        if changed and not moved and self._show(SERVICE, "ActiveState").get("ActiveState") == "active":
            self.restart()
        else:
            self.start()
        return copies

    def uninstall(self) -> tuple[Path, ...]:
        """See `Manager`."""
        present = self._units(present=True)
        if present:
            self._control("disable", "--now", *present)
        else:
            self._control("stop", SERVICE)
        for path in self._all():
            files.remove(path) if _is_ours(path) else None
        self._control("daemon-reload")
        self._control("reset-failed", SERVICE, SOCKET)
        left = {path for path in self._all() if os.path.lexists(path)}
        left |= set(self._drop_ins.iterdir()) if self._drop_ins.is_dir() else set()
        for folder in (self._drop_ins, self.folder, self.folder.parent, self.folder.parent.parent):
            if not self._rmdir(folder):
                break
        return tuple(sorted(left))

    def start(self) -> None:
        """See `Manager`."""
        self._control("reset-failed", *self._units())
        if self._control("start", *reversed(self._units())):
            raise self._did_not_start()

    def stop(self) -> None:
        """See `Manager`. The socket goes first: it would start the service again for the next client."""
        self._control("stop", *reversed(self._units(present=True) or [SERVICE]), fatal="the service does not stop")

    def restart(self) -> None:
        """See `Manager`."""
        self._control("reset-failed", *self._units())
        if SOCKET in self._units():
            self._control("start", SOCKET)
        if self._control("restart", SERVICE):
            raise self._did_not_start()

    def reload(self) -> None:
        """See `Manager`."""
        self._control("reload", SERVICE, fatal="the service cannot be told")

    # Parts ----------------------------------------------------------------------------------------------------------

    def _all(self) -> tuple[Path, ...]:
        """Every file that `install` may write."""
        return (
            self.folder / SERVICE,
            self.folder / SOCKET,
            self._drop_ins / DROP_IN,
            self._drop_ins / SANDBOX,
        )

    def _ours(self) -> str:
        """The text of the unit or of the drop-in that we wrote."""
        return _text(self.folder / SERVICE) or _text(self._drop_ins / DROP_IN) or ""

    def _files(self, plan: Plan) -> dict[Path, str | None]:
        """Each of our files, and what it is to hold; None: it is not to be there."""
        service, socket, drop_in, sandbox = self._all()
        shipped = self._shipped(SERVICE)
        text = None if shipped is None else _text(shipped)
        return {
            service: units.service(plan, self._version()) if text is None else None,
            socket: units.socket(plan) if plan.streams else None,
            drop_in: None if text is None else units.drop_in(plan, text),
            sandbox: units.sandbox(plan) if plan.sandbox else None,
        }

    def _shipped(self, name: str) -> Path | None:
        """A unit of that name from a package or from the administrator."""
        found = self._run("show", "--property=UnitPath", "--value")
        listed = found.stdout.split() if found is not None and found.returncode == 0 else []
        ours = {self.folder, *([Path(runtime)] if (runtime := self._environ.get("XDG_RUNTIME_DIR")) else [])}
        for folder in map(Path, listed):
            if not any(folder == own or own in folder.parents for own in ours) and (folder / name).is_file():
                return folder / name
        return None

    def _units(self, present: bool = False) -> list[str]:
        """The units that are started and stopped; `present`: only those that systemd can know of."""
        listed = [SERVICE, *([SOCKET] if (self.folder / SOCKET).exists() else [])]
        if present and not (self.folder / SERVICE).exists() and self._shipped(SERVICE) is None:
            listed.remove(SERVICE)
        return listed

    def _version(self) -> int:
        found = self._run("--version", quiet=True)
        match = re.match(r"systemd (\d+)", found.stdout) if found is not None else None
        return int(match[1]) if match else 0

    def _lingers(self) -> bool | None:
        """Whether this user's systemd goes on without a session. logind is asked; where it cannot be, its own notes."""
        user = self._user()
        done = self._run("show-user", user, "--property=Linger", "--value", program="loginctl", user=False)
        if done is not None and done.returncode == 0 and done.stdout.strip() in ("yes", "no"):
            return done.stdout.strip() == "yes"
        notes = Path("/var/lib/systemd/linger")
        return (notes / user).exists() if os.path.isdir("/run/systemd/seats") or notes.is_dir() else None

    def _user(self) -> str:
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return str(os.getuid())

    def _did_not_start(self) -> Problem:
        show = self._show(SERVICE, *PROPERTIES)
        why = systemd_state.why(show) or "systemd does not start it"
        status = int(show.get("ExecMainStatus") or 0) if show.get("Result") == "exit-code" else 0
        hint = systemd_state.REMEDIES.get(status, "rotom daemon logs")
        return Problem(Kind.UNAVAILABLE, f"the service did not start: {why}", code="start_failed", hint=hint)

    def _show(self, unit: str, *names: str) -> dict[str, str]:
        done = self._run("show", unit, f"--property={','.join(names)}")
        if done is None or done.returncode:
            raise systemd_reach.silent("" if done is None else _last_line(done.stderr), self._user())
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def _control(self, verb: str, *names: str, fatal: str | None = None) -> bool:
        """Have systemd do something; whether it failed.

        Raises:
          Problem: when it failed and `fatal` says what that means.
        """
        done = self._run(verb, *names, timeout=None)
        if done is not None and done.returncode == 0:
            return False
        if fatal is not None:
            said = "systemctl does not end" if done is None else _last_line(done.stderr)
            raise Problem(Kind.UNAVAILABLE, f"{fatal}: {said}", code="service_manager", hint="rotom daemon logs")
        return True

    def _run(
        self,
        *words: str,
        program: str = "systemctl",
        timeout: float | None = QUICK_SECONDS,
        user: bool = True,
        quiet: bool = False,
    ) -> subprocess.CompletedProcess[str] | None:
        """Run one of systemd's programs; None when there is no such program, or it does not end."""
        session = ["--user"] if user and not quiet and program != "journalctl" else []
        plain = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"}
        try:
            return ask([program, *session, *words], {**self._environ, **plain}, timeout)
        except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
            return None

    def _rmdir(self, folder: Path) -> bool:
        """Remove a folder if it is empty; whether it is gone."""
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _is_ours(path: Path) -> bool:
    """Whether `install` wrote it."""
    return (_text(path) or "").startswith(units.MARK)


def _put_aside(path: Path) -> Path | None:
    """Give a file that somebody else wrote where ours is to be another name, which is returned: it stays what it was, with
    its mode, and a link a link. A unit that is masked is unmasked."""
    if path.is_symlink() and os.path.realpath(path) == os.devnull:
        files.remove(path)
        return None
    if not os.path.lexists(path) or _is_ours(path):
        return None
    names = (f"{path.name}.before{number}" for number in ("", *range(2, 1000)))
    aside = next(one for one in map(path.with_name, names) if not os.path.lexists(one))
    try:
        return path.rename(aside)
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot rename {path}: {exc.strerror}") from exc


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise Problem(Kind.FORBIDDEN, f"cannot make the folder {path.parent}: {exc.strerror}") from exc
    files.write_atomic(path, text.encode(), mode=0o644, private=False)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
