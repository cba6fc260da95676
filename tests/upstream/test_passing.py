"""Answers that are handed on as they come."""

from __future__ import annotations

import pytest
import trio

from rotom.config import Config
from rotom.plain import helpers
from rotom.problem import Problem
from rotom.providers import Outgoing, openai
from rotom.upstream import passing
from rotom.upstream.client import Limits, make_client
from rotom.upstream.passing import passed


async def collect(
    answer: bytes, limits: Limits | None = None, *, hold: bool = False
) -> tuple[dict[str, str], list[bytes]]:
    """The headers and the pieces of what a server on a bare socket answers."""

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        if hold:
            await trio.sleep_forever()
        await stream.aclose()

    async with helpers() as nursery:
        (listener, *_) = await nursery.start(trio.serve_tcp, serve, 0)
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        async with make_client(Config(), {}) as client:
            wanted = limits or Limits(5, 5, 5)
            async with passed(client, openai.make(Config()), Outgoing.get(url), wanted) as answered:
                found = dict(answered.headers), [piece async for piece in answered]
        nursery.cancel_scope.cancel()
    return found


OK = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n"


async def test_bytes_and_headers() -> None:
    headers, pieces = await collect(OK + b"content-length: 6\r\n\r\n\x00abc\xff\r")
    assert headers["content-type"] == "audio/mpeg"
    assert b"".join(pieces) == b"\x00abc\xff\r"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OK + b"content-length: 6\r\n\r\nabc", "connection_lost"),
        (OK + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx", "encoding"),
        (b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", None),
    ],
)
async def test_answers_that_are_none(answer: bytes, code: str | None) -> None:
    with pytest.raises(Problem) as caught:
        await collect(answer)
    if code is None:
        assert caught.value.kind >= 500
    else:
        assert caught.value.code == code


async def test_silence(autojump_clock: object) -> None:
    with pytest.raises(Problem) as caught:
        await collect(OK + b"content-length: 6\r\n\r\nabc", Limits(5, 5, 20), hold=True)
    assert caught.value.code == "timeout"
    assert trio.current_time() >= 20


async def test_an_answer_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "ANSWER_BYTES", 5)
    with pytest.raises(Problem) as caught:
        await collect(OK + b"content-length: 6\r\n\r\nabcdef")
    assert caught.value.code == "answer_too_long"
