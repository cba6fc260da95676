"""How a command's arguments are read: its module's docstring is its usage text, docopt reads by it.

No usage text gives docopt a default: an option that was not given must stay apart from one that
was, because the environment and the configuration come between (config.py).

What is not here: what is said of a command line that is not right (complaints.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from rotom.cli.complaints import complaint, no_command, options, unknown, wrong

__all__ = ["complaint", "explained", "no_command", "options", "parse", "text", "unknown", "wants_help", "wrong"]


def parse(doc: str, argv: list[str]) -> dict[str, Any]:
    """The arguments of one command.

    Arguments:
      doc: the docstring of the command's module.
      argv: the command's name and what follows it.

    Raises:
      Problem: with code ``usage``.
    """
    import docopt

    with explained(doc, argv):
        return dict(docopt.docopt(doc, argv))


@contextmanager
def explained(doc: str, argv: list[str]) -> Iterator[None]:
    """Turn docopt's complaint into a Problem that says what is wrong."""
    import docopt

    try:
        yield
    except docopt.DocoptExit as exc:
        raise complaint(doc, argv, str(exc)) from None


def text(doc: str, stream: TextIO | None = None) -> str:
    """The usage text as it is shown: on a terminal in its width, else as it is.

    Arguments:
      stream: where to; standard output.
    """
    from rotom.term import Terminal

    terminal = Terminal(sys.stdout if stream is None else stream)
    lines = doc.strip().split("\n")
    if not terminal.tty or max(map(len, lines)) <= terminal.columns:
        return "\n".join(lines)
    return terminal.fold("\n".join(_joined(lines)))


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Lines without the breaks that are there only because a line of the source was full."""
    now = lines[0]
    for line in lines[1:]:
        begin = len(line) - len(line.lstrip())
        described = re.match(r" +\S+(?: \S+)*  +(?=\S)", now)
        goes_on = len(described[0]) if described else -1 if now.startswith(" ") else 0
        if now and line and begin == goes_on:
            now += f" {line.strip()}"
        else:
            yield now
            now = line
    yield now


def wants_help(argv: list[str]) -> bool:
    """Whether help is asked for."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    return "--help" in words or "-h" in words
