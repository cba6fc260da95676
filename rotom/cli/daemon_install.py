"""What an installation of the service takes from its options and from the shell, and what it leaves out and says so.

Options of ``rotom serve`` go to config.json, the local key to a file of its own; the service is then started without any
option, so that no secret is in a unit, in a list of processes or in the shell's history (``--api-key -``). Of the shell's
variables only ROTOM_HOME and ROTOM_AUTH_FILE are taken, and how the network is reached; what else the shell says of rotom
is not seen by a service, and that is told.

What is not here: the service managers (rotom/service/).
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rotom import paths, running
from rotom.cli.config import reset, set_value
from rotom.cli.usage import wrong
from rotom.config import SETTINGS, Config, load, resolve_api_key
from rotom.problem import Kind, Problem
from rotom.service import Manager, Plan, program, units, variables
from rotom.state import files

KEY_NAME = "api-key"
"""The file with the local key, in the state folder."""

TAKEN = ("ROTOM_HOME", "ROTOM_AUTH_FILE", "ROTOM_DEBUG")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will be installed.

    Fields:
      config: what the service will go by; settings: whether the options changed any of it.
      notes: what a person should know, as sentences.
    """

    plan: Plan
    config: Config
    settings: bool
    notes: tuple[str, ...]


def service_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the shell that the service will have, too."""
    ours = {name: value for name, value in environ.items() if not name.startswith(("ROTOM_", "CREDENTIALS_"))}
    if environ.get("ROTOM_HOME"):
        ours["ROTOM_HOME"] = environ["ROTOM_HOME"]
    return ours


def prepare(
    manager: Manager, given: Mapping[str, Any], options: tuple[str, ...], environ: Mapping[str, str]
) -> Prepared:
    """Keep the options, and make the plan.

    Arguments:
      given: the command's options; options: those of them that are no settings.

    Raises:
      Problem: an option or the configuration is not good; nothing was changed then. Or a port is taken.
    """
    ours = service_environment(environ)
    wanted = _wanted(given, environ)
    before = load(wanted, ours)
    check_key(before.config, ours)
    plan_for(
        manager, before.config, options, environ
    )  # what no service can be told of is found before anything is kept
    files.private_folder(before.config.home)
    changed = _keep(wanted, before.file, before.config)
    loaded = load({}, ours)
    config = loaded.config
    notes = [*_unseen(environ, config), *_kept(environ, config, manager)]

    plan, told = plan_for(manager, config, options, environ)
    notes += told
    if plan.sandbox and (why := manager.tries_sandbox(plan)) is not None:
        notes.append(f"without the sandbox, which does not work here: {why}")
        plan = replace(plan, sandbox=False)
    check_ports(config, manager)
    return Prepared(plan, config, changed, tuple(notes))


def plan_for(
    manager: Manager, config: Config, options: tuple[str, ...], environ: Mapping[str, str]
) -> tuple[Plan, list[str]]:
    """The service that a configuration asks for, and what is to be said of it."""
    notes = []
    streams: tuple[str, ...] = ()
    if manager.name == "systemd" and "--no-socket" not in options:
        try:
            streams = units.streams(config.bind)
        except ValueError as exc:
            notes.append(f"without a socket unit, so that the address is closed while the service restarts: {exc}")
    if config.idle_exit and not streams:
        notes.append("idle_exit has no effect: there is no socket unit that would start rotom again")
    usual = paths.home({name: value for name, value in environ.items() if name != "ROTOM_HOME"})
    plan = Plan(
        command=program.command(environ),
        home=_real(config.home) if config.home != usual else None,
        environment_file=_real(config.home) / variables.NAME,
        credential=config.api_key_file if config.api_key is None else None,
        writable=_writable(config),
        grace=config.grace,
        streams=streams,
        sandbox=manager.name == "systemd" and "--no-sandbox" not in options,
        options=options,
    )
    return plan, notes


def check_key(config: Config, environ: Mapping[str, str]) -> None:
    """See that the local key can be read, and is there where it is needed: a service would end on it.

    Arguments:
      environ: the service's variables.

    Raises:
      Problem: with the code ``config`` or ``key_needed``.
    """
    from rotom.routes.guard import require_key
    from rotom.server import listen

    loopback = all(address.loopback for address in listen.addresses(config.bind))
    require_key(loopback, resolve_api_key(config, environ))


def check_ports(config: Config, manager: Manager) -> None:
    """See that nobody else has the addresses, before a service fails on them.

    Raises:
      Problem: UNAVAILABLE, with who has one, as far as that can be told.
    """
    from rotom.server import listen

    state = manager.state()
    here = running.find(config)
    held = set(here.addresses) if here is not None and here.pid == state.pid else set()
    if state.socket:
        held |= set(units.streams(_held(config)))
    for address in listen.addresses(config.bind):
        if str(address) in held or _free(address.host, address.port):
            continue
        message = f"another program listens on {address}"
        if here is not None and str(address) in here.addresses:
            message = f"a rotom that was started by hand serves {address} (process {here.pid})"
            hint = f"end it first: kill {here.pid}"
        else:
            port = address.port + 1 if address.port < 65535 else 14551
            hint = f"end it, or take another: rotom daemon install --bind {listen.Address(address.host, port)}"
        raise Problem(Kind.UNAVAILABLE, message, code="bind_failed", hint=hint)


def next_steps(config: Config) -> list[str]:
    """What to do now that it runs."""
    from rotom.cli.logins import our_vault

    try:
        nobody = not our_vault(config).logins()
    except Problem as problem:
        return [f"The logins cannot be read: {problem.message}"]
    if nobody:
        return ["Nobody is logged in yet; the service will take a login up at once:", "  rotom login"]
    return ["Next, from any terminal:", "  rotom launch claude"]


def _wanted(given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that were given, by name."""
    found: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        value = given.get(setting.flag or "")
        if value not in (None, False):
            found[name] = value
    if "api_key" in found and "api_key_file" in found:
        raise wrong("--api-key and --api-key-file cannot both be given", "rotom daemon --help")
    if found.get("api_key") == "-":
        found["api_key"] = sys.stdin.readline(8192).strip()
    if "auth_file" not in found and environ.get("ROTOM_AUTH_FILE"):
        found["auth_file"] = environ["ROTOM_AUTH_FILE"]
    return found


def _keep(wanted: Mapping[str, Any], file: Path, config: Config) -> bool:
    """Write the settings down; whether any was not there so before. `config` has been made with them."""
    already = load({}, {"ROTOM_HOME": str(config.home)}, file)
    changed = False
    for name, value in wanted.items():
        if name == "api_key":
            key = f"{config.api_key}\n".encode()
            if files.read_private(config.home / KEY_NAME) != key:
                files.write_atomic(config.home / KEY_NAME, key)
                changed = True
            name, value = "api_key_file", KEY_NAME
        elif isinstance(getattr(config, name), Path):
            value = str(getattr(config, name))
        elif value is True:
            value = "yes"
        if name == "api_key_file" and already.config.api_key is not None:
            reset(file, "api_key")  # it would win over the file
            changed = True
        effective = getattr(already.config, name)
        if already.sources[name] == "default" or effective != _read(name, value, config):
            set_value(file, name, value)
            changed = True
    return changed


def _read(name: str, value: Any, config: Config) -> Any:
    read = SETTINGS[name].read(value)
    return config.home / read if isinstance(read, Path) else read


def _unseen(environ: Mapping[str, str], config: Config) -> list[str]:
    """Sentences on the variables of this shell that the service does not see."""
    told = []
    for name, setting in SETTINGS.items():
        variable = setting.environment[0]
        if variable in TAKEN or not environ.get(variable):
            continue
        try:
            same = _read(name, environ[variable], config) == getattr(config, name)
        except ValueError:
            same = False
        if not same:
            how = f"rotom config set {name} {'-' if setting.secret else 'VALUE'}"
            told.append(f"{variable} is set in this shell, and the service does not see it; to keep it: {how}")
    return told


def _kept(environ: Mapping[str, str], config: Config, manager: Manager) -> list[str]:
    """Keep how the network is reached from this shell; what there is to say of that."""
    file = config.home / variables.NAME
    wanted = variables.kept(environ)
    told = []
    if manager.name == "launchd":  # which has them in its own file, for everybody to read
        for name in [name for name, value in wanted.items() if variables.has_password(value)]:
            wanted.pop(name)
            told.append(
                f"{name} names a user, so it is not written down for launchd; give it by: launchctl setenv {name} URL"
            )
    if names := variables.write(file, wanted):
        told.append(f"the service takes {', '.join(names)} from this shell; what it takes is kept in {file}")
    return told


def _writable(config: Config) -> tuple[Path, ...]:
    """Where the service must be able to write: its folder, and the one of the credentials."""
    wanted = {_real(config.home), _real(config.auth_file).parent, _real(config.auth_file.parent)}
    return tuple(sorted(path for path in wanted if not any(other in path.parents for other in wanted)))


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _held(config: Config) -> tuple[str, ...]:
    """The binds that a socket unit can hold."""
    held: list[str] = []
    for bind in config.bind:
        try:
            held += units.streams([bind])
        except ValueError:
            continue
    return tuple(held)


def _free(host: str, port: int) -> bool:
    """Whether an address can be listened on, as far as taken ports go."""
    if port == 0:
        return True
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return True  # told by who listens, in its words
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                if family == socket.AF_INET6:
                    trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                trial.bind(address)
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    return False
    return True
