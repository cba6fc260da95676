"""The worker of batches: what was accepted is run, politely, until it is done.

Theory of operation: everything that must be known after a crash is in the database; this is the one task that moves it
on. In rounds it takes waiting requests, as many as the settings allow at once, and runs each in a task of its own: read,
planned and answered as a request of a person would be, its answer folded into a result. A round ends with a sleep until
something happens: a request ended, a batch came, a time is due. A process that is killed leaves its running requests
behind; the next one puts them back (`resume`), and only those are ever asked twice. Of several processes with the same
home, one does the work: whoever holds the worker's lock.

Polite means: requests of people go first (places.py); and a provider is left alone while one of its quota windows is
used beyond the reserve, after a usage limit, and while it wants a new login. Such a pause is said in the log, and
written down for others to read (pauses.py). What may pass by itself (an overload, a lost connection) sends a request
back for a while, `len(BACKOFF)` times; other problems are its result.

The batches of all APIs go this way. What differs is how a request is read and how its result is written: for the first
there is the dialect of its endpoint, for the second a form (forms.py). The requests of an OpenAI batch are in a file,
which is looked at here, in a thread and beside the rounds, before they are requests at all.

When something cannot be stored (a full disk), the result is held and stored again and again, and nothing new is begun.

What is not here: HTTP (routes/), and what is stored how (state/batches.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import trio

from rotom.dialects import Dialect
from rotom.gateway import Gateway
from rotom.log import Log
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.seldom import Seldom
from rotom.sse import Event, dumps
from rotom.state.database import Database, database_file, worker_lock

if TYPE_CHECKING:
    from rotom.batching import forms, pauses
    from rotom.batching.pauses import Pauses
    from rotom.dialects import openai_batches
    from rotom.dialects.messages import batches as messages
    from rotom.state import batches, results
    from rotom.state.batches import Batch, Batches, Item, Pause
else:
    forms = Seldom("rotom.batching.forms")
    pauses = Seldom("rotom.batching.pauses")
    openai_batches = Seldom("rotom.dialects.openai_batches")
    messages = Seldom("rotom.dialects.messages.batches")
    batches = Seldom("rotom.state.batches")
    results = Seldom("rotom.state.results")

BACKOFF = (5.0, 30.0, 120.0, 600.0, 3600.0)
"""Seconds before a request that failed is run again, by how often it has failed."""

POLL = 5.0  # seconds between two looks at open batches: another process may have changed them
IDLE = 30.0  # and when there is none
TROUBLE = 5.0  # seconds until the database is tried again
MODELS = 500  # how many names of models are remembered with their provider

PAUSED = "batches_paused"
"""Code of a request that was taken although its provider is to be left alone: only then was it known whose it is."""

_PASSING = frozenset({Kind.INTERNAL, Kind.UPSTREAM, Kind.UNAVAILABLE, Kind.OVERLOADED, Kind.TIMEOUT, Kind.RATE_LIMITED})

T = TypeVar("T")


class Batching:
    """The batches of a gateway.

    Arguments:
      dialects: by endpoint, all that can be asked.
      now: the time, in unix seconds.

    Attributes:
      ended: set when `run` has come to its end.
    """

    def __init__(
        self, gateway: Gateway, log: Log, dialects: Iterable[Dialect], now: Callable[[], float] = time.time
    ) -> None:
        path = database_file(gateway.config.home)
        self.gateway = gateway
        self.log = log
        self.dialects = {dialect.endpoint: dialect for dialect in dialects}
        self.now = now
        self.ended = trio.Event()
        self._database = Database(path)
        self._lock = worker_lock(path)
        self._turn = trio.CapacityLimiter(1)
        self._reading = trio.CapacityLimiter(1)
        self._woken = trio.Event()
        self._running = 0
        self._checking = False
        self._resumed = False
        self._tidy_at = 0.0
        self._models: dict[str, str] = {}
        self._trouble: str | None = None

    # Most people have no batch: what only batches need is loaded when there is one.

    @cached_property
    def store(self) -> Batches:
        """What is kept."""
        return batches.Batches(self._database)

    @cached_property
    def _pauses(self) -> Pauses:
        return pauses.Pauses(self.gateway, self.log, self._write_pauses, self.now)

    # For the routes.

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a method of the store in a thread, when its turn comes."""
        return await trio.to_thread.run_sync(function, *arguments, limiter=self._turn)

    async def accept(self, body: BinaryIO, headers: Mapping[str, str]) -> Batch:
        """Keep the Anthropic batch that is in a body, once all of it is found good; it is durable when this returns.

        Raises:
          Problem: INVALID or TOO_LARGE naming the request; UNAVAILABLE when it cannot be stored.
        """
        longest = self.gateway.config.max_body

        def read() -> list[messages.Request]:
            return list(messages.read_requests(body.read, headers, longest, trio.from_thread.check_cancelled))

        requests = await trio.to_thread.run_sync(read, limiter=self._reading)
        batch = await self.call(self.store.add, _texts(body, requests), self.now())
        self.wake()
        return batch

    def pauses(self) -> list[Pause]:
        """What batches wait for now, as far as this process knows."""
        return self._pauses.now()

    async def unfinished(self) -> bool:
        """Whether there is a batch that has not ended, whoever works on it."""
        return self.store.database.exists() and await self.call(self.store.unfinished)

    def wake(self) -> None:
        """There is something to look at."""
        self._woken.set()

    # The worker.

    async def run(
        self,
        stop: Callable[[], Awaitable[None]],
        grace: float,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Work until `stop` returns; then let what runs finish, for at most `grace` seconds.

        Resource handling: the database is closed and the worker's lock given back at the end.
        Cancellation: at any moment. What runs is asked again after the next start.
        """
        try:
            async with helpers() as items:
                async with helpers() as rounds:
                    rounds.start_soon(self._rounds, items)
                    task_status.started()
                    await stop()
                with trio.move_on_after(grace):
                    while self._running:
                        self._woken = trio.Event()
                        await self._woken.wait()
            self.ended.set()
        finally:
            with trio.CancelScope(shield=True):  # it waits for the one call that may be under way
                await self.call(self._database.close)
            self._lock.release()

    async def _rounds(self, items: trio.Nursery) -> None:
        while not await self._mine():
            await self._sleep(POLL if self._database.exists() else IDLE)
        while True:
            self._woken = trio.Event()
            try:
                pause = await self._round(items)
                self._well()
            except Problem as problem:
                self._ill(problem)
                pause = TROUBLE
            except Exception as exc:  # a bug in here must not end what serves people
                self.log.bug(exc, "batches")
                pause = IDLE
            await self._sleep(pause)

    async def _write_pauses(self, pauses: list[Pause]) -> None:
        await self.call(self.store.pause, pauses)

    async def _sleep(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._woken.wait()

    async def _mine(self) -> bool:
        """Whether the work is this process's to do: there is some, and no other process does it."""
        self._woken = trio.Event()
        try:
            return self._database.exists() and self._lock.try_acquire()
        except Problem as problem:
            self._ill(problem)
            return False

    async def _round(self, items: trio.Nursery) -> float:
        """Begin what can be begun; the seconds until the next round."""
        now = self.now()
        if not self._resumed:
            await self.call(self.store.resume, now)
            self._pauses.forget()
            self._resumed, self._tidy_at = True, now
        if now >= self._tidy_at:
            busy = await self.call(self.store.tidy, now)
            self._tidy_at = now + POLL
            if not busy:
                await self._pauses.tell(())
                return IDLE
        if not self._checking and (batch := await self.call(self.store.unread)) is not None:
            self._checking = True
            items.start_soon(self._check, batch)
        most = self.gateway.config.batch_concurrency
        if self._running >= most:
            return POLL
        found = await self._pauses.look()
        await self._pauses.tell(found)
        paused = {pause.provider for pause in found}
        if pauses.EVERYTHING not in paused:
            while self._running < most:
                but = [model for model, provider in self._models.items() if provider in paused]
                item = await self.call(self.store.take, now, but)
                if item is None:
                    break
                self._running += 1
                items.start_soon(self._item, item)
        due = await self.call(self.store.next_due)
        return POLL if due is None else min(POLL, max(0.05, due - now))

    # The files of batches.

    async def _check(self, batch: Batch) -> None:
        """Look at the file of a batch, and store what came of it."""
        try:
            try:
                requests, errors = await self._read(batch)
            except Problem as problem:
                if problem.kind is not Kind.NOT_FOUND:
                    raise
                requests, errors = [], [_gone(batch)]
            except Exception as exc:
                self.log.bug(exc, batch.id)
                message = f"rotom failed to read the file; its log tells more under {batch.id}"
                requests, errors = [], [openai_batches.LineError("internal_error", message)]
            if not errors:
                models = {request.model for request in requests}
                found = [(one.custom_id, one.model, one.offset, one.length) for one in requests]
                if not await self._keep(self.store.begin, batch.id, found, models.pop() if len(models) == 1 else None):
                    errors = [_gone(batch)]
            if errors:
                await self._keep(self.store.refuse, batch.id, dumps([asdict(error) for error in errors]).decode())
            self.log.info("batch file", batch=batch.id, state="refused" if errors else "good")
        except Problem as problem:  # it cannot be read now: the batch waits
            self._ill(problem)
            await trio.sleep(TROUBLE)
        finally:
            self._checking = False
            self.wake()

    async def _read(self, batch: Batch) -> tuple[list[openai_batches.Request], list[openai_batches.LineError]]:
        part, name, longest = self.store.files.part, batch.input_file, self.gateway.config.max_body

        def chunks() -> Iterator[bytes]:
            position: int | None = 0
            while position is not None:
                data, position = trio.from_thread.run(self.call, part, name, position, batch.created_at)
                yield data

        look = trio.from_thread.check_cancelled
        return await trio.to_thread.run_sync(
            lambda: openai_batches.read_file(chunks(), batch.endpoint, longest, look), limiter=self._reading
        )

    # One request.

    async def _item(self, item: Item) -> None:
        """Run a request and store what came of it."""
        begun, facts = trio.current_time(), dict[str, Any](batch=item.batch)
        try:
            try:
                ended = await self._answer(item, facts)
            except Problem as problem:
                facts["code"] = problem.code or problem.kind.name.lower()
                ended = self._after(item, problem, facts)
            except Exception as exc:
                bug = Problem(Kind.INTERNAL, f"rotom failed to run this; its log tells more under {item.batch}")
                self.log.bug(exc, item.batch)
                ended = self._errored(item, bug)
            else:
                facts["state"] = results.SUCCEEDED
            await self._keep(*ended)
            self.log.info("batch request", **facts, total=trio.current_time() - begun)
        finally:
            self._running -= 1
            self.wake()

    async def _answer(self, item: Item, facts: dict[str, Any]) -> tuple[Any, ...]:
        """Ask, and the call that stores the answer."""
        dialect = self._dialect(item)
        turn = await trio.to_thread.run_sync(forms.question, item, dialect)
        plan = await self.gateway.plan(turn, alone=True)  # its session is the batch: what they share may be cached
        name = plan.login
        if len(self._models) >= MODELS:
            self._models.clear()
        self._models[turn.asked] = name
        facts |= {"model": turn.asked, "provider": name}
        if name in self._pauses:
            raise Problem(Kind.RATE_LIMITED, "batches wait for this provider", code=PAUSED)
        renderer, frames = dialect.renderer(plan.turn), list[Event]()
        async with self.gateway.run(plan, spare=True) as answer:
            facts["served"] = answer.served or plan.model.id
            async for events in answer:
                for event in events:
                    frames += renderer.feed(event)
                if renderer.over:
                    frames += renderer.close()
                    break
        result = forms.answered(item, dialect.fold(frames))
        return partial(self.store.finish, tokens=forms.tokens(answer.usage)), item.number, results.SUCCEEDED, result

    def _after(self, item: Item, problem: Problem, facts: dict[str, Any]) -> tuple[Any, ...]:
        """What becomes of a request that failed: the call that stores it."""
        provider, now = facts.get("provider", pauses.EVERYTHING), self.now()
        again = True
        not_before, failures = 0.0, item.failures
        if problem.code == PAUSED:
            not_before = now + pauses.AGAIN  # so that it cannot come and go all the time
        elif problem.kind is Kind.UNAUTHENTICATED:
            self._pauses.add(provider, pauses.AGAIN, problem.message)
        elif problem.code == "usage_limit_reached":
            seconds = pauses.UNKNOWN_RESET if problem.retry_after is None else problem.retry_after
            self._pauses.add(provider, seconds, problem.message)
        elif problem.kind in _PASSING and problem.retry is not False and failures < len(BACKOFF):
            wait = max(BACKOFF[failures] * random.uniform(0.75, 1.25), problem.retry_after or 0.0)  # noqa: S311
            not_before, failures = now + wait, failures + 1
        else:
            again = False
        facts["state"] = "waiting" if again else results.ERRORED
        return (self.store.put_back, item.number, not_before, failures) if again else self._errored(item, problem)

    def _errored(self, item: Item, problem: Problem) -> tuple[Any, ...]:
        return self.store.finish, item.number, results.ERRORED, forms.failed(item, self._dialect(item), problem)

    def _dialect(self, item: Item) -> Dialect:
        return self.dialects[item.endpoint]

    async def _keep(self, function: Callable[..., T], *arguments: Any) -> T:
        """Store it, as often as it takes."""
        while True:
            try:
                return await self.call(function, *arguments, self.now())
            except Problem as problem:
                self._ill(problem)
                await trio.sleep(TROUBLE)

    def _ill(self, problem: Problem) -> None:
        if self._trouble != problem.message:
            self._trouble = problem.message
            self.log.error(f"batches cannot go on: {problem.message}")

    def _well(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self.log.notice("batches go on: the database works again")


def _gone(batch: Batch) -> openai_batches.LineError:
    message = f"The input file {batch.input_file} was deleted before the batch could begin."
    return openai_batches.LineError("invalid_file_id", message, param="input_file_id")


def _texts(body: BinaryIO, requests: Iterable[messages.Request]) -> Iterator[tuple[str, str, bytes]]:
    for request in requests:
        body.seek(request.offset)
        yield request.custom_id, request.model, body.read(request.length)
