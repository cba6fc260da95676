"""Flows over a client whose transport is a function."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode, Flow, Outgoing, Pause, Reply
from rotom.upstream.client import make_client
from rotom.upstream.flows import perform, play

URL = "https://provider.example/x"


def client_of(handler: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler))  # type: ignore[arg-type]


async def test_steps_are_answered_in_turn(autojump_clock: object) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, headers={"X-Seen": request.headers["x-mine"]}, content=request.content)

    def flow() -> Flow:
        reply: Reply = yield Outgoing("POST", URL, (("x-mine", "1"),), b"body")
        assert (yield Pause(10)) is None
        code = yield Authorize("https://consent.example", "state")
        assert (yield DeviceCode("https://page.example", "ABCD", 900)) is None
        return reply.status, reply.headers["x-seen"], reply.body, code

    async def person(step: Authorize | DeviceCode) -> str | None:
        return "pasted" if isinstance(step, Authorize) else None

    began = trio.current_time()
    async with client_of(handler) as client:
        assert await play(client, flow(), person=person) == (201, "1", b"body", "pasted")
    assert trio.current_time() - began == 10


async def test_network_failures_are_thrown_into_the_flow() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/down":
            raise httpx.ConnectError("no route")
        return httpx.Response(200, content=b"ok")

    codes = []

    def patient() -> Flow:
        try:
            yield Outgoing.get("https://provider.example/down")
        except Problem as problem:
            codes.append(problem.code)
            reply = yield Outgoing.get("https://provider.example/up")
            return reply.body

    def hasty() -> Flow:
        yield Outgoing.get("https://provider.example/down")

    async with client_of(handler) as client:
        assert await play(client, patient()) == b"ok"
        assert codes == ["connect_error"]
        with pytest.raises(Problem, match="no route"):
            await play(client, hasty())


async def test_a_flow_may_end_at_once_and_is_closed_when_cancelled(autojump_clock: object) -> None:
    closed = []

    def short() -> Flow:
        return "done"
        yield

    def long() -> Flow:
        try:
            yield Pause(1000)
        finally:
            closed.append(True)

    async with client_of(lambda request: httpx.Response(200)) as client:
        assert await play(client, short()) == "done"
        with trio.move_on_after(1):
            await play(client, long())
        assert closed == [True]

        def asks() -> Flow:
            yield Authorize("https://consent.example", "state")

        with pytest.raises(TypeError, match="Authorize"):
            await play(client, asks())


async def test_a_reply_is_bounded_decoded_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = gzip.compress(b"secret")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(head + packed)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        outgoing = Outgoing.get(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/")
        async with make_client(Config(home=tmp_path), {}) as client:
            reply = await perform(client, outgoing)
            assert reply.body == b"secret"
            assert "secret" not in repr(reply)
            monkeypatch.setattr("rotom.upstream.flows.REPLY_BYTES", 10)
            with pytest.raises(Problem, match="too long"):
                await perform(client, outgoing)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (httpx.ConnectTimeout("t"), Kind.TIMEOUT, "connect_timeout"),
        (httpx.ReadTimeout("t"), Kind.TIMEOUT, "timeout"),
        (httpx.ProxyError("p"), Kind.UPSTREAM, "proxy_error"),
        (httpx.ConnectError("c"), Kind.UPSTREAM, "connect_error"),
        (httpx.ReadError("r"), Kind.UPSTREAM, "connection_lost"),
        (httpx.RemoteProtocolError("r"), Kind.UPSTREAM, "connection_lost"),
        (httpx.LocalProtocolError("l"), Kind.INVALID, "request_not_sendable"),
    ],
)
async def test_network_errors_become_problems(error: httpx.RequestError, kind: Kind, code: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    async with client_of(handler) as client:
        with pytest.raises(Problem) as caught:
            await perform(client, Outgoing.get(URL))
    assert (caught.value.kind, caught.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", b"no gzip"), ("br", b"x"), ("gzip", gzip.compress(b"x" * 1000, mtime=0)), ("gzip", b"")],
)
async def test_codings_that_were_not_asked_for(monkeypatch: pytest.MonkeyPatch, coding: str, body: bytes) -> None:
    """Among them a bomb: it ends where it passes the limit, not when it is unpacked."""
    monkeypatch.setattr("rotom.upstream.flows.REPLY_BYTES", 100)

    class Plain(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = httpx.Response(200, headers={"content-encoding": coding})
            response.stream = httpx.ByteStream(body)
            return response

    async with httpx.AsyncClient(transport=Plain()) as client:
        if not body:
            assert (await perform(client, Outgoing.get(URL))).body == b""
            return
        with pytest.raises(Problem) as caught:
            await perform(client, Outgoing.get(URL))
    assert caught.value.retry is False
