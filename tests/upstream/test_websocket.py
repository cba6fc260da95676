"""One WebSocket to a stand-in provider on a real socket: how it opens, what comes over it, and how it ends."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, wrap_server_stream

from rotom.config import Config
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Provider, openai
from rotom.sse import Event
from rotom.upstream import websocket
from rotom.upstream.client import Client, Limits, make_client
from rotom.upstream.websocket import AHEAD, IDLE_SECONDS, Lost, Socket

SECRET = "at-very-secret"
CREATED = {"type": "response.created", "response": {"id": "resp_1"}}
Serve = Callable[[trio.SocketStream], Awaitable[None]]


def script(play: Callable[[Any], Awaitable[None]], **accept: Any) -> Serve:
    """A provider that accepts and then does this with the socket."""

    async def serve(stream: trio.SocketStream) -> None:
        async with helpers() as nursery:
            proposal = await wrap_server_stream(nursery, stream, max_message_size=1 << 30)
            play.__dict__["asked"] = dict(proposal.headers)
            socket = await proposal.accept(**accept)
            try:
                await play(socket)
            finally:
                await socket.aclose()

    return serve


async def echo(socket: Any) -> None:
    try:
        while True:
            asked = json.loads(await socket.get_message())
            await socket.send_message(json.dumps({"type": "response.echo", "asked": asked}))
    except ConnectionClosed:
        pass


@dataclass
class Place:
    """A stand-in provider, and what can be done with it."""

    url: str
    client: Client
    provider: Provider
    limits: Limits
    nursery: trio.Nursery
    connections: list[trio.SocketStream] = field(default_factory=list)
    gone: trio.Event = field(default_factory=trio.Event)

    def socket(self, *headers: tuple[str, str]) -> Socket:
        return Socket(Outgoing.get(self.url, (("authorization", f"Bearer {SECRET}"), *headers)))

    async def open(self, *headers: tuple[str, str]) -> Socket:
        """An open socket that is lent to nobody."""
        socket = self.socket(*headers)
        await self.nursery.start(self.live, socket)
        socket.busy = False
        return socket

    async def live(self, socket: Socket, *, task_status: trio.TaskStatus[None]) -> None:
        await socket.live(self.client, self.limits, self.provider, task_status.started)


@asynccontextmanager
async def place(
    home: Path, serve: Serve, tls: ssl.SSLContext | None = None, environ: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[Place]:
    config = Config(home=home, connect_timeout=5.0, **more)
    async with helpers() as nursery:

        async def connection(stream: trio.SocketStream) -> None:
            here.connections.append(stream)
            try:
                async with stream:
                    await serve(trio.SSLStream(stream, tls, server_side=True) if tls else stream)  # type: ignore[arg-type]
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            here.gone.set()

        listeners = await nursery.start(partial(trio.serve_tcp, connection, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        async with make_client(config, environ or {}) as client:
            url = f"https://localhost:{port}/responses" if tls else f"http://127.0.0.1:{port}/responses"
            here = Place(url, client, openai.make(config), Limits.of(config), nursery)
            yield here


async def until_over(socket: Socket, seconds: float) -> None:
    with trio.fail_after(seconds):
        while not socket.over:  # noqa: ASYNC110
            await trio.sleep(0.02)


async def test_the_handshake_carries_what_was_dressed_and_tells_its_headers(tmp_path: Path) -> None:
    async def play(socket: Any) -> None:
        await echo(socket)

    async with place(tmp_path, script(play, extra_headers=[(b"X-Models-Etag", b"e1")])) as here:
        socket = await here.open(("openai-beta", "responses_websockets=2026-02-06"), ("session-id", "s"))
        asked = play.__dict__["asked"]
        assert asked[b"authorization"] == f"Bearer {SECRET}".encode()
        assert asked[b"openai-beta"] == b"responses_websockets=2026-02-06"
        assert asked[b"session-id"] == b"s"
        assert socket.headers["x-models-etag"] == "e1"
        for number in range(3):
            await socket.ask({"number": number})
            (event,) = await socket.receive()
            assert event.type == "response.echo"
            assert event.data["asked"] == {"number": number}
            socket.release(None, None)
        assert len(here.connections) == 1
        assert SECRET not in repr(socket) + repr(socket.handshake)


def answers(data: bytes) -> Serve:
    async def serve(stream: trio.SocketStream) -> None:
        while b"\r\n\r\n" not in await stream.receive_some():
            pass
        if data:
            await stream.send_all(data)

    return serve


async def reset(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)  # closing with unread bytes sends a reset


OPEN = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: "


@pytest.mark.parametrize(
    ("serve", "words", "off"),
    [
        (answers(b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\n{}"), "426", 600),
        (answers(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"), "403", 60),
        (answers(b"HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\noh"), "500|hung up", 60),
        (answers(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "200", 60),
        (answers(b""), "hung up in the handshake", 60),
        (reset, "hung up in the handshake", 60),
        (answers(b"SSH-2.0-x\r\n\r\n"), "handshake", 60),
        (answers(OPEN + b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), "handshake", 60),
    ],
)
async def test_a_handshake_that_fails_is_known_at_once(tmp_path: Path, serve: Serve, words: str, off: float) -> None:
    async with place(tmp_path, serve) as here:
        with pytest.raises(Lost) as caught, trio.fail_after(3):
            await here.open()
        assert re.search(words, str(caught.value))
        assert caught.value.off == off
        assert SECRET not in str(caught.value)
        with trio.fail_after(1):
            await here.gone.wait()


async def test_a_token_that_is_refused_is_told_as_over_http(tmp_path: Path) -> None:
    body = json.dumps({"error": {"message": "sign in again", "code": "token_expired"}}).encode()
    head = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with place(tmp_path, answers(head + body)) as here:
        with pytest.raises(Problem) as caught:
            await here.open()
        assert (caught.value.kind, caught.value.code) == (Kind.UNAUTHENTICATED, "token_refused")
        assert "sign in again" in caught.value.message


async def test_nobody_listens(tmp_path: Path) -> None:
    async with place(tmp_path, reset) as here:
        here.url = "http://127.0.0.1:1/responses"
        with pytest.raises(Lost, match="no connection"):
            await here.open()


async def test_an_answer_to_the_handshake_that_does_not_come(tmp_path: Path, quick_clock: Any) -> None:
    async def mute(stream: trio.SocketStream) -> None:
        await trio.sleep(1000)

    async with place(tmp_path, mute) as here:
        began = trio.current_time()
        with pytest.raises(Lost, match="did not answer the handshake within 5 seconds"):
            await here.open()
        assert trio.current_time() - began == pytest.approx(5, abs=1)


@pytest.mark.parametrize("value", ["bad\r\nx-evil: 1", "ungewöhnlich"])
async def test_a_header_that_cannot_be_sent_is_not_quoted(tmp_path: Path, value: str) -> None:
    async with place(tmp_path, script(echo)) as here:
        with pytest.raises(Lost) as caught, trio.fail_after(3):
            await here.open(("user-agent", value))
        assert value not in str(caught.value)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("message", "code"), [(b"\x00\x01", "not_a_stream"), ("not json", None), ("[1]", None)])
async def test_what_is_no_event(tmp_path: Path, message: Any, code: str | None) -> None:
    async def play(socket: Any) -> None:
        await socket.get_message()
        await socket.send_message(message)
        await trio.sleep_forever()

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        await socket.ask({})
        with pytest.raises(Problem) as caught:
            await socket.receive()
        assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, code)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('{"type":"response.created","response":{}}', "response.created"),
        ('{ "type" : "error","code":"x"}', "error"),
        ('{"code":"x","type":"error"}', "error"),
        ('{"type":"response.na\\u006ded"}', "response.named"),
        ('{"type":"ev\\nil"}', "message"),
        ('{"type":7}', "message"),
        ('{"type":"error",\r\n"code":"x"}', "error"),
    ],
)
async def test_an_event_is_named_by_its_json(tmp_path: Path, message: str, kind: str) -> None:
    async def play(socket: Any) -> None:
        await socket.get_message()
        await socket.send_message(message)
        await trio.sleep_forever()

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        await socket.ask({})
        assert await socket.receive() == [Event(kind, message.replace("\r", " ").encode())], "no end of a line in SSE"


async def test_many_and_long_messages_come_whole_and_in_order_and_a_slow_reader_slows_the_provider(
    tmp_path: Path,
) -> None:
    count, sent = 3000, 0
    long = "ü" * 20_000

    async def play(socket: Any) -> None:
        nonlocal sent
        await socket.get_message()
        for number in range(count):
            await socket.send_message(json.dumps({"type": "response.x", "number": number, "text": long}))
            sent += 1
        await socket.send_message(json.dumps({"type": "response.y", "text": "y" * 8_000_000}))
        await trio.sleep_forever()

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        await socket.ask({})
        with trio.move_on_after(0.5):  # nobody reads: it stops when the buffers of both ends are full
            await trio.sleep_forever()
        assert sent < count
        numbers: list[int] = []
        while True:
            events = await socket.receive()
            assert 1 <= len(events) <= AHEAD
            numbers += [event.data["number"] for event in events if event.type == "response.x"]
            if events[-1].type == "response.y":
                break
        assert numbers == list(range(count))
        assert len(events[-1].data["text"]) == 8_000_000


async def test_a_cancelled_read_loses_nothing(tmp_path: Path) -> None:
    async def play(socket: Any) -> None:
        await socket.get_message()
        for number in range(30):
            await trio.sleep(0.003)
            await socket.send_message(json.dumps({"type": "response.x", "number": number}))
        await trio.sleep_forever()

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        await socket.ask({})
        numbers: list[int] = []
        with trio.fail_after(5):
            while len(numbers) < 30:
                with trio.move_on_after(0.002):
                    numbers += [event.data["number"] for event in await socket.receive()]
        assert numbers == list(range(30))


async def test_words_that_nobody_asked_for_are_dropped(tmp_path: Path) -> None:
    async def play(socket: Any) -> None:
        for _ in range(200):
            await socket.send_message('{"type":"late"}')
        await echo(socket)

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        with trio.fail_after(5):
            while socket._heard < 200:
                await trio.lowlevel.checkpoint()
        await socket.ask({"n": 1})
        assert [event.type for event in await socket.receive()] == ["response.echo"]


@pytest.mark.parametrize("rudely", [True, False])
async def test_an_end_in_the_middle_is_told_after_what_came(tmp_path: Path, rudely: bool) -> None:
    async def play(socket: Any) -> None:
        await socket.get_message()
        await socket.send_message(json.dumps(CREATED))
        if rudely:
            await socket._stream.aclose()

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        await socket.ask({})
        assert [event.type for event in await socket.receive()] == ["response.created"]
        with pytest.raises(Problem) as caught:
            await socket.receive()
        assert caught.value.code == ("connection_lost" if rudely else "stream_truncated")
        await until_over(socket, 3)
        with pytest.raises(Problem, match="connection to the provider"):
            await socket.ask({})


async def test_the_providers_end_of_an_idle_socket_is_seen(tmp_path: Path) -> None:
    async def play(socket: Any) -> None:
        await trio.sleep(0.05)

    async with place(tmp_path, script(play)) as here:
        socket = await here.open()
        assert socket.usable(trio.current_time())
        await until_over(socket, 3)
        assert not socket.usable(trio.current_time())


async def test_close_is_at_once(tmp_path: Path) -> None:
    async with place(tmp_path, script(echo)) as here:
        socket = await here.open()
        await socket.ask({})
        socket.close()
        socket.close()
        with trio.fail_after(1):
            await here.gone.wait()
        assert socket.over


async def test_an_idle_socket_is_closed_politely_after_a_while(tmp_path: Path, quick_clock: Any) -> None:
    reasons = []

    async def play(socket: Any) -> None:
        try:
            await socket.get_message()
        except ConnectionClosed as closed:
            reasons.append(closed.reason.code)

    async with place(tmp_path, script(play)) as here:
        began = trio.current_time()
        socket = await here.open()
        await here.gone.wait()
        assert IDLE_SECONDS <= trio.current_time() - began < IDLE_SECONDS + 35
        assert socket.over
        assert reasons == [1000]


async def test_a_socket_in_use_stays_and_an_old_one_is_not_used_again(
    tmp_path: Path, quick_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OLD_SECONDS", 200.0)
    async with place(tmp_path, script(echo)) as here:
        socket = await here.open()
        socket.busy = True
        await trio.sleep(websocket.OLD_SECONDS + 100)
        assert not socket.over
        socket.release(None, None)
        assert not socket.usable(trio.current_time())
        await trio.sleep(35)
        assert socket.over


async def test_a_connection_that_is_dead_is_found_while_it_is_idle(tmp_path: Path, quick_clock: Any) -> None:
    async def deaf(stream: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        assert key
        digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        await stream.send_all(OPEN + base64.b64encode(digest) + b"\r\n\r\n")
        await trio.sleep_forever()  # and never a pong

    async with place(tmp_path, deaf) as here:
        socket = await here.open()
        await trio.sleep(45)
        assert socket.over


async def test_through_a_proxy_and_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("provider.example").configure_cert(context)
    heads: list[bytes] = []

    async def tunnel(port: int, stream: trio.SocketStream) -> None:
        async def copy(source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
            async for data in source:
                await sink.send_all(data)

        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        heads.append(head)
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            async with await trio.open_tcp_stream("127.0.0.1", port) as there, trio.open_nursery() as nursery:
                nursery.start_soon(copy, stream, there)
                await copy(there, stream)
                nursery.cancel_scope.cancel()
        except* trio.BrokenResourceError:
            pass

    async with place(tmp_path, script(echo), context) as there, trio.open_nursery() as nursery:
        port = int(there.url.rpartition(":")[2].partition("/")[0])
        (listener,) = await nursery.start(partial(trio.serve_tcp, partial(tunnel, port), 0, host="127.0.0.1"))
        environ = {"HTTPS_PROXY": f"http://me:pw@127.0.0.1:{listener.socket.getsockname()[1]}"}
        async with make_client(Config(home=tmp_path, ca_file=tmp_path / "ca.pem"), environ) as client:
            there.client, there.url = client, "https://provider.example/responses"
            socket = await there.open()
            await socket.ask({"n": 1})
            assert [event.type for event in await socket.receive()] == ["response.echo"]
            socket.close()
        assert heads[0].startswith(b"CONNECT provider.example:443 ")
        assert SECRET.encode() not in heads[0]
        nursery.cancel_scope.cancel()
