"""What is wrong with a command line, in one sentence that names the word at fault and what would be right.

docopt only says that something did not match. Here the usage text is read once more, for the person: which options and
verbs there are, which words must come, and which options exclude each other.

What is not here: reading arguments (usage.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rotom.problem import Kind, Problem

_PIECE = re.compile(r"\[|\]|\||\.\.\.|<[\w-]+>|--?[\w-]+|[\w-]+")


@dataclass(frozen=True, slots=True)
class _Form:
    """One line of the usage.

    Fields:
      line: the line. verb: the word that it begins with, if it must.
      needed: the arguments that must come; most: how many may, None: any number.
      must: the options that must come; options: all in the line; any_option: it takes all that are explained below it.
      exclusive: options of which only one goes.
    """

    line: str
    verb: str | None
    needed: tuple[str, ...]
    most: int | None
    must: frozenset[str]
    options: frozenset[str]
    any_option: bool
    exclusive: tuple[tuple[str, ...], ...]


def wrong(message: str, hint: str) -> Problem:
    """The command line is not right; `hint` is the command that explains it."""
    return Problem(Kind.INVALID, message, code="usage", hint=hint)


def unknown(word: str, known: Iterable[str], what: str = "command", hint: str | None = None) -> Problem:
    """There is no such command, option or whatever it is; perhaps that one was meant."""
    from difflib import get_close_matches  # asked for seldom

    long = len(word.strip("-")) > 1
    near = (
        get_close_matches(
            word.lower(), [one for one in known if len(one.strip("-")) > 1], 1, 0.6 if what == "option" else 0.5
        )
        if long
        else []
    )
    return Problem(
        Kind.INVALID,
        f"there is no {what} {word[:100]!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        code="usage",
        hint="all commands: rotom --help" if what == "command" else hint,
    )


def no_command(word: str) -> Problem:
    """An option stands where the command belongs."""
    from difflib import get_close_matches

    near = get_close_matches(word, ("--help", "--version"), 1, 0.6)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return wrong(f"the command comes first, its options after it{meant}", "rotom --help")


def options(doc: str) -> tuple[str, ...]:
    """The long and short options that a usage text explains."""
    found = []
    for line in doc.splitlines():
        if re.match(r"\s+-", line):
            found += re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.split(r"\s{2,}", line.strip())[0])
    return tuple(dict.fromkeys([*found, "-h", "--help"]))


def complaint(doc: str, argv: Sequence[str], said: str) -> Problem:
    """What is wrong with these arguments, as well as can be told.

    Arguments:
      argv: the command's name and what follows it. said: docopt's own words.
    """
    hint = f"rotom {argv[0]} --help"
    known = options(doc)
    for word in _before_dashes(argv[1:]):
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if word.startswith("-") and word != "-" and not any(option.startswith(name) for option in known):
            return unknown(name, known, "option", hint)
    if match := re.match(r"(--?[\w-]+(?:, --?[\w-]+)*) (requires argument|must not have an argument)", said):
        needs = "needs a value" if match[2] == "requires argument" else "takes no value"
        return wrong(f"the option {match[1]} {needs}", hint)
    if match := re.match(r"([\w-]+ is not a unique prefix: .*)", said):
        return wrong(match[1], hint)
    forms = _forms(doc, argv[0])
    words, given = _sorted_out(doc, argv[1:])
    if twice := next((one for one in given if given.count(one) > 1), None):
        return wrong(f"the option {twice} is given twice", hint)
    return _misfit(forms, argv[0], words, given, hint) or wrong(f"the arguments do not fit{_usage(forms)}", hint)


def _misfit(forms: Sequence[_Form], name: str, words: list[str], given: list[str], hint: str) -> Problem | None:
    """What does not fit, with the words and options of a command line that are right by themselves."""
    verbs = {form.verb: None for form in forms if form.verb is not None}
    plain = [form for form in forms if form.verb is None]
    whole = f"rotom {name}"
    if words and words[0] in verbs:
        forms = [form for form in forms if form.verb == words[0]]
        whole, words = f"{whole} {words[0]}", words[1:]
    elif words and verbs and all(form.most == 0 for form in plain):
        return unknown(words[0], verbs, f"'rotom {name}' command", hint)
    elif not words and verbs and not plain:
        return wrong(f"say what to do: {', '.join(verbs)}", hint)
    else:
        forms = plain
    forms = [form for form in forms if form.must.issubset(given)] or forms
    fitting = [form for form in forms if form.any_option or form.options.issuperset(given)]
    if not fitting:
        strange = next((one for one in given if not any(one in form.options for form in forms)), None)
        return (
            None if strange is None else wrong(f"the option {strange} does not go with '{whole}'{_usage(forms)}", hint)
        )
    for group in [group for form in fitting for group in form.exclusive]:
        if len(both := [one for one in dict.fromkeys(given) if one in group]) > 1:
            return wrong(f"{both[0]} and {both[1]} exclude each other", hint)
    if len(fewest := min((form.needed for form in fitting), key=len)) > len(words):
        return wrong(f"{fewest[len(words)]} is missing{_usage(fitting)}", hint)
    most = [form.most for form in fitting]
    if None not in most and len(words) > (limit := max(one for one in most if one is not None)):
        return wrong(f"{words[limit][:100]!r} is one word too many{_usage(fitting)}", hint)
    return None


def _usage(forms: Sequence[_Form]) -> str:
    return f": the usage is {' | '.join(form.line for form in forms)}" if forms else ""


def _forms(doc: str, name: str) -> list[_Form]:
    """The lines of the usage of a command."""
    section = re.search(r"^Usage:\n((?:\s+\S.*\n)+)", doc, re.MULTILINE)
    lines = section[1].splitlines() if section else []
    return [_form(line.strip(), name) for line in lines if re.match(rf"rotom {re.escape(name)}\b", line.strip())]


def _form(line: str, name: str) -> _Form:
    depth, most, last = 0, 0, ""
    needed: list[str] = []
    found: list[str] = []
    must: list[str] = []
    verb, many = None, False
    for piece in _PIECE.findall(line.removeprefix(f"rotom {name}")):
        if piece == "[":
            depth += 1
        elif piece == "]":
            depth -= 1
        elif piece == "...":
            many = True
        elif piece.startswith("-"):
            found.append(piece)
            if depth == 0:
                must.append(piece)
        elif piece.startswith("<") or (piece.isupper() and not last.startswith("--")):
            most += 1
            if depth == 0:
                needed.append(piece)
        elif piece.islower() and depth == 0 and not needed:
            verb = piece
        last = piece
    groups = re.findall(r"\[([^\[\]]*\|[^\[\]]*)\]", line)
    return _Form(
        line=line,
        verb=verb,
        needed=tuple(needed),
        most=None if many else most,
        must=frozenset(must),
        options=frozenset(found) | {"-h", "--help"},
        any_option="[options]" in line,
        exclusive=tuple(tuple(re.findall(r"--[\w-]+", group)) for group in groups),
    )


def _before_dashes(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _sorted_out(doc: str, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments, and the options by their whole names; values of options are neither."""
    takes = set(re.findall(r"^\s+(?:-\w, )?(--[a-z][a-z-]*) [A-Z]", doc, re.MULTILINE))
    known = options(doc)
    arguments: list[str] = []
    given: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments += rest
        elif word.startswith("-") and word != "-":
            start, equals, _ = word.partition("=")
            option = start if start in known else next((one for one in known if one.startswith(start)), start)
            given.append(option)
            if option in takes and not equals:
                next(rest, None)
        else:
            arguments.append(word)
    return arguments, given
