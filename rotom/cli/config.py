"""Show and change the configuration.

Usage:
  rotom config
  rotom config show [--json]
  rotom config set <key> <value> [--take-over]
  rotom config reset [<key>] [--take-over]

Without a command, asks for the most common settings, one after the other; that needs a terminal.
'show' prints every setting, its value and where it comes from; secrets are masked.
'set' writes one setting to config.json; a value of '-' is read from standard input, which keeps secrets out of the
process list and the shell's history.
'reset' removes one setting from config.json, or all of them.

Options:
  --json       print one JSON object
  --take-over  a file of the Rust program of the same name is in the way: keep a copy of it and use what fits
  -h, --help   show this text

All settings are explained in rotom-config(5).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rotom import paths
from rotom.cli import usage
from rotom.config import (
    SETTINGS,
    VERSION,
    Config,
    Loaded,
    Setting,
    check_name,
    load,
    read_document,
    read_file,
    read_ours,
)
from rotom.problem import Kind, Problem
from rotom.term import Terminal, say

ASKED = ("bind", "api_key", "provider", "model_fallback", "grace")
"""What the dialogue asks for: the settings that people change."""

OF_THE_SERVICE = ("bind", "grace", "auth_file", "api_key_file")
"""Settings that the service manager has to know of, too."""


def run(argv: list[str]) -> int:
    """Do what is asked."""
    given = usage.parse(__doc__ or "", argv)
    file = paths.config_file(paths.home(os.environ))
    if given["show"]:
        _show(load({}, os.environ), as_json=bool(given["--json"]))
    elif given["set"]:
        value = sys.stdin.read().strip() if given["<value>"] == "-" else given["<value>"]
        set_value(file, given["<key>"], value, take_over=bool(given["--take-over"]))
        _warn_of_override(given["<key>"])
        _tell_of_server(given["<key>"])
    elif given["reset"]:
        reset(file, given["<key>"], take_over=bool(given["--take-over"]))
        _tell_of_server(given["<key>"] or "bind")
    else:
        _ask(file)
    return 0


def _show(loaded: Loaded, *, as_json: bool) -> None:
    entries = {
        name: (shown(setting, getattr(loaded.config, name)), loaded.sources[name]) for name, setting in SETTINGS.items()
    }
    if as_json:
        document = {name: {"value": value, "source": source} for name, (value, source) in entries.items()}
        print(json.dumps({"file": str(loaded.file), "settings": document}, indent=2))
        return
    terminal = Terminal(sys.stdout)
    rows = []
    for name, (value, source) in entries.items():
        style = "dim" if source == "default" else "bold"
        rows.append((terminal.paint(style, name), _words(value) or "-", terminal.paint("dim", source)))
    print(terminal.table(rows))


def shown(setting: Setting, value: Any) -> Any:
    """A setting's value as JSON for people: paths as text, secrets masked."""
    if setting.secret and value is not None:
        return "********"
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _words(value: Any) -> str:
    """A setting's value for a terminal; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def set_value(file: Path, name: str, value: str, *, take_over: bool = False) -> None:
    """Write one setting; the file holds what was given, not what it was read as, so that "64M" stays "64M"."""
    name = name.replace("-", "_")
    setting = check_name(name)
    _check(setting, value)
    with _locked(file):
        document = _taken_over(file) if take_over else None
        document = read_file(file) if document is None else document
        document[name] = _filed(setting, value)
        _write(file, document)


def reset(file: Path, name: str | None, *, take_over: bool = False) -> None:
    """Remove one setting, or all of them. Without a name the file itself stays, empty of settings.

    A name that is no setting can be removed as well, since nothing works while the file holds it.
    """
    with _locked(file):
        taken = _taken_over(file) if take_over else None
        document = read_ours(file) if taken is None else taken
        if name is not None:
            name = name if name in document else name.replace("-", "_")
            if name not in document:
                check_name(name)
            document.pop(name, None)
        elif not take_over:
            document = {}
        if document or file.exists():
            _write(file, document)


def _locked(file: Path) -> AbstractContextManager[None]:
    """Keep other `rotom config` away from the file while it is read, changed and written."""
    from rotom.state.files import FileLock

    return FileLock(file.with_name(f"{file.name}.lock")).held(timeout=5)


def _filed(setting: Setting, value: str) -> str | int:
    """The value as the file holds it."""
    return int(value) if isinstance(setting.default, int | float) and value.isdecimal() else value


def _check(setting: Setting, value: object) -> None:
    try:
        setting.read(value)
    except ValueError as exc:
        raise Problem(Kind.INVALID, f"{setting.name} {exc}", code="config", param=setting.name) from None


def _taken_over(file: Path) -> dict[str, Any] | None:
    """The settings of another program's file that mean something here, after a copy of it was kept; None when there is no
    such file."""
    content = read_document(file)
    if content is None or isinstance(content.get("version"), int):
        return None
    from rotom.state.files import create_private

    number = 0
    while not create_private(backup := file.with_name(f"{file.name}.backup{number or ''}"), file.read_bytes()):
        number += 1
    taken, left = {}, []
    for name, value in content.items():
        setting = SETTINGS.get(name)
        try:
            if setting is None or not setting.filed or value is None:
                raise ValueError
            setting.read(value)
        except ValueError:
            left.append(name)
        else:
            taken[name] = value
    print(f"kept a copy as {backup}", file=sys.stderr)
    if taken:
        print(f"took over: {', '.join(taken)}", file=sys.stderr)
    if left:
        print(f"left out, since they mean nothing here: {', '.join(left)}", file=sys.stderr)
    return taken


def _write(file: Path, document: Mapping[str, Any]) -> None:
    from rotom.state.files import write_atomic

    write_atomic(file, (json.dumps({"version": VERSION, **document}, indent=2) + "\n").encode())


def _warn_of_override(name: str) -> None:
    """A value in the file has no effect while the environment says otherwise."""
    setting = SETTINGS[name.replace("-", "_")]
    for variable in setting.environment[:1]:
        if os.environ.get(variable):
            say(f"note: {variable} in the environment wins over the file", sys.stderr, 6)


def _tell_of_server(name: str) -> None:
    """Say when a server that runs takes a change up."""
    from contextlib import suppress

    from rotom import running

    with suppress(Problem):  # the configuration may still be wrong elsewhere
        if (here := running.find(load({}, os.environ).config)) is not None:
            how = "on SIGHUP ('rotom daemon reload') or at its next start"
            if name.replace("-", "_") in OF_THE_SERVICE:
                how = "at its next start; as a service, after 'rotom daemon reinstall'"
            say(f"note: a server runs (process {here.pid}) and takes this up {how}", sys.stderr, 6)


def _ask(file: Path) -> None:
    """The dialogue: Enter keeps a value, a dash goes back to the default."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Problem(
            Kind.INVALID,
            "rotom config asks questions and needs a terminal for that",
            code="usage",
            hint="rotom config set KEY VALUE",
        )
    terminal = Terminal(sys.stdout)
    document = read_file(file)
    effective = load({}, os.environ, file)
    default = Config(home=effective.config.home)
    about = f"Everything else is in {file}; see rotom-config(5), or 'rotom help config'."
    say(f"Enter keeps the value in brackets, a dash (-) goes back to the default. {about}\n")
    changed = False
    for name in ASKED:
        setting = SETTINGS[name]
        while True:
            answer = _answer(terminal, setting, document.get(name, getattr(default, name)))
            if answer == "-":
                changed |= document.pop(name, None) is not None
            elif answer:
                try:
                    _check(setting, answer)
                except Problem as problem:
                    print(terminal.paint("red", f"  {problem.message}"))
                    continue
                value = _filed(setting, answer)
                changed |= document.get(name) != value
                document[name] = value
            break
        if effective.sources[name].startswith("environment"):
            print(terminal.paint("yellow", f"  note: {effective.sources[name]} wins over the file"))
    if changed:
        with _locked(file):
            _write(file, document)
        say(f"\nwritten to {file}; a running server takes it up on SIGHUP or at its next start")
    else:
        print("\nnothing changed")


def _answer(terminal: Any, setting: Setting, value: Any) -> str:
    current = shown(setting, value)
    prompt = f"{terminal.paint('bold', setting.name)}: {setting.help} [{_words(current) or 'none'}]: "
    try:
        if setting.secret:
            import getpass

            return getpass.getpass(prompt).strip()
        return input(prompt).strip()
    except EOFError:
        print()
        raise KeyboardInterrupt from None
