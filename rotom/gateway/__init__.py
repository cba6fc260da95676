"""The gateway: plan a turn, run it, and see to it that a dead attempt is never noticed.

Theory of operation. `plan` decides which model of which provider answers a turn. `run` asks that provider and yields an
`Answer`, which is iterated for lists of Responses events, one list for each network read. Before anything is yielded,
events are held back until one of them carries content: an attempt that dies before that (an overload told inside a 200,
a lost connection, a token that just expired) leaves no trace and may be repeated. From then on every event passes as it
comes, and whatever goes wrong is raised to the caller, once the events before it were handed over.

Two limits of time stand over a provider: for the first byte, and for silence between two reads.

What is not here: one answer under way (answer.py), images (images.py), HTTP and tokens (upstream/), what a provider's words
mean (providers/), and clients (routes/, dialects/).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import trio

from rotom import upstream
from rotom.catalogue import Catalogue, Model
from rotom.config import Config
from rotom.gateway.answer import Answer, Plan
from rotom.gateway.memory import conversation, drafted, may_go, recall
from rotom.gateway.mending import MENDED, detoured, origin_of
from rotom.places import Places
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Provider, Token, Window
from rotom.receipt import Receipt, safe
from rotom.sse import Json
from rotom.state.answers import Answers, Bounds
from rotom.state.counts import Count, Counts, Look
from rotom.status import LoginStatus
from rotom.turn import Turn
from rotom.upstream.client import Client
from rotom.upstream.flows import play
from rotom.upstream.keeper import ASKED, REFUSED, Keeper
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

USAGE_SECONDS = 60.0
"""How long what a provider said of its limits is good for; asking often is a pattern that gets accounts banned."""

WARN_SECONDS = 3600.0
"""How long a warning that another model answered than was asked is good for."""

MOST_WARNED = 100
"""Pairs of models that are remembered for that."""

TIDY_SECONDS = 600.0
"""How often kept answers are looked through for those whose time is over."""

PACE = frozenset({"requests", "tokens"})
"""Names of limits that count requests and tokens by the minute."""

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
        self.counts = Counts()
        self.answers = Answers(_bounds(config))
        self.places = {name: Places(config.provider_concurrency) for name in providers}
        self._say = say
        self._nursery = nursery
        self._sockets: Sockets | None = None
        self._known: tuple[Config, list[tuple[Model, ...]], Catalogue] | None = None
        self._warned: dict[tuple[str, str], float] = {}

    async def served(self) -> tuple[str, ...]:
        """The names of the providers that are logged in and not switched off, in their fixed order."""
        here = await self.keeper.logins()
        return tuple(name for name in self.providers if name in here)

    async def catalogue(self) -> Catalogue:
        """The models that can be asked now; with no login at all, those that could be."""
        names = await self.served() or tuple(self.providers)
        lists = [self.lists.models(name) for name in names]  # the very same tuples as long as nothing changed
        known, config = self._known, self.config
        if known is None or known[0] is not config or [*map(id, known[1])] != [*map(id, lists)]:
            models = [model for models in lists for model in models]
            models += [
                m for name in names if (images := self.providers[name].images) is not None for m in images.models
            ]
            catalogue = Catalogue(models, config.model_fallback, config.model_aliases, config.model_small)
            self._known = known = (config, lists, catalogue)
        return known[2]

    def reload(self, config: Config) -> None:
        """Take another configuration for the turns to come, and look at the credentials again."""
        self.config = config
        self.answers.bounds = _bounds(config)
        for places in self.places.values():
            places.resize(config.provider_concurrency)
        self.keeper.reload()

    async def logins(self) -> list[LoginStatus]:
        """Every login with its limits, asked of the provider when what is known of them is older than a minute."""
        known = await self.keeper.logins()
        return [await self._login(name, known[name].token) for name in self.providers if name in known]

    async def _login(self, name: str, known: Token | None) -> LoginStatus:
        provider = self.providers[name]
        try:
            with _advice():
                token = await self.keeper.token(name)
        except Problem as problem:
            return LoginStatus(name, provider.title, known or Token(""), problem=problem.message, active=False)
        limits = self.limits.get(name)
        if limits is None or time.time() - limits.at > USAGE_SECONDS:
            try:
                token, usage = await self.native(name, self._played(provider.usage), token)
            except Problem as problem:
                active = problem.kind is not Kind.UNAUTHENTICATED
                return LoginStatus(name, provider.title, token, problem=problem.message, active=active)
            limits = self.limits[name] = Limits(usage.windows, time.time(), usage.plan, usage.email)
        token = replace(token, email=token.email or limits.email, plan=limits.plan or token.plan)
        return LoginStatus(name, provider.title, token, limits.windows, limits.at)

    def _played(self, call: Callable[[Token], Flow]) -> Callable[[Token], Awaitable[Any]]:
        """A call of a provider that is a flow, as one that is awaited."""
        return lambda token: play(self.client, call(token))

    async def vendor_models(self, client_version: str) -> tuple[Json, str | None] | None:
        """The list of models and its etag as a provider gives it to its own client of that version; None where no provider
        that is logged in has one.

        Raises:
          Problem: it could not be had.
        """
        for name in await self.served():
            if (listing := self.providers[name].vendor_models) is not None:
                _, found = await self.native(name, self._played(partial(listing, client_version)))
                return cast("tuple[Json, str | None]", found)
        return None

    async def renew(self, name: str) -> Token:
        """Renew a provider's token because a person asked for it.

        Raises:
          Problem: it cannot be renewed, now or ever.
        """
        with _advice():
            return await self.keeper.renew(name, ASKED)

    async def native(
        self, name: str, call: Callable[[Token], Awaitable[T]], token: Token | None = None, *, counts: bool = False
    ) -> tuple[Token, T]:
        """Make a native call of a provider: what it gave, and the token that it took. One that the provider refuses is
        renewed, once.

        Arguments:
          token: a good one, where the caller has it already.
          counts: the account is charged for it, so another address of the provider may do when one refuses.

        Raises:
          Problem: what `call` raises; UNAUTHENTICATED when the login is over.
        """
        if token is None:
            with _advice():
                token = await self.keeper.token(name)
        origin = origin_of(self.providers[name], token)
        try:
            return token, await call(token)
        except Problem as problem:
            if counts and detoured(self.providers[name], problem, token, origin):
                return token, await call(token)
            if problem.code != "token_refused":
                raise
        with _advice():
            token = await self.keeper.renew(name, REFUSED, token)
        try:
            return token, await call(token)
        except Problem as problem:
            raise _final(problem, name) from problem

    async def plan(self, turn: Turn, answers: Answers | None = None) -> Plan:
        """Who answers this turn, and all that it is asked: earlier answers and items it refers to are put in.

        Arguments:
          answers: where those are looked for; None: in the gateway's own.

        Raises:
          Problem: UNAUTHENTICATED without any login; NOT_FOUND for a model that nobody here has, or an item; INVALID for
            an earlier answer that is not there, or a turn that cannot be honoured whole, where `strict` is set.
        """
        if not (logins := await self.keeper.logins()):
            raise not_logged_in()
        parent, own = recall(turn, self.answers if answers is None else answers)
        found = (await self.catalogue()).find(turn.asked)
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
        token = logins[provider.name].token if provider.name in logins else None
        account = token.account_id if token is not None else None
        own = [item for item in own if may_go(item, provider.name, model.id, account)]
        items = [*(item for item in await conversation(parent) if may_go(item, provider.name, model.id, account)), *own]
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
            account=account,
        )

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
        turn = turn.with_body(input=[*await conversation(parent), *own])
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
                async with self.places[plan.provider.name].taken(spare=spare), AsyncExitStack() as stack:
                    answer = await self._first_content(plan, silence, stack, once)
                    self._compare(answer)
                    try:
                        yield answer
                    finally:
                        if answer.usage is not None:
                            self.counts.learn(plan.look, answer.usage, answer.output() if answer.whole else ())
        except Problem as problem:
            if problem.code in OVERFLOW and problem.limit is None and plan.model.context is not None:
                # Whatever we think, the provider knows that it is too much.
                tokens = (await self._count(plan.look)).tokens
                problem.limit = max(tokens, plan.model.context + 1), plan.model.context
            raise
        if silence.cancelled_caught:
            raise _silent(self.config.idle_timeout)

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
        name, begun, failures = plan.provider.name, trio.current_time(), 0
        with _advice():
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
                    with _advice():
                        token = await self.keeper.renew(name, REFUSED, token)
                elif (mend := MENDED.get(problem.code or "")) is not None and mend not in mended:
                    mended.add(mend)
                    plan = replace(plan, turn=mend(plan.turn))
                elif elsewhere is None and detoured(plan.provider, problem, token, origin):
                    elsewhere = problem
                else:
                    failures += 1
                    pause = delay(problem, failures, trio.current_time() - begun, random.random())  # noqa: S311
                    if pause is None or once:
                        if elsewhere is not None:
                            problem.message += f" (another address had refused before: {elsewhere.message})"
                        raise _final(problem, name) from problem
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
            self._learn(plan.provider, source.headers)
            answer = Answer(plan, source, silence, self.config.idle_timeout)
            answer.secret = token.access.encode()
            answer.served = source.headers.get("openai-model")
            answer.told = plan.provider.told(source.headers)
            try:
                yield answer
            finally:
                if source.private:
                    self._learn(plan.provider, source.headers)

    def _ask(self, plan: Plan, token: Token) -> AbstractAsyncContextManager[upstream.Answer]:
        provider, model, turn, config = plan.provider, plan.model, plan.turn, self.config
        if config.upstream_transport == "http" or provider.dress_socket is None or self._nursery is None:
            return upstream.ask(self.client, provider, model, token, turn, limits=config)
        if self._sockets is None:
            from rotom.upstream.sockets import Sockets

            self._sockets = Sockets(self.client, self._nursery, self._say)
        return self._sockets.ask(provider, model, token, turn, limits=config)

    def _learn(self, provider: Provider, headers: Mapping[str, str]) -> None:
        """What an answer says beside the answer: the account's limits, and whether the list of models changed."""
        if windows := provider.windows(headers):
            self.limits[provider.name] = joined(self.limits.get(provider.name), windows)
        if etag := headers.get("x-models-etag"):
            self.lists.saw_etag(provider.name, etag)


def _bounds(config: Config) -> Bounds:
    return Bounds(config.answers_bytes, config.answers_count, config.answers_age)


@contextmanager
def _advice() -> Iterator[None]:
    """A client is shown the message alone, so what to do must stand in it too."""
    try:
        yield
    except Problem as problem:
        if problem.hint and problem.hint not in problem.message:
            problem.message = f"{problem.message} ({problem.hint})"
        raise


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


def _final(problem: Problem, provider: str) -> Problem:
    """What the client is told in the end: a refusal that survived a renewal means that the login is over."""
    if problem.code != "token_refused":
        return problem
    return Problem(
        Kind.UNAUTHENTICATED,
        f"the provider does not accept this login any more: run 'rotom login --provider {provider}'",
        code="login_over",
        retry=False,
    )


def _silent(seconds: float) -> Problem:
    return Problem(
        Kind.TIMEOUT,
        f"the provider sent nothing for {seconds:g} seconds, so rotom gave up",
        code="provider_silent",
        retry=False,  # clients would wait as long again, ten times
    )
