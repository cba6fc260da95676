"""Bring rotom to its newest version, the way that it was installed.

Usage:
  rotom update [options]

Options:
  --check     only tell whether there is a newer version: the exit status is 10 when there is, and 0 when not
  --restart   restart the service afterwards, where one runs; without it, a person at a terminal is asked
  --json      print one JSON object
  -h, --help  show this text

Installations by pipx, by 'uv tool install' and by pip in a virtual environment are updated from the package index that
these tools are set to. Where a distribution's packages, a checkout or somebody else look after rotom, the command to type
is told and nothing is changed. A server that runs goes on with the old version until it is restarted.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rotom import __version__, running
from rotom.cli import usage
from rotom.config import load
from rotom.exits import NEWER, OK, status
from rotom.installation import DISTRIBUTION, Installation, installation
from rotom.problem import Kind, Problem
from rotom.term import clean

# Whatever is needed after an update was imported before it: then, the modules on disk are another version's.

ASK_SECONDS = 180.0
UPDATE_SECONDS = 1800.0
SERVICE_SECONDS = 120.0


@dataclass(slots=True)
class Outcome:
    """What was found and what was done."""

    found: Installation
    newest: str | None = None
    version: str = __version__
    restarted: bool = False
    problem: Problem | None = None

    @property
    def report(self) -> dict[str, object]:
        """The same as one JSON object."""
        return {
            "installed": self.found.kind,
            "version": __version__,
            "newest": self.newest,
            "command": list(self.found.command) or None,
            "advice": self.found.advice,
            "updated": self.version != __version__,
            "restarted": self.restarted,
            "problem": self.problem and self.problem.message,
        }


def run(argv: list[str]) -> int:
    """Look and update; the exit status."""
    given = usage.parse(__doc__ or "", argv)
    outcome = Outcome(installation())
    restart = True if given["--restart"] else False if given["--json"] else None
    if not given["--json"]:
        return _check(outcome) if given["--check"] else _update(outcome, restart)
    shown, sys.stdout = sys.stdout, sys.stderr  # what is told on the way is not the document
    try:
        code = _check(outcome) if given["--check"] else _update(outcome, restart)
    except Problem as problem:
        outcome.problem, code = problem, status(problem)
    finally:
        sys.stdout = shown
    print(json.dumps(outcome.report, indent=2))
    return code


def _check(outcome: Outcome) -> int:
    if not outcome.found.asks:
        message = (
            f"rotom was installed {outcome.found.about}: whether there is a newer version is not for rotom to tell"
        )
        raise Problem(Kind.UNAVAILABLE, message, hint=outcome.found.advice or "rotom update")
    outcome.newest = newest(outcome.found.asks)
    if not is_newer(outcome.newest, __version__):
        print(f"rotom {__version__} is the newest version.")
        return OK
    print(f"There is rotom {outcome.newest}; this is {__version__}.")
    print(f"  {outcome.found.advice or 'rotom update'}")
    return NEWER


def _update(outcome: Outcome, restart: bool | None) -> int:
    found = outcome.found
    if not found.command:
        message = f"rotom was installed {found.about}: it is not for rotom to update"
        raise Problem(Kind.UNAVAILABLE, message, hint=found.advice)
    if found.asks:
        outcome.newest = newest(found.asks)
        if not is_newer(outcome.newest, __version__):
            print(f"rotom {__version__} is the newest version.")
            return OK
    if shutil.which(found.command[0]) is None:
        message = f"rotom was installed {found.about}, and {found.command[0]} is not found now"
        raise Problem(Kind.UNAVAILABLE, message, hint=f"put it on the PATH, then: {shlex.join(found.command)}")
    print(f"$ {shlex.join(found.command)}", flush=True)
    done = _started(found.command, UPDATE_SECONDS, stdout=sys.stdout)
    outcome.version = _version()
    if done.returncode != 0:
        message = f"{found.command[0]} could not update rotom, which is {outcome.version} now"
        raise Problem(Kind.UNAVAILABLE, message)
    if outcome.newest is not None and outcome.version != outcome.newest:
        message = f"the command ended well, but rotom is {outcome.version} and not {outcome.newest}"
        raise Problem(
            Kind.UNAVAILABLE, message, hint="something holds it at that version, as the command may have said"
        )
    was = f"; it was {__version__}" if outcome.version != __version__ else " as before"
    print(f"rotom is {outcome.version} now{was}.")
    if outcome.version != __version__:
        _afterwards(outcome, restart)
    return OK


# Versions --------------------------------------------------------------------------------------------------------------


def newest(asks: Sequence[str]) -> str:
    """The newest version at the package index, as pip or uv is set to ask it.

    Raises:
      Problem: there is none, or the index cannot be asked.
    """
    if asks[0] == "uv":
        command = ["compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--python", sys.executable, "-"]
        done = _started([*asks, *command], ASK_SECONDS, input=DISTRIBUTION + "\n", capture=True)
        found = re.search(rf"^{DISTRIBUTION}==(\S+)", done.stdout, re.MULTILINE)
        version = found and found[1]
    else:
        # The one that is installed is left out of account: pip would take it where the index has none.
        command = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-", DISTRIBUTION]
        done = _started([*asks, *command], ASK_SECONDS, capture=True)
        version = _reported(done.stdout)
    if done.returncode == 0 and version:
        return version
    said = done.stderr.lower()
    if any(word in said for word in ("retrying", "failed to fetch", "connection", "timed out", "error sending")):
        message = "the package index cannot be reached" + _last_words(done.stderr)
        raise Problem(Kind.UNAVAILABLE, message, retry=True)
    if "no matching distribution" in said or "not found in the package registry" in said:
        message = f"the package index has no {DISTRIBUTION} for this Python: it may not be published there yet"
        hint = None if asks[0] == "uv" else f"which index that is: {shlex.join([*asks, 'config', 'list'])}"
        raise Problem(Kind.UNAVAILABLE, message, hint=hint)
    raise Problem(Kind.UNAVAILABLE, f"{asks[-1]} cannot tell the newest version" + _last_words(done.stderr))


def _reported(text: str) -> str | None:
    with suppress(ValueError, KeyError, TypeError, IndexError):
        return str(json.loads(text)["install"][0]["metadata"]["version"])
    return None


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f": {clean(lines[-1])}" if lines else ""


def is_newer(one: str, other: str) -> bool:
    """Whether one version of rotom is newer than the other. A version with letters comes before the one without."""
    return _rank(one) > _rank(other)


def _rank(version: str) -> tuple[list[int], bool, str]:
    release, rest = re.match(r"([0-9.]*)(.*)", version).groups()  # type: ignore[union-attr] # it always matches
    numbers = [int(number) for number in release.split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, not rest or rest.startswith(("+", ".post", "post")), rest


def _version() -> str:
    """The version that is installed now."""
    done = _rotom("--version")
    return done.stdout.strip().removeprefix("rotom ") if done.returncode == 0 else "broken"


# The service -----------------------------------------------------------------------------------------------------------


def _afterwards(outcome: Outcome, restart: bool | None) -> None:
    """See to it that what runs becomes the new version, if the person wants it; `restart` None: ask."""
    if _rotom("daemon", "status", "--json").returncode != 0:
        with suppress(Problem):
            if (server := running.find(load({}, os.environ).config)) is not None:
                print(
                    f"The server that runs, process {server.pid}, goes on with {__version__} until it is started again."
                )
        return
    if restart is None and sys.stdin.isatty() and sys.stdout.isatty():
        with suppress(EOFError):
            restart = input("Restart the service, so that it runs the new version? [Y/n] ").strip().lower() in (
                "",
                "y",
                "yes",
            )
    if not restart:
        print(f"The service goes on with {__version__} until: rotom daemon restart")
        return
    done = _rotom("daemon", "restart")
    if done.returncode != 0:
        message = f"rotom was updated, but the service was not restarted{_last_words(done.stderr)}"
        raise Problem(Kind.UNAVAILABLE, message, hint="rotom daemon status")
    outcome.restarted = True
    print("The service was restarted.")


# Programs --------------------------------------------------------------------------------------------------------------


def _rotom(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the rotom that is installed now."""
    return _started([sys.executable, "-P", "-m", "rotom", *words], SERVICE_SECONDS, capture=True, environ=os.environ)


def _started(
    command: Sequence[str],
    seconds: float,
    *,
    input: str | None = None,
    capture: bool = False,
    stdout: Any = None,
    environ: Any = None,
) -> subprocess.CompletedProcess[str]:
    folder = None
    if environ is None:
        # An installer goes by the settings of a project that it is started in (uv does): the folder of somebody else's
        # code would say where rotom comes from. And our settings, a key among them, are none of its business.
        folder = os.path.abspath(os.sep)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
    try:
        return subprocess.run(
            command,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            stdout=subprocess.PIPE if capture else stdout,
            stderr=subprocess.PIPE if capture else None,
            text=True,
            timeout=seconds,
            env=environ,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{command[0]} did not end within {seconds:g} seconds"
        raise Problem(Kind.TIMEOUT, message) from None
    except FileNotFoundError:
        raise Problem(Kind.UNAVAILABLE, f"{command[0]} is not found") from None
