"""Findings: what a check says of one thing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rotom.exits import OK, UNAVAILABLE, status
from rotom.problem import Problem


class Verdict(StrEnum):
    """How it stands: right; it works but is no good; it does not work; not looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Fields:
      check: what was looked at, in words that stay: "python.version".
      sentence: how it stands. advice: what to do about it: a command, where there is one.
      status: the exit status that a failure means.
    """

    check: str
    verdict: Verdict
    sentence: str
    advice: str | None = None
    status: int = UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one subject."""

    name: str
    title: str
    findings: tuple[Finding, ...]


def ok(check: str, sentence: str) -> Finding:
    """It is right."""
    return Finding(check, Verdict.OK, sentence)


def warn(check: str, sentence: str, advice: str) -> Finding:
    """It works, and somebody should do something."""
    return Finding(check, Verdict.WARN, sentence, advice)


def fail(check: str, sentence: str, advice: str | None, status: int = UNAVAILABLE) -> Finding:
    """It does not work."""
    return Finding(check, Verdict.FAIL, sentence, advice, status)


def skip(check: str, sentence: str, advice: str | None = None) -> Finding:
    """It was not looked at, or there is nothing to look at."""
    return Finding(check, Verdict.SKIP, sentence, advice)


def trouble(check: str, problem: Problem) -> Finding:
    """A problem as a failure."""
    return fail(check, problem.message, problem.hint, status(problem))


def exit_status(groups: Iterable[Group]) -> int:
    """That of the first failure in the order of the report; success without one."""
    failed = (one for group in groups for one in group.findings if one.verdict is Verdict.FAIL)
    first = next(failed, None)
    return OK if first is None else first.status


def tally(groups: Iterable[Group]) -> dict[Verdict, int]:
    """How often each verdict was given."""
    counts = dict.fromkeys(Verdict, 0)
    for group in groups:
        for one in group.findings:
            counts[one.verdict] += 1
    return counts
