"""How a command's arguments are read: its module's docstring is its usage text, docopt reads by it.

docopt only says that something did not match; here that becomes one sentence that names the word at fault and the
nearest one that exists. No usage text gives docopt a default: an option that was not given must stay apart from one that
was, because the environment and the configuration come between (config.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rotom.problem import Kind, Problem


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


def text(doc: str) -> str:
    """The usage text as it is shown."""
    return doc.strip()


def wants_help(argv: list[str]) -> bool:
    """Whether help is asked for."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    return "--help" in words or "-h" in words


def wrong(message: str, hint: str) -> Problem:
    """The command line is not right; `hint` is the command that explains it."""
    return Problem(Kind.INVALID, message, code="usage", hint=hint)


def unknown(word: str, known: Iterable[str], what: str = "command") -> Problem:
    """There is no such command or option; perhaps that one was meant."""
    from difflib import get_close_matches  # asked for seldom

    near = get_close_matches(word, list(known), 1, 0.5)
    return Problem(
        Kind.INVALID,
        f"there is no {what} {word!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        code="usage",
        hint="all commands: rotom --help" if what == "command" else None,
    )


def options(doc: str) -> tuple[str, ...]:
    """The long and short options that a usage text explains."""
    found = []
    for line in doc.splitlines():
        if re.match(r"\s+-", line):
            found += re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.split(r"\s{2,}", line.strip())[0])
    return tuple(dict.fromkeys([*found, "-h", "--help"]))


def complaint(doc: str, argv: list[str], said: str) -> Problem:
    """What is wrong with these arguments, as well as can be told."""
    hint = f"rotom {argv[0]} --help"
    known = options(doc)
    for word in argv[1:]:
        if word == "--":
            break
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if word.startswith("-") and word != "-" and not any(option.startswith(name) for option in known):
            problem = unknown(name, known, "option")
            problem.hint = hint
            return problem
    if match := re.match(r"(--?[\w-]+(?:, --?[\w-]+)*) (requires argument|must not have an argument)", said):
        needs = "needs a value" if match[2] == "requires argument" else "takes no value"
        return wrong(f"the option {match[1]} {needs}", hint)
    if match := re.match(r"([\w-]+ is not a unique prefix: .*)", said):
        return wrong(match[1], hint)
    verbs = set(re.findall(rf"^\s+rotom {re.escape(argv[0])} ([a-z][a-z-]*)", doc, re.MULTILINE))
    if verbs and len(argv) > 1 and not argv[1].startswith("-") and argv[1] not in verbs:
        problem = unknown(argv[1], verbs, f"'rotom {argv[0]}' command")
        problem.hint = hint
        return problem
    lines = re.findall(rf"^\s+(rotom {re.escape(argv[0])}\b.*)$", doc, re.MULTILINE)
    usage = f": the usage is {' | '.join(line.strip() for line in lines)}" if lines else ""
    return wrong(f"the arguments do not fit{usage}", hint)
