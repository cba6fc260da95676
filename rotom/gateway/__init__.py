"""The gateway: who answers a turn, and the answer.

Theory of operation: `plan` decides which model of which login answers a turn, and with what it is asked (planning.py).
`run` asks, and yields an `Answer` that is iterated for lists of Responses events, one list for each network read
(asking.py). What both know of turns lives here and is made when the first turn comes, for many a gateway only renews
tokens all day: kept answers, counts of tokens, and which account a conversation goes with.

What is not here: one answer under way (answer.py), which account a conversation goes with (bonds.py), the state of the
logins (standing.py), images (images.py), HTTP and tokens (upstream/), what a provider's words mean (providers/), and
clients (routes/, dialects/).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import trio

from rotom.accounts import provider_of
from rotom.catalogue import Catalogue, Model
from rotom.config import Config
from rotom.places import AllPlaces
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Provider, Token, Window
from rotom.seldom import Seldom
from rotom.sse import Json
from rotom.upstream.client import Client
from rotom.upstream.flows import play
from rotom.upstream.keeper import REFUSED, Keeper
from rotom.upstream.models import ModelLists

if TYPE_CHECKING:
    from rotom import status
    from rotom.gateway import advice, asking, bonds, mending, planning
    from rotom.gateway.answer import Answer, Plan
    from rotom.gateway.bonds import Bonds
    from rotom.state import answers, counts
    from rotom.state.answers import Answers, Bounds
    from rotom.state.counts import Count, Counts
    from rotom.status import Trouble
    from rotom.turn import Turn
    from rotom.upstream.sockets import Sockets
else:
    advice = Seldom("rotom.gateway.advice")
    asking = Seldom("rotom.gateway.asking")
    bonds = Seldom("rotom.gateway.bonds")
    mending = Seldom("rotom.gateway.mending")
    planning = Seldom("rotom.gateway.planning")
    answers = Seldom("rotom.state.answers")
    counts = Seldom("rotom.state.counts")
    status = Seldom("rotom.status")

T = TypeVar("T")

TIDY_SECONDS = 600.0
"""How often kept answers are looked through for those whose time is over."""

PACE = frozenset({"requests", "tokens"})
"""Names of limits that count requests and tokens by the minute."""
CATALOGUES = 16
"""Catalogues that are kept: one for each set of logins that conversations go with."""

TROUBLES = frozenset(
    {
        *(Kind.UNAUTHENTICATED, Kind.BILLING, Kind.FORBIDDEN, Kind.RATE_LIMITED),
        *(Kind.INTERNAL, Kind.UPSTREAM, Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.OVERLOADED),
    }
)
"""Kinds of problems that say something of a login or its provider, and not of the question."""

Say = Callable[[str, str], None]
"""Is told what a person should know: (level, sentence)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider last said of an account's limits, and when (unix seconds); and what its token may not tell."""

    windows: tuple[Window, ...] = ()
    at: float = 0.0
    plan: str | None = None
    email: str | None = None


class Gateway:
    """Answers turns with the providers that are logged in.

    Arguments:
      providers: by name, those that this gateway may serve.
      lists: the live model lists; keeper: fresh tokens; client: the one HTTP client.
      say: is told what a person should know.
      nursery: where WebSockets to providers live; None: turns go by HTTP, whatever the settings say.

    Attributes:
      limits, troubles: by login, what its provider said of its limits, and what went wrong last.
      sockets: the WebSockets to providers, once there was one.
      warned: pairs of models, asked and served, with when a person was told of it.
    """

    def __init__(
        self,
        config: Config,
        providers: Mapping[str, Provider],
        keeper: Keeper,
        client: Client,
        lists: ModelLists,
        say: Say = lambda level, sentence: None,
        nursery: trio.Nursery | None = None,
    ) -> None:
        self.config = config
        self.providers = providers
        self.keeper = keeper
        self.client = client
        self.lists = lists
        self.limits: dict[str, Limits] = {}
        self.troubles: dict[str, Trouble] = {}
        self.places = AllPlaces(config.provider_concurrency)
        self.say = say
        self.nursery = nursery
        self.sockets: Sockets | None = None
        self.warned: dict[tuple[str, str], float] = {}
        self._catalogues: dict[tuple[str, ...], tuple[Config, list[tuple[Model, ...]], Catalogue]] = {}

    @cached_property
    def answers(self) -> Answers:
        """The answers that are kept."""
        return answers.Answers(self._bounds())

    @cached_property
    def counts(self) -> Counts:
        """What is known of token counts."""
        return counts.Counts()

    @cached_property
    def bonds(self) -> Bonds:
        """Which account a conversation goes with."""
        return bonds.Bonds()

    async def served(self) -> tuple[str, ...]:
        """The names of the providers that are logged in and not switched off, in their fixed order."""
        await self.keeper.logins()
        return tuple(name for name in self.providers if name in self.keeper.in_use)

    async def in_use(self) -> dict[str, str]:
        """Provider -> the login of it that is in use, of those that are served."""
        return {name: self.keeper.in_use[name] for name in await self.served()}

    async def catalogue(self, logins: Iterable[str] | None = None) -> Catalogue:
        """The models that can be asked now; with no login at all, those that could be.

        Arguments:
          logins: of whose accounts; None: of those in use.
        """
        names = tuple((await self.in_use()).values() if logins is None else logins) or tuple(self.providers)
        lists = [self.lists.models(name) for name in names]  # the very same tuples as long as nothing changed
        known, config = self._catalogues.get(names), self.config
        if known is None or known[0] is not config or [*map(id, known[1])] != [*map(id, lists)]:
            models = [model for models in lists for model in models]
            models += [
                model
                for name in names
                if (images := self.providers[provider_of(name)].images) is not None
                for model in images.models
            ]
            catalogue = Catalogue(models, config.model_fallback, config.model_aliases, config.model_small)
            if len(self._catalogues) >= CATALOGUES:
                self._catalogues.clear()
            self._catalogues[names] = known = (config, lists, catalogue)
        return known[2]

    def reload(self, config: Config) -> None:
        """Take another configuration for the turns to come, and look at the credentials again."""
        self.config = config
        if "answers" in vars(self):  # they are made with the first turn
            self.answers.bounds = self._bounds()
        self.places.resize(config.provider_concurrency)
        self.keeper.reload()

    def played(self, call: Callable[[Token], Flow]) -> Callable[[Token], Awaitable[Any]]:
        """A call of a provider that is a flow, as one that is awaited."""
        return lambda token: play(self.client, call(token))

    async def vendor_models(self, client_version: str) -> tuple[str, Json, str | None] | None:
        """A provider's name, with its list of models and the etag as it gives them to its own client of that version; None
        where no provider that is logged in has one.

        Raises:
          Problem: it could not be had.
        """
        for name, login in (await self.in_use()).items():
            if (listing := self.providers[name].vendor_models) is not None:
                _, found = await self.native(login, self.played(partial(listing, client_version)))
                value, etag = cast("tuple[Json, str | None]", found)
                return name, value, etag
        return None

    async def native(
        self, login: str, call: Callable[[Token], Awaitable[T]], token: Token | None = None, *, counts: bool = False
    ) -> tuple[Token, T]:
        """Make a native call of a provider for a login: what it gave, and the token that it took. One that the provider
        refuses is renewed, once.

        Arguments:
          token: a good one, where the caller has it already.
          counts: the account is charged for it, so another address of the provider may do when one refuses.

        Raises:
          Problem: what `call` raises; UNAUTHENTICATED when the login is over.
        """
        if token is None:
            with advice.advice(login):
                token = await self.keeper.token(login)
        provider = self.keeper.provider(login)
        origin = mending.origin_of(provider, token)
        try:
            return token, await call(token)
        except Problem as problem:
            if counts and mending.detoured(provider, problem, token, origin):
                return token, await call(token)
            if problem.code != "token_refused":
                raise advice.direct(problem, login)  # noqa: B904 - it is the same one
        with advice.advice(login):
            token = await self.keeper.renew(login, REFUSED, token)
        try:
            return token, await call(token)
        except Problem as problem:
            raise advice.final(problem, login) from problem

    async def plan(
        self, turn: Turn, answers: Answers | None = None, *, conversation: str | None = None, alone: bool = False
    ) -> Plan:
        """Who answers this turn, and all that it is asked: earlier answers and items it refers to are put in.

        Arguments:
          answers: where those are looked for; None: in the gateway's own.
          conversation: what ties turns without a session together: they stay with one account.
          alone: the turn is part of no conversation, whatever its session is good for.

        Raises:
          Problem: UNAUTHENTICATED without any login; NOT_FOUND for a model that nobody here has, or an item; INVALID for
            an earlier answer that is not there, or a turn that cannot be honoured whole, where `strict` is set.
        """
        return await planning.plan(self, turn, answers, conversation=conversation, alone=alone)

    async def remember(self, plan: Plan, response: Json, answers: Answers | None = None) -> None:
        """Keep the answer to a plan, so that another turn can go on from it. To be called before a client can know its
        end, for its next question may come at once. Nothing happens where the turn does not want to be kept.

        Arguments:
          response: the final Response object, as the client gets it.
          answers: where an answer goes that is not for everybody; None: nowhere.
        Cancellation: at any moment, and nothing was kept then.
        """
        await planning.remember(self, plan, response, answers)

    async def count(self, turn: Turn) -> Count:
        """How many input tokens a turn has, as well as that is known here; for a model that nobody has, too.

        Raises:
          Problem: it goes on from an answer, or refers to an item, that is not kept.
        """
        return await planning.count(self, turn)

    def run(self, plan: Plan, *, spare: bool = False, once: bool = False) -> AbstractAsyncContextManager[Answer]:
        """Ask, and yield the answer once it has content. Before that, wait for a place at the provider.

        Arguments:
          spare: nobody waits for this answer, so it takes a place only while people need none.
          once: the client repeats by itself, so a failed attempt is not repeated here as well.

        Raises:
          Problem: on entry when there is no answer, from iteration when it breaks, on exit when the provider fell silent.
        Resource handling: the provider's stream is closed when the block is left, however it is left.
        Cancellation: at any moment, and the provider's request ends with it.
        """
        return asking.run(self, plan, spare=spare, once=once)

    def trouble(self, login: str, problem: Problem) -> None:
        """Remember what went wrong with a login, if that says something of it."""
        if problem.kind in TROUBLES:
            self.troubles[login] = status.Trouble(time.time(), int(problem.kind), problem.code, problem.message)

    async def tidy(self) -> None:
        """Let go of answers whose time is over, for ever."""
        while True:
            await trio.sleep(TIDY_SECONDS)
            if "answers" in vars(self):
                self.answers.sweep()

    def _bounds(self) -> Bounds:
        return answers.Bounds(self.config.answers_bytes, self.config.answers_count, self.config.answers_age)


def not_logged_in() -> Problem:
    """There is no login to any provider."""
    return Problem(
        Kind.UNAUTHENTICATED,
        "rotom has no login to a provider yet: run 'rotom login' (no restart is needed)",
        code="not_logged_in",
        retry=False,
    )


def joined(known: Limits | None, windows: tuple[Window, ...]) -> Limits:
    """What the headers of an answer say, beside what they do not speak of: limits of pace (so many requests a minute) say
    nothing of a plan's."""
    known = known or Limits()  # asked for when somebody wants to see them
    if not all(window.limit in PACE for window in windows):
        return replace(known, windows=windows, at=time.time())
    said = {(window.minutes, window.limit) for window in windows}
    others = tuple(window for window in known.windows if (window.minutes, window.limit) not in said)
    return replace(known, windows=(*others, *windows))
