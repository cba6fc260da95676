"""An exchange: bodies and their limits, streamed answers, and watching for a client that hangs up."""

import math
from typing import Any

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from rotom.problem import Kind, Problem
from rotom.server import Limits, Refusal
from rotom.server.connection import Connection
from rotom.server.drain import Drain
from rotom.server.exchange import READ_AHEAD, Exchange

ASK = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


LAST = ASK.replace(b"Host", b"Connection: close\r\nHost")

# ---- what is asked


async def test_what_a_handler_sees(autojump_clock: Any, server: Any, app: Any) -> None:
    seen: list[Exchange] = []

    async def looks(exchange: Exchange) -> None:
        seen.append(exchange)
        await exchange.answer(204)

    app.handlers["/a%2Fb"] = looks
    head = (
        b"DELETE /a%2Fb?x=1&y=&x=2&z=%C3%A9 HTTP/1.1\r\nHost: x\r\nAccept: a\r\nACCEPT: b\r\nConnection: close\r\n\r\n"
    )
    (answer,) = await server.talk(head)
    (exchange,) = seen
    assert (exchange.method, exchange.path) == ("DELETE", "/a%2Fb")
    assert exchange.query == {"x": "2", "y": "", "z": "é"}
    assert exchange.headers["accept"] == "a, b"
    assert (exchange.peer, exchange.local) == ("client", "127.0.0.1:1")
    assert (exchange.status, exchange.started, exchange.complete, exchange.gone) == (204, True, True, False)
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert answer.headers["x-request-id"] == exchange.id


async def test_extra_headers_go_with_every_answer(autojump_clock: Any, server: Any, app: Any) -> None:
    async def fails(exchange: Exchange) -> None:
        exchange.extra_headers.append(("vary", "Origin"))
        raise Problem(Kind.FORBIDDEN, "no")

    app.handlers["/"] = fails
    (answer,) = await server.talk(LAST)
    assert (answer.status, answer.headers["vary"]) == (403, "Origin")


async def test_the_end_of_the_connection_is_told_once(autojump_clock: Any, server: Any, app: Any) -> None:
    """By a handler that knows of it, by a server that is asked to end, and by both."""

    async def ends(exchange: Exchange) -> None:
        server.drain.begin()
        await exchange.answer(200, [("connection", "close")] if exchange.path == "/both" else ())

    app.handlers["/both"] = app.handlers["/one"] = ends
    for path in (b"/both", b"/one"):
        (answer,) = await server.talk(ASK.replace(b"/", path, 1))
        assert answer.headers["connection"] == "close"


async def test_so_it_is_where_nothing_was_understood(
    autojump_clock: Any, server: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "refusal", lambda *_: Refusal(503, [("connection", "close")], b""))
    (answer,) = await server.talk(b"no request\r\n\r\n")
    assert (answer.status, answer.headers["connection"]) == (503, "close")


# ---- streamed answers


async def test_a_stream_whose_head_waits_for_its_first_piece(autojump_clock: Any, server: Any, app: Any) -> None:
    async def streams(exchange: Exchange) -> None:
        exchange.start(200, [("content-type", "text/plain")])
        assert exchange.first_at is None
        await trio.sleep(3)
        await exchange.send(b"one ")
        assert exchange.first_at == exchange.begun_at + 3
        await exchange.send(b"")
        await exchange.send(b"two")
        await exchange.finish()
        await exchange.finish()

    app.handlers["/"] = streams
    (answer,) = await server.talk(LAST)
    assert (answer.status, answer.body, answer.whole) == (200, b"one two", True)
    assert answer.headers["transfer-encoding"] == "chunked"


async def test_until_the_first_piece_an_error_has_its_own_status(autojump_clock: Any, server: Any, app: Any) -> None:
    async def fails(exchange: Exchange) -> None:
        exchange.start(200)
        raise Problem(Kind.RATE_LIMITED, "wait", code="rate")

    app.handlers["/"] = fails
    (answer,) = await server.talk(LAST)
    assert (answer.status, answer.json["error"]) == (429, "rate")
    assert app.over[0].log["code"] == "rate"


async def test_an_empty_stream_has_a_head(autojump_clock: Any, server: Any, app: Any) -> None:
    async def empty(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.finish()

    app.handlers["/"] = empty
    (answer,) = await server.talk(LAST)
    assert (answer.status, answer.body, answer.whole) == (200, b"", True)


# ---- a client that hangs up


class Turn:
    """A handler that streams `pieces`, waiting `pause` before each, with a pulse; it knows how it ended."""

    def __init__(self, *pieces: bytes, pause: float = 1, every: float = math.inf) -> None:
        self.pieces, self.pause, self.every = pieces, pause, every
        self.ended_at: float | None = None
        self.cancelled = False
        self.pulses = 0

    def pulse(self) -> bytes:
        self.pulses += 1
        return b"(ping)"

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.body()
        exchange.start(200)
        async with exchange.attended(self.pulse, self.every):
            try:
                for piece in self.pieces:
                    await trio.sleep(self.pause)
                    await exchange.send(piece)
                await exchange.finish()
            except trio.Cancelled:
                self.cancelled = True
                raise
            finally:
                self.ended_at = trio.current_time()


@pytest.mark.parametrize("behind", [b"", b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /ne"])
@pytest.mark.parametrize("after", [0, 5.5])
async def test_a_hang_up_cancels_at_once(
    autojump_clock: Any, server: Any, app: Any, behind: bytes, after: float
) -> None:
    app.handlers["/"] = turn = Turn(*[b"x"] * 100)
    stream = server.connect()
    await stream.send_all(ASK + behind)
    await trio.sleep(after)
    await stream.aclose()
    await wait_all_tasks_blocked()
    assert turn.cancelled
    assert turn.ended_at == after
    (exchange,) = app.over
    assert (exchange.gone, exchange.complete, exchange.started) == (True, False, after > 0)
    assert not app.bugs


async def test_a_handler_that_goes_on_after_a_hang_up_is_no_bug(autojump_clock: Any, server: Any, app: Any) -> None:
    async def stubborn(exchange: Exchange) -> None:
        async with exchange.attended():
            await trio.sleep(10)
        assert exchange.gone
        await exchange.json(200, "too late")

    app.handlers["/"] = stubborn
    stream = server.connect()
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await trio.sleep(1)
    await stream.aclose()
    await wait_all_tasks_blocked()
    assert [e.gone for e in app.over] == [True]
    assert not app.bugs


async def test_the_end_of_an_answer_after_a_hang_up_is_no_bug(
    autojump_clock: Any, app: Any, nursery: trio.Nursery
) -> None:
    async def whole(exchange: Exchange) -> None:
        async with exchange.attended():
            exchange.start(200)
            await exchange.send(b"all")
            client.send_stream.close()
            client.receive_stream.close()
            with trio.CancelScope(shield=True):  # the watcher sees it, and no cancellation comes in between
                await trio.sleep(1)
            await exchange.finish()

    app.handlers["/"] = whole
    client, ours = memory_stream_pair()
    nursery.start_soon(Connection(ours, app, Limits(), Drain()).run)
    await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await trio.sleep(5)
    (exchange,) = app.over
    assert (exchange.complete, exchange.gone) == (False, True)
    assert not app.bugs


async def test_a_client_that_leaves_right_behind_the_last_byte_had_it_all(
    autojump_clock: Any, app: Any, nursery: trio.Nursery
) -> None:
    async def whole(exchange: Exchange) -> None:
        async with exchange.attended():
            exchange.start(200)
            await exchange.send(b"all")
            client.send_stream.close()
            client.receive_stream.close()
            await exchange.finish()
            await trio.sleep(3)  # closing the provider's connection, say

    app.handlers["/"] = whole
    client, ours = memory_stream_pair()
    nursery.start_soon(Connection(ours, app, Limits(), Drain()).run)
    await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await trio.sleep(5)
    (exchange,) = app.over
    assert (exchange.complete, exchange.gone) == (True, False)
    assert trio.current_time() == 5


async def test_a_problem_in_an_attended_block_comes_out_as_it_is(autojump_clock: Any, server: Any, app: Any) -> None:
    async def fails(exchange: Exchange) -> None:
        async with exchange.attended(lambda: b"ping", 10):
            await trio.sleep(1)
            raise Problem(Kind.UPSTREAM, "no", code="up")

    app.handlers["/"] = fails
    answers = await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    assert [(a.status, a.json["error"]) for a in answers] == [(502, "up")] * 2


async def test_read_ahead_is_bounded(autojump_clock: Any, app: Any, nursery: trio.Nursery) -> None:
    app.handlers["/"] = turn = Turn(b"x", pause=10)
    client, ours = memory_stream_pair()
    connection = Connection(ours, app, Limits(), Drain())
    nursery.start_soon(connection.run)
    await client.send_all(ASK)
    await wait_all_tasks_blocked()
    follow = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    await client.send_all(follow * (100_000 // len(follow)))
    await wait_all_tasks_blocked()
    assert len(connection.h11.trailing_data[0]) == READ_AHEAD
    await trio.sleep(11)
    assert turn.ended_at == 10
    assert len(app.over) == 1 + 100_000 // len(follow)
    await client.aclose()


# ---- pulses


async def test_pulses_fill_silence_and_only_silence(autojump_clock: Any, server: Any, app: Any) -> None:
    app.handlers["/"] = Turn(b"[a]", b"[b]", b"[c]", pause=25, every=10)
    (answer,) = await server.talk(LAST)
    assert answer.body == b"(ping)(ping)[a](ping)(ping)[b](ping)(ping)[c]"
    app.handlers["/"] = quick = Turn(*[b"."] * 50, pause=9, every=10)
    (answer,) = await server.talk(LAST)
    assert (answer.body, quick.pulses) == (b"." * 50, 0)


async def test_pulses_come_although_the_client_pipelines(autojump_clock: Any, server: Any, app: Any) -> None:
    app.handlers["/"] = Turn(b"[a]", pause=35, every=10)
    stream = server.connect()
    await stream.send_all(ASK)
    for _ in range(30):
        await trio.sleep(1)
        await stream.send_all(b"a" * 4000)
    await trio.sleep(10)
    await stream.send_eof()
    data = b""
    while some := await stream.receive_some():
        data += some
    assert data.count(b"(ping)") == 3
    assert b"[a]" in data


async def test_no_pulse_and_no_spinning_after_the_end(mock_clock: MockClock, app: Any, nursery: trio.Nursery) -> None:
    reads = 0

    async def count() -> None:
        nonlocal reads
        reads += 1

    async def lasts(exchange: Exchange) -> None:
        exchange.start(200)
        async with exchange.attended(turn.pulse, 10):
            await exchange.finish()
            await trio.sleep(1000)

    turn = Turn()
    app.handlers["/"] = lasts
    client, ours = memory_stream_pair()
    ours.receive_stream.receive_some_hook = count
    nursery.start_soon(Connection(ours, app, Limits(), Drain()).run)
    await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await wait_all_tasks_blocked()
    for _ in range(5):
        mock_clock.jump(50)
        for _ in range(20):
            await trio.lowlevel.checkpoint()
    assert turn.pulses == 0
    assert 0 < reads < 10
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("last_word_inside", [True, False])
async def test_a_pulse_is_never_cut_in_two(
    autojump_clock: Any, app: Any, nursery: trio.Nursery, last_word_inside: bool
) -> None:
    """The client takes the pulse slowly; meanwhile the handler has its last word ready."""

    class Slow(trio.abc.SendStream):
        async def send_all(self, data: Any) -> None:
            half = len(data) // 2
            await ours.send_stream.send_all(data[:half])
            await trio.sleep(2)
            await ours.send_stream.send_all(data[half:])

        async def wait_send_all_might_not_block(self) -> None:
            await trio.lowlevel.checkpoint()

        async def aclose(self) -> None:
            await ours.send_stream.aclose()

    async def leaves_first(exchange: Exchange) -> None:
        exchange.start(200)
        async with exchange.attended(lambda: b"(ping)", 10):
            await trio.sleep(11)
        await exchange.send(b"[a]")
        await exchange.finish()

    app.handlers["/"] = Turn(b"[a]", pause=11, every=10) if last_word_inside else leaves_first
    client, ours = memory_stream_pair()
    slow = trio.StapledStream(Slow(), ours.receive_stream)
    nursery.start_soon(Connection(slow, app, Limits(), Drain()).run)
    await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await trio.sleep(30)
    await client.send_eof()
    data = b""
    while some := await client.receive_some():
        data += some
    assert data.endswith(b"\r\n\r\n6\r\n(ping)\r\n3\r\n[a]\r\n0\r\n\r\n")


async def test_a_bug_in_a_pulse_is_a_bug(autojump_clock: Any, server: Any, app: Any) -> None:
    async def waits(exchange: Exchange) -> None:
        exchange.start(200)
        async with exchange.attended(lambda: b"%d" % (1 // 0), 10):
            await trio.sleep(100)

    app.handlers["/"] = waits
    (answer,) = await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.status == 500
    assert isinstance(app.bugs[0][0], ZeroDivisionError)


# ---- a client that takes nothing


@pytest.mark.parametrize("attended", [True, False])
async def test_a_client_that_never_reads_is_given_up(
    autojump_clock: Any, app: Any, nursery: trio.Nursery, attended: bool
) -> None:
    async def plain(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.send(b"x")

    app.handlers["/"] = Turn(b"x", b"y", every=10) if attended else plain
    client, ours = lockstep_stream_pair()
    nursery.start_soon(Connection(ours, app, Limits(send_seconds=40), Drain()).run)
    await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await trio.sleep(45)
    (exchange,) = app.over
    assert (exchange.gone, exchange.complete) == (True, False)
    assert not app.bugs
    await client.aclose()


async def test_a_slow_client_is_waited_for(autojump_clock: Any, app: Any, nursery: trio.Nursery) -> None:
    app.handlers["/"] = turn = Turn(b"[a]", b"[b]", every=10)
    client, ours = lockstep_stream_pair()
    nursery.start_soon(Connection(ours, app, Limits(send_seconds=40), Drain()).run)
    await client.send_all(ASK)
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        await trio.sleep(3)
        data += await client.receive_some(20)
    assert data.index(b"[a]") < data.index(b"[b]")
    assert turn.cancelled is False
    await client.aclose()


async def test_being_cancelled_cuts_the_answer(autojump_clock: Any, app: Any) -> None:
    app.handlers["/"] = turn = Turn(*[b"x"] * 10, every=10)
    client, ours = memory_stream_pair()
    with trio.move_on_after(3.5) as grace:
        await client.send_all(ASK)
        await Connection(ours, app, Limits(), Drain()).run()
    assert grace.cancelled_caught
    assert turn.cancelled
    data = b""
    while some := await client.receive_some():
        data += some
    assert data.count(b"\r\n1\r\nx") == 3
    assert not data.endswith(b"0\r\n\r\n")
    assert [(e.gone, e.complete) for e in app.over] == [(False, False)]
