"""Find out what is wrong: look at everything that rotom needs, and say of each thing that it is right or what to do.

Usage:
  rotom doctor [options]
  rotom doctor --contract [options]

Options:
  --yes             do not ask before something costs a little of a limit
  --json            print JSON
  --provider NAME   this provider only
  --contract        hold what rotom assumes of the providers against the providers
  --auth-file FILE  the credentials file
  -h, --help        show this text

Nothing is changed, neither here nor in the files of other programs; a token that is about to end is renewed on the way. The
last check asks each provider one tiny question, through the whole of rotom; it is asked for first, and left out where
nobody can be asked. What is printed may be pasted into an issue: mail addresses, tokens, keys, ids, the names of the person
and of proxies are left out.

'--contract' sends each provider some tiny requests, most of which it should refuse, and compares.

The exit status is 0 when nothing failed, else that of the first failure: 77 for logins and modes, 78 for settings, 69 for
what is not available; 76 when a provider does not do what rotom assumes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rotom.cli import usage
from rotom.cli.logins import ask_secret, named
from rotom.problem import Problem
from rotom.sse import Json

if TYPE_CHECKING:
    from rotom.doctor.case import Case
    from rotom.doctor.masks import Masks


def run(argv: list[str]) -> int:
    """Look, and show."""
    import trio

    from rotom.doctor.case import masks_of, read_case
    from rotom.providers.registry import all_providers

    given = usage.parse(__doc__ or "", argv)
    flags = {name: given[name] for name in ("--auth-file", "--provider") if given[name] is not None}
    case = read_case(flags, os.environ, ask_secret if sys.stdin.isatty() else None)
    try:
        providers = list(all_providers(case.config).values())
    except Problem:
        providers = []  # that is told with the settings
    if given["--provider"] is not None and providers:
        named(providers, given["--provider"])
    masks = masks_of(case)
    if given["--contract"]:
        from rotom.doctor.contract.command import contract

        return trio.run(contract, case, masks, Answers(given), strict_exception_groups=True)
    return trio.run(_examine, case, masks, Answers(given), strict_exception_groups=True)


class Answers:
    """What the person wants, and whether they consent."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.json = bool(given["--json"])
        self._yes = bool(given["--yes"])

    def can_ask(self) -> bool:
        """Whether somebody has consented or can be asked."""
        return self._yes or (sys.stdin.isatty() and sys.stderr.isatty() and not self.json)

    async def consents(self, question: str) -> bool:
        """Whether to go on; Enter is no."""
        import trio

        if self._yes:
            return True
        if not self.can_ask():
            return False
        sys.stdout.flush()
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        try:
            answer = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        except ValueError:
            return False
        if not answer.endswith("\n"):
            print(file=sys.stderr)
        return answer.strip().lower() in ("y", "yes")


async def _examine(case: Case, masks: Masks, answers: Answers) -> int:
    from rotom.doctor import look
    from rotom.doctor.finding import Group, exit_status, skip
    from rotom.doctor.report import Report, document
    from rotom.doctor.tools import tools
    from rotom.term import Terminal

    report = Report(Terminal(sys.stdout))

    def show(group: Group) -> None:
        if not answers.json:
            print(report.group(group), flush=True)

    async with tools(case) as ours:
        groups = await look.examine(look.subjects(ours), masks, show)
        if logins := ours.logins():
            question = f"Ask {_listed(list(logins))} one tiny question each? It costs a little of the limit."
            if await answers.consents(question):
                groups += await look.examine([look.questions(ours)], masks, show)
            else:
                left = skip("turns", "no provider was asked a real question", "to ask one: rotom doctor --yes")
                groups.append(Group("turns", "A real question", (left,)))
                show(groups[-1])
    status = exit_status(groups)
    if answers.json:
        print_json(document(groups, status))
    else:
        print(report.summary(groups))
    return status


def print_json(value: Json) -> None:
    """A document, for programs."""
    print(json.dumps(value, indent=2))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
