"""``GET /v1/responses``: the Responses API on a WebSocket.

A client asks with ``response.create`` as often as it likes, and goes on from its own earlier answers without sending them
again, also where it wants nothing stored: what was answered on a connection is remembered with it, and forgotten with it.

Theory of operation. The session reads from its client all the time, so that a hang-up is seen at once, whatever else goes
on, and cancels everything. A question is put into its lane: a queue that a task of its own works off, one answer after the
other, and that task ends with the queue. At most `MOST_RUNNING` answers of a connection are under way, and at most
`MOST_WAITING` questions wait, in `max_body` bytes all together; more are refused. A problem is told to the lane that it
concerns, and the socket stays open.

A session that shall end (an hour is over, or the server stops) takes no more questions, lets the answers under way end, and
closes. Who is idle goes at once.

What is not here: the words of the messages (dialects/responses/socket.py), frames and the handshake (server/websocket.py).
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import replace

import trio

from rotom.dialects import Dialect
from rotom.dialects.responses import socket as words
from rotom.dialects.responses.socket import MOST_LANES, Create
from rotom.gateway import Gateway
from rotom.gateway.answer import Plan
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.routes.generate import LARGE, parse
from rotom.routes.relay import relay, remember
from rotom.server.exchange import Exchange
from rotom.server.websocket import Socket, wanted, websocket
from rotom.sse import Event, Json
from rotom.state.answers import Answers
from rotom.turn import Turn

LIFE_SECONDS = 3600.0
"""As long as the real service keeps a connection."""

MOST_RUNNING = 16
"""Answers under way on one connection, as on the real service."""

MOST_WAITING = 64


class ResponseSocket:
    """The handler of the socket, bound to a dialect and a gateway."""

    def __init__(self, dialect: Dialect, gateway: Gateway) -> None:
        self._dialect = dialect
        self._gateway = gateway

    async def respond(self, exchange: Exchange) -> None:
        """Serve one socket to its end."""
        if not wanted(exchange):
            exchange.extra_headers.append(("allow", "POST"))
            raise Problem(
                Kind.METHOD,
                f"{exchange.path} takes POST; GET is for WebSockets",
                code="method_not_allowed",
                retry=False,
            )
        if not self._gateway.config.websocket:
            # Codex CLI 0.169 goes on with HTTP at once for this status only; for a 404 after 6 seconds (seen 2026-11).
            raise Problem(
                Kind.UPGRADE_REQUIRED,
                "WebSockets are switched off (the setting websocket); use POST",
                code="no_websocket",
            )
        exchange.log["dialect"] = self._dialect.name
        async with websocket(exchange) as socket, helpers() as nursery:
            session = _Session(self._dialect, self._gateway, exchange, socket, nursery)
            with closing(session.answers):
                await session.run()


class _Session:
    """One client's socket, from its opening to its end.

    Attributes:
      answers: what the client may go on from on this connection, and nowhere else.
    """

    def __init__(
        self, dialect: Dialect, gateway: Gateway, exchange: Exchange, socket: Socket, nursery: trio.Nursery
    ) -> None:
        self._dialect = dialect
        self._gateway = gateway
        self._exchange = exchange
        self._socket = socket
        self._nursery = nursery
        bounds = gateway.answers.bounds
        # No more than one request could hold: who remembers more than that can send it no other way either.
        bounds = replace(bounds, bytes=min(bounds.bytes, gateway.config.max_body))
        self.answers = Answers(bounds, behind=gateway.answers)
        self._lanes: dict[str | None, deque[Create]] = {}  # those that are worked off
        self._names: set[str] = set()
        self._places = trio.CapacityLimiter(MOST_RUNNING)
        self._waiting = 0
        self._bytes = 0
        self._turns = 0
        self._leaving = False
        self._old = False
        self._quiet = trio.Event()
        self._reading = trio.CancelScope()
        self._spoke_at = trio.current_time()

    async def run(self) -> None:
        """Serve until the client leaves, or until it is time to."""
        self._nursery.start_soon(self._leave)
        with self._reading:
            async for message in self._socket:
                lane = None
                try:
                    if isinstance(message, bytes):
                        raise Problem(Kind.INVALID, "messages are JSON in text frames, not binary", code="invalid_json")
                    value = await _parsed(message)
                    lane = words.lane(value)
                    await self._take(value, lane, len(message))
                except Problem as problem:
                    await self._tell([words.error(problem)], lane)

    async def _leave(self) -> None:
        """End the session when its time is over or the server stops, as soon as nothing is under way."""
        with trio.move_on_after(LIFE_SECONDS) as life:
            await self._socket.draining()
        self._leaving, self._old = True, life.cancelled_caught
        if self._lanes:
            await self._quiet.wait()
        if self._old:
            await self._tell([words.error(_over())], None)
        else:
            self._socket.code = 1001
        self._reading.cancel()

    async def _take(self, message: Json, lane: str | None, size: int) -> None:
        """Answer a message that can be answered at once, and let a question wait for its turn.

        Raises:
          Problem: it cannot be taken.
        """
        asked = words.read(message, size)
        if isinstance(asked, Event):
            await self._tell([asked], lane)
            return
        if asked is None or (self._leaving and not self._old):
            return  # the close frame that is about to be sent tells it
        if self._old:
            raise _over()
        if lane is not None and lane not in self._names:
            if len(self._names) >= MOST_LANES:
                raise words.too_many_lanes()
            self._names.add(lane)
        if self._waiting and (self._waiting >= MOST_WAITING or self._bytes + size > self._gateway.config.max_body):
            raise Problem(
                Kind.RATE_LIMITED, "too many questions wait on this connection already", code="websocket_queue_full"
            )
        self._waiting += 1
        self._bytes += size
        if lane in self._lanes:
            self._lanes[lane].append(asked)
        else:
            self._lanes[lane] = deque([asked])
            self._nursery.start_soon(self._work, lane)

    async def _work(self, lane: str | None) -> None:
        """Answer the questions of a lane, one after the other, until there are no more."""
        queue = self._lanes[lane]
        while queue:
            async with self._places:
                asked = queue.popleft()
                self._waiting -= 1
                self._bytes -= asked.size
                if not self._leaving:
                    await self._turn(asked)
                elif self._old:
                    await self._tell([words.error(_over())], lane)
        del self._lanes[lane]
        if self._leaving and not self._lanes:
            self._quiet.set()

    async def _turn(self, asked: Create) -> None:
        """One question and its answer, with a line in the log."""
        self._turns += 1
        begun = trio.current_time()
        facts: Json = {"id": f"{self._exchange.id}.{self._turns}", "dialect": self._dialect.name, "status": 200}
        try:
            turn = await self._read(asked, str(facts["id"]))
            facts |= {"model": turn.asked, "stream": True, "dropped": turn.dropped}
            # Without a session of its own, a conversation is what comes in one lane of a connection.
            lane = f"{self._exchange.id}/{asked.lane or ''}"
            plan = await self._gateway.plan(turn, self.answers, conversation=lane)
            facts |= plan.facts()
            if asked.warm:
                await self._warm(plan, asked.lane)
            else:
                await self._answer(plan, asked.lane, facts, begun)
        except Problem as problem:
            told = words.error(problem)
            facts |= {"status": told.data["status"], "code": problem.code or problem.kind.name.lower()}
            await self._tell([told], asked.lane)
        except trio.Cancelled:
            facts["gone"] = True
            raise
        finally:
            self._exchange.part({**facts, "total": trio.current_time() - begun})

    async def _read(self, asked: Create, turn_id: str) -> Turn:
        """The question in a message.

        Raises:
          Problem: INVALID, naming the field.
        """

        def read() -> Turn:
            turn = self._dialect.read(asked.body, words.hints(asked.body, self._exchange.headers))
            return replace(turn, extra={**turn.extra, "request_id": turn_id})

        return read() if asked.size <= LARGE else await trio.to_thread.run_sync(read)

    async def _warm(self, plan: Plan, lane: str | None) -> None:
        """Remember what a client prepares. The provider need not know: all of it is sent with the next question."""
        renderer = self._dialect.renderer(plan.turn)
        frames = [frame for event in words.warmed(plan.model.id) for frame in renderer.feed(event)]
        await remember(self._gateway, plan, frames, self.answers)
        await self._tell(frames, lane)

    async def _answer(self, plan: Plan, lane: str | None, facts: Json, begun: float) -> None:
        """Ask the provider, and pass its answer on as it comes.

        Raises:
          Problem: the provider refused. What goes wrong later is told inside the answer.
        """
        renderer = self._dialect.renderer(plan.turn)

        async def send(frames: list[Event]) -> None:
            facts.setdefault("first", trio.current_time() - begun)
            await self._tell(frames, lane)

        async with helpers() as nursery:
            nursery.start_soon(self._beat)
            try:
                async with self._gateway.run(plan) as answer:
                    if words.of_codex(self._exchange.headers):
                        await self._tell(words.notes(dict(answer.told)), lane)
                    await relay(self._gateway, plan, answer, renderer, send, facts, self.answers)
            except Problem as problem:
                # What a stream says of its own failure is told as it was said: Codex CLI acts on it, such as by the
                # seconds in the text of a rate limit. A POST would have a status for it. The end of a plan's limit it
                # only knows as a message of its own.
                if "first" not in facts and (problem.event is None or problem.code == "usage_limit_reached"):
                    raise
                facts["code"] = problem.code or problem.kind.name.lower()
                await self._tell(renderer.fail(problem), lane)

    async def _beat(self) -> None:
        """Give a sign of life whenever nothing was said for a while."""
        while True:
            await trio.sleep_until(self._spoke_at + self._gateway.config.ping_interval)
            if trio.current_time() >= self._spoke_at + self._gateway.config.ping_interval:
                self._spoke_at = trio.current_time()
                await self._socket.beat()

    async def _tell(self, frames: list[Event], lane: str | None) -> None:
        self._spoke_at = trio.current_time()
        await self._socket.send(*words.messages(frames, lane))


async def _parsed(message: str) -> Json:
    """A message as a JSON object; a long one is read in a thread.

    Raises:
      Problem: INVALID.
    """
    if len(message) <= LARGE:
        return parse(message.encode(), "message")
    return await trio.to_thread.run_sync(lambda: parse(message.encode(), "message"))


def _over() -> Problem:
    return Problem(
        Kind.INVALID,
        "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.",
        code="websocket_connection_limit_reached",
    )
