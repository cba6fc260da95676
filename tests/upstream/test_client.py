"""The client as configured: authorities, cookies, redirects. Its errors are tested with the flows."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing
from rotom.upstream.client import Limits, make_client, make_context, request_of
from rotom.upstream.flows import perform


async def test_a_configured_authority_is_trusted_beside_the_systems(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(there)
    asked: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        tls = trio.SSLStream(stream, there, server_side=True)
        try:
            for _ in range(2):
                asked.append(await tls.receive_some(65536))
                await tls.send_all(
                    b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\nset-cookie: a=b; path=/\r\n"
                    b"content-length: 0\r\n\r\n"
                )
        except trio.BrokenResourceError:
            pass
        await trio.aclose_forcefully(tls)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        url = f"https://localhost:{listeners[0].socket.getsockname()[1]}/x"
        async with make_client(Config(home=tmp_path), {}) as client:
            with pytest.raises(Problem) as caught:
                await perform(client, Outgoing.get(url))
            assert (caught.value.code, caught.value.retry) == ("certificate", False)
            assert "ca_file" in caught.value.message
        asked.clear()
        async with make_client(Config(home=tmp_path, ca_file=Path("ca.pem")), {}) as client:
            for _ in range(2):
                reply = await perform(client, Outgoing.get(url, (("x-a", "1"),)))
                assert reply.status == 302  # never followed
        assert asked[0] == asked[1]  # no cookie came back
        fields = asked[0].split(b"\r\n")[1:-2]
        assert sorted(fields) == sorted([b"x-a: 1", b"accept-encoding: identity", b"Host: " + url[8:-2].encode()])
        nursery.cancel_scope.cancel()


def test_an_authority_file_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name, words in (("absent.pem", "cannot be read"), ("empty.pem", "no PEM certificates")):
        with pytest.raises(Problem, match=words) as caught:
            make_context(tmp_path / name)
        assert caught.value.kind is Kind.INVALID


def test_limits_of_a_turn(tmp_path: Path) -> None:
    config = Config(home=tmp_path, connect_timeout=1.0, first_byte_timeout=2.0, idle_timeout=3.0)
    request = request_of(Outgoing.get("https://provider.example/"), Limits.of(config))
    assert request.extensions["timeout"] == {"connect": 1.0, "read": 2.0, "idle": None, "write": 60.0, "pool": None}
    with pytest.raises(Problem):
        request_of(Outgoing.get("https://provider.example/\x00"), Limits())
