"""A wire over real sockets: plain pairs, and TLS between two ends in this process."""

import socket
import ssl
from collections.abc import Iterator
from functools import partial

import pytest
import trio
import trustme

from rotom.wire import READ_SIZE, Wire


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pair() -> Iterator[tuple[Wire, Wire]]:
    one, two = socket.socketpair()
    wires = Wire(one), Wire(two)
    yield wires
    for wire in wires:
        wire.close()


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def tls_pair(authority: trustme.CA, nursery: trio.Nursery) -> tuple[Wire, trio.SSLStream]:
    """Our end, and an independent implementation (Trio's) on the other."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    send, receive = trio.open_memory_channel[trio.SSLStream](1)

    async def accept(stream: trio.SocketStream) -> None:
        tls = trio.SSLStream(stream, server, server_side=True)
        await tls.do_handshake()
        await send.send(tls)
        await trio.sleep_forever()

    listeners = await nursery.start(partial(trio.serve_tcp, accept, 0, host="127.0.0.1"))
    port = listeners[0].socket.getsockname()[1]
    wire = await Wire.open("localhost", port, context=client_context(authority), timeout=5)
    return wire, await receive.receive()


async def test_bytes_go_both_ways_until_the_end(pair: tuple[Wire, Wire]) -> None:
    one, two = pair
    await one.send_all(b"hello")
    assert await two.receive_some() == b"hello"
    await two.send_all(memoryview(b"abcdef")[1:4])
    assert await one.receive_some(2) == b"bc"
    assert await one.receive_some() == b"d"
    await one.send_eof()
    assert await two.receive_some() == b""
    await two.send_all(b"still")
    assert await one.receive_some() == b"still"


async def test_a_big_send_waits_for_the_reader(pair: tuple[Wire, Wire]) -> None:
    one, two = pair
    big = bytes(range(256)) * 16384
    got = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.send_all, big)
        while len(got) < len(big):
            got += await two.receive_some()
    assert got == big


async def test_a_cancelled_read_loses_nothing(pair: tuple[Wire, Wire]) -> None:
    one, two = pair
    got = b""
    for letter in b"abc":
        with trio.move_on_after(0.005):
            got += await two.receive_some()
        await one.send_all(bytes([letter]))
    while len(got) < 3:
        got += await two.receive_some()
    assert got == b"abc"


async def test_a_read_is_a_checkpoint_and_a_send_is_cancellable(pair: tuple[Wire, Wire]) -> None:
    one, two = pair
    await one.send_all(b"x")
    with trio.testing.assert_checkpoints():
        await two.receive_some()
    with trio.CancelScope() as scope:
        scope.cancel()
        await one.send_all(b"never")
    assert scope.cancelled_caught
    await one.send_eof()
    assert await two.receive_some() == b""


async def test_two_readers_or_two_writers_are_refused(pair: tuple[Wire, Wire]) -> None:
    one, _ = pair
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.receive_some)
        nursery.start_soon(one.send_all, bytes(1 << 23))
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await one.receive_some()
        with pytest.raises(trio.BusyResourceError):
            await one.send_all(b"x")
        nursery.cancel_scope.cancel()


async def test_closing_wakes_the_reader_and_the_writer(pair: tuple[Wire, Wire]) -> None:
    one, _ = pair

    async def read() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await one.receive_some()

    async def write() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await one.send_all(bytes(1 << 23))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(write)
        await trio.testing.wait_all_tasks_blocked()
        await one.aclose()
    await read()
    await write()
    assert one.fileno() == -1
    assert not one.idle()
    one.close()


async def test_a_reset_is_a_broken_resource() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        wire = await Wire.open("127.0.0.1", listener.getsockname()[1], timeout=5)
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        with pytest.raises(trio.BrokenResourceError):
            await wire.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await wire.send_all(b"x")
        wire.close()


async def test_no_delay_is_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = await Wire.open("127.0.0.1", listener.getsockname()[1], timeout=5)
        assert wire.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        wire.close()


async def test_an_idle_wire_is_open_and_silent(pair: tuple[Wire, Wire]) -> None:
    one, two = pair
    assert one.idle()
    await two.send_all(b"?")
    assert not one.idle()
    assert one.idle()
    two.close()
    assert not one.idle()


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError, match="connect"):
        await Wire.open("127.0.0.1", port, timeout=5)


async def test_tls_joins_records_and_keeps_what_was_not_asked_for(authority: trustme.CA) -> None:
    async with trio.open_nursery() as nursery:
        wire, peer = await tls_pair(authority, nursery)
        assert wire.idle()
        big = bytes(range(256)) * 1024
        async with trio.open_nursery() as writing:
            writing.start_soon(peer.send_all, big)
            got, sizes = b"", []
            while len(got) < len(big):
                sizes.append(len(part := await wire.receive_some()))
                got += part
        assert got == big
        assert max(sizes) > 16384
        assert max(sizes) <= READ_SIZE
        await peer.send_all(b"abcdef")
        assert [await wire.receive_some(2) for _ in range(3)] == [b"ab", b"cd", b"ef"]
        with trio.move_on_after(0.01) as scope:
            await wire.receive_some()
        assert scope.cancelled_caught
        await wire.send_all(b"to you")
        assert await peer.receive_some() == b"to you"
        assert wire.idle()
        with pytest.raises(NotImplementedError):
            await wire.send_eof()
        await peer.transport_stream.aclose()
        assert await wire.receive_some() == b""
        assert await wire.receive_some() == b""
        wire.close()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fault", ["unknown authority", "wrong name"])
async def test_tls_refuses_who_it_cannot_know(authority: trustme.CA, fault: str) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = trustme.CA() if fault == "unknown authority" else authority
    issuer.issue_cert("localhost" if fault == "unknown authority" else "elsewhere.example").configure_cert(server)

    async def accept(stream: trio.SocketStream) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await trio.SSLStream(stream, server, server_side=True).do_handshake()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, accept, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ssl.SSLCertVerificationError):
            await Wire.open("localhost", port, context=client_context(authority), timeout=5)
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()


async def test_a_silent_handshake_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(trio.TooSlowError):
            await Wire.open("127.0.0.1", listener.getsockname()[1], context=ssl.create_default_context(), timeout=0.05)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(2)
            while peer.recv(4096):
                pass
