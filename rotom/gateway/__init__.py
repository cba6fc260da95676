"""The gateway: plan a turn, run it, and see to it that a dead attempt is never noticed.

Theory of operation. `plan` decides which model of which provider answers a turn. `run` asks that provider and yields an
`Answer`, which is iterated for lists of Responses events, one list for each network read. Before anything is yielded,
events are held back until one of them carries content: an attempt that dies before that (an overload told inside a 200,
a lost connection, a token that just expired) leaves no trace and may be repeated. From then on every event passes as it
comes, and whatever goes wrong is raised to the caller, once the events before it were handed over.

Two limits of time stand over a provider: for the first byte, and for silence between two reads.

What is not here: one answer under way (answer.py), which account a conversation goes with (bonds.py), the state of the
logins (standing.py), images (images.py), HTTP and tokens (upstream/), what a provider's words mean (providers/), and
clients (routes/, dialects/).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import trio

from rotom import upstream
from rotom.accounts import provider_of
from rotom.catalogue import Catalogue, Model
from rotom.config import Config
from rotom.gateway.advice import advice, direct, final, moved
from rotom.gateway.answer import Answer, Plan
from rotom.gateway.bonds import Bonds, Seat, seat
from rotom.gateway.memory import conversation as conversation_of
from rotom.gateway.memory import drafted, may_go, recall, whole
from rotom.gateway.mending import MENDED, detoured, origin_of, without_reasoning
from rotom.places import AllPlaces
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Provider, Token, Window
from rotom.receipt import Receipt, safe
from rotom.sse import Json
from rotom.state.answers import Answers, Bounds, Kept
from rotom.state.counts import Count, Counts, Look
from rotom.status import Trouble
from rotom.turn import Turn
from rotom.upstream.client import Client
from rotom.upstream.flows import play
from rotom.upstream.keeper import REFUSED, Keeper
from rotom.upstream.logins import Login
from rotom.upstream.models import ModelLists
from rotom.upstream.retry import delay

if TYPE_CHECKING:
    from rotom.upstream.sockets import Sockets

T = TypeVar("T")

OVERFLOW = frozenset({"context_length_exceeded", "context_too_large"})

QUICK = 16_000
"""Characters whose tokens are estimated while a client waits for its answer: 0.5 ms at most."""
MANY = 20_000
"""Items and parts beyond which a conversation is looked at in a thread; it takes some microseconds for each."""
LONG = 256_000
"""Characters beyond which an estimate is made in a thread: other answers would stutter."""

WARN_SECONDS = 3600.0
"""How long a warning that another model answered than was asked is good for."""

MOST_WARNED = 100
"""Pairs of models that are remembered for that."""

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
        self.counts = Counts()
        self.answers = Answers(_bounds(config))
        self.places = AllPlaces(config.provider_concurrency)
        self.bonds = Bonds()
        self._say = say
        self._nursery = nursery
        self._sockets: Sockets | None = None
        self._catalogues: dict[tuple[str, ...], tuple[Config, list[tuple[Model, ...]], Catalogue]] = {}
        self._warned: dict[tuple[str, str], float] = {}

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
        self.answers.bounds = _bounds(config)
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
            with advice(login):
                token = await self.keeper.token(login)
        provider = self.keeper.provider(login)
        origin = origin_of(provider, token)
        try:
            return token, await call(token)
        except Problem as problem:
            if counts and detoured(provider, problem, token, origin):
                return token, await call(token)
            if problem.code != "token_refused":
                raise direct(problem, login)  # noqa: B904 - it is the same one
        with advice(login):
            token = await self.keeper.renew(login, REFUSED, token)
        try:
            return token, await call(token)
        except Problem as problem:
            raise final(problem, login) from problem

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
        if not (logins := await self.keeper.logins()):
            raise not_logged_in()
        parent, own = recall(turn, self.answers if answers is None else answers)
        conversation = None if alone else turn.session or conversation
        seats = self._seats(logins, conversation, parent, own)
        found = (await self.catalogue(seat.login for seat in seats.values())).find(turn.asked)
        model = found.model
        if model.draws:
            raise Problem(
                Kind.INVALID,
                f"{model.id} makes images and answers no questions: POST /v1/images/generations or /v1/images/edits",
                code="model_not_supported",
                param="model",
                retry=False,
            )
        provider = self.providers[model.provider]
        seat = seats[provider.name]
        earlier = await conversation_of(parent)
        whole((*earlier, *own), provider.name, seat.owner, self.bonds.maker)
        own, earlier = (
            [item for item in items if may_go(item, provider.name, model.id, seat.owner)] for items in (own, earlier)
        )
        readable = self.bonds.tie(provider.name, conversation, seat, own)
        if readable is not None:
            own, earlier = ([item for item in items if readable(item)] for items in (own, earlier))
        if seat.lost:
            self._say("info", moved(provider.name, seat.login))
        items = [*earlier, *own]
        extra: dict[str, Any] = {**turn.extra, "provider": provider.name, "model": model.id, "context": model.context}
        mapped = [] if found.exact else [(turn.asked, model.id)]
        body: Json = {"model": model.id, "input": items}
        if found.effort is not None:
            reasoning = turn.body.get("reasoning")
            reasoning = reasoning if isinstance(reasoning, dict) else {}
            if reasoning.get("effort") not in (None, found.effort):
                mapped.append((f"effort:{reasoning['effort']}", found.effort))
            body["reasoning"] = {**reasoning, "effort": found.effort}
        planned = turn.with_body(**body)
        receipt = Receipt(turn.dropped, (*mapped, *turn.mapped)) + provider.receipt(planned, model)
        if self.config.strict and (problem := receipt.problem()) is not None:
            raise problem
        look = await self._look(model.id, planned.body)
        if look.size <= QUICK:
            extra["input_tokens"] = self.counts.count(look).tokens
        return Plan(
            replace(planned, extra=extra),
            model,
            provider,
            look,
            receipt,
            parent=parent,
            own=tuple(own),
            login=seat.login,
            account=seat.owner,
        )

    def _seats(
        self, logins: Mapping[str, Login], conversation: str | None, parent: Kept | None, own: Sequence[Any]
    ) -> dict[str, Seat]:
        """Provider -> the login that a conversation goes with there."""
        seats = {}
        for name in self.providers:
            if (used := self.keeper.in_use.get(name)) is None:
                continue
            began = parent.account if parent is not None and parent.provider == name else None
            began = began or self.bonds.began(name, conversation, own)
            seats[name] = seat(name, logins, used, began, name in self.keeper.moved)
        return seats

    async def remember(self, plan: Plan, response: Json, answers: Answers | None = None) -> None:
        """Keep the answer to a plan, so that another turn can go on from it. To be called before a client can know its
        end, for its next question may come at once. Nothing happens where the turn does not want to be kept.

        Arguments:
          response: the final Response object, as the client gets it.
          answers: where an answer goes that is not for everybody; None: nowhere.
        Cancellation: at any moment, and nothing was kept then.
        """
        store = self.answers if plan.turn.keep else answers
        if store is not None and response.get("status") in ("completed", "incomplete"):
            store.keep(await drafted(response, plan.own), plan.parent, plan.provider.name, plan.account)

    async def tidy(self) -> None:
        """Let go of answers whose time is over, for ever."""
        while True:
            await trio.sleep(TIDY_SECONDS)
            self.answers.sweep()

    async def count(self, turn: Turn) -> Count:
        """How many input tokens a turn has, as well as that is known here; for a model that nobody has, too.

        Raises:
          Problem: it goes on from an answer, or refers to an item, that is not kept.
        """
        parent, own = recall(turn, self.answers)
        turn = turn.with_body(input=[*await conversation_of(parent), *own])
        try:
            name = (await self.catalogue()).resolve(turn.asked).id
        except Problem:
            name = turn.asked
        return await self._count(await self._look(name, turn.body))

    async def _look(self, model: str, body: Json) -> Look:
        parts = sum(len(part) for item in body["input"] if isinstance(part := item.get("content"), list))
        if len(body["input"]) + parts > MANY:
            return await trio.to_thread.run_sync(self.counts.look, model, body)
        return self.counts.look(model, body)

    async def _count(self, look: Look) -> Count:
        if look.size > LONG:
            await trio.to_thread.run_sync(look.weigh)
        return self.counts.count(look)

    @asynccontextmanager
    async def run(self, plan: Plan, *, spare: bool = False, once: bool = False) -> AsyncIterator[Answer]:
        """Ask, and yield the answer once it has content. Before that, wait for a place at the provider.

        Arguments:
          spare: nobody waits for this answer, so it takes a place only while people need none.
          once: the client repeats by itself, so a failed attempt is not repeated here as well.

        Raises:
          Problem: on entry when there is no answer, from iteration when it breaks, on exit when the provider fell silent.
        Resource handling: the provider's stream is closed when the block is left, however it is left.
        Cancellation: at any moment, and the provider's request ends with it.
        """
        try:
            with trio.CancelScope() as silence:
                async with self.places[plan.login].taken(spare=spare), AsyncExitStack() as stack:
                    answer = await self._first_content(plan, silence, stack, once)
                    self._compare(answer)
                    try:
                        yield answer
                    finally:
                        self.bonds.learn(plan.provider.name, plan.account or "", answer.sealed())
                        if answer.usage is not None:
                            self.counts.learn(plan.look, answer.usage, answer.output() if answer.whole else ())
        except Problem as problem:
            if problem.code in OVERFLOW and problem.limit is None and plan.model.context is not None:
                # Whatever we think, the provider knows that it is too much.
                tokens = (await self._count(plan.look)).tokens
                problem.limit = max(tokens, plan.model.context + 1), plan.model.context
            self.trouble(plan.login, problem)
            raise
        if silence.cancelled_caught:
            silent = _silent(self.config.idle_timeout)
            self.trouble(plan.login, silent)
            raise silent

    def trouble(self, login: str, problem: Problem) -> None:
        """Remember what went wrong with a login, if that says something of it."""
        if problem.kind in TROUBLES:
            self.troubles[login] = Trouble(time.time(), int(problem.kind), problem.code, problem.message)

    def _compare(self, answer: Answer) -> None:
        """Warn, once in a while, when the provider says that another model answers than the one that was asked."""
        asked, served, now = answer.model.id, answer.served, time.time()
        if served is None or served in answer.model.served_as:
            return
        if re.fullmatch(re.escape(asked) + r"(-20\d\d-?\d\d-?\d\d)?", served, re.IGNORECASE):
            return
        if now - self._warned.get((asked, served), -WARN_SECONDS) < WARN_SECONDS:
            return
        if len(self._warned) >= MOST_WARNED:
            self._warned.clear()
        self._warned[asked, served] = now
        self._say("warning", f"the provider answers with the model {safe(served)} where {asked} was asked for")

    async def _first_content(self, plan: Plan, silence: trio.CancelScope, stack: AsyncExitStack, once: bool) -> Answer:
        """Try until an answer has content, as often as that makes sense. The live attempt's resources go to `stack`."""
        name, begun, failures = plan.login, trio.current_time(), 0
        with advice(name):
            token = await self.keeper.token(name)
        renewed = False
        mended: set[Callable[[Turn], Turn]] = set()
        elsewhere: Problem | None = None
        while True:
            attempt, origin = AsyncExitStack(), origin_of(plan.provider, token)
            try:
                answer = await attempt.enter_async_context(self._attempt(plan, token, silence))
                await answer.hold()
            except Problem as problem:
                await attempt.aclose()
                if problem.code == "token_refused" and not renewed:
                    renewed = True
                    with advice(name):
                        token = await self.keeper.renew(name, REFUSED, token)
                elif (mend := MENDED.get(problem.code or "")) is not None and mend not in mended:
                    mended.add(mend)
                    if mend is without_reasoning:
                        self.bonds.spoil(plan.provider.name, plan.account or "", plan.turn.body["input"])
                    plan = replace(plan, turn=mend(plan.turn))
                elif elsewhere is None and detoured(plan.provider, problem, token, origin):
                    elsewhere = problem
                else:
                    failures += 1
                    pause = delay(problem, failures, trio.current_time() - begun, random.random())  # noqa: S311
                    if pause is None or once:
                        if elsewhere is not None:
                            problem.message += f" (another address had refused before: {elsewhere.message})"
                        raise final(problem, name) from problem
                    await trio.sleep(pause)
            except BaseException:
                await attempt.aclose()
                raise
            else:
                answer.retries = failures + renewed + len(mended) + (elsewhere is not None)
                stack.push_async_callback(attempt.aclose)
                return answer

    @asynccontextmanager
    async def _attempt(self, plan: Plan, token: Token, silence: trio.CancelScope) -> AsyncIterator[Answer]:
        async with self._ask(plan, token) as source:
            self._learn(plan, source.headers)
            answer = Answer(plan, source, silence, self.config.idle_timeout)
            answer.secret = token.access.encode()
            answer.served = source.headers.get("openai-model")
            answer.told = plan.provider.told(source.headers)
            try:
                yield answer
            finally:
                if source.private:
                    self._learn(plan, source.headers)

    def _ask(self, plan: Plan, token: Token) -> AbstractAsyncContextManager[upstream.Answer]:
        provider, model, turn, config = plan.provider, plan.model, plan.turn, self.config
        if config.upstream_transport == "http" or provider.dress_socket is None or self._nursery is None:
            return upstream.ask(self.client, provider, model, token, turn, limits=config)
        if self._sockets is None:
            from rotom.upstream.sockets import Sockets

            self._sockets = Sockets(self.client, self._nursery, self._say)
        return self._sockets.ask(provider, model, token, turn, limits=config)

    def _learn(self, plan: Plan, headers: Mapping[str, str]) -> None:
        """What an answer says beside the answer: the account's limits, and whether the list of models changed."""
        if windows := plan.provider.windows(headers):
            self.limits[plan.login] = joined(self.limits.get(plan.login), windows)
        if etag := headers.get("x-models-etag"):
            self.lists.saw_etag(plan.login, etag)


def _bounds(config: Config) -> Bounds:
    return Bounds(config.answers_bytes, config.answers_count, config.answers_age)


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


def _silent(seconds: float) -> Problem:
    return Problem(
        Kind.TIMEOUT,
        f"the provider sent nothing for {seconds:g} seconds, so rotom gave up",
        code="provider_silent",
        retry=False,  # clients would wait as long again, ten times
    )
