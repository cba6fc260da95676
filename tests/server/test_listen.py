"""Binding, accepting and ending, over real sockets; and what only real sockets show: resets, full buffers, hang-ups."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from rotom.problem import Kind, Problem
from rotom.server import Limits, listen
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange
from rotom.server.listen import Address, addresses, bound, open_listeners

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@asynccontextmanager
async def serving(
    app: Any, *binds: str, limits: Limits | None = None, grace: float = 5
) -> AsyncIterator[tuple[list[Address], Drain]]:
    """A server on real sockets."""
    drain = Drain()
    listeners = await open_listeners(addresses(binds or ("127.0.0.1:0",)))
    async with trio.open_nursery() as nursery:
        await nursery.start(listen.serve, listeners, app, limits or Limits(), drain, grace)
        yield bound(listeners), drain
        nursery.cancel_scope.cancel()


async def connect(address: Address) -> trio.SocketStream:
    return await trio.open_tcp_stream(address.host, address.port)


async def answer_of(address: Address, request: bytes = GET) -> bytes:
    stream = await connect(address)
    async with stream:
        await stream.send_all(request)
        return bytes(await stream.receive_some())


def reset(stream: trio.SocketStream) -> None:
    """Close as a program that dies with unread data does: by RST."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


# ---- addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:1", [Address("127.0.0.1", 1)]),
        ("127.0.0.1", [Address("127.0.0.1", 14550)]),
        (" localhost:0 ", [Address("localhost", 0)]),
        ("[::1]:5", [Address("::1", 5)]),
        ("[::]", [Address("::", 14550)]),
        ("127.0.0.0/8:7", [Address("127.0.0.1", 7)]),
        ("127.3.0.0/16:7", [Address("127.0.0.1", 7)]),
        ("192.168.1.0/24:14550", [Address("192.168.1.7", 14550), Address("192.168.1.9", 14550)]),
        ("192.168.1.7/24:9", [Address("192.168.1.7", 9), Address("192.168.1.9", 9)]),
        ("192.168.1.9/32:9", [Address("192.168.1.9", 9)]),
        ("0.0.0.0/0:9", [Address(a, 9) for a in ("127.0.0.1", "192.168.1.7", "10.0.0.2", "192.168.1.9")]),
    ],
)
def test_bind_texts(monkeypatch: pytest.MonkeyPatch, text: str, found: list[Address]) -> None:
    here = ["127.0.0.1", "192.168.1.7", "10.0.0.2", "192.168.1.9"]
    monkeypatch.setattr(listen, "local_addresses", lambda: here)
    assert addresses([text]) == found
    assert addresses([text, text]) == found


UNUSABLE = """
:14550 14550 ::1 [::1 [::1]x a:b a:-1 a:65536 a:1:2 a:١ 172.16.0.0/12:1 1.2.3.4/33:1 300.0.0.0/8:1 [fd00::]/8:1 [fd00::/8]:1
"""


@pytest.mark.parametrize("text", ["", *UNUSABLE.split()])
def test_unusable_bind_texts(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(listen, "local_addresses", lambda: ["127.0.0.1", "192.168.1.7"])
    with pytest.raises(Problem, match="cannot bind to") as told:
        addresses([text])
    assert told.value.code == "bad_bind"
    assert repr(text) in told.value.message


LOOPBACK = ("127.0.0.1", "127.9.9.9", "::1", "localhost")
REACHABLE = ("0.0.0.0", "::", "192.168.1.7", "fe80::1%eth0", "myhost")


@pytest.mark.parametrize("host", [*LOOPBACK, *REACHABLE])
def test_what_other_machines_can_reach(host: str) -> None:
    assert Address(host, 1).loopback is (host in LOOPBACK)


def test_addresses_as_text() -> None:
    assert [str(Address("127.0.0.1", 1)), str(Address("::1", 2))] == ["127.0.0.1:1", "[::1]:2"]


# ---- binding


async def test_several_addresses_and_a_port_chosen_by_the_system(app: Any) -> None:
    async with serving(app, "127.0.0.1:0", "127.0.0.2:0", "localhost:0") as (where, _):
        assert len(where) >= 3
        assert all(address.port > 0 for address in where)
        for address in where:
            assert (await answer_of(address)).startswith(b"HTTP/1.1 200 ")


@ipv6
async def test_ipv6_beside_ipv4_on_the_same_port(app: Any) -> None:
    async with serving(app, "127.0.0.1:0") as ((four,), _), serving(app, f"[::1]:{four.port}") as ((six,), _):
        assert str(six) == f"[::1]:{four.port}"
        assert (await answer_of(six)).startswith(b"HTTP/1.1 200 ")
    assert app.over[0].local == str(six)
    assert app.over[0].peer.startswith("[::1]:")


@ipv6
async def test_all_addresses_of_both_kinds_on_one_port(app: Any) -> None:
    async with serving(app, "0.0.0.0:0") as ((four,), _), serving(app, f"[::]:{four.port}"):
        for host in ("127.0.0.1", "::1"):
            assert (await answer_of(Address(host, four.port))).startswith(b"HTTP/1.1 200 ")
    assert [e.local for e in app.over] == [f"127.0.0.1:{four.port}", f"[::1]:{four.port}"]


async def test_an_exchange_knows_both_ends(app: Any) -> None:
    async with serving(app, "0.0.0.0:0") as ((any_address,), _):
        await answer_of(Address("127.0.0.1", any_address.port))
    assert app.over[0].local == f"127.0.0.1:{any_address.port}"
    assert app.over[0].peer.startswith("127.0.0.1:")


async def test_a_port_that_is_taken(app: Any) -> None:
    async with serving(app) as ((taken,), _):
        before = len(await open_and_close("127.0.0.2:0"))
        with pytest.raises(Problem, match=f"cannot listen on {taken}: another program has this port") as told:
            await open_listeners([Address("127.0.0.2", 0), taken])
        assert told.value.kind is Kind.UNAVAILABLE
        assert told.value.hint is not None
        assert before == 1


async def open_and_close(*binds: str) -> list[Address]:
    listeners = await open_listeners(addresses(binds))
    where = bound(listeners)
    for listener in listeners:
        await listener.aclose()
    return where


@pytest.mark.parametrize(
    ("host", "why"),
    [("192.0.2.77", "no such address"), ("no-such-host.invalid", "cannot listen on no-such-host.invalid")],
)
async def test_addresses_that_are_not_here(host: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        await open_listeners([Address(host, 0)])


async def test_a_port_is_free_again_at_once(app: Any) -> None:
    async with serving(app) as ((where,), _):
        stream = await connect(where)
        await stream.send_all(GET)
        await stream.receive_some()
    assert await open_and_close(str(where)) == [where]
    await stream.aclose()


# ---- too many connections


async def test_one_connection_too_many_is_told_so(app: Any) -> None:
    async with serving(app, limits=Limits(connections=2)) as ((where,), _):
        first, second = await connect(where), await connect(where)
        for stream in (first, second):
            await stream.send_all(GET)
            await stream.receive_some()
        told = await answer_of(where)
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"x-request-id: " in told.lower()
        assert app.turned_away[0][0].code == "too_many_connections"
        await first.aclose()
        with trio.fail_after(2):
            while not (await answer_of(where)).startswith(b"HTTP/1.1 200 "):
                await trio.testing.wait_all_tasks_blocked(0.01)
        await second.send_all(GET)
        assert (await second.receive_some()).startswith(b"HTTP/1.1 200 ")
        await second.aclose()


# ---- sockets of a service manager


@pytest.fixture
def hand_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, str]]]:
    """Hands sockets over as systemd does, but by the numbers that are free here; the environment that tells of them."""
    copies: list[int] = []

    def hand(*sockets: socket.socket, pid: int | None = None) -> dict[str, str]:
        # Numbers that follow one another, above all that are in use.
        first = max(map(int, os.listdir("/dev/fd")), default=100) + 50
        for number, one in enumerate(sockets, first):
            os.dup2(one.fileno(), number)
            copies.append(number)
        monkeypatch.setattr(listen, "FIRST_INHERITED", first)
        return {
            "LISTEN_PID": str(pid or os.getpid()),
            "LISTEN_FDS": str(len(sockets)),
            "LISTEN_FDNAMES": "http",
            "OTHER": "x",
        }

    yield hand
    for number in copies:
        with contextlib.suppress(OSError):
            os.close(number)


posix = pytest.mark.skipif(os.name != "posix", reason="sockets are handed over on POSIX only")


@posix
async def test_sockets_that_a_manager_holds(app: Any, hand_over: Callable[..., dict[str, str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        environ = hand_over(first, second)
        listeners = listen.inherited(environ)
        assert environ == {"OTHER": "x"}
        assert [a.port for a in bound(listeners)] == [first.getsockname()[1], second.getsockname()[1]]
        assert not any(os.get_inheritable(one.socket.fileno()) for one in listeners)
        drain = Drain()
        async with trio.open_nursery() as nursery:
            await nursery.start(listen.serve, listeners, app, Limits(), drain, 5)
            for where in bound(listeners):
                assert (await answer_of(where)).startswith(b"HTTP/1.1 200 ")
            drain.begin()
        with socket.create_connection(first.getsockname()):
            pass  # the manager's own end still takes clients, for the next start


@posix
def test_sockets_for_another_process_are_not_ours(hand_over: Callable[..., dict[str, str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert listen.inherited(hand_over(sock, pid=1)) == []
    assert listen.inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"}) == []
    assert listen.inherited({}) == []


@posix
@pytest.mark.parametrize("kind", ["unix", "udp", "deaf", "closed"])
def test_sockets_that_cannot_be_served(hand_over: Callable[..., dict[str, str]], kind: str) -> None:
    made = {
        "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "deaf": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "closed": lambda: socket.create_server(("127.0.0.1", 0)),
    }
    with socket.create_server(("127.0.0.1", 0)) as good, made[kind]() as sock:
        environ = hand_over(good, sock)
        first = listen.FIRST_INHERITED
        if kind == "closed":
            os.close(first + 1)
        with pytest.raises(Problem) as caught:
            listen.inherited(environ)
        assert caught.value.code == "bad_bind"
        with pytest.raises(OSError, match=r"Bad file descriptor"):
            os.fstat(first)  # none is left open


# ---- ending


async def test_drain(app: Any) -> None:
    async def slow(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.send(b"one")
        await trio.sleep(0.2)
        await exchange.send(b"two")
        await exchange.finish()

    async def quick(exchange: Exchange) -> None:
        await exchange.answer(204)

    app.handlers["/a"] = slow
    drain, (listener,) = Drain(), await open_listeners(addresses(["127.0.0.1:0"]))
    (where,) = bound([listener])
    async with trio.open_nursery() as nursery:
        await nursery.start(listen.serve, [listener], app, Limits(), drain, 30)
        app.handlers["/b"] = quick
        idle, busy = await connect(where), await connect(where)
        await idle.send_all(GET.replace(b"/a", b"/b"))
        assert (await idle.receive_some()).startswith(b"HTTP/1.1 204 ")
        await busy.send_all(GET)
        assert b"one" in await busy.receive_some()
        begun = time.perf_counter()
        drain.begin()
        assert await idle.receive_some() == b""
        assert time.perf_counter() - begun < 0.1
        with pytest.raises(OSError, match=r"all attempts|refused"):
            await connect(where)
        data = b""
        while some := await busy.receive_some():
            data += some
        assert data.endswith(b"3\r\ntwo\r\n0\r\n\r\n")
    assert 0.15 < time.perf_counter() - begun < 2
    await idle.aclose()
    await busy.aclose()


async def test_who_has_just_come_is_answered_all_the_same(app: Any) -> None:
    async with serving(app) as ((where,), drain), await connect(where) as new, await connect(where) as silent:
        with trio.fail_after(5):
            while drain.connections < 2:
                await trio.lowlevel.checkpoint()
        drain.begin()
        await new.send_all(GET)
        assert (await new.receive_some()).startswith(b"HTTP/1.1 200 ")
        with trio.fail_after(3):
            assert await silent.receive_some() == b"", "nobody waits for long"


async def test_what_is_not_done_within_the_grace_is_cut(app: Any) -> None:
    cut = trio.Event()

    async def forever(exchange: Exchange) -> None:
        exchange.start(200)
        async with exchange.attended():
            await exchange.send(b"one")
            try:
                await trio.sleep_forever()
            finally:
                cut.set()

    app.handlers["/a"] = forever
    async with serving(app, grace=0.2) as ((where,), drain):
        stream = await connect(where)
        await stream.send_all(GET)
        assert b"one" in await stream.receive_some()
        begun = time.perf_counter()
        drain.begin()
        await cut.wait()
        assert 0.15 < time.perf_counter() - begun < 1
        assert not (await stream.receive_some()).endswith(b"0\r\n\r\n")
        await stream.aclose()


# ---- hang-ups


class Turn:
    """A handler in one of the three phases of waiting for a provider."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self.under_way, self.ended = trio.Event(), trio.Event()
        self.ended_at = 0.0

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.body()
        exchange.start(200)
        async with exchange.attended(lambda: b"ping", 10):
            try:
                if self.phase != "before the head":
                    await exchange.send(b"one")
                self.under_way.set()
                while self.phase == "streaming":
                    await trio.sleep(0.01)
                    await exchange.send(b"x")
                await trio.sleep_forever()
            finally:
                self.ended_at = time.perf_counter()
                self.ended.set()


async def closes(stream: trio.SocketStream) -> None:
    stream.socket.close()


async def resets(stream: trio.SocketStream) -> None:
    reset(stream)


async def half_closes(stream: trio.SocketStream) -> None:
    await stream.send_eof()


async def closes_behind_a_request(stream: trio.SocketStream) -> None:
    await stream.send_all(GET * 3)
    stream.socket.close()


@pytest.mark.parametrize("hang_up", [closes, resets, half_closes, closes_behind_a_request])
@pytest.mark.parametrize("phase", ["before the head", "silent after the head", "streaming"])
async def test_a_hang_up_is_seen_within_20_ms(app: Any, phase: str, hang_up: Callable[..., Any]) -> None:
    seconds = []
    for _ in range(3):  # the best of three, since the machine may be busy with something else
        app.over.clear()
        app.handlers["/a"] = turn = Turn(phase)
        async with serving(app) as ((where,), _):
            stream = await connect(where)
            await stream.send_all(GET)
            await turn.under_way.wait()
            await trio.sleep(0.03)
            begun = time.perf_counter()
            await hang_up(stream)
            with trio.fail_after(2):
                await turn.ended.wait()
            seconds.append(turn.ended_at - begun)
            await trio.testing.wait_all_tasks_blocked(0.005)
            stream.socket.close()
            assert [(e.gone, e.complete) for e in app.over] == [(True, False)]
            assert not app.bugs
        if seconds[-1] < 0.02:
            break
    assert min(seconds) < 0.02


async def test_a_client_that_never_reads_is_given_up(app: Any) -> None:
    gone = trio.Event()

    async def floods(exchange: Exchange) -> None:
        exchange.start(200)
        async with exchange.attended():
            while True:
                await exchange.send(b"x" * 65536)
        gone.set()

    app.handlers["/a"] = floods
    async with serving(app, limits=Limits(send_seconds=0.2)) as ((where,), _):
        stream = await connect(where)
        await stream.send_all(GET)
        with trio.fail_after(5):
            await gone.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert [e.gone for e in app.over] == [True]
        assert not app.bugs
        await stream.aclose()


async def test_a_long_answer_arrives_whole_at_a_slow_client(app: Any) -> None:
    body = bytes(range(256)) * 20_000

    async def long(exchange: Exchange) -> None:
        async with exchange.attended():
            await exchange.answer(200, [], body)

    app.handlers["/a"] = long
    async with serving(app) as ((where,), _):
        stream = await connect(where)
        await stream.send_all(GET.replace(b"Host", b"Connection: close\r\nHost"))
        data = b""
        while some := await stream.receive_some(200_000):
            data += some
            await trio.testing.wait_all_tasks_blocked(0.001)
        await stream.aclose()
    assert data.partition(b"\r\n\r\n")[2] == body


async def test_a_refusal_reaches_a_client_that_sends_on(app: Any) -> None:
    """Closing with unread data makes the kernel send a reset, which would overtake the answer."""
    async with serving(app, limits=Limits(body=1 << 20)) as ((where,), _):
        for size in (2 << 20, 80 << 20):
            stream = await connect(where)
            head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
            await stream.send_all(head)
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(b"a" * size)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 413 ")
            await stream.aclose()


async def test_pipelined_requests_do_not_starve_others(app: Any) -> None:
    async def quick(exchange: Exchange) -> None:
        await exchange.json(200, exchange.path)

    app.handlers |= {"/one": quick, "/two": quick}
    async with serving(app) as ((where,), _):
        one, two = await connect(where), await connect(where)
        await trio.testing.wait_all_tasks_blocked(0.01)
        for stream, path in ((one, b"/one"), (two, b"/two")):  # both before the server has a turn
            with socket.fromfd(stream.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM) as raw:
                raw.send(GET.replace(b"/a", path) * 100)
        with trio.fail_after(5):
            while len(app.over) < 200:
                await trio.testing.wait_all_tasks_blocked(0.01)
        await one.aclose()
        await two.aclose()
    assert {e.path for e in app.over[:20]} == {"/one", "/two"}


async def test_many_clients_at_once(app: Any) -> None:
    answered = 0

    async def client(where: Address) -> None:
        nonlocal answered
        stream = await connect(where)
        async with stream:
            for _ in range(5):
                await stream.send_all(GET * 2)
                data = b""
                while data.count(b"HTTP/1.1 200 ") < 2 or not data.endswith(b"}"):
                    data += await stream.receive_some()
                answered += 2

    async with serving(app) as ((where,), _), trio.open_nursery() as clients:
        for _ in range(100):
            clients.start_soon(client, where)
    assert answered == 1000
    assert len({e.id for e in app.over}) == 1000
