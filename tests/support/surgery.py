"""A doctor's case and tools, of a house (tests/conftest.py), and how findings and lines are looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from rotom.doctor.case import read_case
from rotom.doctor.contract import Judged, Judgement, Table
from rotom.doctor.contract.play import Line, play
from rotom.doctor.finding import Finding
from rotom.doctor.tools import Tools, tools


def environment_of(house: Any, **more: str) -> dict[str, str]:
    """The environment that a command beside this house would have."""
    home = house.config.home
    return {"ROTOM_HOME": str(home), "HOME": str(home.parent), "PATH": "", **house.simulator.environment(), **more}


@asynccontextmanager
async def kit(house: Any, **more: str) -> AsyncIterator[Tools]:
    """The tools for a house."""
    async with tools(read_case({}, environment_of(house, **more))) as found:
        yield found


def one(findings: Iterable[Finding], check: str) -> Finding:
    """The only finding of that check."""
    (found,) = [found for found in findings if found.check == check]
    return found


async def played(tools: Tools, table: Table, only: str | None = None) -> dict[str, Judged]:
    """Line -> its judgement, of a table or of one of its requests. `tools` are those for its provider."""
    lines: list[Line] = []
    assert await play(tools, table.provider, lines.append, only) == lines
    return {line.expectation.name: line.judged for line in lines}


def held(table: Table, judged: Mapping[str, Judged]) -> None:
    """Every line of the table is as assumed, and all of them are there, in the order of the requests."""
    assert {name: found for name, found in judged.items() if found.judgement is not Judgement.AS_ASSUMED} == {}
    wanted = [line.name for request in table.requests for line in table.expectations if line.request == request.name]
    assert list(judged) == wanted


async def seen_by(tools: Tools, table: Table, name: str) -> None:
    """A line sees that the provider does something else, and says nothing of its words."""
    request = next(line.request for line in table.expectations if line.name == name)
    found = (await played(tools, table, request))[name]
    assert found.judgement is Judgement.DIFFERENT
    assert found.how
    assert "Planted" not in found.how


def verdicts(findings: Iterable[Finding]) -> dict[str, str]:
    """check -> verdict, for short comparisons."""
    return {one.check: one.verdict.value for one in findings}
