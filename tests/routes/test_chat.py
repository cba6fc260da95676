"""Chat Completions through the whole of rotom, down to a strict provider and back: what a client asked for and got."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import trio

from rotom.dialects.chat import DIALECT
from rotom.simulator.pictures import png_base64
from rotom.simulator.play import Play
from rotom.simulator.scenarios_ask import Ask
from rotom.sse import Event

PATH = "/v1/chat/completions"
RECEIPT = "x-rotom-receipt"


def sent(house: Any) -> Any:
    """What the provider was asked last."""
    return house.simulator.questions()[-1].body


def frames(response: httpx.Response) -> list[Event]:
    assert "event:" not in response.text
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line.startswith("data: ")]
    return [Event("", raw=line.encode()) for line in lines]


def choice(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    streamed = response.headers["content-type"] != "application/json"
    return (DIALECT.fold(frames(response)) if streamed else response.json())["choices"][0]


def function(name: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "parameters": schema, **more}}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_question(house: Any, stream: bool) -> None:
    response = await house.ask("Reply with the single word OK", path=PATH, stream=stream)
    said = choice(response)
    assert said["message"]["content"] == "OK"
    assert said["finish_reason"] == "stop"
    assert response.headers["x-request-id"]
    assert RECEIPT not in response.headers
    assert (await house.logged(PATH))["dialect"] == "chat"


@pytest.mark.parametrize("usage", [True, False])
async def test_usage_in_a_stream(house: Any, usage: bool) -> None:
    more: Any = {"stream_options": {"include_usage": True}} if usage else {}
    response = await house.ask("hello", path=PATH, stream=True, **more)
    assert response.text.endswith("data: [DONE]\n\n")
    chunks = [frame.data for frame in frames(response)[:-1]]
    assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [usage]
    assert all(chunk["choices"] for chunk in chunks[: -1 if usage else None])


async def test_a_receipt(house: Any) -> None:
    more = {"temperature": 0.2, "max_tokens": 50, "seed": 1, "reasoning_effort": "minimal"}
    response = await house.ask("hello", path=PATH, **more)
    assert response.headers[RECEIPT] == "dropped=seed,temperature,max_tokens; mapped=effort:minimal>low"


async def test_strict(build: Any) -> None:
    async with build(strict="yes") as house:
        response = await house.ask("hello", path=PATH, temperature=0.2)
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "temperature"
        assert response.headers["x-should-retry"] == "false"


async def test_everything_that_a_provider_is_strict_about(house: Any) -> None:
    image = f"data:image/png;base64,{png_base64(8, 8, 'x')}"
    long = "mcp__" + "server" * 20
    messages: list[Any] = [
        {"role": "system", "content": "be good"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            ],
        },
        {
            "role": "assistant",
            "content": "look",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "x" * 100, "type": "function", "function": {"name": long, "arguments": ""}},
                {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "+x"}},
                {"id": "nobody answered", "type": "function", "function": {"name": "a.b", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "patched"},
        {"role": "tool", "tool_call_id": "x" * 100, "content": [{"type": "image_url", "image_url": {"url": image}}]},
        {"role": "tool", "tool_call_id": "nobody called", "content": ""},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "developer", "content": "note"},
        {"role": "user", "content": "go on", "name": "ann"},
    ]
    custom = {"name": "patch", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}}}
    body = {
        "model": "gpt-5.5",
        "messages": messages,
        "tools": [function(long, strict=False), {"type": "custom", "custom": custom}, {"type": "web_search_preview"}],
        "web_search_options": {"search_context_size": "low"},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "high",
        "verbosity": "low",
        "service_tier": "priority",
        "stop": ["ENDE"],
        "user": "u",
        "metadata": {"a": "b"},
        "store": True,
        "unheard_of": [1],
    }
    response = await house.client.post(PATH, json=body, headers={"x-session-id": "ses_1"})
    assert response.status_code == 200, response.text
    assert sent(house)["instructions"] == "be good"
    assert sent(house)["text"] == {"verbosity": "low", "format": {"type": "json_object"}}
    assert sent(house)["prompt_cache_key"] == house.simulator.questions()[-1].headers["session-id"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_loop(house: Any, stream: bool) -> None:
    name = "mcp__weather__" + "x" * 60
    tools = [function(name)]
    first = choice(await house.ask("demo:parallel_tools", path=PATH, stream=stream, tools=tools))
    assert first["finish_reason"] == "tool_calls"
    calls = first["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == [name, name]
    messages = [
        {"role": "user", "content": "demo:parallel_tools"},
        first["message"],
        *({"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls),
    ]
    body = {"model": "gpt-5.5", "messages": messages, "tools": tools, "stream": stream}
    second = choice(await house.client.post(PATH, json=body))
    assert second["finish_reason"] == "stop"
    kinds = [item["type"] for item in sent(house)["input"]]
    assert kinds[-4:] == ["function_call", "function_call", "function_call_output", "function_call_output"]


async def test_a_custom_tool(house: Any) -> None:
    def patch(ask: Ask) -> Play:
        yield from ask.pen.opening()
        yield from ask.pen.custom_call("patch", "+hi")
        yield ask.complete()

    house.simulator.script(patch)
    tools = [{"type": "custom", "custom": {"name": "patch"}}]
    said = choice(await house.ask("patch it", path=PATH, tools=tools))
    [call] = said["message"]["tool_calls"]
    assert (call["type"], call["custom"]) == ("custom", {"name": "patch", "input": "+hi"})


async def test_the_former_api(house: Any) -> None:
    functions = [function("get_weather")["function"]]
    said = choice(await house.ask("demo:tool", path=PATH, functions=functions, function_call="auto"))
    assert said["finish_reason"] == "function_call"
    assert said["message"]["function_call"]["name"] == "get_weather"
    assert isinstance(json.loads(said["message"]["function_call"]["arguments"]), dict)
    assert sent(house)["parallel_tool_calls"] is False


@pytest.mark.parametrize("stream", [True, False])
async def test_free_json(house: Any, stream: bool) -> None:
    said = choice(await house.ask("hello", path=PATH, stream=stream, response_format={"type": "json_object"}))
    assert isinstance(json.loads(said["message"]["content"]), dict)


async def test_a_schema(house: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    said = choice(await house.ask("a title", path=PATH, response_format=form))
    assert list(json.loads(said["message"]["content"])) == ["title"]
    broken: Any = {"type": "json_schema", "json_schema": {**form["json_schema"], "schema": {"type": "array"}}}  # type: ignore[dict-item]
    response = await house.ask("a title", path=PATH, response_format=broken)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_json_schema", "response_format.json_schema.schema")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_search_and_what_it_cites(house: Any, stream: bool) -> None:
    said = choice(await house.ask("Search the web for rotom", path=PATH, stream=stream, web_search_options={}))[
        "message"
    ]
    [note] = said["annotations"]
    cited = note["url_citation"]
    assert cited["url"].startswith("https://")
    assert 0 <= cited["start_index"] < cited["end_index"] <= len(said["content"])
    assert sent(house)["tools"] == [{"type": "web_search"}]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_stop_sequence_stops_the_provider(house: Any, stream: bool) -> None:
    house.simulator.script(("long", {"rate": "100", "count": "100000"}))
    with trio.fail_after(5):
        response = await house.ask("hello", path=PATH, stop=["never there", "word by"], stream=stream)
        await house.simulator.quiet()
    said = choice(response)
    assert said["message"]["content"] == "This is a long answer of rotom's demonstration. It comes "
    assert said["finish_reason"] == "stop"
    (question,) = house.simulator.questions()
    assert question.gone


async def test_reasoning_is_beside_the_content(house: Any) -> None:
    said = choice(await house.ask("demo:reasoning", path=PATH))["message"]
    assert said["reasoning_content"]
    assert said["reasoning_content"] not in said["content"]
    assert sent(house)["reasoning"]["summary"] == "auto"


async def test_a_refusal(house: Any) -> None:
    said = choice(await house.ask("demo:refusal", path=PATH))
    assert said["message"]["refusal"]
    assert (said["message"]["content"], said["finish_reason"]) == (None, "stop")


@pytest.mark.parametrize(
    ("scenario", "reason"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
async def test_answers_that_were_cut(house: Any, scenario: str, reason: str) -> None:
    assert choice(await house.ask(f"demo:{scenario}", path=PATH))["finish_reason"] == reason


# Faults -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"model": 5}, "model", "invalid_type"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"n": 3}, "n", "unsupported_value"),
        ({"modalities": ["audio"]}, "modalities", "unsupported_content"),
    ],
)
async def test_bad_requests(house: Any, more: Any, param: str, code: str) -> None:
    response = await house.ask("hello", path=PATH, **more)
    assert response.status_code == 400
    error = response.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"model": NaN}', b"[" * 100_000])
async def test_broken_json(house: Any, body: bytes) -> None:
    response = await house.client.post(PATH, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_broken_image_is_the_clients_fault(house: Any) -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,???"}}]
    response = await house.ask("", path=PATH, messages=[{"role": "user", "content": content}])
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "messages[0].content[0].image_url.url")


async def test_an_unknown_model(house: Any) -> None:
    response = await house.ask("hello", path=PATH, model="gpt-99")
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("scenario", "status"),
    [("usage_limit", 429), ("http_400_context", 400), ("failed_server_is_overloaded", 503), ("http_403", 403)],
)
async def test_errors_before_the_first_byte_keep_their_status(
    house: Any, scenario: str, status: int, stream: bool
) -> None:
    response = await house.ask(f"demo:{scenario}", path=PATH, stream=stream)
    assert response.status_code == status, response.text
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("scenario", ["failed_late", "error_late", "cut", "eof", "cut_in_tool"])
async def test_errors_after_it_are_a_chunk_and_no_good_end(house: Any, scenario: str) -> None:
    response = await house.ask(f"demo:{scenario}", path=PATH, stream=True)
    assert response.status_code == 200
    *chunks, last = frames(response)
    assert set(last.data) == {"error"}
    assert last.data["error"]["message"]
    assert "[DONE]" not in response.text
    assert all(chunk.data["choices"][0]["finish_reason"] is None for chunk in chunks)
    whole = await house.ask(f"demo:{scenario}", path=PATH)
    assert whole.status_code >= 500


async def test_a_silent_provider_is_waited_for(build: Any, quick_clock: Any) -> None:
    async with build(ping_interval="5") as house:
        response = await house.ask("demo:slow_thinking seconds=15", path=PATH, stream=True)
        first = frames(response)[0].data
        assert first["choices"][0]["delta"]["role"] == "assistant"
        assert ": keep-alive\n\n" in response.text
        assert response.text.count('"role"') == 1
        assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.slow
async def test_50_megabytes_are_read_and_refused_by_the_provider(house: Any) -> None:
    body = b'{"model":"gpt-5.5","messages":[{"role":"user","content":"' + b"x " * (25 << 20) + b'"}]}'
    response = await house.client.post(PATH, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"


async def test_the_former_completions_are_not_here(house: Any) -> None:
    response = await house.client.post("/v1/completions", json={"model": "gpt-5.5", "prompt": "x"})
    assert response.status_code == 404
    assert response.json()["error"]["message"] == "Invalid URL (POST /v1/completions)"
