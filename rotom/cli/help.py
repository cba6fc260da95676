"""Open the manual.

Usage:
  rotom help [options] [TOPIC]

Options:
  --text      print it as plain text, without a pager
  -h, --help  show this text

TOPIC is 'config' for the settings, 'api' for the routes and what of each API is supported, or the name of a command.
"""

from __future__ import annotations

import sys

from rotom.cli import COMMANDS, usage
from rotom.problem import Kind, Problem

TOPICS = ("config", "api", *COMMANDS)


def run(argv: list[str]) -> int:
    """Show what is asked for."""
    given = usage.parse(__doc__ or "", argv)
    from rotom import manual
    from rotom.term import Terminal

    topic = (given["TOPIC"] or "rotom").removeprefix("rotom-").partition("(")[0]
    name = "rotom" if topic == "rotom" else f"rotom-{topic}"
    known = topic == "rotom" or topic in TOPICS
    if known and (page := manual.find(name)) is not None:
        manual.show(page, Terminal(sys.stdout), plain=bool(given["--text"]))
    elif topic in COMMANDS:
        from importlib import import_module

        print(usage.text(import_module(f"rotom.cli.{topic}").__doc__ or ""))
    elif known:
        message = f"the manual page {name} is not part of this installation"
        raise Problem(Kind.UNAVAILABLE, message, hint="rotom --help, and 'rotom <command> --help'")
    else:
        problem = usage.unknown(topic, TOPICS, "topic")
        problem.hint = "topics: config, api, and the commands, which 'rotom --help' lists"
        raise problem
    return 0
