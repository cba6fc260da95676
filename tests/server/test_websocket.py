"""WebSocket: the handshake as it should and should not be, messages both ways, and every way in which it ends."""

from __future__ import annotations

import base64
import socket as sockets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from trio_websocket import CloseReason, ConnectionClosed, wrap_client_stream
from trio_websocket import WebSocketConnection as Client

from rotom.plain import helpers
from rotom.server import Limits
from rotom.server.connection import Connection
from rotom.server.exchange import Exchange
from rotom.server.websocket import Socket, wanted, websocket
from rotom.wire import Wire

KEY = base64.b64encode(b"0123456789abcdef").decode()
HEAD = {
    "host": "x",
    "connection": "keep-alive, Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
}


def head(method: str = "GET", version: str = "1.1", **changes: str | None) -> bytes:
    headers = {**HEAD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [
        f"{method} /ws HTTP/{version}",
        *(f"{name}: {value}" for name, value in headers.items() if value is not None),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def echo(socket: Socket) -> None:
    async for message in socket:
        await socket.send(message if isinstance(message, str) else message.hex())


@pytest.fixture
def handle(app: Any) -> Callable[..., None]:
    """Sets what is done with a socket at /ws; a request that asks for none is answered in JSON."""

    def at(work: Callable[[Socket], Any] = echo) -> None:
        async def handler(exchange: Exchange) -> None:
            if not wanted(exchange):
                await exchange.json(200, "plain")
                return
            async with websocket(exchange, [("x-more", "yes")]) as socket:
                await work(socket)

        app.handlers["/ws"] = handler

    return at


@asynccontextmanager
async def opened(server: Any, **options: Any) -> AsyncIterator[Client]:
    """A client's WebSocket."""
    async with helpers() as nursery:
        client = await wrap_client_stream(nursery, server.connect(), "x", "/ws", **options)
        yield client
        await client.aclose()


async def end(client: Client) -> CloseReason:
    """What the server closed the socket with; whatever it says before that is skipped."""
    try:
        while True:
            await client.get_message()
    except ConnectionClosed as closed:
        return closed.reason


# ---- the handshake


async def test_messages_go_both_ways(autojump_clock: Any, server: Any, app: Any, handle: Any) -> None:
    handle()
    async with opened(server, extra_headers=[(b"x-mine", b"1")], subprotocols=["some"]) as client:
        for text in ("hello", "", "é ☃ \U0001f600", "x" * 200_000):
            await client.send_message(text)
            assert await client.get_message() == text
        await client.send_message(b"\xff\x00")
        assert await client.get_message() == "ff00"
        headers = dict(client.handshake_headers)
        assert headers[b"x-more"] == b"yes"
        assert headers[b"x-request-id"].startswith(b"req_")
        assert client.subprotocol is None
    await wait_all_tasks_blocked()
    assert client.closed.code == 1000
    (exchange,) = app.over
    assert (exchange.status, exchange.gone, exchange.complete) == (101, False, True)


async def test_compression_is_declined(autojump_clock: Any, server: Any, handle: Any, read_replies: Any) -> None:
    handle()
    stream = server.connect()
    await stream.send_all(head(sec_websocket_extensions="permessage-deflate; client_max_window_bits"))
    answer = (await stream.receive_some()).decode().lower()
    assert answer.startswith("http/1.1 101")
    assert "sec-websocket-extensions" not in answer
    assert "sec-websocket-accept" in answer
    await stream.aclose()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"sec_websocket_key": None}, 400, "sec-websocket-key"),
        ({"sec_websocket_key": "short"}, 400, "sec-websocket-key"),
        ({"sec_websocket_key": "é" * 24}, 400, "sec-websocket-key"),
        ({"sec_websocket_version": "8"}, 426, "version 13"),
        ({"sec_websocket_version": None}, 426, "version 13"),
        ({"method": "POST"}, 400, "GET"),
        ({"version": "1.0"}, 400, "HTTP/1.1"),
        ({"content_length": "3"}, 400, "no body"),
        ({"transfer_encoding": "chunked"}, 400, "no body"),
    ],
)
async def test_an_incomplete_handshake_is_refused_in_words(
    autojump_clock: Any, server: Any, handle: Any, read_replies: Any, changes: Any, status: int, words: str
) -> None:
    handle()
    with trio.fail_after(1000):  # an idle connection is kept for 300
        (answer, *_) = await server.talk(head(**changes) + b"0\r\n\r\n" * ("transfer_encoding" in changes) + b"abc")
    assert answer.status == status
    assert words in answer.json["message"]
    assert answer.headers.get("sec-websocket-version") == ("13" if status == 426 else None)


async def test_after_a_refusal_the_connection_goes_on(autojump_clock: Any, server: Any, handle: Any) -> None:
    handle()
    last = b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    first, second, third = await server.talk(head(sec_websocket_version="7"), head(upgrade="h2c"), last)
    assert first.status == 426
    assert (second.json, third.json) == ("plain", "plain")


async def test_a_client_that_does_not_wait_for_the_upgrade_is_refused(
    autojump_clock: Any, server: Any, handle: Any, app: Any
) -> None:
    """Its bytes could not be told from a request that somebody smuggled in."""
    handle()
    answers = await server.talk(head() + b"\x81\x85\x00\x00\x00\x00hello")
    assert answers[0].status == 400
    assert "upgraded" in answers[0].json["message"]
    assert {answer.status for answer in answers[1:]} <= {400, 408}
    assert not app.bugs


async def test_the_head_may_come_in_pieces_after_another_request(autojump_clock: Any, server: Any, handle: Any) -> None:
    handle()
    stream = server.connect()
    await stream.send_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n" + head()[:40])
    assert b"200" in await stream.receive_some()
    await wait_all_tasks_blocked()
    await stream.send_all(head()[40:])
    data = b""
    while b" 101 " not in data:
        data += await stream.receive_some()
    await stream.aclose()


# ---- messages


async def test_several_messages_leave_in_one_write(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def three(socket: Socket) -> None:
        async for _ in socket:
            await socket.send("one", "two", "three")

    handle(three)
    async with opened(server) as client:
        reads = []
        receive = client._stream.receive_some

        async def counted(limit: int | None = None) -> bytes:
            reads.append(await receive(limit))
            return bytes(reads[-1])

        await wait_all_tasks_blocked()
        await client.send_message("go")
        client._stream.receive_some = counted
        assert [await client.get_message() for _ in range(3)] == ["one", "two", "three"]
        await client.send_message("go")
        assert [await client.get_message() for _ in range(3)] == ["one", "two", "three"]
        assert len([read for read in reads if read]) == 1


async def test_a_message_over_the_limit_is_told_with_1009(
    autojump_clock: Any, server: Any, handle: Any, app: Any
) -> None:
    server.limits = Limits(body=1000)
    handle()
    async with opened(server) as client:
        await client.send_message("x" * 1000)
        assert await client.get_message() == "x" * 1000
        await client.send_message("x" * 1001)
        assert (await end(client)).code == 1009
    assert not app.bugs


async def test_broken_frames_end_the_socket_and_nothing_else(
    autojump_clock: Any, server: Any, handle: Any, app: Any
) -> None:
    handle()
    for frame in (b"\xff\xff", b"\x81\x05hello", b"\x81\x81\x00\x00\x00\x00\xff", b"\x83\x80\x00\x00\x00\x00"):
        stream = server.connect()
        await stream.send_all(head())
        while b"\r\n\r\n" not in await stream.receive_some():
            pass
        await stream.send_all(frame)
        with trio.fail_after(30):
            while await stream.receive_some():
                pass
        await stream.aclose()
    await wait_all_tasks_blocked()
    assert len(app.over) == 4
    assert not app.bugs


async def test_pings_are_answered_while_work_goes_on(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def busy(socket: Socket) -> None:
        async with helpers() as nursery:

            async def work() -> None:
                await trio.sleep(1000)

            nursery.start_soon(work)
            async for _ in socket:
                pass

    handle(busy)
    async with opened(server) as client:
        with trio.fail_after(1):
            await client.ping(b"are you there")


async def test_a_sign_of_life(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def beats(socket: Socket) -> None:
        await socket.beat()
        await socket.send("after it")

    handle(beats)
    stream = server.connect()
    await stream.send_all(head())
    data = b""
    while b"after it" not in data:
        data += await stream.receive_some()
    assert b"\x8a\x00\x81\x08after it" in data
    await stream.aclose()


# ---- the end


async def test_the_handlers_end_closes_with_its_own_words(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def enough(socket: Socket) -> None:
        await anext(socket)
        socket.code, socket.reason = 4001, "that was enough"

    handle(enough)
    async with opened(server) as client:
        await client.send_message("x")
        reason = await end(client)
    assert (reason.code, reason.reason) == (4001, "that was enough")


async def test_a_bug_closes_with_1011_and_is_logged(autojump_clock: Any, server: Any, handle: Any, app: Any) -> None:
    async def fails(socket: Socket) -> None:
        await anext(socket)
        raise KeyError("secret")

    handle(fails)
    async with opened(server) as client:
        await client.send_message("x")
        reason = await end(client)
        await wait_all_tasks_blocked()
    assert (reason.code, reason.reason) == (1011, None)
    ((bug, _),) = app.bugs
    assert isinstance(bug, KeyError)


async def test_a_client_that_hangs_up_ends_the_iteration(
    autojump_clock: Any, server: Any, handle: Any, app: Any
) -> None:
    said = []

    async def listens(socket: Socket) -> None:
        said.extend([message async for message in socket])
        await socket.send("nobody hears this")
        await socket.beat()
        said.append("end")

    handle(listens)
    async with opened(server) as client:
        await client.send_message("a")
        await wait_all_tasks_blocked()
        await client._stream.aclose()  # no close frame
        await wait_all_tasks_blocked()
    assert said == ["a", "end"]
    assert not app.bugs


async def test_an_end_of_the_server_is_told_with_1001_at_once(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def stays(socket: Socket) -> None:
        await trio.sleep_forever()

    handle(stays)
    async with helpers() as ours:
        server.nursery = ours
        async with opened(server) as client:
            began = trio.current_time()
            ours.cancel_scope.cancel()
            assert (await end(client)).code == 1001
            assert trio.current_time() - began < 0.5


async def test_a_socket_can_wait_for_the_servers_end(autojump_clock: Any, server: Any, handle: Any) -> None:
    async def leaves(socket: Socket) -> None:
        await socket.draining()
        socket.code = 1001

    handle(leaves)
    async with opened(server) as client:
        server.drain.begin()
        assert (await end(client)).code == 1001


async def test_a_client_that_takes_nothing_is_given_up(autojump_clock: Any, server: Any, handle: Any, app: Any) -> None:
    server.limits = Limits(send_seconds=7)
    times = []

    async def floods(socket: Socket) -> None:
        began = trio.current_time()
        async with helpers() as nursery:

            async def flood() -> None:
                while True:
                    await socket.send("x" * 100_000)
                    await trio.lowlevel.checkpoint()

            nursery.start_soon(flood)
            async for _ in socket:
                pass
        times.append(trio.current_time() - began)

    handle(floods)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]

    async def accept() -> None:
        stream = await listeners[0].accept()
        wire = Wire(sockets.socket(fileno=stream.socket.detach()))
        await Connection(wire, app, server.limits, server.drain).run()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(head())
        with trio.fail_after(60):
            while not app.over:  # noqa: ASYNC110
                await trio.sleep(1)
        await stream.aclose()
        await listeners[0].aclose()
    assert times[0] == pytest.approx(7, abs=3)
    assert not app.bugs
