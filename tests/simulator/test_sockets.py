"""The simulated backend on a WebSocket: as strict as over HTTP, with a memory of one response."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, wrap_client_stream

from rotom.plain import helpers
from rotom.simulator import HANDSHAKE, RESPONSES
from rotom.simulator.play import Reply, detail
from rotom.simulator.sockets import LIFE_SECONDS
from rotom.sse import Json

Open = Callable[..., AbstractAsyncContextManager["Talk"]]
BETA = {"openai-beta": "responses_websockets=2026-02-06"}


class Talk:
    """A client's side of a WebSocket."""

    def __init__(self, socket: Any, kit: Any) -> None:
        self.socket = socket
        self.kit = kit

    async def send(self, body: Json) -> None:
        await self.socket.send_message(json.dumps({"type": "response.create", **body}))

    async def read(self) -> list[Json]:
        """The events of one answer."""
        found = []
        while True:
            event = json.loads(await self.socket.get_message())
            found.append(event)
            if event["type"] in ("error", "response.completed", "response.failed", "response.incomplete"):
                return found

    async def ask(self, *items: Any, **changes: Any) -> list[Json]:
        await self.send(self.kit.question(*items, **changes))
        return await self.read()


@pytest.fixture
def opened(client: Any, simulator: Any, kit: Any) -> Open:
    @asynccontextmanager
    async def one(**headers: str | None) -> AsyncIterator[Talk]:
        fields = {**client.headers, **BETA, **headers}
        extra = [(name.encode(), value.encode()) for name, value in fields.items() if value is not None]
        # Not open_websocket: that leaves the connection open when it is refused (trio-websocket 0.12).
        async with await trio.open_tcp_stream("127.0.0.1", simulator.port) as stream, helpers() as nursery:
            socket = await wrap_client_stream(nursery, stream, "localhost", RESPONSES, extra_headers=extra)
            yield Talk(socket, kit)
            await socket.aclose()

    return one


def kinds(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def text(events: list[Json]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def items(events: list[Json]) -> list[Json]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


async def test_questions_one_after_the_other_and_the_memory(opened: Open, simulator: Any, kit: Any) -> None:
    async with opened() as talk:
        first = await talk.ask("say one")
        assert text(first) == "one"
        assert kinds(first)[:3] == ["codex.response.metadata", "codex.rate_limits", "response.created"]
        assert first[0]["headers"]["openai-model"] == "gpt-5.5"
        name = first[-1]["response"]["id"]
        second = await talk.ask("say two", previous_response_id=name)
        assert text(second) == "two"
        assert second[-1]["response"]["usage"]["input_tokens"] > first[-1]["response"]["usage"]["input_tokens"]
        assert [received.method for received in simulator.questions()] == ["WEBSOCKET"] * 2
        assert [received.status for received in simulator.questions()] == [200, 200]


async def test_a_tool_loop_by_its_outputs_alone(opened: Open) -> None:
    tool = {
        "type": "function",
        "name": "write_file",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
        },
    }
    async with opened() as talk:
        first = await talk.ask("Create a file hello.txt with the text hi", tools=[tool])
        (call,) = [item for item in items(first) if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
        second = await talk.ask(output, tools=[tool], previous_response_id=first[-1]["response"]["id"])
        assert text(second)
        stray = await talk.ask({**output, "call_id": "c9"}, previous_response_id=second[-1]["response"]["id"])
        assert stray[-1]["error"]["message"].startswith("No tool call found")


@pytest.mark.parametrize("name", ["resp_nobody", "", 5])
async def test_a_response_that_is_not_known(opened: Open, name: Any) -> None:
    async with opened() as talk:
        (event,) = await talk.ask("hi", previous_response_id=name)
        assert event == {
            "type": "error",
            "status": 400,
            "error": {
                "message": f"Previous response with id '{name}' not found.",
                "type": "invalid_request_error",
                "param": "previous_response_id",
                "code": "previous_response_not_found",
            },
            "headers": {},
        }
        assert text(await talk.ask("say yes")) == "yes"  # the connection stays open


async def test_only_the_last_good_response_of_this_connection_is_known(opened: Open) -> None:
    async with opened() as talk, opened() as other:
        first = (await talk.ask("say one"))[-1]["response"]["id"]
        assert (await other.ask("hi", previous_response_id=first))[-1]["error"]["code"] == "previous_response_not_found"
        second = (await talk.ask("say two"))[-1]["response"]["id"]
        assert (await talk.ask("hi", previous_response_id=first))[-1]["type"] == "error"
        # A question that failed took the memory with it.
        assert (await talk.ask("hi", previous_response_id=second))[-1]["type"] == "error"


async def test_a_warm_up_answers_with_nothing_and_is_remembered(opened: Open, simulator: Any) -> None:
    async with opened() as talk:
        events = await talk.ask("say one", generate=False)
        assert kinds(events) == ["response.created", "response.in_progress", "response.completed"]
        assert events[-1]["response"]["output"] == []
        assert simulator.questions()[0].scenario == "warm_up"
        assert text(await talk.ask("say two", previous_response_id=events[-1]["response"]["id"])) == "two"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 1}, "Unsupported parameter: temperature"),
        ({"store": True}, "Store must be set to false"),
        ({"stream": ...}, "Stream must be set to true"),
        ({"input": []}, 'One of "input" or "previous_response_id" must be provided.'),
        ({"input": "hi"}, "Input must be a list"),
        ({"model": "gpt-4"}, "The 'gpt-4' model is not supported when using Codex with a ChatGPT account."),
    ],
)
async def test_it_is_as_strict_as_over_http(opened: Open, changes: Json, message: str, simulator: Any) -> None:
    async with opened() as talk:
        (event,) = await talk.ask("hi", **changes)
        assert (event["type"], event["status"]) == ("error", 400)
        assert event["error"]["message"] == message
        assert simulator.questions()[0].status == 400


@pytest.mark.parametrize("message", ["not json", "[]", b"\x00", '{"type":"response.steer"}', "{}"])
async def test_messages_that_are_no_question(opened: Open, message: Any) -> None:
    async with opened() as talk:
        await talk.socket.send_message(message)
        (event,) = await talk.read()
        assert event["status"] == 400


async def test_refusals_with_a_status_are_events_with_their_headers(opened: Open, simulator: Any) -> None:
    async with opened() as talk:
        simulator.script("usage_limit")
        event = (await talk.ask("hi"))[-1]
        assert event["status"] == 429
        assert event["error"]["type"] == "usage_limit_reached"
        assert event["headers"]["x-codex-primary-used-percent"] == "100.0"
        assert simulator.questions()[0].status == 429


@pytest.mark.parametrize(("scenario", "code"), [("cut", 1006), ("eof", 1000), ("http_502", 1000), ("flood", 1006)])
async def test_what_ends_the_connection(opened: Open, simulator: Any, scenario: str, code: int) -> None:
    async with opened() as talk:
        simulator.script(scenario)
        with pytest.raises(ConnectionClosed) as caught:
            await talk.ask("hi")
        assert caught.value.reason.code == code


async def test_a_whole_reply_of_events(opened: Open, simulator: Any) -> None:
    async with opened() as talk:
        body = b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n'
        simulator.script(Reply(200, body, (("content-type", "text/event-stream"),)))
        assert kinds(await talk.ask("hi"))[-1] == "response.completed"


async def test_a_hang_up_is_noted(opened: Open, simulator: Any) -> None:
    async with opened() as talk:
        simulator.script("stall")
        await talk.send(talk.kit.question("hi"))
        await simulator.received(1)
        assert simulator.open_streams == 1
    with trio.fail_after(2):
        await simulator.quiet()
    assert simulator.questions()[0].gone


async def test_a_question_waits_for_the_one_before(opened: Open, simulator: Any) -> None:
    async with opened() as talk:
        for word in ("one", "two", "three"):
            await talk.send(talk.kit.question(f"say {word}"))
        assert [text(await talk.read()) for _ in range(3)] == ["one", "two", "three"]


async def test_an_hour_and_no_longer(opened: Open, quick_clock: Any) -> None:
    async with opened() as talk:
        await talk.ask("hi")
        began = trio.current_time()
        while (event := json.loads(await talk.socket.get_message()))["type"] != "error":
            pass
        assert event["error"]["code"] == "websocket_connection_limit_reached"
        assert trio.current_time() - began == pytest.approx(LIFE_SECONDS, abs=2)
        with pytest.raises(ConnectionClosed):
            await talk.socket.get_message()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer nobody"}, 401),
        ({"chatgpt-account-id": "other"}, 403),
        ({"openai-beta": None}, 400),
    ],
)
async def test_who_may_not_connect(opened: Open, headers: Any, status: int) -> None:
    with pytest.raises(ConnectionRejected) as caught:
        async with opened(**headers):
            pass
    assert caught.value.status_code == status


async def test_switched_off_or_scripted(opened: Open, simulator: Any) -> None:
    simulator.script(detail(403, "no"), path=HANDSHAKE)
    for status in (403, 426):
        with pytest.raises(ConnectionRejected) as caught:
            async with opened():
                pass
        assert caught.value.status_code == status
        simulator.websockets = False


async def test_the_reduced_form_is_told_in_the_message(opened: Open) -> None:
    key = "ws_request_header_x_openai_internal_codex_responses_lite"
    async with opened() as talk:
        (event,) = await talk.ask("hi", client_metadata={key: "true"})
        assert "requires `parallel_tool_calls` to be false" in event["error"]["message"]
        assert (await talk.ask("say yes", client_metadata=5))[-1]["type"] == "response.completed"
