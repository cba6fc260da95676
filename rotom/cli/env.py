"""Print what a client's environment needs, for the shell in use.

Usage:
  rotom env [options] <client>
  rotom env --key

Options:
  --shell NAME         for this shell: sh (also: bash, zsh, dash, ksh), fish or powershell
  --unset              print the opposite: what takes it all back
  --json               print one JSON object instead
  --model MODEL        this model; by default, the one that the server takes for names that only Anthropic hosts
  --small-model MODEL  the model for small tasks
  --effort LEVEL       how hard the model thinks: low, medium, high, xhigh or max
  --key                print the local key, and nothing else
  --auth-file FILE     the credentials file
  -h, --help           show this text

Clients: claude (Claude Code), codex (Codex CLI), openai and anthropic (what is built on their libraries).

  $ eval "$(rotom env claude)"     sh, bash, zsh
  $ rotom env claude | source      fish

A local key that is set is not printed but fetched when the lines are run. The server that runs is asked for the model;
where none runs, the settings say where it will be.
"""

from __future__ import annotations

import json
import os
import sys

from rotom import shells
from rotom.cli import reach, usage
from rotom.cli.setup import Setup, client, setup, target, target_unasked, this_program, wishes
from rotom.config import Loaded, load, resolve_api_key
from rotom.shells import Shell


def run(argv: list[str]) -> int:
    """Print it."""
    given = usage.parse(__doc__ or "", argv)
    loaded = load({"--auth-file": given["--auth-file"]}, os.environ)
    key = resolve_api_key(loaded.config, os.environ)
    if given["--key"] and given["<client>"] is None:
        if key is None:
            raise usage.wrong("there is no local key: none is needed", "rotom config set api_key -")
        print(key)
        return 0
    shell = _shell(given["--shell"])
    one = client(given["<client>"])
    wanted = wishes(given)
    config = loaded.config
    root = reach.found(config)
    if given["--unset"]:
        where = target_unasked("http://127.0.0.1", None, config, wanted)
    elif root is not None:
        where = target(root, key, config, wanted)
    else:
        root = reach.expected(config.bind)
        where = target_unasked(root, key, config, wanted)
        if not reach.answers(root):
            print(f"rotom: no server runs yet: rotom serve, or all in one: rotom launch {one.name}", file=sys.stderr)
    made = setup(one, where, os.environ)
    if given["--json"]:
        print(json.dumps(_document(made, secret=key is not None), indent=2))
        return 0
    lines = _backwards(made, shell) if given["--unset"] else _lines(made, shell, loaded, secret=key is not None)
    print("\n".join(lines))
    if sys.stdout.isatty():
        command = shell.use.format(command=" ".join(["rotom", *argv]))
        print(f"rotom: these lines are for a shell to read: {command}", file=sys.stderr)
    return 0


def _shell(name: str | None) -> Shell:
    if name is None:
        return shells.in_use(os.environ)
    if (found := shells.NAMES.get(name.lower())) is not None:
        return found
    raise usage.unknown(name, shells.NAMES, "shell", f"choose from {', '.join(shells.NAMES)}")


def _lines(made: Setup, shell: Shell, loaded: Loaded, *, secret: bool) -> list[str]:
    """What sets it all."""
    words = {name: shell.quote(value) for name, value in made.environment.items()}
    if secret:
        words[made.client.key] = shells.key_word(loaded, shell, this_program())
    lines = [shell.unset.format(name=name) for name in made.removed]
    lines += [shell.export.format(name=name, value=value) for name, value in words.items()]
    if made.arguments:
        more = " ".join(map(shell.quote, made.arguments))
        lines.append(shell.function.format(name=made.client.program, words=more))
    return lines


def _backwards(made: Setup, shell: Shell) -> list[str]:
    """What takes it back. All that could have been set is forgotten, whatever the options were."""
    names = dict.fromkeys([*made.client.variables, *made.environment])
    lines = [shell.unset.format(name=name) for name in names]
    if made.client.arguments:
        lines.append(shell.forget.format(name=made.client.program))
    return lines


def _document(made: Setup, *, secret: bool) -> dict[str, object]:
    """The same for programs. The key stays out; the command that prints it stands in its place."""
    values = {name: value for name, value in made.environment.items() if not (secret and name == made.client.key)}
    return {
        "client": made.client.name,
        "program": made.client.program,
        "environment": values,
        "arguments": made.arguments,
        "unset": made.removed,
        "key": {"variable": made.client.key, "command": [*this_program(), "env", "--key"]} if secret else None,
    }
