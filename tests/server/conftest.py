"""A server with a small application, and clients of it that speak in raw bytes."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h11
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from rotom.problem import Problem
from rotom.server import Limits, Refusal
from rotom.server.connection import Connection
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange

Handler = Callable[[Exchange], Awaitable[None]]


@dataclass
class Reply:
    """An answer as a client sees it. `whole`: it came to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    informed: list[int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def replies(data: bytes, methods: Sequence[str] = ()) -> list[Reply]:
    """The answers in what a server sent. `methods` are those of the requests where they are not GET."""
    found: list[Reply] = []
    while data:
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        conn.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        conn.send(h11.EndOfMessage())
        conn.receive_data(data)
        reply = None
        informed: list[int] = []
        while True:
            try:
                event = conn.next_event()
                if event is h11.NEED_DATA:
                    conn.receive_data(b"")
                    event = conn.next_event()
            except h11.RemoteProtocolError:
                break
            if isinstance(event, h11.InformationalResponse):
                informed.append(event.status_code)
            elif isinstance(event, h11.Response):
                headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                assert len(headers) == len(event.headers), "a header came twice"
                reply = Reply(event.status_code, headers, b"", False, informed)
            elif isinstance(event, h11.Data):
                assert reply is not None
                reply.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert reply is not None
                reply.whole = True
                break
            else:
                break
        assert reply is not None, data
        found.append(reply)
        data = conn.trailing_data[0] if reply.whole else b""
    return found


@dataclass
class App:
    """An application: handlers by path; `echo` tells what it was asked. It keeps what the server tells it."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    over: list[Exchange] = field(default_factory=list)
    bugs: list[tuple[Exception, str]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    turned_away: list[tuple[Problem, str]] = field(default_factory=list)

    async def handle(self, exchange: Exchange) -> None:
        await self.handlers.get(exchange.path, self.echo)(exchange)

    async def echo(self, exchange: Exchange) -> None:
        body = await exchange.body()
        await exchange.json(
            200, {"path": exchange.path, "body": body.decode("latin-1"), "host": exchange.headers["host"]}
        )

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        body = {"error": problem.code, "message": problem.message, "known": exchange is not None, "id": request_id}
        return Refusal(int(problem.kind), [("content-type", "application/json")], json.dumps(body).encode())

    def bug(self, exc: Exception, request_id: str) -> None:
        self.bugs.append((exc, request_id))

    def done(self, exchange: Exchange) -> None:
        self.over.append(exchange)

    def part(self, exchange: Exchange, facts: Mapping[str, Any]) -> None:
        self.parts.append(dict(facts))

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        self.turned_away.append((problem, request_id))


@dataclass
class Server:
    """Connections to `app` through memory."""

    app: App
    nursery: trio.Nursery
    limits: Limits = field(default_factory=Limits)
    drain: Drain = field(default_factory=Drain)

    def connect(self) -> trio.StapledStream[Any, Any]:
        """A new client's stream."""
        client, ours = memory_stream_pair()
        self.nursery.start_soon(Connection(ours, self.app, self.limits, self.drain, "client", "127.0.0.1:1").run)
        return client

    async def talk(self, *pieces: bytes, methods: Sequence[str] = ()) -> list[Reply]:
        """Send the pieces, each when the server waits for it; every answer until the server ends the connection."""
        stream = self.connect()
        for piece in pieces:
            await trio.testing.wait_all_tasks_blocked()
            await stream.send_all(piece)
        return replies(await everything(stream), methods)


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    """All bytes up to the end."""
    data = b""
    while some := await stream.receive_some():
        data += some
    await stream.aclose()
    return data


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App, nursery: trio.Nursery) -> Server:
    return Server(app, nursery)


@pytest.fixture
def talk_alone() -> Callable[..., list[Reply]]:
    """`Server.talk` in a Trio run of its own, for tests by hypothesis, which share fixtures between examples."""

    async def talk(pieces: Sequence[bytes], methods: Sequence[str]) -> list[Reply]:
        app = App()
        async with trio.open_nursery() as nursery:
            found = await Server(app, nursery).talk(*pieces, methods=methods)
        assert not app.bugs
        return found

    def run(*pieces: bytes, methods: Sequence[str] = ()) -> list[Reply]:
        return trio.run(talk, pieces, methods, clock=MockClock(autojump_threshold=0))

    return run


@pytest.fixture
def make_server() -> type[Server]:
    return Server


@pytest.fixture
def read_replies() -> Callable[..., list[Reply]]:
    return replies
