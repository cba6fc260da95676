"""``rotom doctor --contract``: asks for consent, plays the tables of the providers that are logged in, shows each line.

What is not here: the lines (play.py).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rotom import __version__
from rotom.doctor.case import Case
from rotom.doctor.contract import Judgement
from rotom.doctor.contract.play import TABLES, Line, costs, play
from rotom.doctor.finding import Finding, Verdict
from rotom.doctor.masks import Masks
from rotom.doctor.report import Report
from rotom.doctor.tools import not_made, tools
from rotom.exits import OK, PERMISSION, PROTOCOL, UNAVAILABLE
from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.term import Terminal

if TYPE_CHECKING:
    from rotom.cli.doctor import Answers

VERDICTS = {
    Judgement.AS_ASSUMED: Verdict.OK,
    Judgement.DIFFERENT: Verdict.FAIL,
    Judgement.UNKNOWN: Verdict.SKIP,
}


async def contract(case: Case, masks: Masks, answers: Answers) -> int:
    """Ask, play, show; the exit status."""
    from rotom.cli.doctor import print_json

    report = Report(Terminal(sys.stdout))
    found: dict[str, list[Line]] = {}
    async with tools(case) as ours:
        wanted = [provider for provider in ours.logins() if provider in TABLES]
        if not wanted:
            problem = not_made(ours, "no login is of a provider that rotom assumes anything of")
            print(f"rotom: nothing to ask: {masks(problem.message)}", file=sys.stderr)
            print(f"       {masks(problem.hint or 'rotom login')}", file=sys.stderr)
            return PERMISSION
        if not answers.can_ask():
            message = "the providers are sent some requests that cost a little, and nobody can be asked here"
            raise Problem(Kind.INVALID, message, code="usage", hint="rotom doctor --contract --yes")
        what = "\n".join(f"  {costs(TABLES[provider])}" for provider in wanted)
        question = f"This sends\n{what}.\nThose cost some hundred tokens each, the others nothing. Go on?"
        if not await answers.consents(question):
            print("rotom: nothing was asked", file=sys.stderr)
            return OK
        for number, provider in enumerate(wanted):

            def show(line: Line) -> None:
                if not answers.json:
                    print(report.finding(_finding(line, masks)), flush=True)

            if not answers.json:
                print(report.heading(("\n" if number else "") + f"What rotom assumes of {TABLES[provider].whom}"))
            try:
                found[provider] = await play(ours, provider, show)
            except Problem as problem:
                print(f"rotom: {provider}: {masks(problem.message)}", file=sys.stderr)
                found[provider] = []
    lines = [line for some in found.values() for line in some]
    status = _status(lines)
    if answers.json:
        print_json(document(found, status, masks))
    else:
        print(f"\n{_summary(lines)}")
    return status


def _status(lines: Sequence[Line]) -> int:
    kinds = {line.judged.judgement for line in lines}
    if Judgement.DIFFERENT in kinds:
        return PROTOCOL
    return OK if Judgement.AS_ASSUMED in kinds else UNAVAILABLE


def _finding(line: Line, masks: Masks) -> Finding:
    how = f", {line.judged.how}" if line.judged.how else ""
    sentence = f"{line.expectation.assumed}: {line.judged.judgement}{how}"
    return Finding(line.expectation.name, VERDICTS[line.judged.judgement], masks(sentence))


def document(found: dict[str, list[Line]], status: int, masks: Masks) -> Json:
    """The lines for programs."""
    return {
        "version": __version__,
        "status": status,
        "providers": [
            {
                "provider": provider,
                "lines": [
                    {
                        "name": line.expectation.name,
                        "assumed": line.expectation.assumed,
                        "request": line.expectation.request,
                        "judgement": str(line.judged.judgement),
                        "how": masks(line.judged.how),
                    }
                    for line in lines
                ],
            }
            for provider, lines in found.items()
        ],
    }


def _summary(lines: Sequence[Line]) -> str:
    counts = {judgement: sum(line.judged.judgement is judgement for line in lines) for judgement in Judgement}
    words = [f"{count} {judgement}" for judgement, count in counts.items() if count]
    return ", ".join(words) + "." if words else "Nothing could be told."
