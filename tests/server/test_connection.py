"""The connection loop: what is answered, what is refused, and when a connection ends."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import h11
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.server.drain import FIRST_WORD_SECONDS
from rotom.server.exchange import Exchange

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(body: bytes, *headers: bytes, path: bytes = b"/") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# ---- requests that are served


async def test_one_connection_serves_many_requests(autojump_clock: Any, server: Any) -> None:
    first, second, third = await server.talk(GET % b"a", post(b"hello"), LAST % b"c")
    assert [first.json["path"], second.json["body"], third.json["path"]] == ["/a", "hello", "/c"]
    assert "connection" not in first.headers
    assert third.headers["connection"] == "close"


async def test_pipelined_requests_are_answered_in_their_order(autojump_clock: Any, server: Any) -> None:
    answers = await server.talk(GET % b"a" + post(b"b" * 100_000) + GET % b"c" + LAST % b"d" + GET % b"never")
    assert [a.json["path"] for a in answers] == ["/a", "/", "/c", "/d"]
    assert len(answers[1].json["body"]) == 100_000


async def test_requests_that_arrive_during_an_answer_wait_for_their_turn(
    autojump_clock: Any, server: Any, app: Any
) -> None:
    async def slow(exchange: Exchange) -> None:
        async with exchange.attended():
            await trio.sleep(5)
            await exchange.json(200, "slow")

    app.handlers["/slow"] = slow
    answers = await server.talk(GET % b"slow", GET % b"a" + post(b"x")[:-30], post(b"x")[-30:], LAST % b"b")
    assert [a.json if isinstance(a.json, str) else a.json["path"] for a in answers] == ["slow", "/a", "/", "/b"]


async def test_every_answer_has_its_own_id_and_is_not_stored(autojump_clock: Any, server: Any, app: Any) -> None:
    async def fails(exchange: Exchange) -> None:
        raise Problem(Kind.CONFLICT, "no")

    app.handlers["/fails"] = fails
    answers = await server.talk(GET % b"a" + GET % b"fails" + b"nonsense\r\n\r\n")
    answers += await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20_000)
    assert [a.status for a in answers] == [200, 409, 400, 431]
    assert len({a.headers["x-request-id"] for a in answers}) == 4
    assert {a.headers["cache-control"] for a in answers} == {"no-store"}
    assert [a.json["id"] for a in answers[1:]] == [a.headers["x-request-id"] for a in answers[1:]]
    assert all("date" in a.headers for a in answers)


async def test_chunked_bodies(autojump_clock: Any, server: Any) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    first, second = await server.talk(chunked + body, LAST % b"next")
    assert first.json["body"] == "hello world"
    assert second.json["path"] == "/next"


WHOLE = (
    GET % b"a"
    + post(b"hello world", b"X-Some: thing")
    + b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    + b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n"
    + LAST % b"d"
)


@given(cuts=st.lists(st.integers(1, len(WHOLE) - 1), max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_the_bytes_are_cut_changes_nothing(talk_alone: Any, cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(WHOLE)]
    answers = talk_alone(*(WHOLE[a:b] for a, b in pairwise(edges)), methods=["GET", "POST", "POST", "HEAD", "GET"])
    bodies = [a.json["body"] if a.body else None for a in answers]
    assert bodies == ["", "hello world", "abc0123456789abcdef", None, ""]


@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, len(WHOLE) - 1),
            st.sampled_from([b"", b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\xff", b"0", b"9", b"a", b",", b"/"]),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_the_bytes_is_a_bug_of_ours(talk_alone: Any, changes: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(WHOLE.replace(b"HEAD", b"GETS"))  # the test's client must know which answers have a body
    for at, put in changes:
        damaged[at : at + 1] = put
    statuses = [a.status for a in talk_alone(bytes(damaged))]
    assert set(statuses) <= {200, 400, 408, 413}
    assert all(status == 200 for status in statuses[:-1])


async def test_byte_by_byte(autojump_clock: Any, server: Any) -> None:
    answers = await server.talk(*(bytes([byte]) for byte in WHOLE), methods=["GET", "POST", "POST", "HEAD", "GET"])
    assert [a.status for a in answers] == [200] * 5


async def test_a_client_may_wait_for_leave_to_send_its_body(autojump_clock: Any, server: Any) -> None:
    head, body = post(b"hello", b"Expect: 100-continue", b"Connection: close").split(b"hello")[0], b"hello"
    (answer,) = await server.talk(head, body)
    assert answer.informed == [100]
    assert answer.json["body"] == "hello"


async def test_leave_to_send_is_not_given_where_the_answer_is_known(autojump_clock: Any, server: Any, app: Any) -> None:
    async def refuses(exchange: Exchange) -> None:
        raise Problem(Kind.UNAUTHENTICATED, "no key")

    app.handlers["/"] = refuses
    (answer,) = await server.talk(post(b"hello", b"Expect: 100-continue")[:-5])
    assert (answer.status, answer.informed) == (401, [])
    assert answer.headers["connection"] == "close"


async def test_head_is_get_without_the_body(autojump_clock: Any, server: Any, app: Any) -> None:
    async def streams(exchange: Exchange) -> None:
        exchange.start(200, [("content-type", "text/plain")])
        await exchange.send(b"some")
        await exchange.finish()

    app.handlers["/stream"] = streams
    head = b"HEAD /%s HTTP/1.1\r\nHost: x\r\n\r\n"
    got, asked, streamed, last = await server.talk(
        GET % b"aa" + head % b"aa" + head % b"stream" + LAST % b"b", methods=["GET", "HEAD", "HEAD", "GET"]
    )
    assert asked.headers["content-length"] == got.headers["content-length"]
    assert (asked.body, streamed.body, last.json["path"]) == (b"", b"", "/b")


async def test_http_1_0_gets_no_chunks_and_no_second_request(autojump_clock: Any, server: Any, app: Any) -> None:
    async def streams(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.send(b"one ")
        await exchange.send(b"two")
        await exchange.finish()

    app.handlers["/"] = streams
    (answer,) = await server.talk(b"GET / HTTP/1.0\r\n\r\n" + GET % b"never")
    assert (answer.body, answer.headers["connection"]) == (b"one two", "close")
    assert "transfer-encoding" not in answer.headers


async def test_a_newer_minor_version_is_served_as_1_1(autojump_clock: Any, server: Any) -> None:
    (answer,) = await server.talk(b"GET /a HTTP/1.2\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("line", "path", "host"),
    [
        (b"GET http://other:9/a?b=c HTTP/1.1", "/a", "other:9"),
        (b"GET HTTPS://other HTTP/1.1", "/", "other"),
        (b"GET http://other?b HTTP/1.1", "/", "other"),
        (b"GET http://me@[::1/ HTTP/1.1", "/", "me@[::1"),
        (b"GET //other/a HTTP/1.1", "//other/a", "x"),
        (b"OPTIONS * HTTP/1.1", "*", "x"),
        (b"GET /http://other/ HTTP/1.1", "/http://other/", "x"),
    ],
)
async def test_forms_of_targets(autojump_clock: Any, server: Any, line: bytes, path: str, host: str) -> None:
    (answer,) = await server.talk(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (answer.json["path"], answer.json["host"]) == (path, host)


async def test_a_folded_header_is_one_line(autojump_clock: Any, server: Any, app: Any) -> None:
    async def shows(exchange: Exchange) -> None:
        await exchange.json(200, exchange.headers["x-long"])

    app.handlers["/"] = shows
    (answer,) = await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: a\r\n  b\r\nConnection: close\r\n\r\n")
    assert answer.json == "a b"


async def test_bare_line_feeds_end_lines_and_nothing_else(autojump_clock: Any, server: Any) -> None:
    """RFC 9112, 2.2 lets a server accept them in a head. In chunks they are refused (see below)."""
    (answer,) = await server.talk(b"GET /a HTTP/1.1\nHost: x\nConnection: close\n\nGET /b HTTP/1.1\nHost: x\n\n")
    assert answer.json["path"] == "/a"


async def test_an_offer_to_upgrade_is_left_alone(autojump_clock: Any, server: Any) -> None:
    upgrade = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answers = await server.talk(upgrade, LAST % b"b")
    assert [a.json["path"] for a in answers] == ["/a", "/b"]


# ---- requests that are refused

MALFORMED = {
    "no words": b"\r\n\r\n",
    "one word": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 by name": b"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.10": b"GET / HTTP/1.10\r\nHost: x\r\n\r\n",
    "lower-case protocol": b"GET / http/1.1\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": b"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
    "another scheme": b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star that is not for OPTIONS": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "non-ASCII target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "two Hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
    "folding at the start": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two lengths in one": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nab",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
    "a length in hex": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
    "a huge length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "coding after chunked": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HEAD of another version": b"HEAD / HTTP/2.0\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_not_http_is_refused_and_ends_the_connection(
    autojump_clock: Any, server: Any, app: Any, sent: bytes
) -> None:
    (answer,) = await server.talk(sent + GET % b"smuggled", methods=["HEAD" if sent.startswith(b"HEAD") else "GET"])
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert answer.headers["cache-control"] == "no-store"
    ((problem, request_id),) = app.turned_away
    assert problem.code == "malformed_request"
    assert answer.headers["x-request-id"] == request_id
    assert not app.over
    assert not app.bugs


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "not a number": b"x\r\nabc\r\n0\r\n\r\n",
    "no number": b"\r\nabc\r\n0\r\n\r\n",
    "a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    "too many digits": b"0" * 30 + b"3\r\nabc\r\n0\r\n\r\n",
    "a bad end (CVE-2025-43859)": b"3\r\nabcXX0\r\n\r\n",
    "an end by LF": b"3\r\nabc\n0\r\n\r\n",
    "an LF behind the size": b"3\nabc\r\n0\r\n\r\n",
    "a bad trailer": b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
async def test_broken_chunks_are_refused_and_end_the_connection(
    autojump_clock: Any, server: Any, app: Any, body: bytes
) -> None:
    (answer,) = await server.talk(CHUNKED + body + GET % b"smuggled")
    assert (answer.status, answer.json["error"], answer.headers["connection"]) == (400, "malformed_request", "close")
    assert [e.path for e in app.over] == ["/"]


async def test_what_the_client_sent_is_not_repeated(autojump_clock: Any, server: Any, app: Any) -> None:
    for sent in (
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer tell-nobody\r\n\r\n",
        b"GET /?key=tell-nobody nothing\r\n\r\n",
        CHUNKED + b"tell-nobody\r\n",
        CHUNKED + b"1\r\nxtell-nobody\r\n",
    ):
        (answer,) = await server.talk(sent)
        assert answer.status == 400
        assert b"tell" not in answer.body
    assert "tell" not in str(app.turned_away)


@pytest.mark.parametrize("size", [65_300, 70_000, 200_000])
@pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["whole", "unended"])
async def test_a_head_over_the_limit(autojump_clock: Any, server: Any, size: int, end: bytes) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + b"a" * size + end
    if size < 65_536 and not end:
        sent += b"a" * 300
    (answer,) = await server.talk(sent)
    assert answer.status == (200 if size < 65_536 and end else 431)


async def test_a_slow_head_is_given_up(autojump_clock: Any, server: Any) -> None:
    stream = server.connect()
    for byte in GET[:10]:
        await stream.send_all(bytes([byte]))
        await trio.sleep(2.5)
    assert trio.current_time() < 30
    for _ in range(3):
        await stream.send_all(b"a")
        await trio.sleep(2.5)
    received = await stream.receive_some()
    assert received.startswith(b"HTTP/1.1 408 ")
    assert trio.current_time() < 33


async def test_an_idle_connection_is_ended_without_a_word(autojump_clock: Any, server: Any) -> None:
    begun = trio.current_time()
    (answer,) = await server.talk(GET % b"a")
    assert answer.status == 200
    assert 300 <= trio.current_time() - begun < 301


async def test_clients_that_leave(autojump_clock: Any, server: Any, app: Any) -> None:
    for sent, over, refused in ((b"", 0, 0), (GET % b"a", 1, 0), (b"GET / HT", 0, 1), (post(b"hello")[:-2], 1, 0)):
        app.over.clear()
        app.turned_away.clear()
        stream = server.connect()
        await stream.send_all(sent)
        await trio.testing.wait_all_tasks_blocked()
        await stream.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        assert (len(app.over), len(app.turned_away)) == (over, refused)
        await stream.aclose()
    assert app.over[0].gone
    assert not app.bugs


# ---- what is left behind


async def test_a_small_body_that_nobody_read_does_not_end_the_connection(
    autojump_clock: Any, server: Any, app: Any
) -> None:
    async def ignores(exchange: Exchange) -> None:
        await exchange.json(404, "no")

    app.handlers["/no"] = ignores
    answers = await server.talk(post(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", path=b"/no"), LAST % b"b")
    assert [a.status for a in answers] == [404, 200]
    assert "connection" not in answers[0].headers


async def test_a_long_body_that_nobody_read_ends_the_connection(autojump_clock: Any, server: Any, app: Any) -> None:
    async def ignores(exchange: Exchange) -> None:
        await exchange.json(404, "no")

    app.handlers["/no"] = ignores
    stream = server.connect()
    request = post(b"a" * 1_000_000, path=b"/no")
    await stream.send_all(request[:1000])
    await trio.testing.wait_all_tasks_blocked()
    await stream.send_all(request[1000:])  # the server still takes it, so that its answer is not lost to a reset
    answer = bytes(await stream.receive_some())
    assert b"HTTP/1.1 404 " in answer
    assert b"connection: close" in answer.lower()
    assert await stream.receive_some() == b""
    await trio.testing.wait_all_tasks_blocked()
    assert not app.bugs


# ---- bugs


async def test_a_bug_is_told_by_its_id_only(autojump_clock: Any, server: Any, app: Any) -> None:
    async def breaks(exchange: Exchange) -> None:
        raise KeyError("secret")

    async def forgets(exchange: Exchange) -> None:
        pass

    async def bad_header(exchange: Exchange) -> None:
        await exchange.answer(200, [("a", "b\nc")])

    app.handlers |= {"/breaks": breaks, "/forgets": forgets, "/bad": bad_header}
    answers = await server.talk(GET % b"breaks" + GET % b"forgets" + GET % b"bad" + LAST % b"a")
    assert [a.status for a in answers] == [500, 500, 500, 200]
    assert b"secret" not in answers[0].body
    assert [request_id for _, request_id in app.bugs] == [a.headers["x-request-id"] for a in answers[:3]]
    assert [e.status for e in app.over] == [500, 500, 500, 200]


async def test_a_bug_in_an_answer_leaves_it_cut(autojump_clock: Any, server: Any, app: Any) -> None:
    async def breaks(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.send(b"half")
        raise KeyError("secret")

    app.handlers["/"] = breaks
    (answer,) = await server.talk(GET % b"")
    assert (answer.body, answer.whole) == (b"half", False)


async def test_a_bug_in_telling_of_a_problem_ends_one_connection_only(
    autojump_clock: Any, server: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(app, "refusal", lambda *args: 1 / 0)
        assert await server.talk(b"nonsense\r\n\r\n") == []
    assert isinstance(app.bugs[0][0], ZeroDivisionError)
    (answer,) = await server.talk(LAST % b"a")
    assert answer.status == 200


# ---- drain


async def test_drain_sends_idle_connections_home_and_lets_others_finish(
    autojump_clock: Any, server: Any, app: Any
) -> None:
    async def slow(exchange: Exchange) -> None:
        await trio.sleep(5)
        await exchange.json(200, "slow")

    app.handlers["/slow"] = slow
    fresh, idle, busy = server.connect(), server.connect(), server.connect()
    await idle.send_all(GET % b"a")
    await busy.send_all(GET % b"slow" + GET % b"more")
    await trio.testing.wait_all_tasks_blocked()
    assert (await idle.receive_some()).startswith(b"HTTP/1.1 200 ")
    server.drain.begin()
    begun = trio.current_time()
    assert await idle.receive_some() == b""
    assert trio.current_time() == begun
    assert await fresh.receive_some() == b""
    assert trio.current_time() == begun + FIRST_WORD_SECONDS
    answer = bytes(await busy.receive_some())
    assert b"connection: close" in answer.lower()
    assert await busy.receive_some() == b""
    assert trio.current_time() == begun + 5
    late = server.connect()
    assert await late.receive_some() == b""


async def test_limits_are_told_with_their_numbers(
    autojump_clock: Any, make_server: Any, app: Any, nursery: trio.Nursery
) -> None:
    server = make_server(app, nursery)
    server.limits = replace(server.limits, head=1000, body=10)
    (answer,) = await server.talk(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2000)
    assert "1000 bytes" in answer.json["message"]
    (answer,) = await server.talk(post(b"a" * 11, b"Connection: close"))
    assert (answer.status, "10 bytes" in answer.json["message"]) == (413, True)


def test_the_test_client_notices_a_cut(read_replies: Any) -> None:
    conn = h11.Connection(h11.SERVER)
    conn.receive_data(GET % b"")
    conn.next_event()
    sent = conn.send(h11.Response(status_code=200, headers=[("content-length", "4")])) + b"ab"
    assert read_replies(sent)[0].whole is False
