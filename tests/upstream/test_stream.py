"""One turn over a real socket: the stand-in provider writes raw HTTP, so that every cut and every silence can be made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token, openai
from rotom.sse import Event, encode
from rotom.turn import Turn
from rotom.upstream.client import make_client
from rotom.upstream.stream import Answer, ask

TURN = Turn({"model": "gpt-5.5", "input": "hi"}, "gpt-5.5", session="s")
MODEL = Model("gpt-5.5", "openai")
CREATED = Event("response.created", b'{"type":"response.created"}')
LIMITS = Event("codex.rate_limits", b'{"type":"codex.rate_limits"}')
DELTA = Event("response.output_text.delta", b'{"type":"response.output_text.delta","delta":"x"}')
DONE = Event("response.completed", b'{"type":"response.completed","response":{}}')
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nX-Request-Id: r1\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"

Script = Callable[[trio.SocketStream], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


class Stand:
    """A provider that reads a request and then follows a script on the bare stream."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.gone = trio.Event()

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        try:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = await stream.receive_some()
                    if not data:
                        return
                    head += data
                fields, _, body = head.partition(b"\r\n\r\n")
                length = int(fields.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                while len(body) < length:
                    body += await stream.receive_some()
                self.requests.append(fields)
                await self.script(stream)
        except trio.BrokenResourceError:
            pass
        finally:
            self.gone.set()
            await stream.aclose()


@asynccontextmanager
async def asking(
    script: Script, home: Path
) -> AsyncIterator[tuple[Stand, Callable[[], AbstractAsyncContextManager[Answer]]]]:
    stand = Stand(script)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, stand.serve, 0, host="127.0.0.1"))
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        config = Config(home=home, openai_base_url=url, first_byte_timeout=0.3)
        provider: Provider = openai.make(config)
        async with make_client(config, {}) as client:
            yield stand, partial(ask, client, provider, MODEL, Token("secret"), TURN, limits=config)
        nursery.cancel_scope.cancel()


def sends(*pieces: bytes) -> Script:
    async def script(stream: trio.SocketStream) -> None:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(0.005)
        if not pieces[-1].endswith(END):
            await stream.aclose()

    return script


async def collect(answer: Answer) -> list[list[Event]]:
    return [events async for events in answer]


async def test_one_list_for_each_read_and_the_connection_is_kept(tmp_path: Path) -> None:
    first, second = encode([LIMITS, CREATED, DELTA, DELTA]), encode([DELTA, DONE])
    script = sends(CHUNKED + chunk(first[:70]) + chunk(first[70:]), chunk(second), END)
    async with asking(script, tmp_path) as (stand, one):
        for _ in range(2):
            async with one() as answer:
                assert answer.headers["x-request-id"] == "r1"
                assert await collect(answer) == [[CREATED, DELTA, DELTA], [DELTA, DONE]]
                assert answer.complete
                assert answer.private == {"codex.rate_limits": LIMITS}
        assert stand.connections == 1
        assert stand.requests[0].startswith(b"POST /responses HTTP/1.1")
        assert b"accept-encoding: identity" in stand.requests[0]


async def test_any_cut_gives_the_same_events(tmp_path: Path) -> None:
    data = encode([CREATED, DELTA, DONE])
    pieces = [CHUNKED, *(chunk(data[at : at + 7]) for at in range(0, len(data), 7)), END]
    async with asking(sends(*pieces), tmp_path) as (_, one), one() as answer:
        assert [event for events in await collect(answer) for event in events] == [CREATED, DELTA, DONE]


async def test_what_comes_after_the_terminal_event_is_not_told(tmp_path: Path) -> None:
    script = sends(CHUNKED + chunk(encode([DONE, DELTA])) + END)
    async with asking(script, tmp_path) as (_, one), one() as answer:
        assert await collect(answer) == [[DONE]]


async def test_streams_without_event_fields(tmp_path: Path) -> None:
    data = b"data: %b\n\ndata: %b\n\ndata: [DONE]\n\n" % (DELTA.raw, DONE.raw)
    async with asking(sends(CHUNKED + chunk(data) + END), tmp_path) as (_, one), one() as answer:
        assert await collect(answer) == [[DELTA, DONE]]


async def test_a_last_event_without_its_empty_line(tmp_path: Path) -> None:
    data = encode([DELTA, DONE]).rstrip(b"\n")
    async with asking(sends(CHUNKED + chunk(data) + END), tmp_path) as (_, one), one() as answer:
        assert await collect(answer) == [[DELTA], [DONE]]


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ((CHUNKED + chunk(encode([CREATED, DELTA])) + END,), "stream_truncated"),
        ((CHUNKED + chunk(encode([CREATED, DELTA])),), "connection_lost"),
        ((HEAD + b"connection: close\r\n\r\n" + encode([CREATED, DELTA]),), "stream_truncated"),
        ((CHUNKED + chunk(encode([CREATED, DELTA]) + encode([DELTA])[:-9]) + END,), "stream_truncated"),
        ((CHUNKED + chunk(encode([CREATED, DELTA]) + encode([DONE])[:-9]) + END,), "stream_truncated"),
    ],
)
async def test_an_end_without_a_terminal_event_is_an_error(
    tmp_path: Path, pieces: tuple[bytes, ...], code: str
) -> None:
    async with asking(sends(*pieces), tmp_path) as (_, one):
        async with one() as answer:
            assert await anext(answer) == [CREATED, DELTA]
            with pytest.raises(Problem) as caught:
                await anext(answer)
        assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, code)


async def test_a_refusal_is_read_by_the_provider(tmp_path: Path) -> None:
    body = b'{"detail":"Store must be set to false"}'
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with asking(sends(head + body), tmp_path) as (_, one):
        with pytest.raises(Problem, match="Store must be set to false") as caught:
            async with one():
                pass
        assert caught.value.kind is Kind.INVALID


async def test_an_endless_refusal_is_bounded(tmp_path: Path) -> None:
    async def endless(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await stream.send_all(chunk(b"x" * 65536))

    async with asking(endless, tmp_path) as (stand, one):
        with trio.fail_after(5), pytest.raises(Problem, match="500"):
            async with one():
                pass
        await stand.gone.wait()


@pytest.mark.parametrize(
    "fields", [b"content-type: text/html\r\n", b"content-type: text/event-stream\r\ncontent-encoding: gzip\r\n"]
)
async def test_a_200_that_is_no_stream(tmp_path: Path, fields: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n" + fields + b"\r\n<html>"
    async with asking(sends(head), tmp_path) as (_, one):
        with pytest.raises(Problem) as caught:
            async with one():
                pass
        assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, "not_a_stream")


async def test_no_first_byte_in_time(tmp_path: Path) -> None:
    async def silent(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with asking(silent, tmp_path) as (_, one):
        with pytest.raises(Problem) as caught:
            async with one():
                pass
        assert (caught.value.kind, caught.value.code) == (Kind.TIMEOUT, "timeout")


async def test_leaving_early_stops_the_provider_at_once(tmp_path: Path) -> None:
    async def forever(stream: trio.SocketStream) -> None:
        await stream.send_all(CHUNKED + chunk(encode([CREATED])))
        assert await stream.receive_some() == b""

    async with asking(forever, tmp_path) as (stand, one):
        async with one() as answer:
            assert await anext(answer) == [CREATED]
        with trio.fail_after(0.1):
            await stand.gone.wait()


async def test_a_cancelled_read_is_taken_up_again(tmp_path: Path) -> None:
    data = encode([CREATED, DELTA, DELTA, DELTA, DONE])
    pieces = [CHUNKED, *(chunk(data[at : at + 40]) for at in range(0, len(data), 40)), END]
    async with asking(sends(*pieces), tmp_path) as (_, one), one() as answer:
        got: list[Event] = []
        while not answer.complete:
            with trio.move_on_after(0.002):
                got += await anext(answer)
        assert got == [CREATED, DELTA, DELTA, DELTA, DONE]


async def test_an_event_that_is_no_json_is_the_providers_fault(tmp_path: Path) -> None:
    async with asking(sends(CHUNKED + chunk(b"data: {nonsense\n\n") + END), tmp_path) as (_, one):
        with pytest.raises(Problem) as caught:
            async with one() as answer:
                await anext(answer)
        assert caught.value.kind is Kind.UPSTREAM


async def test_a_refusal_that_drips_does_not_hold_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rotom.upstream.stream.REFUSAL_SECONDS", 0.05)

    async def drip(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"x"))
        await trio.sleep_forever()

    async with asking(drip, tmp_path) as (_, one):
        with trio.fail_after(5), pytest.raises(Problem, match="400"):
            async with one():
                pass


async def test_an_endless_answer_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rotom.upstream.stream.ANSWER_BYTES", 1 << 20)

    async def endless(stream: trio.SocketStream) -> None:
        await stream.send_all(CHUNKED)
        while True:
            await stream.send_all(chunk(encode([DELTA] * 1000)))

    async with asking(endless, tmp_path) as (stand, one):
        with trio.fail_after(5), pytest.raises(Problem, match="no end") as caught:
            async with one() as answer:
                await collect(answer)
        assert caught.value.retry is False
        await stand.gone.wait()


@pytest.mark.parametrize("named", [b'"x\\nevent: forged"', b'"\\ud800"', b"[1]", b"null"])
async def test_a_type_that_is_none_is_not_taken(tmp_path: Path, named: bytes) -> None:
    async with (
        asking(sends(CHUNKED + chunk(b'data: {"type":' + named + b"}\n\n" + encode([DONE])), END), tmp_path) as (
            _,
            one,
        ),
        one() as answer,
    ):
        assert [event.type for events in await collect(answer) for event in events] == ["message", DONE.type]
