"""WebSockets to a provider, whose handshakes go wrong in every way."""

from __future__ import annotations

import pytest
import trio

from rotom.config import Config
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, openai
from rotom.upstream.client import Limits, make_client
from rotom.upstream.duplex import duplex


async def dial(answer: bytes, *, hold: bool = False) -> None:
    """Open a socket at a server on a bare socket, which says this."""

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        if hold:
            await trio.sleep_forever()
        await stream.aclose()

    async with helpers() as nursery:
        (listener, *_) = await nursery.start(trio.serve_tcp, serve, 0)
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/tts?a=b"
        provider, wanted = openai.make(Config()), Limits(5, 20, 5)
        async with make_client(Config(), {}) as client, duplex(client, provider, Outgoing.get(url), wanted):
            pass
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage", "not_a_websocket"),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "not_a_websocket"),
        (b"HTTP/1.1 101 Ok\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", None),
        (b"nonsense\r\n\r\n", None),
    ],
)
async def test_handshakes_that_are_none(answer: bytes, code: str | None) -> None:
    with pytest.raises(Problem) as caught, trio.fail_after(10):
        await dial(answer)
    assert caught.value.kind is Kind.UPSTREAM
    assert caught.value.code in ({"connection_lost", "not_a_websocket"} if code is None else {code})


async def test_a_refusal_is_the_providers_own() -> None:
    body = b'{"error":{"message":"No quota","code":"insufficient_quota"}}'
    head = b"HTTP/1.1 429 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with pytest.raises(Problem) as caught:
        await dial(head + body)
    assert caught.value.kind in (Kind.RATE_LIMITED, Kind.BILLING)
    with pytest.raises(Problem) as caught:
        await dial(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n")
    assert caught.value.code == "token_refused"


async def test_nobody_there() -> None:
    async with make_client(Config(), {}) as client:
        with pytest.raises(Problem) as caught:
            async with duplex(client, openai.make(Config()), Outgoing.get("http://127.0.0.1:1/"), Limits(5, 5, 5)):
                pass
    assert caught.value.code == "connect_error"


async def test_a_handshake_without_an_answer(autojump_clock: object) -> None:
    with pytest.raises(Problem) as caught:
        await dial(b"", hold=True)
    assert (caught.value.code, caught.value.kind) == ("timeout", Kind.TIMEOUT)
    assert 20 <= trio.current_time() < 30
