"""Ask and Scenario: one question as a scenario sees it, and what a table of scenarios holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rotom.simulator.account import Quota
from rotom.simulator.brain_tools import Call, example_calls, tools_of
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import Play
from rotom.simulator.stream import Pen
from rotom.sse import Event, Json


@dataclass(slots=True)
class Ask:
    """One question, as a scenario sees it.

    Fields:
      body: the request; prompt: what the person last said in it.
      pen: writes the answer's events.
      account, quota: those of the Codex part; the scenarios that tell of them are played there only.
      since: what was done about the prompt already.
      options: ``name=value`` words behind the scenario's name.
      clock: unix time.
    """

    body: Json
    prompt: str
    pen: Pen
    account: Account
    quota: Quota
    clock: Callable[[], float]
    options: Mapping[str, str] = field(default_factory=dict)
    since: Sequence[Json] = ()

    def number(self, name: str, default: float) -> float:
        """An option that is a number."""
        try:
            return float(self.options[name])
        except (KeyError, ValueError):
            return default

    def example_calls(self, count: int) -> list[Call]:
        """Calls of tools that this client has."""
        return example_calls(tools_of(self.body), count)

    def complete(self) -> Event:
        """The good end, now."""
        return self.pen.completed(self.clock())


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its name, what it shows (a line for people), and its steps for a question."""

    name: str
    shows: str
    play: Callable[[Ask], Play]


Maker = Callable[[Ask], Play]


class Table(dict[str, Scenario]):
    """Scenarios by name. Called with a name and a line for people it enters the generator function below it."""

    def __call__(self, name: str, shows: str) -> Callable[[Maker], Maker]:
        """The decorator."""

        def enter(play: Maker) -> Maker:
            self[name] = Scenario(name, shows, play)
            return play

        return enter
