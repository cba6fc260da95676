"""The Responses API on a WebSocket, over real sockets: turns, lanes, errors as messages, and every end."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
import pytest
import trio
from trio.testing import memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from rotom.plain import helpers
from rotom.routes.guard import Rules
from rotom.server import Limits
from rotom.server.connection import Connection
from rotom.server.drain import Drain
from rotom.simulator.oauth_claims import Account
from rotom.sse import Decoder

PATH = "/v1/responses"
MODULE = import_module("rotom.routes.websocket")


class Client:
    """A client's end: what it says and hears are JSON objects."""

    def __init__(self, socket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        self.socket = socket
        self.stream = stream

    async def say(self, **message: Any) -> None:
        await self.socket.send_message(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        with trio.fail_after(7200):
            message = json.loads(await self.socket.get_message())
        assert isinstance(message, dict)
        return message

    async def create(self, text: Any = "hello", **more: Any) -> None:
        await self.say(**{"type": "response.create", "model": "gpt-5.5", "input": text, **more})

    async def turn(self, lane: str | None = None) -> list[dict[str, Any]]:
        """The events of an answer, of which the last one is its end."""
        events = []
        while True:
            event = await self.hear()
            assert event.get("stream_id") == lane, event
            events.append(event)
            if event["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
                return events

    async def ask(self, text: Any = "hello", **more: Any) -> dict[str, Any]:
        """The last event of the answer to a question."""
        await self.create(text, **more)
        return (await self.turn())[-1]

    async def closed(self) -> tuple[int, list[dict[str, Any]]]:
        """The code that the socket is closed with, and what is said before."""
        said = []
        with trio.fail_after(7200):
            try:
                while True:
                    said.append(json.loads(await self.socket.get_message()))
            except ConnectionClosed as closed:
                return closed.reason.code, said


@asynccontextmanager
async def opened(house: Any, path: str = PATH, **headers: str) -> AsyncIterator[Client]:
    """A client; `client.stream` is its TCP connection."""
    url = house.client.base_url
    extra = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    async with await trio.open_tcp_stream(url.host, url.port) as stream, helpers() as nursery:
        host = f"{url.host}:{url.port}"
        socket = await wrap_client_stream(nursery, stream, host, path, extra_headers=extra)
        yield Client(socket, stream)
        await socket.aclose()


@pytest.fixture
async def client(house: Any) -> AsyncIterator[Client]:
    async with opened(house) as one:
        yield one


async def lines(house: Any, count: int) -> list[dict[str, Any]]:
    """The log lines of the socket and its turns, once there are so many."""
    with trio.fail_after(5):
        while len(found := [line for line in house.log if line.get("path") == PATH]) < count:
            await trio.lowlevel.checkpoint()
    return found


def sent(house: Any) -> list[Any]:
    """What the provider was sent as input, in short: texts, and types where there is none."""
    return [
        item["content"][0].get("text", "?") if item.get("content") else item["type"]
        for item in house.simulator.questions()[-1].body["input"]
    ]


# ---- turns


async def test_the_events_are_those_of_a_stream(house: Any, client: Client) -> None:
    house.simulator.script("text", "text")
    await client.create("hello")
    events = await client.turn()
    streamed = await house.ask("hello", path=PATH, stream=True)
    assert [event["type"] for event in events] == [event.type for event in Decoder().feed(streamed.content)]
    assert events[-1]["response"]["output"][-1]["content"][0]["text"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_several_turns_and_a_line_in_the_log_for_each(house: Any) -> None:
    async with opened(house) as client:
        first = await client.ask("a private question", stream=True)
        second = await client.ask("and more", previous_response_id=first["response"]["id"])
        assert second["type"] == "response.completed"
        assert second["response"]["previous_response_id"] == first["response"]["id"]
    one, two, whole = await lines(house, 3)
    assert (one["method"], one["status"], one["model"], one["provider"]) == ("WS", 200, "gpt-5.5", "openai")
    assert one["id"].startswith(whole["id"])
    assert one["id"] != two["id"]
    assert two["output"] > 0
    assert (whole["method"], whole["status"], "gone" in whole) == ("GET", 101, False)
    assert "private" not in house.output.getvalue()


async def test_a_connection_goes_on_with_its_account(house: Any) -> None:
    await house.log_in("openai@work", Account(account_id="work-1", user_id="user-work"))
    async with opened(house) as client:
        first = await client.ask("hello", store=False)
        house.vault.use("openai@work")
        await client.ask("and more", previous_response_id=first["response"]["id"], store=False)
        said = {"role": "assistant", "content": "hello"}
        await client.ask([{"role": "user", "content": "hi"}, said, {"role": "user", "content": "more"}], store=False)
        await client.ask("something else", store=False)
    asked = [one.headers["chatgpt-account-id"] for one in house.simulator.questions()]
    assert asked == [Account().account_id] * 3 + ["work-1"]


async def test_what_is_prepared_is_not_asked(house: Any, client: Client) -> None:
    base = [{"role": "developer", "content": "be brief"}]
    for more in ({"generate": False}, {"prompt_cache_options": {"prewarm": True}}):
        await client.create(base, store=False, **more)
        created, _, completed = await client.turn()
        assert (created["type"], completed["type"]) == ("response.created", "response.completed")
        assert created["response"]["id"] == completed["response"]["id"]
        assert completed["response"]["output"] == []
        assert completed["response"]["usage"]["total_tokens"] == 0
        assert house.simulator.questions() == []
    end = await client.ask("hello", store=False, previous_response_id=completed["response"]["id"])
    assert end["type"] == "response.completed"
    assert sent(house) == ["be brief", "hello"]


async def test_a_tool_loop_goes_on_with_its_output_alone(house: Any, client: Client) -> None:
    tools = [{"type": "function", "name": "t", "parameters": {"type": "object", "properties": {}}, "strict": False}]
    house.simulator.script("tool", "text")
    end = await client.ask("use it", tools=tools, store=False)
    (call,) = (item for item in end["response"]["output"] if item["type"] == "function_call")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
    end = await client.ask([output], tools=tools, store=False, previous_response_id=end["response"]["id"])
    assert end["type"] == "response.completed"
    kinds = [item["type"] for item in house.simulator.questions()[-1].body["input"]]
    assert kinds[0] == "message"
    assert kinds[-2:] == ["function_call", "function_call_output"]
    assert "reasoning" in kinds


async def test_what_is_not_stored_belongs_to_its_connection(house: Any, client: Client) -> None:
    async with opened(house) as other:
        mine = (await client.ask(store=False))["response"]["id"]
        shared = (await client.ask())["response"]["id"]
        assert (await client.ask(store=False, previous_response_id=mine))["type"] == "response.completed"
        error = await other.ask(previous_response_id=mine)
        assert error == {
            "type": "error",
            "status": 400,
            "error": {
                "message": f"Previous response with id '{mine}' not found.",
                "type": "invalid_request_error",
                "param": "previous_response_id",
                "code": "previous_response_not_found",
            },
        }
        assert (await other.ask(previous_response_id=shared))["type"] == "response.completed"
    assert (await house.ask("x", path=PATH, previous_response_id=shared)).status_code == 200
    assert (await house.ask("x", path=PATH, previous_response_id=mine)).status_code == 400


async def test_what_goes_on_from_it_and_is_stored_does_not_store_it(house: Any, client: Client) -> None:
    mine = (await client.ask("mine", store=False))["response"]["id"]
    shared = (await client.ask("shared", previous_response_id=mine))["response"]["id"]
    assert (await house.client.get(f"{PATH}/{shared}")).status_code == 200
    assert (await house.client.get(f"{PATH}/{mine}")).status_code == 404
    assert (await house.ask("x", path=PATH, previous_response_id=mine)).status_code == 400
    assert (await house.ask("x", path=PATH, previous_response_id=shared)).status_code == 200
    assert sent(house)[0] == "mine"


async def test_a_connection_remembers_as_much_as_a_request_can_hold(build: Any) -> None:
    async with build(max_body="10000") as house, opened(house) as client:
        first = (await client.ask("x" * 6000, store=False))["response"]["id"]
        second = (await client.ask("x" * 4000, store=False))["response"]["id"]
        assert (await client.ask(store=False, previous_response_id=second))["type"] == "response.completed"
        assert (await client.ask(store=False, previous_response_id=first))["status"] == 400


async def test_two_branches_from_one_answer(house: Any, client: Client) -> None:
    root = (await client.ask("root", store=False))["response"]["id"]
    for text in ("left", "right"):
        await client.ask(text, store=False, previous_response_id=root)
        told = sent(house)
        assert (told[0], told[-1]) == ("root", text)
        assert "left" not in told[:-1]


# ---- what cannot be answered


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("{", None, "invalid_json"),
        ("[]", None, "invalid_json"),
        ("", None, "invalid_json"),
        ("[" * 100_000, None, "invalid_json"),
        ('{"type": "response.create", "temperature": NaN}', None, "invalid_json"),
        (b"\x00\xff", None, "invalid_json"),
        ("{}", "type", "missing_required_parameter"),
        ('{"type": "response.cancel"}', "type", "invalid_value"),
        ('{"type": ["response.create"]}', "type", "invalid_value"),
        ('{"type": "response.create"}', "model", None),
        ('{"type": "response.create", "model": 5}', "model", None),
        ('{"type": "response.create", "model": "gpt-5.5", "input": 5}', "input", None),
        ('{"type": "response.create", "model": "gpt-5.5", "input": "x", "generate": 1}', "generate", "invalid_type"),
        ('{"type": "response.create", "model": "gpt-5.5", "input": "x", "background": true}', "background", None),
        (
            '{"type": "response.create", "model": "gpt-5.5", "input": "x", "stream_id": ""}',
            "stream_id",
            "invalid_stream_id",
        ),
        (
            '{"type": "response.create", "model": "gpt-5.5", "input": "x", "stream_id": 1}',
            "stream_id",
            "invalid_stream_id",
        ),
        (
            '{"type": "response.create", "model": "gpt-5.5", "input": "x", "stream_id": "a b"}',
            "stream_id",
            "invalid_stream_id",
        ),
    ],
)
async def test_an_error_is_a_message_and_the_socket_stays(
    house: Any, client: Client, message: Any, param: Any, code: Any
) -> None:
    await client.socket.send_message(message)
    error = await client.hear()
    assert (error["type"], error["status"]) == ("error", 400)
    assert error["error"]["type"] == "invalid_request_error"
    assert error["error"]["param"] == param
    if code is not None:
        assert error["error"]["code"] == code
    assert error["error"]["message"]
    assert house.simulator.questions() == []
    assert (await client.ask())["type"] == "response.completed"


async def test_nesting_that_can_be_read_but_not_gone_through(house: Any, client: Client) -> None:
    for depth in (300, 900, 960, 980, 990):
        body = {
            "type": "response.create",
            "model": "gpt-5.5",
            "input": "x",
            "tools": [{"type": "function", "name": "t"}],
        }
        text = json.dumps(body | {"metadata": {"a": 0}}).replace("0", "[" * depth + "]" * depth)
        await client.socket.send_message(text)
        assert (await client.turn())[-1]["type"] in ("response.completed", "error")
    assert (await client.ask())["type"] == "response.completed"


async def test_a_model_that_nobody_has(house: Any, client: Client) -> None:
    for more in ({}, {"generate": False}):
        error = await client.ask(model="gpt-5.6-sool", **more)
        assert (error["status"], error["error"]["code"]) == (404, "model_not_found")
        assert "gpt-5.6-sol" in error["error"]["message"]


async def test_without_a_login(build: Any) -> None:
    async with build(login=False) as house, opened(house) as client:
        error = await client.ask()
        assert (error["status"], error["error"]["code"]) == (401, "not_logged_in")


async def test_a_refusal_of_the_provider_has_its_status_and_its_facts(house: Any, client: Client) -> None:
    house.simulator.script("usage_limit", "http_400", "text")
    error = await client.ask(stream_id=None)
    assert error["status"] == 429
    assert error["error"]["type"] == "usage_limit_reached"
    assert error["error"]["resets_in_seconds"] > 0
    assert int(error["headers"]["retry-after"]) > 0
    assert (await client.ask())["status"] == 400
    assert (await client.ask())["type"] == "response.completed"
    line = (await lines(house, 1))[0]
    assert (line["status"], line["code"]) == (429, "usage_limit_reached")


@pytest.mark.parametrize(
    "code", ["invalid_prompt", "context_length_exceeded", "rate_limit_exceeded", "server_is_overloaded"]
)
async def test_what_a_stream_says_of_its_failure_is_told_as_it_was_said(
    house: Any, client: Client, quick_clock: Any, code: str
) -> None:
    house.simulator.script(*[f"failed_{code}"] * 3)
    await client.create()
    created, failed = await client.turn()
    assert (created["type"], failed["type"]) == ("response.created", "response.failed")
    assert created["response"]["id"] == failed["response"]["id"]
    assert failed["response"]["error"]["code"] == code


@pytest.mark.parametrize("scenario", ["failed_late", "error_late", "cut", "eof"])
async def test_an_answer_that_breaks_is_told_inside_it(house: Any, client: Client, scenario: str) -> None:
    house.simulator.script(scenario)
    await client.create()
    events = await client.turn()
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] in ("response.failed", "error")
    assert (await client.ask())["type"] == "response.completed"


async def test_steering_is_refused_and_the_input_comes_back(client: Client) -> None:
    await client.say(type="response.steer", previous_response_id="resp_1", input="more")
    failed = await client.hear()
    assert failed["type"] == "response.steer.failed"
    assert failed["error"]["code"] == "steering_not_supported"
    assert failed["steer"] == {"previous_response_id": "resp_1", "input": "more"}
    await client.say(type="response.steer")
    assert (await client.hear())["error"]["code"] == "invalid_input"


async def test_what_codex_only_tells_is_not_answered(client: Client) -> None:
    await client.say(type="response.processed", response_id="resp_1")
    assert (await client.ask())["type"] == "response.completed"


async def test_long_messages_are_read_beside_the_loop(
    house: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "LARGE", 10)
    assert (await client.ask())["type"] == "response.completed"
    await client.socket.send_message("[" * 100)
    assert (await client.hear())["status"] == 400
    monkeypatch.undo()
    assert (await client.ask("x" * (16 << 20)))["type"].startswith("response.")


# ---- lanes


async def test_lanes_run_side_by_side_and_name_themselves(house: Any, client: Client) -> None:
    house.simulator.script(("paced", {"rate": "50", "count": "20"}), ("paced", {"rate": "50", "count": "20"}))
    await client.create("a", stream_id="plan.1")
    await client.create("b", stream_id="Plan_2-x")
    seen: list[str] = []
    while seen.count("end") < 2:
        event = await client.hear()
        seen.append("end" if event["type"] == "response.completed" else event["stream_id"])
        assert event["stream_id"] in ("plan.1", "Plan_2-x")
    changes = sum(a != b for a, b in itertools.pairwise(seen))
    assert changes > 4


async def test_a_lane_answers_in_order(house: Any, client: Client) -> None:
    house.simulator.script(*["text"] * 6)
    for lane in ("one", None, "one", "one", None):
        await client.create(f"in {lane}", store=False, **({"stream_id": lane} if lane else {}))
    under_way: dict[Any, str] = {}
    ended = []
    while len(ended) < 5:
        event = await client.hear()
        lane = event.get("stream_id")
        if event["type"] == "response.created":
            assert lane not in under_way
            under_way[lane] = event["response"]["id"]
        elif event["type"] == "response.completed":
            assert under_way.pop(lane) == event["response"]["id"]
            ended.append(lane)
    assert sorted(ended, key=str) == [None, None, "one", "one", "one"]


async def test_a_fork_into_another_lane(house: Any, client: Client) -> None:
    await client.create("root", store=False, stream_id="main")
    root = (await client.turn("main"))[-1]["response"]["id"]
    await client.create("fork", store=False, stream_id="critic", previous_response_id=root)
    assert (await client.turn("critic"))[-1]["type"] == "response.completed"
    assert sent(house)[0] == "root"
    await client.create("fork", stream_id="critic", previous_response_id="resp_none")
    assert (await client.turn("critic"))[-1]["status"] == 400


async def test_there_may_be_32_names_and_the_one_without(client: Client) -> None:
    for number in range(32):
        await client.create(generate=False, stream_id=f"s{number}")
        assert (await client.turn(f"s{number}"))[-1]["type"] == "response.completed"
    await client.create(generate=False, stream_id="s32")
    error = await client.hear()
    assert (error["status"], error["stream_id"]) == (400, "s32")
    assert error["error"]["code"] == "websocket_stream_limit_reached"
    assert error["error"]["param"] == "stream_id"
    await client.create(generate=False, stream_id="s0")
    assert (await client.turn("s0"))[-1]["type"] == "response.completed"
    assert (await client.ask(generate=False))["type"] == "response.completed"


async def test_sixteen_answers_are_under_way_at_once(house: Any, client: Client) -> None:
    house.simulator.script(*["silent"] * 20)
    for number in range(20):
        await client.create(stream_id=f"s{number}")
    await house.simulator.received(16, "/backend-api/codex/responses")
    await trio.sleep(0.2)
    assert len(house.simulator.questions()) == 16


async def test_what_waits_is_bounded(house: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_WAITING", 3)
    house.simulator.script("silent")
    await client.create("under way")
    await house.simulator.received(1, "/backend-api/codex/responses")
    for number in range(4):
        await client.create(str(number), store=False)
    error = await client.hear()
    assert (error["status"], error["error"]["code"]) == (429, "websocket_queue_full")


async def test_the_bytes_that_wait_are_bounded(build: Any) -> None:
    async with build(max_body="20000") as house, opened(house) as client:
        house.simulator.script("silent")
        await client.create("under way")
        await house.simulator.received(1, "/backend-api/codex/responses")
        await client.create("x" * 15_000)
        await client.create("x" * 15_000)
        assert (await client.hear())["error"]["code"] == "websocket_queue_full"


async def test_connections_remember_no_more_than_all_may(build: Any) -> None:
    async with build(answers_bytes="100K") as house, opened(house) as first, opened(house) as second:
        house.simulator.script(*["text"] * 4)
        old = (await first.ask("x" * 60_000, store=False))["response"]["id"]
        new = (await second.ask("y" * 60_000, store=False))["response"]["id"]
        assert (await first.ask(previous_response_id=old))["error"]["code"] == "previous_response_not_found"
        assert (await second.ask("hello", previous_response_id=new, store=False))["type"] == "response.completed"
        await second.socket.aclose()
        last = (await first.ask("z" * 60_000, store=False))["response"]["id"]
        assert (await first.ask("hello", previous_response_id=last, store=False))["type"] == "response.completed"
        assert len(house.gateway.answers) == 0


# ---- ends


@pytest.mark.parametrize("scenario", [("long", {"rate": "100", "count": "9999"}), "silent", "mute"])
async def test_a_hang_up_stops_the_provider_at_once(house: Any, scenario: Any) -> None:
    house.simulator.script(scenario)
    async with opened(house) as client:
        await client.create()
        received = await house.simulator.received(1, "/backend-api/codex/responses")
        await trio.sleep(0.1)
        at = trio.current_time()
        await client.stream.aclose()
        with trio.fail_after(1):
            await house.simulator.quiet()
        assert received.ended_at is not None
        assert received.ended_at - at < 0.1
    turn, _ = await lines(house, 2)
    assert turn["gone"] is True


async def test_a_close_in_good_order_stops_the_provider_too(house: Any) -> None:
    house.simulator.script("silent")
    async with opened(house) as client:
        await client.create()
        await house.simulator.received(1, "/backend-api/codex/responses")
    with trio.fail_after(1):
        await house.simulator.quiet()


@pytest.fixture
async def aging(house: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client on a server whose hour is shorter: everything else that a server does each minute takes time, too."""
    assert MODULE.LIFE_SECONDS == 3600
    monkeypatch.setattr(MODULE, "LIFE_SECONDS", 100.0)
    async with opened(house) as one:
        yield one


async def test_after_an_hour_an_idle_socket_is_closed(house: Any, quick_clock: Any, aging: Client) -> None:
    began = trio.current_time()
    assert (await aging.ask())["type"] == "response.completed"
    code, said = await aging.closed()
    assert trio.current_time() - began == pytest.approx(100, abs=5)
    assert code == 1000
    (error,) = said
    assert error == {
        "type": "error",
        "status": 400,
        "error": {
            "message": "Responses websocket connection limit reached (60 minutes). "
            "Create a new websocket connection to continue.",
            "type": "invalid_request_error",
            "param": None,
            "code": "websocket_connection_limit_reached",
        },
    }


async def test_after_an_hour_an_answer_under_way_is_finished(house: Any, quick_clock: Any, aging: Client) -> None:
    client = aging
    await trio.sleep(90)
    house.simulator.script(("slow_thinking", {"seconds": "60"}))
    await client.create()
    await client.create("waits")
    await trio.sleep(30)
    await client.create("too late")
    code, said = await client.closed()
    kinds = [event["type"] for event in said]
    assert kinds[0] == "error"  # the late one is told at once
    assert kinds.count("response.completed") == 1
    assert kinds[-2:] == ["error", "error"]
    assert {event["error"]["code"] for event in said if event["type"] == "error"} == {
        "websocket_connection_limit_reached"
    }
    assert code == 1000


@asynccontextmanager
async def in_memory(house: Any, drain: Drain) -> AsyncIterator[Client]:
    """A client without sockets, on a server that a test may stop."""
    theirs, ours = memory_stream_pair()
    async with helpers() as nursery:
        nursery.start_soon(Connection(ours, house.app, Limits(), drain, "c", "127.0.0.1:1").run)
        yield Client(await wrap_client_stream(nursery, theirs, "127.0.0.1:1", PATH), theirs)


async def test_at_the_servers_end_who_is_idle_goes_at_once(house: Any) -> None:
    drain = Drain()
    async with in_memory(house, drain) as client:
        assert (await client.ask())["type"] == "response.completed"
        drain.begin()
        with trio.fail_after(1):
            assert await client.closed() == (1001, [])


async def test_at_the_servers_end_an_answer_under_way_is_finished(house: Any) -> None:
    drain = Drain()
    house.simulator.script(("paced", {"rate": "50", "count": "20"}))
    async with in_memory(house, drain) as client:
        await client.create()
        await client.create("waits, and goes with the socket")
        assert (await client.hear())["type"] == "response.created"
        drain.begin()
        await client.create("comes too late")
        code, said = await client.closed()
    assert code == 1001
    assert said[-1]["type"] == "response.completed"
    assert len(house.simulator.questions()) == 1


async def test_signs_of_life_while_the_provider_thinks(house: Any, quick_clock: Any) -> None:
    house.simulator.script(("slow_thinking", {"seconds": "35"}))
    beats = []
    async with in_memory(house, Drain()) as client:
        receive = client.stream.receive_some

        async def watched(limit: int | None = None) -> bytes:
            data = bytes(await receive(limit))
            beats.append(data == b"\x8a\x00")
            return data

        client.stream.receive_some = watched
        await client.ask(generate=False)  # the read before it began unwatched
        assert (await client.ask())["type"] == "response.completed"
    assert beats.count(True) == 3


# ---- before there is a socket


UPGRADE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


async def refused(house: Any, **headers: str) -> httpx.Response:
    response: httpx.Response = await house.client.get(PATH, headers=UPGRADE | headers)
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    return response


async def test_switched_off(build: Any) -> None:
    async with build(websocket="no") as house:
        assert (await refused(house)).status_code == 426
        assert (await house.ask("hello", path=PATH)).status_code == 200


async def test_a_plain_get_is_told_to_post(house: Any) -> None:
    response = await house.client.get(PATH)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert (await house.client.head(PATH)).status_code == 405


async def test_the_guard_stands_before_the_socket(build: Callable[..., Any]) -> None:
    key = "a-local-key-of-some-length"
    async with build(rules=Rules(key=key)) as house:
        assert (await refused(house)).status_code == 401
        assert (await refused(house, authorization="Bearer wrong")).status_code == 401
        assert (await refused(house, authorization=f"Bearer {key}", origin="https://evil.example")).status_code == 403
        for site in ("cross-site", "same-site"):
            answer = await refused(house, authorization=f"Bearer {key}", **{"sec-fetch-site": site})
            assert answer.status_code == 403
        assert (await refused(house, authorization=f"Bearer {key}", host="evil.example")).status_code == 403
        async with opened(house, authorization=f"Bearer {key}") as client:
            assert (await client.ask())["type"] == "response.completed"
