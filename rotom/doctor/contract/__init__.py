"""The contract: what rotom assumes of a provider without having seen it, written down so that it can be tried.

  seen       one answer of a provider, read
  openai, chatgpt, grok
             the tables: requests, and what is expected of their answers
  play       the requests sent, the answers judged
  command    `rotom doctor --contract`

Theory of operation: a table has *requests*, which are made from the one that rotom sends for a tiny question, and
*expectations*, each about the answer to one of them: several can be judged by one answer, so that few are needed. Most
requests break a rule on purpose and cost nothing when the provider keeps it. A judgement says "as assumed", "different",
with how, or "could not be told". Of an answer only numbers, codes and names of fields are ever shown.

The simulator plays by the same assumptions: a test holds every table against it, so none of the two can move alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rotom.catalogue import Model
from rotom.config import Config
from rotom.doctor.contract.seen import Seen
from rotom.providers import Outgoing, Provider, Token
from rotom.sse import Json, dumps, loads
from rotom.turn import Turn, input_text, message

INSTRUCTIONS = "You are a friendly parrot. You answer with one word."
QUESTION = "Reply with the one word: pong"


class Judgement(StrEnum):
    """How an answer compares with what was expected."""

    AS_ASSUMED = "as assumed"
    DIFFERENT = "different"
    UNKNOWN = "could not be told"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement, and how it is different or why it could not be told."""

    judgement: Judgement
    how: str = ""


AS_ASSUMED = Judged(Judgement.AS_ASSUMED)


def different(how: str) -> Judged:
    """The provider does something else."""
    return Judged(Judgement.DIFFERENT, how)


def unknown(why: str) -> Judged:
    """Nothing was learned."""
    return Judged(Judgement.UNKNOWN, why)


@dataclass(frozen=True, slots=True, repr=False)
class Base:
    """What requests are made from.

    Fields:
      model: the one that is asked. models: all of the live list.
      turn: the tiny question.
    """

    config: Config
    provider: Provider
    token: Token
    model: Model
    models: tuple[Model, ...]
    turn: Turn

    def question(self, of: Model | None = None, **changes: Any) -> Outgoing:
        """The request for the question to a model, as rotom makes it, with these fields of its body set to something; None:
        left out. What a dresser would mend or leave out gets there all the same."""
        outgoing = self.provider.dress(self.turn, of or self.model, self.token)
        body = {**loads(outgoing.body), **changes}
        return replace(outgoing, body=dumps({name: value for name, value in body.items() if value is not None}))

    def items(self, *more: Json) -> list[Json]:
        """The question's input, and these items behind it."""
        return [message("user", [input_text(QUESTION)]), *more]

    def first(self, test: Callable[[Model], bool] = lambda _model: True) -> Model | None:
        """The first model of the list that is one of those."""
        listed = sorted((one for one in self.models if not one.hidden), key=lambda one: one.priority)
        return next(filter(test, listed), None)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a table.

    Fields:
      make: what is sent; None: it makes no sense for this account, and why is said by `without`.
      answered: a model answers it when all is as assumed, so it costs.
      frame: makes the message of a WebSocket, which `make` then opens.
    """

    name: str
    make: Callable[[Base], Outgoing | None]
    answered: bool = False
    frame: Callable[[Base], Json] | None = None
    without: str = "the list of models has none to try it with"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line: what is assumed, and how the answer to the request of that name is judged."""

    name: str
    assumed: str
    request: str
    judge: Callable[[Seen, Base], Judged]


@dataclass(frozen=True, slots=True)
class Table:
    """The contract with one provider. whom: who is asked, for the question to the person."""

    provider: str
    whom: str
    requests: tuple[Request, ...]
    expectations: tuple[Expectation, ...]

    def costly(self) -> int:
        """How many of the requests a model answers."""
        return sum(request.answered for request in self.requests)


def base_turn() -> Turn:
    """The tiny question."""
    body: Json = {
        "model": "",
        "instructions": INSTRUCTIONS,
        "input": [message("user", [input_text(QUESTION)])],
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low"},
    }
    return Turn(body, asked="", stream=True, session="rotom-doctor")


def with_headers(outgoing: Outgoing, **changes: str | None) -> Outgoing:
    """The same with other headers; an underscore stands for a dash, None leaves one out."""
    named: Mapping[str, str | None] = {name.replace("_", "-"): value for name, value in changes.items()}
    kept = [(name, value) for name, value in outgoing.headers if name.lower() not in named]
    return replace(outgoing, headers=(*kept, *((name, value) for name, value in named.items() if value is not None)))
