"""Bodies: their limits of size and time, and gzip."""

import contextlib
import gzip
import json
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rotom.server import Limits
from rotom.server.exchange import Exchange


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Connection: close", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Connection: close", b"Transfer-Encoding: chunked", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


GZIP = b"Content-Encoding: gzip"


@pytest.mark.parametrize("form", [post, chunked])
async def test_a_body_over_the_limit_is_refused(autojump_clock: Any, server: Any, form: Any) -> None:
    server.limits = Limits(body=100_000)
    for size, status in ((100_000, 200), (100_001, 413), (1_000_000, 413)):
        (answer,) = await server.talk(form(b"a" * size))
        assert answer.status == status
    assert answer.json["error"] == "request_too_large"
    assert answer.headers["connection"] == "close"


async def test_a_declared_length_over_the_limit_is_refused_before_it_comes(autojump_clock: Any, server: Any) -> None:
    (answer,) = await server.talk(post(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: 99999999999"))
    assert (answer.status, answer.informed) == (413, [])


async def test_a_route_may_have_its_own_limit(autojump_clock: Any, server: Any, app: Any) -> None:
    async def small(exchange: Exchange) -> None:
        exchange.body_limit = 10
        await app.echo(exchange)

    app.handlers["/"] = small
    assert [(await server.talk(post(b"a" * size)))[0].status for size in (10, 11)] == [200, 413]


@pytest.mark.parametrize("form", [post, chunked])
async def test_a_gzip_body_is_unpacked(autojump_clock: Any, server: Any, form: Any) -> None:
    text = json.dumps(list(range(50_000))).encode()
    for packed, name in ((gzip.compress(text), GZIP), (gzip.compress(text[:9]) + gzip.compress(text[9:]), GZIP)):
        (answer,) = await server.talk(form(packed, name))
        assert answer.json["body"].encode() == text
    (answer,) = await server.talk(form(text, b"Content-Encoding: identity"))
    assert answer.json["body"].encode() == text


@given(members=st.lists(st.binary(max_size=60), min_size=1, max_size=4), where=st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_gzip_that_is_cut_anywhere_in_transit_is_the_same(talk_alone: Any, members: list[bytes], where: float) -> None:
    request = post(b"".join(map(gzip.compress, members)), GZIP)
    at = int(len(request) * where) + 1
    (answer,) = talk_alone(request[:at], request[at:])
    assert answer.json["body"].encode("latin-1") == b"".join(members)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"plain",
        gzip.compress(b"a" * 1000, mtime=0)[:-1],
        gzip.compress(b"a" * 1000, mtime=0)[:-8] + b"\0" * 8,
        gzip.compress(b"a") + b"b",
    ],
    ids=["empty", "not gzip", "cut", "wrong sum", "more behind it"],
)
async def test_broken_gzip_is_refused(autojump_clock: Any, server: Any, packed: bytes) -> None:
    (answer,) = await server.talk(post(packed, GZIP))
    assert (answer.status, answer.json["error"]) == (400, "malformed_request")


async def test_a_gzip_bomb_is_refused_early(
    autojump_clock: Any, server: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(b"\0" * (64 << 20))
    server.limits = Limits(body=4 << 20)
    assert len(bomb) < 100_000
    (answer,) = await server.talk(post(bomb, GZIP))
    assert (answer.status, answer.json["error"]) == (413, "request_too_large")
    (answer,) = await server.talk(post(gzip.compress(bomb), GZIP))  # packed twice is none of our business
    assert answer.status == 200


async def test_other_encodings_are_refused(autojump_clock: Any, server: Any) -> None:
    for name in (b"br", b"deflate", b"gzip, gzip", b"zstd"):
        (answer,) = await server.talk(post(b"{}", b"Content-Encoding: " + name))
        assert answer.status == 415


async def test_a_body_that_does_not_arrive_is_given_up(autojump_clock: Any, server: Any) -> None:
    (answer,) = await server.talk(post(b"hello")[:-1])
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert trio.current_time() < 70


@pytest.mark.parametrize(("rate", "status", "seconds"), [(20 << 10, 200, 99), (1 << 10, 408, 64)])
async def test_a_slow_body_is_read_as_long_as_it_arrives_at_a_pace(
    autojump_clock: Any, server: Any, nursery: trio.Nursery, rate: int, status: int, seconds: int
) -> None:
    stream = server.connect()

    async def dribble() -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            for _ in range(100):
                await stream.send_all(b"a" * rate)
                await trio.sleep(1)

    await stream.send_all(post(b"a" * (rate * 100)).partition(b"aaa")[0])
    nursery.start_soon(dribble)
    assert await stream.receive_some(12) == b"HTTP/1.1 %d" % status
    assert seconds - 1 <= trio.current_time() <= seconds + 1
    await trio.sleep(100)
    await stream.aclose()


async def test_a_body_can_be_had_piece_by_piece(autojump_clock: Any, server: Any, app: Any) -> None:
    seen: list[int] = []

    async def pieces(exchange: Exchange) -> None:
        async with contextlib.aclosing(exchange.parts()) as parts:
            seen.extend([len(part) async for part in parts])
        await exchange.answer(204)

    app.handlers["/"] = pieces
    server.limits = Limits(body=8 << 20)
    for request in (chunked(b"a" * 5_000_000), post(gzip.compress(b"a" * 5_000_000), GZIP)):
        seen.clear()
        (answer,) = await server.talk(request)
        assert answer.status == 204
        assert sum(seen) == 5_000_000
        assert max(seen) <= 1 << 20


async def test_a_handler_may_stop_reading_in_the_middle(autojump_clock: Any, server: Any, app: Any) -> None:
    async def first(exchange: Exchange) -> None:
        async with contextlib.aclosing(exchange.parts()) as parts:
            async for part in parts:
                await exchange.answer(200, body=part[:3])
                return

    app.handlers["/"] = first
    (answer,) = await server.talk(chunked(b"abc" * 100_000))
    assert (answer.status, answer.body) == (200, b"abc")
