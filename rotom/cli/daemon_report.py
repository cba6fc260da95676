"""What is told of the service: one document, as JSON or for people.

What the manager knows (state, process, restarts) and what the server has written down itself (address, version) are put
together here, if they are of the same process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rotom import __version__, running
from rotom.cli.daemon_install import plan_for, service_environment
from rotom.config import Config, load
from rotom.problem import Problem
from rotom.service import FAILED, RETRYING, RUNNING, WAITING, Manager, State
from rotom.sse import Json
from rotom.term import Terminal, clean, words

STYLES = {RUNNING: "green", WAITING: "green", FAILED: "red", RETRYING: "red"}


def service_config(state: State, environ: Mapping[str, str]) -> Config:
    """The configuration that the service goes by: that of the home it was installed for.

    Raises:
      Problem: config.json is not good.
    """
    ours = service_environment(environ)
    if state.files:
        ours.pop("ROTOM_HOME", None)
        if state.home is not None:
            ours["ROTOM_HOME"] = str(state.home)
    return load({}, ours).config


def document(manager: Manager, state: State, environ: Mapping[str, str]) -> Json:
    """Everything that is known, with keys that stay."""
    here: running.Running | None = None
    streams: tuple[str, ...] = ()
    outdated, wrong = False, None
    try:
        config = service_config(state, environ)
        plan, _ = plan_for(manager, config, manager.options(), environ)
    except Problem as problem:  # what runs still does, with what it read before
        wrong = problem.message
    else:
        here = running.find(config)
        streams = plan.streams
        outdated = bool(state.files) and manager.differs(plan)
    if here is not None and here.pid != state.pid:
        here = None
    since = state.since if here is None or here.started_at is None else here.started_at
    addresses = [f"http://{address}" for address in here.addresses] if here is not None else []
    if not addresses and state.socket:
        addresses = [f"http://{address}" for address in streams]
    return {
        "manager": manager.name,
        "installed": state.installed,
        "state": state.phase if state.installed else "not installed",
        "up": state.up,
        "addresses": addresses,
        "pid": state.pid,
        "started_at": None if since is None else datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds"),
        "uptime_seconds": None if since is None else max(0, int(time.time() - since)),
        "version": here.version if here is not None else None,
        "installed_version": __version__,
        "says": state.says,
        "why": state.why,
        "restarts": state.restarts,
        "at_login": state.at_login,
        "socket": state.socket,
        "lingers": state.lingers,
        "configuration": wrong,
        "outdated": outdated,
        "files": [str(path) for path in state.files],
        "other_files": [str(path) for path in state.foreign],
        "log": manager.last_words() if state.phase in (FAILED, RETRYING) else [],
    }


def text(document: Json, terminal: Terminal) -> str:
    """The document for people."""
    if not document["installed"]:
        return "The service is not installed: rotom daemon install"
    phase = str(document["state"])
    head = {
        WAITING: f"asleep; {document['manager']} starts it when a client comes",
        RETRYING: f"failed; {document['manager']} is about to start it again",
    }.get(phase, phase)
    if document["uptime_seconds"] and phase == RUNNING:
        head += f" for {words(document['uptime_seconds'])}"
    lines = [f"{terminal.paint('bold', 'rotom')} is {terminal.paint(STYLES.get(phase, 'yellow'), head)}"]
    rows = [("address", ", ".join(document["addresses"]))]
    if document["pid"] is not None:
        version = f", version {document['version']}" if document["version"] else ""
        rows.append(("process", f"{document['pid']}{version}"))
    if document["says"] and document["up"]:
        rows.append(("says", document["says"]))
    if document["restarts"]:
        rows.append(("restarts", f"{document['restarts']}, after failures"))
    if document["socket"] is not None:
        held = "held open, also while the service restarts" if document["socket"] else "closed"
        rows.append(("socket", held))
    rows.append(("at login", "started" if document["at_login"] else "not started"))
    if document["lingers"] is not None:
        rows.append(("at logout", "goes on" if document["lingers"] else "ends"))
    ours = [*document["files"][:1], *document["other_files"]]
    rows += [("file" if number == 0 else "", _short(path)) for number, path in enumerate(ours)]
    lines += [f"  {name:<9}  {clean(value)}" for name, value in rows if value]
    problems = [*_problems(document)]
    lines += [terminal.paint("red", f"  # {clean(problem)}") for problem in problems]
    lines += [terminal.paint("dim", f"  | {clean(line)}") for line in document["log"]]
    if advice := _advice(document):
        lines += ["", *advice]
    return terminal.fold("\n".join(lines))


def _problems(document: Json) -> list[str]:
    found = []
    if document["why"]:
        found.append(document["why"])
    if document["version"] not in (None, document["installed_version"]):
        now = document["installed_version"]
        found.append(f"version {document['version']} runs and {now} is installed: rotom daemon restart")
    if document["socket"] is False and document["up"]:
        found.append("the socket unit is not active: rotom daemon restart")
    if document["configuration"]:
        found.append(f"the configuration is wrong: {document['configuration']}")
    if document["outdated"]:
        found.append("it was installed for other settings, or for another rotom: rotom daemon reinstall")
    return found


def _advice(document: Json) -> list[str]:
    if document["state"] == FAILED:
        return ["What went before: rotom daemon logs. Once that is mended: rotom daemon restart"]
    if document["lingers"] is False and document["at_login"]:
        about = "It ends when you log out, and comes back with your next session. To have it run all the time "
        about += "(with sudo, where that is denied):"
        return [about, "  loginctl enable-linger $USER"]
    return []


def _short(path: str) -> str:
    """A path below the person's home as people write it."""
    try:
        return f"~/{Path(path).relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return path
