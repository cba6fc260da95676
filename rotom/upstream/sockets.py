"""Turns on WebSockets to the provider, which stay open from one turn of a conversation to the next.

What is gained: no request waits for a connection, and when a turn goes on from the last answer on its socket only its new
items are sent (increment.py), which matters most in long loops of tool calls.

Theory of operation: a turn borrows a socket, and there is one turn on a socket at a time. A socket comes back only from an
answer that came to its good end; in every other case, cancellation included, its connection is closed at once: that is how
a provider learns that nobody listens any more. Sockets are known by their handshake, so that a token, an account or a
conversation never meets another one's. They live in the nursery of whoever made the `Sockets`.

HTTP stays the way that always works. Whatever goes wrong before the first event of an answer (a handshake that is refused,
a connection that breaks) sends the turn there, and for a while the next ones too. Three things are not for HTTP to mend: a
token that is refused (401: the gateway renews it), a provider that says no in an event, and one that is silent.

What is not here: one socket (websocket.py), what is asked (Provider.dress_socket), what answers mean and whether they are
asked for again (gateway).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from math import inf

import trio

from rotom.catalogue import Model
from rotom.config import Config
from rotom.fold import FINISHED
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider, Token
from rotom.sse import Event, Json
from rotom.turn import Turn
from rotom.upstream.client import Client, Limits
from rotom.upstream.increment import Trace
from rotom.upstream.stream import ANSWER_BYTES, Answer, ask, endless
from rotom.upstream.websocket import Lost, Socket

MOST = 64
"""Sockets open at once."""
MOST_ALIKE = 4
"""Of these, with the same handshake: the turns of one conversation that run side by side."""

FORGOTTEN = frozenset({"previous_response_not_found", "websocket_connection_limit_reached"})
"""Errors that say nothing of the question: it is asked again, whole, on a new socket, as Codex CLI 0.169 does (2026-11)."""

Say = Callable[[str, str], None]


class _Question:
    """One turn on a socket: its events as they come, and what of them is remembered."""

    def __init__(self, socket: Socket, trace: Trace) -> None:
        self._socket = socket
        self._trace = trace
        self._items: list[Event] = []
        self._ended: Event | None = None
        self._size = 0

    async def read(self) -> list[Event]:
        events = []
        for event in await self._socket.receive():
            self._size += len(event.raw)
            if event.type == "response.output_item.done":
                self._items.append(event)
            elif event.type in FINISHED:
                if (name := _response(event)) is not None and name == self._socket.last:
                    continue  # the answer before ends for a second time (response.done, seen by others in 2026)
                self._ended = event
            events.append(event)
        if self._size > ANSWER_BYTES:
            raise endless()
        return events

    def end(self, answer: Answer) -> None:
        """Give the socket back, or close it when the answer did not come to its good end."""
        if self._socket.over or self._ended is None or not answer.complete:
            self._socket.close()
            return
        name, memory = _response(self._ended), None
        if name is not None and self._ended.type != "response.incomplete":
            with suppress(Problem):  # an item that is not JSON: nothing is remembered
                memory = self._trace.answered(_output(self._items), name)
        self._socket.release(name, memory)


class Sockets:
    """The WebSockets of one gateway.

    Arguments:
      client: dials, and asks by HTTP.
      nursery: where they live.
      say: is told what a person should know.
    """

    def __init__(self, client: Client, nursery: trio.Nursery, say: Say = lambda level, sentence: None) -> None:
        self._client = client
        self._nursery = nursery
        self._say = say
        self._all: list[Socket] = []  # the least recently used first
        self._off: dict[str, float] = {}
        self._told: set[str] = set()

    @asynccontextmanager
    async def ask(
        self, provider: Provider, model: Model, token: Token, turn: Turn, *, limits: Config
    ) -> AsyncIterator[Answer]:
        """As `stream.ask`, on a WebSocket where that works and is worth it."""
        begun = await self._begin(provider, model, token, turn, limits)
        if begun is None:
            async with ask(self._client, provider, model, token, turn, limits=limits) as answer:
                yield answer
            return
        question, answer = begun
        try:
            yield answer
        finally:
            question.end(answer)

    async def _begin(
        self, provider: Provider, model: Model, token: Token, turn: Turn, config: Config
    ) -> tuple[_Question, Answer] | None:
        """The answer under way, or None when the turn is to go by HTTP."""
        if provider.dress_socket is None:
            return None
        handshake, message = provider.dress_socket(turn, model, token)
        if trio.current_time() < self._off.get(handshake.url, 0.0):
            return None
        if config.upstream_transport == "auto" and not goes_on(message["input"]):
            return None
        trace = Trace(message)
        limits = Limits.of(config)
        if (found := self._remembering(handshake, trace, message)) is not None:
            socket, rest = found
            with suppress(Lost):  # closed meanwhile, or forgotten: everything is said again on a new one
                return await self._first(self._lent(socket), trace, rest, provider, limits)
        try:
            if (other := await self._some(handshake, provider, limits)) is None:
                return None
            return await self._first(other, trace, message, provider, limits)
        except Lost as lost:
            self._fall_back(handshake.url, lost, config)
            return None

    def _remembering(self, handshake: Outgoing, trace: Trace, message: Json) -> tuple[Socket, Json] | None:
        """An idle socket that knows how the conversation began, and what it has to be told."""
        for socket in self._idle(handshake):
            if socket.memory is not None and (rest := trace.new(message, socket.memory)) is not None:
                return socket, rest
        return None

    def _idle(self, handshake: Outgoing) -> list[Socket]:
        now = trio.current_time()
        return [socket for socket in self._all if socket.handshake == handshake and socket.usable(now)]

    async def _some(self, handshake: Outgoing, provider: Provider, limits: Limits) -> Socket | None:
        """A new socket, else an idle one, or None when there are enough.

        Raises:
          Lost: it cannot be opened. Problem: the token is not accepted.
        """
        if sum(not socket.over and socket.handshake == handshake for socket in self._all) >= MOST_ALIKE:
            idle = self._idle(handshake)
            return self._lent(idle[0]) if idle else None
        if len(self._all) >= MOST:
            spare = next((socket for socket in self._all if not socket.busy), None)
            if spare is None:
                return None
            self._all.remove(spare)
            spare.close()
        socket = Socket(handshake)
        self._all.append(socket)
        await self._nursery.start(self._live, socket, provider, limits)
        self._say("debug", "a WebSocket to the provider was opened")
        return socket

    async def _live(
        self, socket: Socket, provider: Provider, limits: Limits, *, task_status: trio.TaskStatus[None]
    ) -> None:
        begun = False

        def started() -> None:
            nonlocal begun
            begun = True
            task_status.started()

        try:
            await socket.live(self._client, limits, provider, started)
        except Exception as exc:
            if not begun:
                raise
            # One socket less is no reason to end everything that runs beside it.
            self._say("error", f"a WebSocket to the provider ended by {type(exc).__name__}, which is a bug")
        finally:
            if socket in self._all:
                self._all.remove(socket)

    def _lent(self, socket: Socket) -> Socket:
        socket.busy = True
        self._all.remove(socket)
        self._all.append(socket)
        return socket

    async def _first(
        self, socket: Socket, trace: Trace, message: Json, provider: Provider, limits: Limits
    ) -> tuple[_Question, Answer]:
        """Ask, and wait for the first events.

        Raises:
          Lost: there are none. Problem: TIMEOUT, nothing came in time.
        """
        question = _Question(socket, trace)
        answer = Answer(socket.headers, question.read, provider)
        try:
            await socket.ask(message)
            with trio.fail_after(inf if limits.first_byte is None else limits.first_byte):
                first = await answer.begin()
            if (code := _code(first[0])) in FORGOTTEN:
                raise Lost(f"the provider said {code}")
        except trio.TooSlowError:
            socket.close()
            raise Problem(
                Kind.TIMEOUT,
                f"the provider did not begin its answer within {limits.first_byte:g} seconds",
                code="timeout",
                retry=False,
            ) from None
        except Problem as problem:
            socket.close()
            raise Lost(problem.message) from problem
        except BaseException:
            socket.close()
            raise
        return question, answer

    def _fall_back(self, url: str, lost: Lost, config: Config) -> None:
        self._off[url] = trio.current_time() + lost.off
        if url not in self._told:
            self._told.add(url)
            level = "warning" if config.upstream_transport == "websocket" else "info"
            self._say(level, f"no WebSocket to the provider: {lost}; turns go by HTTP, which works as well")


def goes_on(items: list[Json]) -> bool:
    """Whether a conversation is on its way already. With a first question there is nothing that could be left out, and
    an idle HTTP connection is quicker than a new WebSocket."""
    return any(item.get("role") == "assistant" or item.get("type", "message") != "message" for item in items)


def _response(event: Event) -> str | None:
    """The id of the response that an event tells of."""
    response = event.data.get("response")
    name = response.get("id") if isinstance(response, dict) else None
    return name if isinstance(name, str) and name else None


def _output(events: list[Event]) -> list[Json]:
    """The items that came, in their order."""
    done = sorted(
        (event.data for event in events),
        key=lambda data: place if isinstance(place := data.get("output_index"), int) else 0,
    )
    return [item for data in done if isinstance(item := data.get("item"), dict)]


def _code(event: Event) -> str | None:
    """The code in an error event of either form."""
    if event.type != "error":
        return None
    error = event.data.get("error")
    code = error.get("code") if isinstance(error, dict) else event.data.get("code")
    return code if isinstance(code, str) else None
