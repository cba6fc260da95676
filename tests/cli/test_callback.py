"""The loopback end of a browser login: what is taken, what is refused, and that garbage does not end it."""

import errno
import socket

import httpx
import pytest
import trio

from rotom.cli.callback import callback
from rotom.problem import Problem

PATH = "/auth/callback"


@pytest.fixture
async def app():
    async with callback((0,), PATH) as app:
        app.state = "the-state"
        yield app


async def get(app, target, **headers):
    async with httpx.AsyncClient(trust_env=False) as client:
        host = {"host": f"127.0.0.1:{app.port}"} | headers
        return await client.get(f"http://127.0.0.1:{app.port}{target}", headers=host)


async def waits_on(app):
    with trio.move_on_after(0.05) as scope:
        await app.answer()
    return scope.cancelled_caught


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_a_callback_with_our_state_is_handed_over_and_answered_with_a_page(app, host):
    page = await get(app, f"{PATH}?code=ac_{'x' * 6000}&state=the-state", host=f"{host}:{app.port}")
    assert page.status_code == 200
    assert "You can close this window" in page.text
    assert "ac_" not in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "no-store"
    assert await app.answer() == f"code=ac_{'x' * 6000}&state=the-state"


async def test_a_denied_consent_is_handed_over_too(app):
    page = await get(app, f"{PATH}?error=access_denied&error_description=<b>no</b>&state=the-state")
    assert (page.status_code, "<b>" in page.text) == (200, False)
    assert await app.answer() == "error=access_denied&error_description=%3Cb%3Eno%3C/b%3E&state=the-state"


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (f"{PATH}?code=x&state=other", {}, 400),
        (f"{PATH}?code=x", {}, 400),
        (f"{PATH}?error=access_denied", {}, 400),
        (PATH, {}, 400),
        (f"{PATH}?code=x&state=the-state", {"host": "evil.example:1455"}, 403),
        (f"{PATH}?code=x&state=the-state", {"host": "127.0.0.1:1"}, 403),
        ("/", {}, 404),
        ("/favicon.ico", {}, 404),
        (f"{PATH}/x?code=x&state=the-state", {}, 404),
        ("/cancel", {"sec-fetch-site": "cross-site"}, 403),
        ("/cancel", {"origin": "https://evil.example"}, 403),
    ],
)
async def test_anything_else_is_refused_and_the_login_goes_on(app, target, headers, status):
    assert (await get(app, target, **headers)).status_code == status
    assert await waits_on(app)


async def test_the_providers_own_page_may_bring_the_callback_by_a_script():
    """xAI's consent page does; the official client answers it so (2026-08)."""
    page = "https://accounts.example"
    async with callback((0,), PATH, (page,)) as app, httpx.AsyncClient(trust_env=False) as browser:
        app.state = "the-state"
        url = f"http://127.0.0.1:{app.port}{PATH}"
        asked = {
            "origin": page,
            "access-control-request-method": "GET",
            "access-control-request-private-network": "true",
        }
        answer = await browser.options(url, headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == page
        assert answer.headers["access-control-allow-private-network"] == "true"
        for other in ("https://evil.example", "null"):
            answer = await browser.options(url, headers=asked | {"origin": other})
            assert answer.status_code == 404
            assert "access-control-allow-origin" not in answer.headers
        assert (await browser.options(f"{url}/x", headers=asked)).status_code == 404
        assert await waits_on(app)
        answer = await browser.get(f"{url}?code=x&state=the-state", headers={"origin": page})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, page)
        assert await app.answer() == "code=x&state=the-state"


async def test_nothing_is_good_before_the_question_is_asked(app):
    app.state = None
    assert (await get(app, f"{PATH}?code=x&state=")).status_code == 400


async def test_garbage_does_not_end_it(app):
    for garbage in (b"", b"\x16\x03\x01\x02\x00", b"GET " + b"x" * 100_000, b"POST /auth/callback HTTP/1.1\r\n\r\n"):
        stream = await trio.open_tcp_stream("127.0.0.1", app.port)
        async with stream:
            await stream.send_all(garbage)
    assert (await get(app, f"{PATH}?code=x&state=the-state")).status_code == 200


async def test_another_program_may_ask_for_the_port(app):
    assert (await get(app, "/cancel")).status_code == 200
    with pytest.raises(Problem, match="another login was started"):
        await app.answer()


async def test_the_second_port_is_taken_when_the_first_is_not_free_and_none_when_both_are_not():
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        one.listen()
        two.bind(("127.0.0.1", 0))
        two.listen()
        ports = (one.getsockname()[1], two.getsockname()[1])
        async with callback(ports, PATH) as app:
            assert app is None
        two.close()
        async with callback(ports, PATH) as app:
            assert app.port == ports[1]
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at
        await trio.open_tcp_stream("127.0.0.1", ports[1])
    assert caught.value.errno in (errno.ECONNREFUSED, None)
