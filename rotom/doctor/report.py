"""How findings look: a heading for each group, one line with a mark for each finding, and below it what to do.

What is not here: the findings.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from rotom import __version__
from rotom.doctor.finding import Finding, Group, Verdict, tally
from rotom.sse import Json
from rotom.term import Terminal, clean

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.SKIP: "dim"}
MARKS = {Verdict.OK: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗", Verdict.SKIP: "–"}
PLAIN = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL", Verdict.SKIP: "-   "}
"""Marks for a terminal, and words for a pipe and where the marks cannot be written."""

NARROWEST = 24


class Report:
    """Findings on a terminal, or in a pipe."""

    def __init__(self, terminal: Terminal, marks: bool | None = None) -> None:
        self._terminal = terminal
        self._marks = terminal.tty and _writes(sys.stdout.encoding) if marks is None else marks
        self._first = True

    def group(self, group: Group) -> str:
        """A group as a paragraph."""
        lines = [] if self._first else [""]
        self._first = False
        lines.append(self.heading(group.title))
        return "\n".join([*lines, *map(self.finding, group.findings)])

    def heading(self, title: str) -> str:
        """The line above a group."""
        return self._terminal.paint("bold", title)

    def finding(self, one: Finding) -> str:
        """A finding: its line, and what to do about it."""
        mark = MARKS[one.verdict] if self._marks else PLAIN[one.verdict]
        style = STYLES[one.verdict]
        indent = " " * (len(mark) + 3)
        lines = self._wrapped(clean(one.sentence), indent)
        lines[0] = f"  {self._terminal.paint(style, mark)} {lines[0][len(indent) :]}"
        if one.advice:
            arrow = "→" if self._marks else "->"
            told = self._wrapped(clean(one.advice), indent + " " * (len(arrow) + 1))
            told[0] = indent + self._terminal.paint("cyan", arrow) + told[0][len(indent) + len(arrow) :]
            lines += told
        return "\n".join(lines)

    def _wrapped(self, text: str, indent: str) -> list[str]:
        """Lines that fit the terminal; in a pipe, one line."""
        if not self._terminal.tty:
            return [indent + text]
        columns = max(self._terminal.columns - 1, len(indent) + NARROWEST)
        return textwrap.wrap(
            text,
            columns,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [indent]

    def summary(self, groups: Sequence[Group]) -> str:
        """The last line."""
        counts = tally(groups)
        failed, warned = counts[Verdict.FAIL], counts[Verdict.WARN]
        if failed:
            style, text = (
                "red",
                f"{_count(failed, 'thing')} to mend" + (f", {_count(warned, 'warning')}" if warned else ""),
            )
        elif warned:
            style, text = "yellow", f"It works; {_count(warned, 'warning')}"
        else:
            style, text = "green", "All is well"
        return "\n" + self._terminal.paint(style, f"{text}.") + f" ({_count(counts[Verdict.OK], 'check')} right)"


def document(groups: Sequence[Group], status: int) -> Json:
    """The findings for programs."""
    return {
        "version": __version__,
        "status": status,
        "counts": {verdict.value: count for verdict, count in tally(groups).items()},
        "groups": [
            {
                "name": group.name,
                "title": group.title,
                "findings": [
                    {"check": one.check, "verdict": one.verdict.value, "sentence": one.sentence, "advice": one.advice}
                    for one in group.findings
                ],
            }
            for group in groups
        ],
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"


def _writes(encoding: str | None) -> bool:
    try:
        "".join(MARKS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
