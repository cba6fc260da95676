"""look: the checks of an examination, side by side, each with a deadline; groups come out in their order as they are done.

Theory of operation: every check is a task. A group is shown when it and all before it are done, so that the report
grows from the top. A check that takes too long says so, and one that has a bug is told as one: the others go on.
Plain functions run in threads, which are left behind when their time is over.

What is not here: the checks.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import trio

from rotom.doctor import clients, folder, logins, models, network, port, python, service, settings, turns
from rotom.doctor.finding import Finding, Group, fail, trouble
from rotom.doctor.masks import Masks
from rotom.doctor.tools import Tools
from rotom.exits import INTERNAL
from rotom.plain import helpers, leaves
from rotom.problem import Problem

Check = Callable[[], Awaitable[Sequence[Finding]]]

SECONDS = 30.0
"""For a check of its own; what it waits for has shorter limits."""
TURN_SECONDS = 100.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A group of checks that is to be done. title: its heading."""

    name: str
    title: str
    check: Check
    seconds: float = SECONDS


def subjects(tools: Tools) -> list[Subject]:
    """What is looked at, in the order of the report, but for what costs something."""
    case = tools.case

    def threaded(call: Callable[[], Sequence[Finding]]) -> Check:
        return partial(trio.to_thread.run_sync, call, abandon_on_cancel=True)

    return [
        Subject("python", "Python and rotom", threaded(partial(python.check, case))),
        Subject("files", "Files", threaded(partial(folder.check, case))),
        Subject("settings", "Settings", threaded(partial(settings.check, case))),
        Subject("logins", "Logins", partial(logins.check, tools)),
        Subject("network", "Network", partial(network.check, tools)),
        Subject("models", "Models", partial(models.check, tools)),
        Subject("port", "Server", partial(port.check, tools)),
        Subject("service", "Service", threaded(partial(service.check, case))),
        Subject(
            "clients",
            "Clients",
            threaded(partial(clients.check, case, tools.running, models.catalogue_of(tools))),
        ),
    ]


def questions(tools: Tools) -> Subject:
    """What costs a little."""
    return Subject("turns", "A real question", partial(turns.check, tools), TURN_SECONDS)


async def examine(wanted: Sequence[Subject], masks: Masks, show: Callable[[Group], None]) -> list[Group]:
    """The groups, in order. `show` is given each as soon as it and all before it are there."""
    done = {subject.name: trio.Event() for subject in wanted}
    found: dict[str, Sequence[Finding]] = {}
    groups = []

    async def run(subject: Subject) -> None:
        found[subject.name] = await _found(subject)
        done[subject.name].set()

    async with helpers() as nursery:
        for subject in wanted:
            nursery.start_soon(run, subject)
        for subject in wanted:
            await done[subject.name].wait()
            if findings := tuple(_masked(one, masks) for one in found[subject.name]):
                groups.append(Group(subject.name, subject.title, findings))
                show(groups[-1])
    return groups


async def _found(subject: Subject) -> Sequence[Finding]:
    try:
        with trio.move_on_after(subject.seconds):
            return await subject.check()
    except (Exception, BaseExceptionGroup) as exc:
        real = [leaf for leaf in leaves(exc) if not isinstance(leaf, trio.Cancelled)]
        if not real or not all(isinstance(leaf, Exception) for leaf in real) or os.environ.get("ROTOM_DEBUG"):
            raise
        if isinstance(real[0], Problem):
            return [trouble(subject.name, real[0])]
        return [_bug(subject.name, real[0])]
    return [fail(subject.name, f"this could not be found out within {subject.seconds:g} seconds", "try again")]


def _bug(check: str, exc: BaseException) -> Finding:
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "an unknown place"
    sentence = f"the check itself failed: {type(exc).__name__} at {place}"
    return fail(check, sentence, "this is a bug; ROTOM_DEBUG=1 shows the details for a report", INTERNAL)


def _masked(finding: Finding, masks: Masks) -> Finding:
    advice = None if finding.advice is None else masks(finding.advice)
    return replace(finding, check=masks(finding.check), sentence=masks(finding.sentence), advice=advice)
