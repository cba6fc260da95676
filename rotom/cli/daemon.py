"""Have rotom run as a service of yours: started with your session, restarted when it fails.

Usage:
  rotom daemon install [options]
  rotom daemon reinstall [options]
  rotom daemon start
  rotom daemon stop
  rotom daemon restart
  rotom daemon reload
  rotom daemon status [--json]
  rotom daemon logs [--follow] [--lines NUMBER]
  rotom daemon uninstall

'install' sets the service up with systemd (Linux) or launchd (macOS) and starts it. Options of 'rotom serve' that are
given here are kept in config.json, so that the service and everything else go by them.
'reinstall' writes the service's files anew from the configuration, and restarts it.
'stop' is for now: the service comes back with your next session, unless it is uninstalled.
'restart' lets running answers finish; 'reload' has it read configuration and logins again, without a restart.
'status' ends with 0 when it runs, 3 when it is stopped, 4 when it is not installed.
'uninstall' removes the service and nothing else: logins and configuration stay.

Options:
  --no-socket             systemd: do not have it hold the address open while the service restarts
  --no-sandbox            systemd: do without the sandbox that needs user namespaces
  --bind ADDRESSES        where to listen; this and the following are the options of 'rotom serve'
  --api-key KEY           the key that clients must send; '-' reads it from standard input; kept in a file (0600)
  --api-key-file FILE     a file with that key
  --provider NAME         serve this provider only
  --model-fallback MODEL  the model for names that only Anthropic hosts
  --model-small MODEL     the model for those of them that stand for a small one
  --strict                refuse requests with fields that the provider cannot honour
  --auth-file FILE        the credentials file
  --allow-host HOSTS      further names by which clients may call this server
  --allow-origin ORIGINS  web origins that may call it from a browser
  --max-body SIZE         the longest request
  --grace SECONDS         how long running answers may go on after a request to stop
  --idle-exit SECONDS     end after so long without clients; the socket starts rotom again when one comes
  --log-format FORM       text or json
  --log-level LEVEL       debug, info, notice, warning or error
  --json                  status: print JSON
  -f, --follow            logs: go on with what comes, until Ctrl-C
  -n, --lines NUMBER      logs: how many lines (50)
  -h, --help              show this text

See rotom-daemon(1).
"""

# What is not here: what an installation takes from options and environment (daemon_install.py), what is shown
# (daemon_report.py), and the service managers (rotom/service/).

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from rotom.cli import daemon_install, daemon_report, usage
from rotom.config import Config
from rotom.exits import NOT_INSTALLED, OK, STOPPED
from rotom.problem import Kind, Problem
from rotom.service import Manager, State, manager_here
from rotom.term import Terminal, clean, say

VERBS = ("install", "reinstall", "start", "stop", "restart", "reload", "status", "logs", "uninstall")
LINES = 50
Result = TypeVar("Result")


def run(argv: list[str]) -> int:
    """Do what is asked."""
    given = usage.parse(__doc__ or "", argv)
    verb = next(name for name in VERBS if given[name])
    manager = manager_here(os.environ)
    manager.check()
    if verb in ("install", "reinstall"):
        return _install(manager, given, again=verb == "reinstall")
    if verb == "uninstall":
        return _uninstall(manager)
    state = manager.state()
    if verb == "status":
        document = daemon_report.document(manager, state, os.environ)
        print(json.dumps(document, indent=2) if given["--json"] else daemon_report.text(document, Terminal(sys.stdout)))
        return OK if state.up else STOPPED if state.installed else NOT_INSTALLED
    if not state.installed:
        raise _not_installed()
    if verb == "logs":
        return _logs(manager, given["--lines"], bool(given["--follow"]))
    if verb == "stop":
        with suppress(Problem):  # a configuration that is wrong is no reason not to stop
            _patience(state, daemon_report.service_config(state, os.environ))
        manager.stop()
        say("The service is stopped; it comes back with your next session. For good: rotom daemon uninstall")
    elif verb == "reload":
        if state.phase == "waiting":
            say("The service is asleep; it reads configuration and logins when the next client wakes it.")
            return OK
        manager.reload()
        say("The service reads configuration and logins again; 'rotom daemon logs' says how that went.")
    else:
        config = daemon_report.service_config(state, os.environ)
        # What is wrong is told before it stops what runs.
        daemon_install.check_key(config, daemon_install.service_environment(os.environ))
        if not state.up:
            daemon_install.check_ports(config, manager)
        elif verb == "restart":
            _patience(state, config)
        _started(manager, manager.start if verb == "start" else manager.restart)
        _show(manager)
    return OK


def _install(manager: Manager, given: dict[str, Any], *, again: bool) -> int:
    options = tuple(name for name in ("--no-socket", "--no-sandbox") if given[name])
    before, environ = manager.state(), dict(os.environ)
    if again:
        if not before.files:
            raise _not_installed()
        options = tuple(dict.fromkeys([*manager.options(), *options]))
        if before.home is not None:
            environ.setdefault("ROTOM_HOME", str(before.home))
    prepared = daemon_install.prepare(manager, given, options, environ)
    for note in prepared.notes:
        say(f"rotom: {clean(note)}", sys.stderr, 7)
    changed = manager.differs(prepared.plan) or not before.files
    _patience(before, prepared.config)
    for copy in _started(manager, lambda: manager.install(prepared.plan)):
        say(f"rotom: a file of yours was in the way; it is kept as {copy}", sys.stderr, 7)
    if (again or prepared.settings) and not changed and before.up:
        _started(manager, manager.restart)
    _show(manager)
    print()
    for line in daemon_install.next_steps(prepared.config):
        say(line)
    return OK


def _uninstall(manager: Manager) -> int:
    state = manager.state()
    if not state.files:
        print("The service is not installed; there is nothing to remove.")
        return OK
    left = manager.uninstall()
    say("The service is stopped and removed. Logins and configuration are still there.")
    for path in left:
        print(f"Left, since it is yours: {path}")
    return OK


def _not_installed() -> Problem:
    message = "the service is not installed"
    return Problem(Kind.UNAVAILABLE, message, code="not_installed", hint="rotom daemon install")


def _patience(state: State, config: Config) -> None:
    """Say why a stop may take its time."""
    if state.pid is not None and config.grace >= 1 and sys.stderr.isatty():
        print(f"Running answers are finished first, for at most {config.grace:g} s.", file=sys.stderr)


def _started(manager: Manager, start: Callable[[], Result]) -> Result:
    """Start the service. When that fails, what it said comes before what we say of it."""
    try:
        return start()
    except Problem as problem:
        if problem.code == "start_failed":
            terminal = Terminal(sys.stderr)
            for line in manager.last_words():
                print(terminal.paint("dim", f"  | {clean(line)}"), file=sys.stderr)
        raise


def _show(manager: Manager) -> None:
    document = daemon_report.document(manager, manager.state(), os.environ)
    print(daemon_report.text(document, Terminal(sys.stdout)))


def _logs(manager: Manager, lines: str | None, follow: bool) -> int:
    if lines is not None and not (lines.isascii() and lines.isdigit()):
        raise usage.wrong(f"--lines: a number, not {lines!r}", "rotom daemon --help")
    command = manager.log_command(LINES if lines is None else int(lines), follow)
    sys.stdout.flush()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        raise Problem(Kind.UNAVAILABLE, f"{command[0]} is not there, so the log cannot be shown") from None
    except KeyboardInterrupt:
        return OK  # this is how one leaves
    return OK if done.returncode == 0 else 1 if done.returncode > 0 else 128 - done.returncode
