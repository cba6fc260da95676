"""The transport over real loopback sockets: an h11 server that answers as told, TLS, and a CONNECT proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import h11
import httpx
import pytest
import trio
import trio.testing
import trustme

from rotom.problem import Problem
from rotom.upstream import transport as module
from rotom.upstream.proxies import Proxies
from rotom.upstream.transport import Body, Transport

Answer = Callable[["Peer", h11.Request, bytes], Awaitable[None]]
LIMITS = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": None}


class Peer:
    """One connection at the server's end."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.conn = h11.Connection(h11.SERVER)

    async def request(self) -> tuple[h11.Request, bytes] | None:
        head, body = None, b""
        while True:
            event = self.conn.next_event()
            if event is h11.NEED_DATA:
                self.conn.receive_data(await self.stream.receive_some())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return head, body
            else:
                return None

    async def send(self, *events: h11.Event) -> None:
        await self.stream.send_all(b"".join(self.conn.send(event) or b"" for event in events))

    async def answer(self, body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        head = h11.Response(status_code=status, headers=[("content-length", str(len(body))), *headers])
        await self.send(head, h11.Data(data=body), h11.EndOfMessage())


class Server:
    """Counts connections and keeps what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.closed = 0
        self.asked: list[tuple[h11.Request, bytes]] = []
        self.port = 0

    async def serve(self, context: ssl.SSLContext | None, stream: trio.abc.Stream) -> None:
        self.connections += 1
        if context is not None:
            stream = trio.SSLStream(stream, context, server_side=True)
        peer = Peer(stream)
        try:
            while (asked := await peer.request()) is not None:
                self.asked.append(asked)
                await self.answer(peer, *asked)
                if peer.conn.our_state is not h11.DONE:
                    break
                peer.conn.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.closed += 1
            await trio.aclose_forcefully(stream)


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    async with trio.open_nursery() as nursery:
        handler = partial(server.serve, context)
        listeners = await nursery.start(partial(trio.serve_tcp, handler, 0, host="127.0.0.1"))
        server.port = listeners[0].socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()


def client_of(context: ssl.SSLContext | None = None, proxies: Proxies | None = None) -> httpx.AsyncClient:
    def contexts() -> ssl.SSLContext:
        assert context is not None
        return context

    transport = Transport(contexts, proxies or Proxies())
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(5.0), trust_env=False)


async def hello(peer: Peer, request: h11.Request, body: bytes) -> None:
    await peer.answer(b"hello " + body)


async def test_connections_are_used_again_last_in_first_out() -> None:
    async with serving(hello) as server, client_of() as client:
        url = f"http://127.0.0.1:{server.port}/x?y=1"
        for _ in range(3):
            assert (await client.post(url, content=b"you")).text == "hello you"
        assert server.connections == 1
        request, body = server.asked[0]
        assert (request.method, request.target, body) == (b"POST", b"/x?y=1", b"you")


async def test_a_stale_connection_is_found_before_it_is_used() -> None:
    async def once(peer: Peer, request: h11.Request, body: bytes) -> None:
        await peer.answer(b"bye")
        await peer.stream.aclose()

    async with serving(once) as server, client_of() as client:
        for _ in range(3):
            assert (await client.post(f"http://127.0.0.1:{server.port}/", content=b"x")).text == "bye"
            await trio.testing.wait_all_tasks_blocked(0.005)
        assert len(server.asked) == server.connections == 3


async def test_a_request_that_met_a_dying_connection_is_repeated_once() -> None:
    async def dying(peer: Peer, request: h11.Request, body: bytes) -> None:
        if len(server.asked) == 2:
            await peer.stream.aclose()
        else:
            await peer.answer(b"fine")

    async with serving(dying) as server, client_of() as client:
        for _ in range(2):
            assert (await client.get(f"http://127.0.0.1:{server.port}/")).text == "fine"
        assert len(server.asked) == 3
        assert server.connections == 2


async def test_a_fresh_connection_that_dies_is_an_error() -> None:
    async def dead(peer: Peer, request: h11.Request, body: bytes) -> None:
        await peer.stream.aclose()

    async with serving(dead) as server, client_of() as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer"):
            await client.get(f"http://127.0.0.1:{server.port}/")
        assert len(server.asked) == 1


async def test_old_and_surplus_connections_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IDLE", 2)
    gate = trio.Event()

    async def together(peer: Peer, request: h11.Request, body: bytes) -> None:
        if len(server.asked) == 4:
            gate.set()
        await gate.wait()
        await peer.answer(b"ok")

    async with serving(together) as server, client_of() as client:
        url = f"http://127.0.0.1:{server.port}/"
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(client.get, url)
        await trio.testing.wait_all_tasks_blocked(0.005)
        assert server.closed == 2
        monkeypatch.setattr(module, "MAX_IDLE_SECONDS", -1.0)
        await client.get(url)
        await trio.testing.wait_all_tasks_blocked(0.005)
        assert server.connections == 5
        assert server.closed == 5


async def stream_of(client: httpx.AsyncClient, url: str, **limits: float | None) -> httpx.Response:
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": {**LIMITS, **limits}})
    return await client.send(request, stream=True)


async def test_one_item_is_one_read() -> None:
    second = trio.Event()

    async def chunks(peer: Peer, request: h11.Request, body: bytes) -> None:
        data = [h11.Data(data=b"%d;" % number) for number in range(50)]
        await peer.send(h11.Response(status_code=200, headers=[]), *data)
        await second.wait()
        await peer.send(h11.Data(data=b"end"), h11.EndOfMessage())

    async with serving(chunks) as server, client_of() as client:
        response = await stream_of(client, f"http://127.0.0.1:{server.port}/")
        body: Body = response.extensions["body"]
        first = await anext(body)
        assert first == b"".join(b"%d;" % number for number in range(50))
        second.set()
        assert [item async for item in body] == [b"end"]
        await response.aclose()
        assert (await client.send(httpx.Request("GET", f"http://127.0.0.1:{server.port}/"))).status_code == 200
        assert server.connections == 1


async def test_a_cancelled_read_of_a_body_may_be_repeated() -> None:
    async def slow(peer: Peer, request: h11.Request, body: bytes) -> None:
        await peer.send(h11.Response(status_code=200, headers=[("content-length", "50")]))
        for _ in range(10):
            await trio.sleep(0.004)
            await peer.send(h11.Data(data=b"tick;"))
        await peer.send(h11.EndOfMessage())

    async with serving(slow) as server, client_of() as client:
        response = await stream_of(client, f"http://127.0.0.1:{server.port}/")
        body: Body = response.extensions["body"]
        got, cancelled = b"", 0
        while len(got) < 50:
            with trio.move_on_after(0.001) as scope:
                got += await anext(body)
            cancelled += scope.cancelled_caught
        assert got == b"tick;" * 10
        assert cancelled
        await response.aclose()


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_that_ends_early_is_an_error_after_what_came(framing: str) -> None:
    async def cut(peer: Peer, request: h11.Request, body: bytes) -> None:
        headers = [("content-length", "50")] if framing == "length" else []
        await peer.send(h11.Response(status_code=200, headers=headers), h11.Data(data=b"part"))
        await peer.stream.aclose()

    async with serving(cut) as server, client_of() as client:
        response = await stream_of(client, f"http://127.0.0.1:{server.port}/")
        body: Body = response.extensions["body"]
        assert await anext(body) == b"part"
        with pytest.raises(httpx.RemoteProtocolError, match="in the middle"):
            await anext(body)
        await response.aclose()


async def test_limits_of_time() -> None:
    async def silent(peer: Peer, request: h11.Request, body: bytes) -> None:
        if request.target == b"/head":
            await peer.send(h11.Response(status_code=200, headers=[]))
        await trio.sleep_forever()

    async with serving(silent) as server, client_of() as client:
        url = f"http://127.0.0.1:{server.port}"
        with pytest.raises(httpx.ReadTimeout, match=r"begin its answer within 0\.05 seconds"):
            await stream_of(client, url + "/", read=0.05)
        response = await stream_of(client, url + "/head", idle=0.05)
        with pytest.raises(httpx.ReadTimeout, match=r"silent for 0\.05 seconds"):
            await anext(response.extensions["body"])
        await response.aclose()
        unlimited = await stream_of(client, url + "/head", idle=None)
        with trio.move_on_after(0.05) as scope:
            await anext(unlimited.extensions["body"])
        assert scope.cancelled_caught
        await unlimited.aclose()


async def test_a_provider_that_takes_nothing() -> None:
    async with trio.open_nursery() as nursery:

        async def deaf(stream: trio.SocketStream) -> None:
            await trio.sleep_forever()

        listeners = await nursery.start(partial(trio.serve_tcp, deaf, 0, host="127.0.0.1"))
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
        async with client_of() as client:
            limits = {"timeout": {**LIMITS, "write": 0.1}}
            with pytest.raises(httpx.WriteTimeout):
                await client.send(httpx.Request("POST", url, content=bytes(1 << 25), extensions=limits))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("phase", ["before the head", "after the head", "streaming"])
async def test_leaving_closes_the_connection(phase: str) -> None:
    gone = trio.Event()

    async def answer(peer: Peer, request: h11.Request, body: bytes) -> None:
        if phase != "before the head":
            await peer.send(h11.Response(status_code=200, headers=[]))
        if phase == "streaming":
            await peer.send(h11.Data(data=b"x"))
        with suppress(trio.BrokenResourceError):
            assert await peer.stream.receive_some() == b""
        gone.set()
        await peer.stream.aclose()

    async with serving(answer) as server, client_of() as client:
        url = f"http://127.0.0.1:{server.port}/"
        with trio.move_on_after(0.05):
            response = await stream_of(client, url)
            try:
                async for _ in response.extensions["body"]:
                    pass
            finally:
                await response.aclose()
        with trio.fail_after(1):
            await gone.wait()


async def test_an_early_refusal_is_heard_though_the_body_could_not_be_sent() -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
        await stream.send_eof()
        with trio.move_on_after(1):
            while await stream.receive_some():
                pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, refuse, 0, host="127.0.0.1"))
        async with client_of() as client:
            url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
            response = await client.post(url, content=bytes(1 << 22))
            assert (response.status_code, response.text) == (413, "large")
        nursery.cancel_scope.cancel()


async def test_what_is_not_http_and_what_cannot_be_sent() -> None:
    async def noise(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-nothing\r\n\r\n")
        await stream.receive_some()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, noise, 0, host="127.0.0.1"))
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
        async with client_of() as client:
            with pytest.raises(httpx.RemoteProtocolError, match="not HTTP"):
                await client.get(url)
            with pytest.raises(httpx.LocalProtocolError) as caught:
                await client.get(url, headers={"authorization": "Bearer se\ncret"})
            assert "cret" not in str(caught.value)
        nursery.cancel_scope.cancel()


async def test_plain_http_stays_on_this_machine() -> None:
    async with client_of() as client:
        with pytest.raises(Problem, match="reached over https"):
            await client.get("http://provider.example/")
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def contexts(authority: trustme.CA, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(client)
    return server, client


async def test_tls_keeps_connections_too(authority: trustme.CA) -> None:
    there, here = contexts(authority, "localhost")
    async with serving(hello, there) as server, client_of(here) as client:
        for _ in range(2):
            assert (await client.post(f"https://localhost:{server.port}/", content=b"tls")).text == "hello tls"
        assert server.connections == 1


async def test_a_certificate_for_somebody_else_is_refused(authority: trustme.CA) -> None:
    there, here = contexts(authority, "elsewhere.example")

    async def patient(peer: Peer, request: h11.Request, body: bytes) -> None:
        raise AssertionError("nothing may be sent there")

    async with serving(patient, there) as server, client_of(here) as client:
        with pytest.raises(httpx.ConnectError, match="not trusted"):
            await client.get(f"https://localhost:{server.port}/")


class ProxyServer:
    """A CONNECT proxy that leads every name to one port of this machine."""

    def __init__(self, port: int, status: bytes = b"200 Connection established", extra: bytes = b"") -> None:
        self.port = port
        self.status = status
        self.extra = extra
        self.heads: list[bytes] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        self.heads.append(head)
        await stream.send_all(b"HTTP/1.1 " + self.status + b"\r\n\r\n" + self.extra)
        if not self.status.startswith(b"200"):
            await stream.aclose()
            return
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as there, trio.open_nursery() as nursery:
            nursery.start_soon(self.copy, stream, there)
            await self.copy(there, stream)
            nursery.cancel_scope.cancel()

    async def copy(self, source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
        try:
            async for data in source:
                await sink.send_all(data)
        except trio.BrokenResourceError:
            pass


@asynccontextmanager
async def proxying(proxy: ProxyServer) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, proxy.serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_a_tunnel_through_the_proxy(authority: trustme.CA) -> None:
    there, here = contexts(authority, "provider.example")
    async with serving(hello, there) as server:
        proxy = ProxyServer(server.port)
        async with proxying(proxy) as port:
            environ = {"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{port}"}
            async with client_of(here, Proxies.of(environ)) as client:
                for _ in range(2):
                    response = await client.post("https://provider.example/a", content=b"proxy")
                    assert response.text == "hello proxy"
            assert len(proxy.heads) == 1  # the tunnel is kept as any connection
            assert proxy.heads[0].startswith(b"CONNECT provider.example:443 HTTP/1.1\r\n")
            assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in proxy.heads[0]
            assert b"authorization" not in {name.lower() for name, _ in server.asked[0][0].headers}


@pytest.mark.parametrize(
    ("status", "extra", "words"),
    [
        (b"407 Proxy Authentication Required", b"", "user name and a password"),
        (b"403 Forbidden", b"", "refused to connect to provider.example:443"),
        (b"200 OK", b"220 smtp.example", "spoke where"),
        (b"nonsense", b"", "does not speak HTTP"),
    ],
)
async def test_a_proxy_that_will_not(authority: trustme.CA, status: bytes, extra: bytes, words: str) -> None:
    _, here = contexts(authority, "provider.example")
    async with proxying(ProxyServer(1, status, extra)) as port:
        proxies = Proxies.of({"ALL_PROXY": f"127.0.0.1:{port}"})
        async with client_of(here, proxies) as client:
            with pytest.raises(httpx.ProxyError, match=words):
                await client.get("https://provider.example/")
