"""The one route of every dialect, over real sockets: streams, folds, pings, hang-ups, errors before and inside."""

from __future__ import annotations

import gzip
import itertools
import json
from importlib import import_module
from typing import Any

import anyio.lowlevel
import httpx
import pytest
import trio

from rotom.simulator.play import Reply
from rotom.sse import Decoder, Event, encode

PATHS = ["/v1/messages", "/v1/responses"]


def events(data: bytes) -> list[Event]:
    return Decoder().feed(data)


async def streamed(house: Any, path: str, text: str = "hello") -> httpx.Response:
    return await house.ask(text, path=path, stream=True)


@pytest.mark.parametrize("path", PATHS)
async def test_a_stream(house: Any, path: str) -> None:
    house.simulator.script("text")
    response = await streamed(house, path)
    kinds = [event.type for event in events(response.content)]
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert kinds[0] in ("message_start", "response.created")
    assert kinds[-1] in ("message_stop", "response.completed")
    assert all(event.type == event.data["type"] for event in events(response.content))


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_stream_the_answer_is_whole(house: Any, path: str) -> None:
    house.simulator.script("text")
    response = await house.ask("hello", path=path)
    assert response.headers["content-type"] == "application/json"
    value = response.json()
    if path == "/v1/messages":
        assert value["content"][0]["text"]
        assert response.headers["request-id"] == response.headers["x-request-id"]
    else:
        assert value["output"][-1]["content"][0]["text"]
        assert "request-id" not in response.headers


async def test_the_log_tells_what_happened_and_nothing_of_the_prompt(house: Any) -> None:
    house.simulator.script("text")
    await house.ask("a very private question", model="claude-sonnet-4-5")
    line = await house.logged("/v1/messages")
    assert line["model"] == "claude-sonnet-4-5"
    assert line["served"] == "gpt-5.5"
    assert (line["provider"], line["dialect"], line["status"]) == ("openai", "messages", 200)
    assert 0 <= line["first"] <= line["total"]
    assert line["input"] > 0
    assert line["output"] > 0
    assert "private" not in house.output.getvalue()


async def test_the_head_is_held_for_the_true_status(house: Any, quick_clock: Any) -> None:
    house.simulator.script(("failed_invalid_prompt", {"after": "5"}))
    response = await streamed(house, "/v1/messages")
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", PATHS)
async def test_pings_while_the_provider_thinks(house: Any, path: str, quick_clock: Any) -> None:
    house.simulator.script(("slow_thinking", {"seconds": "35"}))
    async with house.client.stream("POST", path, json=question(path)) as response:
        began, times, data = trio.current_time(), [], b""
        async for piece in response.aiter_raw():
            times.append(trio.current_time() - began)
            data += piece
    assert response.status_code == 200
    assert times[0] < 11 + 10
    assert max(b - a for a, b in itertools.pairwise(times)) < 11
    if path == "/v1/messages":
        kinds = [event.type for event in events(data)]
        assert kinds[:2] == ["message_start", "ping"]
        assert kinds.count("ping") >= 3
        assert kinds.count("message_start") == 1
        assert kinds[-1] == "message_stop"
    else:
        assert data.count(b": ") >= 3


@pytest.mark.parametrize("path", PATHS)
async def test_a_provider_that_falls_silent_ends_in_an_error(house: Any, path: str, quick_clock: Any) -> None:
    house.simulator.script("stall")
    response = await streamed(house, path)
    assert response.status_code == 200
    last = events(response.content)[-1]
    assert last.type in ("error", "response.failed")
    assert "300 seconds" in json.dumps(last.data)
    await house.simulator.quiet()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scenario", ["failed_late", "error_late", "cut", "eof", "cut_in_tool"])
async def test_a_broken_stream_never_looks_whole(house: Any, path: str, scenario: str) -> None:
    house.simulator.script(scenario)
    tools: list[Any] = [{"name": "t", "input_schema": {"type": "object", "properties": {}}}]
    if path == "/v1/responses":
        tools = [{"type": "function", "name": "t", "parameters": {"type": "object", "properties": {}}, "strict": False}]
    response = await house.ask("hello", path=path, stream=True, tools=tools)
    kinds = [event.type for event in events(response.content)]
    assert response.status_code == 200
    assert kinds[-1] in ("error", "response.failed")
    assert not {"message_stop", "message_delta", "response.completed"} & set(kinds)


@pytest.mark.parametrize("scenario", ["failed_late", "cut", "eof"])
async def test_without_a_stream_a_broken_answer_is_an_error(house: Any, scenario: str) -> None:
    house.simulator.script(scenario)
    response = await house.ask("hello")
    assert response.status_code >= 500
    assert response.json()["type"] == "error"


def question(path: str, *, stream: bool = True) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "gpt-5.5", "stream": stream}
    if path == "/v1/messages":
        return body | {"max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    return body | {"input": "hello"}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scenario", [("long", {"rate": "100", "count": "9999"}), "silent", "mute"])
async def test_a_hang_up_stops_the_provider_at_once(house: Any, scenario: Any, stream: bool) -> None:
    house.simulator.script(scenario)
    port = house.client.base_url.port
    connection = await trio.open_tcp_stream("127.0.0.1", port)
    body = json.dumps(question("/v1/messages", stream=stream)).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    await connection.send_all(head.replace("host: x", "host: localhost").encode() + body)
    received = await house.simulator.received(1, "/backend-api/codex/responses")
    with trio.move_on_after(0.2):  # let it stream for a moment
        while stream and scenario != "mute" and scenario != "silent":
            await connection.receive_some()
    at = trio.current_time()
    await connection.aclose()
    with trio.fail_after(1):
        await house.simulator.quiet()
    assert received.ended_at is not None
    assert received.ended_at - at < 0.1
    with trio.fail_after(1):
        while not any(line.get("path") == "/v1/messages" for line in house.log):
            await anyio.lowlevel.checkpoint()
    (line,) = (line for line in house.log if line.get("path") == "/v1/messages")
    assert line["gone"] is True


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b'"x"', "not an object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"", "not JSON"),
        (b'{"temperature": NaN}', "NaN"),
        (b'{"max_tokens": -Infinity}', "Infinity"),
        (b'{"temperature": 1e999}', "too large"),
        (b'{"max_tokens": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_is_no_question(house: Any, path: str, body: bytes, words: str) -> None:
    response = await house.client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]
    assert house.simulator.questions() == []


async def test_a_packed_body(house: Any) -> None:
    body = gzip.compress(json.dumps(question("/v1/messages", stream=False)).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = await house.client.post("/v1/messages", content=body, headers=headers)
    assert response.status_code == 200


async def test_the_clients_model_name_comes_back(house: Any) -> None:
    response = await house.ask("hello", model="claude-opus-5-5")
    assert response.json()["model"] == "claude-opus-5-5"


async def test_an_unknown_model_is_told_with_the_nearest(house: Any) -> None:
    for path, status in (("/v1/messages", 400), ("/v1/responses", 404)):
        response = await house.ask("hello", path=path, model="gpt-5.6-sool")
        assert response.status_code == status
        assert "gpt-5.6-sol" in response.json()["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("depth", [300, 900, 960, 980, 990])
async def test_what_can_be_read_but_not_gone_through_is_the_clients_fault(house: Any, path: str, depth: int) -> None:
    """JSON may be nested less than the parser takes and more than what comes after it."""
    kind = "custom" if path == "/v1/messages" else "function"
    tool = {"type": kind, "name": "t", "input_schema": {"a": 0}, "parameters": {"a": 0}}
    body = json.dumps(question(path) | {"tools": [tool]}).replace("0", "[" * depth + "]" * depth)
    response = await house.client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400), response.text


ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}


def stream_of(*said: Event) -> Reply:
    """A provider that says just that."""
    return Reply(200, encode(said), (("content-type", "text/event-stream"),))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "count", [[1], "x", 5, {"input_tokens_details": [1], "output_tokens_details": "x", "input_tokens": 10**400}]
)
async def test_token_counts_that_are_none(house: Any, path: str, count: Any, stream: bool) -> None:
    response = {"id": "resp_1", "object": "response", "model": "gpt-5.5", "output": [ITEM], "usage": count}
    done = Event("response.completed", data={"type": "response.completed", "response": response})
    said = Event("response.output_item.done", data={"type": "x", "output_index": 0, "item": ITEM})
    house.simulator.script(stream_of(said, done))
    answer = await house.ask("hello", path=path, stream=stream)
    assert answer.status_code == 200
    assert "hi" in answer.text
    assert "internal" not in answer.text


async def test_what_is_held_back_before_any_content_is_bounded(house: Any) -> None:
    waiting = Event("response.in_progress", data={"type": "response.in_progress"})
    house.simulator.script(stream_of(*[waiting] * 3000))
    answer = await streamed(house, "/v1/responses")
    assert answer.status_code == 200  # they were forwarded, though the answer then broke
    assert len(house.simulator.questions()) == 1
    assert "response.failed" in answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_a_large_body_is_read_beside_the_loop(house: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("rotom.routes.generate"), "LARGE", 10)  # a function has the name as well
    house.simulator.script("text")
    assert (await house.ask("hello", path=path)).status_code == 200
    response = await house.client.post(path, content=b"[" * 100, headers={"content-type": "application/json"})
    assert response.status_code == 400


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_private_to_the_provider_stays_here(house: Any, path: str) -> None:
    house.simulator.script("private")
    response = await streamed(house, path)
    kinds = {event.type for event in events(response.content)}
    assert kinds
    assert not [kind for kind in kinds if kind.startswith(("codex.", "responsesapi.", "keepalive"))]


async def test_a_token_that_the_provider_quotes_goes_no_further(house: Any) -> None:
    token = (await house.gateway.keeper.token("openai")).access

    def quoting(ask: Any) -> Any:
        yield from ask.pen.opening()
        yield from ask.pen.text("some text")
        yield ask.pen.failed("server_error", f"no luck with {token}")

    for path in PATHS:
        house.simulator.script(quoting)
        response = await streamed(house, path)
        assert events(response.content)[-1].type in ("error", "response.failed")
        assert token not in response.text
        assert token not in house.output.getvalue()


async def test_a_client_that_repeats_by_itself_is_not_repeated_for(house: Any) -> None:
    house.simulator.script("overload", "overload", "text")
    body = question("/v1/messages", stream=False)
    first = await house.client.post("/v1/messages", json=body, headers={"x-stainless-retry-count": "1"})
    assert first.status_code == 529
    assert len(house.simulator.questions()) == 1
    assert (await house.logged("/v1/messages"))["repeat"] == "1"


WORDS = ["one ", "two ", "three"]


@pytest.mark.parametrize("path", [*PATHS, "/v1/chat/completions"])
@pytest.mark.parametrize(
    "broken",
    [b"event: response.output_text.delta\ndata: {not json\n\n", b"event: response.completed\ndata: {not json\n\n"],
    ids=["delta", "end"],
)
async def test_what_was_said_before_a_broken_event_is_told(house: Any, path: str, broken: bytes) -> None:
    """In the same read, too."""

    def play(ask: Any) -> Any:
        said = itertools.takewhile(lambda step: not step.type.endswith(".done"), ask.pen.text("", deltas=WORDS))
        yield encode([*ask.pen.opening(), *said]) + broken

    house.simulator.script(play)
    response = await streamed(house, path)
    text = response.text
    for word in WORDS:
        assert f'"{word}"' in text, word
    assert "that is not JSON" in text
    if path == "/v1/responses":
        told = events(response.content)
        assert [event.data["sequence_number"] for event in told] == list(range(len(told)))
