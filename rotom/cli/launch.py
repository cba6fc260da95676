"""Start a client with everything set: address, key, model and context window.

Usage:
  rotom launch [options] <client> [--] [<argument>...]
  rotom launch --list

Options:
  --demo               with the built-in stand-in for the providers: no login, no network
  --model MODEL        this model, for everything; by default, the one that stands for names of Anthropic's
  --small-model MODEL  the model for small tasks
  --effort LEVEL       how hard the model thinks: low, medium, high, xhigh or max
  --print              show what would be run, and run nothing
  --list               list the clients, and which are installed
  --auth-file FILE     the credentials file
  -h, --help           show this text

What is meant for the client comes after --. No file of the client is changed.

  $ rotom launch claude
  $ rotom launch claude -- -p "Reply with the single word OK"
  $ rotom launch --demo codex
  $ rotom launch openai -- python script.py

claude is Claude Code, codex the Codex CLI; openai and anthropic start any command that is built on their libraries. A
server that runs is used, or the service that is installed. Without either, a server for this client alone is started, on a
free port and with a key of its own, and ends with the client. The exit status is the client's.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rotom import cli, shells
from rotom.claude_settings import overrides
from rotom.cli import reach, usage
from rotom.cli.setup import Setup, Wishes, client, setup, target, target_unasked, wishes
from rotom.clients import CLAUDE, CLIENTS, Client
from rotom.config import Config, load, resolve_api_key
from rotom.exits import OK
from rotom.problem import Kind, Problem
from rotom.term import Terminal, clean, say

SUPERVISION = (
    *("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"),
    "XPC_SERVICE_NAME",
)
"""Variables by which a service manager speaks to this process, if it does, and not to what this process starts."""


def run(argv: list[str]) -> int:
    """Start it; the exit status is the client's."""
    given, words = _given(argv)
    if given["--list"]:
        print(_list(Terminal(sys.stdout)))
        return OK
    one = client(given["<client>"])
    wanted = wishes(given)
    config = load({"--auth-file": given["--auth-file"]}, os.environ).config
    environ = {name: value for name, value in os.environ.items() if name not in SUPERVISION}
    if given["--print"]:
        print(_shown(one, words, config, wanted, environ, demo=bool(given["--demo"])))
        return OK
    command = _command(one, words, environ)
    if given["--demo"]:
        return _alone(one, command, config, wanted, environ, ["--demo"])
    flags = ["--auth-file", str(config.auth_file)] if given["--auth-file"] else []
    _see_to_a_login(config, flags)
    root = reach.found(config)
    if root is None and not (flags or environ.get("ROTOM_HOME")):  # the service is the usual home's
        root = _service(config, environ)
    if root is None:
        return _alone(one, command, config, wanted, environ, flags)

    from rotom.cli.foreground import become

    made = setup(one, target(root, resolve_api_key(config, environ), config, wanted), environ, managed=True)
    _say(made, f"the server at {root}")
    return become(_whole(made, command), _environment(made, environ), cli.outer_umask)


def _given(argv: list[str]) -> tuple[Mapping[str, Any], list[str]]:
    """Our arguments, and those of the client."""
    end = argv.index("--") if "--" in argv else len(argv)
    ours, theirs = argv[:end], argv[end + 1 :]
    try:
        given = usage.parse(__doc__ or "", ours)
    except Problem as problem:
        place = next((place for place, word in enumerate(ours) if word in CLIENTS), len(ours))
        if any(word.startswith("-") and repr(word) in problem.message for word in ours[place:]):
            problem.hint = f"what is meant for the client comes after --: rotom launch {ours[place]} -- ..."
        raise
    return given, [*given["<argument>"], *theirs]


def _command(one: Client, words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The program and the person's own words for it.

    Raises:
      Problem: with code ``usage`` when no command was named; UNAVAILABLE when it is not installed.
    """
    name, *rest = (one.program, *words) if one.program is not None else words or (None,)
    if name is None:
        raise usage.wrong(f"say which command: {one.title}", f"rotom launch {one.name} -- COMMAND")
    found = _find(name, one.places, environ)
    if found is None and one.program is not None:
        raise Problem(Kind.UNAVAILABLE, f"{one.title} is not installed", hint=one.install)
    if found is None:
        raise Problem(Kind.UNAVAILABLE, f"there is no command {name!r}")
    return [found, *(word for word in rest if word is not None)]


def _find(name: str, places: Sequence[str], environ: Mapping[str, str]) -> str | None:
    path = environ.get("PATH", os.defpath)
    found = shutil.which(name, path=os.pathsep.join([path, *map(os.path.expanduser, places)]))
    return None if found is None else os.path.abspath(found)


def _see_to_a_login(config: Config, flags: Sequence[str]) -> None:
    """Have somebody logged in; a person at a terminal is asked to.

    Raises:
      Problem: UNAUTHENTICATED.
    """
    from rotom.state.vault import open_vault

    vault = open_vault(config, os.environ)
    if vault.logins():
        if vault.locked_by_passphrase():
            raise Problem(
                Kind.UNAUTHENTICATED,
                "the logins are under a passphrase, which no server can ask for",
                hint="rotom key remove-passphrase",
            )
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        print("Nobody is logged in. Log in now? [Y/n] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() in ("", "y", "yes"):
            from rotom.cli import login

            login.run(["login", *flags])
            return
    raise Problem(Kind.UNAUTHENTICATED, "nobody is logged in", hint="rotom login; or try it without: --demo")


def _service(config: Config, environ: Mapping[str, str]) -> str | None:
    """The root of the installed service, which is started where it is not up; None where there is none that serves this."""
    from rotom.service import RUNNING, WAITING, manager_here

    try:
        manager = manager_here(environ)
        manager.check()
        state = manager.state()
    except Problem:
        return None
    if not state.installed:
        return None
    try:
        if state.phase == WAITING:
            reach.answers(reach.expected(config.bind), reach.WAKING_SECONDS)  # the first to connect starts it
        elif state.phase != RUNNING:
            manager.start()
    except Problem as problem:
        say(f"rotom: the service cannot be used: {clean(problem.message)}", sys.stderr, 7)
        print("       rotom daemon status", file=sys.stderr)
        return None
    return reach.found(config)


def _alone(
    one: Client, command: Sequence[str], config: Config, wanted: Wishes, environ: Mapping[str, str], flags: list[str]
) -> int:
    """Run the client with a server for itself; its exit status."""
    from rotom.cli.companion import companion
    from rotom.cli.foreground import run as run_here

    with companion(flags, environ) as server:
        made = setup(one, target(server.root, server.key, config, wanted), environ, managed=True)
        demo = "--demo" in flags
        _say(made, "a demonstration: the answers are made up" if demo else "a server of its own, which ends with it")
        status = run_here(_whole(made, command), _environment(made, environ), cli.outer_umask)
        if server.ended() is not None:
            why = server.last_words() or "it ended"
            say(f"rotom: the server of this client did not last: {clean(why)}", sys.stderr, 7)
            print(f"       its log: {server.log}", file=sys.stderr)
        return status


def _whole(made: Setup, command: Sequence[str]) -> list[str]:
    return [command[0], *made.arguments, *command[1:]]


def _environment(made: Setup, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in made.removed}
    return {**kept, **made.environment}


def _say(made: Setup, how: str) -> None:
    """Tell what was taken out and what is in the way in any case, and the rest where a person looks on."""
    if made.removed:
        say(f"rotom: left out, since it leads elsewhere: {', '.join(made.removed)}", sys.stderr, 7)
    if made.client is CLAUDE:
        with suppress(OSError):  # there may be no working folder any more
            for file, name in overrides(made.environment, os.environ, Path.cwd()):
                say(f"rotom: {clean(file)} sets {name}, too, and wins", sys.stderr, 7)
    if sys.stderr.isatty():
        what = made.client.title if made.client.program else "it"
        model = f" {clean(made.model)}" if made.model else ""
        say(f"rotom: {what} asks{model} through {how}", sys.stderr, 7)


def _shown(
    one: Client, words: Sequence[str], config: Config, wanted: Wishes, environ: Mapping[str, str], *, demo: bool
) -> str:
    """What would be run, as lines for a shell; the key is not in them."""
    shell = shells.in_use(environ)
    root = None if demo else reach.found(config)
    if root is None:
        where = target_unasked("http://127.0.0.1:PORT", None, config, wanted)
        lines = [f"# with a server for it alone: rotom serve{' --demo' if demo else ''} --bind 127.0.0.1:0"]
    else:
        where = target(root, resolve_api_key(config, environ), config, wanted)
        lines = [f"# through the server that runs at {root}"]
    made = setup(one, where, environ, managed=True)
    values = {**made.environment, one.key: "THE_LOCAL_KEY"}
    lines += [shell.unset.format(name=name) for name in made.removed]
    lines += [shell.export.format(name=name, value=shell.quote(value)) for name, value in values.items()]
    program = one.program or (words[0] if words else "COMMAND")
    rest = words if one.program else words[1:]
    lines.append(" ".join(map(shell.quote, [program, *made.arguments, *rest])))
    return "\n".join(lines)


def _list(terminal: Terminal) -> str:
    """The clients."""
    rows = []
    for one in CLIENTS.values():
        found = one.program and _find(one.program, one.places, os.environ)
        state = found or one.install or f"rotom launch {one.name} -- COMMAND"
        mark = terminal.paint("green", "installed") if found else "not installed" if one.program else "any command"
        rows.append((terminal.paint("bold", one.name), one.title, mark, terminal.paint("dim", state)))
    return terminal.table(rows)
