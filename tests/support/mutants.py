"""Mutants of the simulator: it does something else than it is assumed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rotom.simulator import scenarios
from rotom.simulator.play import Play, Reply
from rotom.simulator.scenarios_ask import Ask, Scenario
from rotom.sse import Event, Json, dumps

Change = Callable[[Json], Json | None]


def answering(change: Change, *, then: bytes = b"", table: dict[str, Scenario] | None = None) -> Callable[[Ask], Play]:
    """A script: the usual answer, each event of it changed; None: left out. then: bytes behind it."""

    def script(ask: Ask) -> Play:
        for step in scenarios.play("answer", ask, scenarios.SCENARIOS if table is None else table):
            if not isinstance(step, list | Event):
                yield step
                continue
            events = step if isinstance(step, list) else [step]
            changed = [(event, change(dict(event.data))) for event in events]
            if kept := [Event(event.type, data=data) for event, data in changed if data is not None]:
                yield kept
        if then:
            yield then

    return script


def terminal(**fields: Any) -> Change:
    """The response of the terminal event with other fields; None: without them."""

    def change(data: Json) -> Json:
        if data["type"] == "response.completed":
            response = {**data["response"], **fields}
            data["response"] = {name: value for name, value in response.items() if value is not None}
        return data

    return change


def without(*kinds: str) -> Change:
    """Without events of these types."""
    return lambda data: None if data["type"] in kinds else data


def items(kind: str, **fields: Any) -> Change:
    """Items of a type with other fields; None: without them."""

    def change(data: Json) -> Json:
        item = data.get("item")
        if isinstance(item, dict) and item.get("type") == kind:
            data["item"] = {name: value for name, value in {**item, **fields}.items() if value is not None}
        return data

    return change


def unnumbered(data: Json) -> Json:
    """Events without their number."""
    return {name: value for name, value in data.items() if name != "sequence_number"}


def same(data: Json) -> Json:
    """Events as they are."""
    return data


def reply(status: int, value: Any = None) -> Reply:
    """A whole answer."""
    return Reply(status, dumps({} if value is None else value), (("content-type", "application/json"),))
