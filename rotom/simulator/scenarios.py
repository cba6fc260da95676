"""Scenarios: what the simulated backend can do to a question, by name.

A test queues them (`Simulator.script`); a person writes ``demo:NAME`` in a prompt, with options behind it as in
``demo:long rate=5 count=40``, or asks for the model ``demo-NAME``. ``demo:NAME_once`` plays the scenario when the prompt is
seen for the first time and answers properly from then on. Each scenario is a generator of steps (play.py) that is made
afresh for each question. Without a name the demo's brain answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rotom.simulator import images, scenarios_answers, scenarios_refusals, scenarios_troubles
from rotom.simulator.play import Play
from rotom.simulator.scenarios_ask import Ask, Scenario, Table

scenario = Table()


@scenario("list", "this list")
def _list(ask: Ask) -> Play:
    yield from _tell_list(ask, "")


def _tell_list(ask: Ask, first: str) -> Play:
    yield from ask.pen.opening()
    text = f"{first}These are the scenarios:\n\n```\n{listing()}\n```"
    yield from ask.pen.text(text, deltas=text.splitlines(keepends=True))
    yield ask.complete()


SCENARIOS: Final = {
    **scenario,
    **scenarios_answers.scenario,
    **scenarios_troubles.scenario,
    **scenarios_refusals.scenario,
}


def find(text: str) -> tuple[str, dict[str, str]] | None:
    """The scenario that a text asks for and its options; a name that is not in the table as well."""
    match = re.search(r"(?<![\w/])demo:([a-z][a-z0-9_-]*)((?:\s+[a-z_]+=[^\s,;]+)*)", text)
    if not match:
        return None
    return match[1].replace("-", "_"), dict(word.split("=", 1) for word in match[2].split())


def play(name: str, ask: Ask, table: Mapping[str, Scenario] = SCENARIOS) -> Play:
    """The steps of the scenario of this name."""
    if name in table:
        return table[name].play(ask)
    return _tell_list(ask, f"There is no scenario “{name}”. ")


def listing() -> str:
    """The table for people."""
    return (
        "Write one of these in a prompt (options behind it: demo:long rate=5), or ask for the model demo-NAME.\n"
        "demo:NAME_once plays it for the first request with a prompt only. Without any, the demonstration answers.\n\n"
        + lines_of(SCENARIOS)
        + "\n\nIn the prompt for an image, beside those that refuse:\n\n"
        + lines_of(images.scenario)
    )


def lines_of(table: Mapping[str, Scenario]) -> str:
    """A table of scenarios, a line each."""
    width = max(map(len, SCENARIOS)) + 5
    return "\n".join(f"  {'demo:' + s.name:<{width}}  {s.shows}" for s in table.values())
