"""The Messages API through the whole of rotom, down to a strict provider and back: what a client asked for and got."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
import trio

from rotom.dialects.messages import DIALECT
from rotom.simulator.brain_tools import Call
from rotom.simulator.pictures import png_base64
from rotom.simulator.play import Play, Reply
from rotom.simulator.scenarios_ask import Ask
from rotom.sse import Decoder, dumps, encode

PATHS = ["/v1/messages", "/v1/responses"]
RECEIPT, SERVED = "x-rotom-receipt", "x-rotom-model"


def sent(house: Any) -> Any:
    """What the provider was asked last."""
    return house.simulator.questions()[-1].body


def folded(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "application/json":
        return response.json()
    return DIALECT.fold(Decoder().feed(response.content))


def user(*content: Any) -> list[Any]:
    return [{"role": "user", "content": list(content)}]


# Receipts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
async def test_a_receipt_of_messages(house: Any, stream: bool) -> None:
    more: Any = {"model": "claude-sonnet-4-5", "temperature": 0.2, "top_k": 5, "output_config": {"effort": "max"}}
    response = await house.ask("hello", stream=stream, **more)
    assert response.headers[RECEIPT] == ("dropped=temperature,top_k; mapped=claude-sonnet-4-5>gpt-5.5,effort:max>xhigh")
    assert folded(response)["model"] == "claude-sonnet-4-5"
    line = await house.logged("/v1/messages")
    assert line["dropped"] == ["temperature", "top_k"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_receipt_of_responses(house: Any, stream: bool) -> None:
    more: Any = {"stream": stream, "max_output_tokens": 50, "temperature": 0.2, "reasoning": {"effort": "minimal"}}
    response = await house.ask("hello", path="/v1/responses", **more)
    assert response.headers[RECEIPT] == "dropped=max_output_tokens,temperature; mapped=effort:minimal>low"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", PATHS)
async def test_no_receipt_where_all_was_honoured(house: Any, path: str, stream: bool) -> None:
    response = await house.ask("hello", path=path, stream=stream)
    assert response.status_code == 200
    assert RECEIPT not in response.headers


@pytest.mark.parametrize("stream", [True, False])
async def test_strict(build: Any, stream: bool) -> None:
    async with build(strict="yes") as house:
        for path, more in (("/v1/messages", {"top_k": 5}), ("/v1/responses", {"max_output_tokens": 5})):
            response = await house.ask("hello", path=path, temperature=0.5, stream=stream, **more)
            assert response.status_code == 400
            assert response.headers["x-should-retry"] == "false"
            message = response.json()["error"]["message"]
            assert "temperature" in message
            assert next(iter(more)) in message
        assert house.simulator.questions() == []
        mapped = await house.ask("hello", model="sonnet", stream=stream)
        assert mapped.status_code == 200  # another model was promised by the configuration


async def test_strict_takes_what_claude_code_always_sends(build: Any) -> None:
    body: Any = {
        "system": [{"type": "text", "text": "You are a Claude agent.", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
        "tool_choice": {"type": "auto"},
        "metadata": {"user_id": '{"session_id":"s"}'},
        "thinking": {"type": "adaptive", "display": "updates"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "max"},
        "safeguards": [{"type": "dangerous_tool_use"}],
        "max_tokens": 128000,
    }
    async with build(strict="yes") as house:
        response = await house.ask("hello", stream=True, **body)
        assert response.status_code == 200
        assert response.headers[RECEIPT] == "mapped=effort:max>xhigh"


async def test_a_speed_that_the_model_does_not_have(house: Any) -> None:
    response = await house.ask("hello", model="gpt-5.4-mini", speed="fast")
    assert response.headers[RECEIPT] == "dropped=speed"
    assert "service_tier" not in sent(house)
    response = await house.ask("hello", speed="fast")
    assert RECEIPT not in response.headers
    assert sent(house)["service_tier"] == "priority"


# Models -----------------------------------------------------------------------------------------------------------------


async def test_names_of_models(build: Any) -> None:
    aliases = "claude-opus-*=gpt-6-astra, cheap=gpt-6-luna:low"
    async with build(model_aliases=aliases, model_small="gpt-5.4-mini", openai_originator="codex_cli_rs") as house:
        for name, model, effort in (
            ("claude-opus-5-5", "gpt-6-astra", None),
            ("cheap", "gpt-6-luna", "low"),
            ("claude-haiku-5-5", "gpt-5.4-mini", None),
            ("sonnet[1m]", "gpt-5.5", None),
            ("gpt-5.5:xhigh", "gpt-5.5", "xhigh"),
            ("gpt-5.5-high", "gpt-5.5", "high"),
        ):
            response = await house.ask("hello", model=name)
            assert folded(response)["model"] == name
            assert response.headers[SERVED] == sent(house)["model"] == model
            assert (sent(house).get("reasoning") or {}).get("effort") == effort
            told = None if name.startswith("gpt") else f"mapped={name}>{model}"
            assert response.headers.get(RECEIPT) == told


async def test_an_effort_in_the_name_wins(house: Any) -> None:
    response = await house.ask("hello", model="gpt-5.5:low", output_config={"effort": "high"})
    assert sent(house)["reasoning"] == {"effort": "low"}
    assert response.headers[RECEIPT] == "mapped=effort:high>low"


def answer_of(model: str) -> Reply:
    response = {"model": model, "output": [], "usage": {"input_tokens": 1, "output_tokens": 1}}
    from rotom.sse import Event

    events = [Event(f"response.{kind}", data={"type": kind, "response": response}) for kind in ("created", "completed")]
    return Reply(200, encode(events), (("content-type", "text/event-stream"),))


@pytest.mark.parametrize("path", PATHS)
async def test_another_model_than_asked_is_told_and_warned_about_once(
    house: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(house.gateway, "say", lambda *words: said.append(words))
    house.simulator.script(*map(answer_of, ("gpt-5.4-mini\r\nx: y", "gpt-5.4-mini\r\nx: y", "gpt-5.5-2026-04-01")))
    for stream in (True, False):
        response = await house.ask("hello", path=path, stream=stream)
        assert response.headers[SERVED] == "gpt-5.4-mini__x:_y"
    assert said == [("warning", "the provider answers with the model gpt-5.4-mini__x:_y where gpt-5.5 was asked for")]
    response = await house.ask("hello", path=path)
    assert response.headers[SERVED] == "gpt-5.5-2026-04-01"
    assert len(said) == 1  # a date is no other model


# Tools ------------------------------------------------------------------------------------------------------------------

READ = {"name": "Read", "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}}}
LONG = "mcp__a_server_with_a_long_name__" + "and_a_tool_with_a_longer_one_" * 2


async def test_schemas_as_servers_send_them(house: Any) -> None:
    schemas: list[Any] = [
        {},
        {"type": "object"},
        {"oneOf": [{"properties": {"a": {"type": "array"}}}, {"properties": {"b": {"format": "uri"}}}]},
        {"type": "object", "properties": {"a": {"type": ["integer", "null"], "exclusiveMinimum": 0}, "b": {}}},
    ]
    tools = [{"name": f"t{number}", "input_schema": schema} for number, schema in enumerate(schemas)]
    assert (await house.ask("hello", tools=tools)).status_code == 200
    assert [tool["strict"] for tool in sent(house)["tools"]] == [False] * 4


async def test_a_long_name_goes_and_comes_back(house: Any) -> None:
    response = await house.ask("hello", tools=[{**READ, "name": LONG}], tool_choice={"type": "tool", "name": LONG})
    short = sent(house)["tools"][0]["name"]
    assert response.headers[RECEIPT] == f"mapped=tool:{LONG[:95]}>{short}"
    (call,) = [block for block in folded(response)["content"] if block["type"] == "tool_use"]
    assert call["name"] == LONG


def bundled(ask: Ask) -> Play:
    uses = [{"recipient_name": "functions.Read", "parameters": {"file_path": name}} for name in ("/a", "/b")]
    call = Call("parallel", {"tool_uses": uses})
    yield from ask.pen.opening()
    yield from ask.pen.call(call.name, dumps(call.arguments).decode())
    yield ask.complete()


@pytest.mark.parametrize("stream", [True, False])
async def test_bundled_calls_and_their_results(house: Any, stream: bool) -> None:
    house.simulator.script(bundled)
    message = folded(await house.ask("hello", tools=[READ], stream=stream))
    assert [(block["name"], block["input"]) for block in message["content"]] == [
        ("Read", {"file_path": "/a"}),
        ("Read", {"file_path": "/b"}),
    ]
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "x"} for block in message["content"]]
    history = [*user({"type": "text", "text": "hi"}), {"role": "assistant", "content": message["content"]}]
    assert (await house.ask("", messages=[*history, *user(*results)], tools=[READ])).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
async def test_an_image_of_the_providers_tool(house: Any, stream: bool) -> None:
    house.simulator.script("image")
    tools = [{"name": "image_generation", "input_schema": {"type": "object"}}]
    message = folded(await house.ask("draw a fox", tools=tools, stream=stream))
    assert sent(house)["tools"] == [{"type": "image_generation"}]
    image = message["content"][-1]
    data = png_base64(1024, 1024, "A red fox")
    assert image == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_web_search(house: Any, stream: bool) -> None:
    # As Claude Code 2.1.330 asks it (2026-11).
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": ["example.com"]}
    ask = "Perform a web search for the query: rotom"
    message = folded(await house.ask(ask, tools=[tool], tool_choice={"type": "auto"}, stream=stream))
    assert sent(house)["tools"] == [{"type": "web_search", "filters": {"allowed_domains": ["example.com"]}}]
    assert "web_search_call.action.sources" in sent(house)["include"]
    kinds = [block["type"] for block in message["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    call, found, text = message["content"]
    assert call["input"] == {"query": "rotom"}
    assert found["tool_use_id"] == call["id"]
    assert all(
        isinstance(page[name], str) for page in found["content"] for name in ("title", "url", "encrypted_content")
    )
    assert text["citations"][0]["type"] == "web_search_result_location"
    assert text["citations"][0]["url"] == "https://example.com/simulated-result"
    assert message["usage"]["server_tool_use"]["web_search_requests"] == 1
    again = [*user({"type": "text", "text": ask}), {"role": "assistant", "content": message["content"]}]
    assert (await house.ask("", messages=[*again, *user({"type": "text", "text": "and?"})])).status_code == 200


# Thinking ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "reasoning", "shown"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"effort": "low", "summary": "auto"}, "text"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, {"effort": "xhigh", "summary": "auto"}, "text"),
        ({"thinking": {"type": "adaptive"}}, {"effort": "medium", "summary": "auto"}, "text"),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, {"effort": "medium"}, "omitted"),
        ({"thinking": {"type": "disabled"}}, {"effort": "low"}, "none"),
        ({"output_config": {"effort": "max"}}, {"effort": "xhigh"}, "none"),
        ({}, None, "none"),
    ],
)
async def test_thinking_is_asked_for_and_shown(house: Any, more: Any, reasoning: Any, shown: str) -> None:
    house.simulator.script("reasoning")
    message = folded(await house.ask("hello", **more))
    assert sent(house).get("reasoning") == reasoning
    thoughts = [block for block in message["content"] if block["type"] == "thinking"]
    assert len(thoughts) == (shown != "none")
    for block in thoughts:
        assert block["signature"].startswith("rotom1.openai/gpt-5~5.")
        assert bool(block["thinking"]) == (shown == "text")
        assert "\n\n" in block["thinking"] or shown == "omitted"  # two parts, one block


async def test_thinking_goes_back_to_its_model_alone(house: Any) -> None:
    house.simulator.script("reasoning")
    thinking = {"type": "adaptive"}
    said = folded(await house.ask("hello", thinking=thinking))["content"]
    foreign = {"type": "thinking", "thinking": "hm", "signature": "EqQBCkgIARABGAIiQL"}
    redacted = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"}
    history = [*user({"type": "text", "text": "hello"}), {"role": "assistant", "content": [foreign, redacted, *said]}]
    history += user({"type": "text", "text": "go on"})
    for model, count in (("gpt-5.5", 1), ("gpt-5.4-mini", 0)):
        response = await house.ask("", model=model, messages=history, thinking=thinking)
        assert response.status_code == 200
        kinds = [item["type"] for item in sent(house)["input"]]
        assert kinds.count("reasoning") == count
        assert not any(key.startswith("rotom_") for item in sent(house)["input"] for key in item)
    assert len(house.simulator.questions()) == 3  # nothing was refused and asked again


async def test_reasoning_that_is_refused_costs_one_retry(house: Any) -> None:
    broken = {"type": "thinking", "thinking": "hm", "signature": "rotom1.openai/gpt-5~5.gAAAbroken"}
    said = {"role": "assistant", "content": [broken, {"type": "text", "text": "hi"}]}
    messages = [*user({"type": "text", "text": "hello"}), said, *user({"type": "text", "text": "go on"})]
    assert (await house.ask("", messages=messages)).status_code == 200
    first, second = ([item["type"] for item in one.body["input"]] for one in house.simulator.questions())
    assert ("reasoning" in first, "reasoning" in second) == (True, False)


# Ends -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
async def test_a_stop_sequence_stops_the_provider(house: Any, stream: bool) -> None:
    house.simulator.script(("long", {"rate": "100", "count": "100000"}))
    with trio.fail_after(5):
        response = await house.ask("hello", stop_sequences=["never there", "word by"], stream=stream)
        await house.simulator.quiet()
    message = folded(response)
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "word by")
    assert message["content"] == [
        {"type": "text", "text": "This is a long answer of rotom's demonstration. It comes word "[:-5]}
    ]
    assert message["usage"]["rotom_estimated"] is True
    assert message["usage"]["output_tokens"] > 0
    (question,) = house.simulator.questions()
    assert question.gone


async def test_an_answer_that_ends_by_itself_has_the_providers_counts(house: Any) -> None:
    house.simulator.script("text")
    message = folded(await house.ask("hello", stop_sequences=["there"]))
    assert (message["content"], message["stop_sequence"]) == ([{"type": "text", "text": "Hello "}], "there")
    assert message["usage"]["input_tokens"] > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_structured_output(house: Any, stream: bool) -> None:
    # As Claude Code asks for a title (2026-11).
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    response = await house.ask(
        "<session>make it blue</session>",
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": schema}},
        stream=stream,
    )
    assert sent(house)["text"]["format"]["strict"] is True
    assert folded(response)["content"][-1]["text"] == '{"title":"make it blue"}'


# Content ----------------------------------------------------------------------------------------------------------------

PDF = base64.b64encode(b"%PDF-1.4 a document").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png_base64(8, 8, "x")}}
DOCUMENTS: list[Any] = [
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "a.pdf"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "context": "c"},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "words"}, IMAGE]}},
    {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "words"}]},
    IMAGE,
    {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
]


async def test_documents_and_images_are_taken_in_prompts_and_results(house: Any) -> None:
    prompt = [*DOCUMENTS, {"type": "text", "text": "Reply with the single word OK"}]
    assert folded(await house.ask("", messages=user(*prompt)))["content"][-1]["text"] == "OK"
    call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": DOCUMENTS}
    history = [*user({"type": "text", "text": "read"}), {"role": "assistant", "content": [call]}, *user(result)]
    assert (await house.ask("", messages=history, tools=[READ])).status_code == 200
    parts = [part["type"] for part in sent(house)["input"][-1]["output"]]
    assert parts.count("input_file") == 2
    assert parts.count("input_image") == 3


# Errors -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("scenario", "status", "kind", "retry", "words"),
    [
        (
            "failed_context_length_exceeded",
            400,
            "invalid_request_error",
            "false",
            "prompt is too long: 272001 tokens > 272000",
        ),
        ("failed_invalid_prompt", 400, "invalid_request_error", "false", ""),
        ("failed_usage_limit", 429, "rate_limit_error", "false", "limit"),
        ("failed_rate_limit_exceeded", 429, "rate_limit_error", None, ""),
        ("failed_server_is_overloaded", 529, "overloaded_error", None, ""),
        ("failed_insufficient_quota", 429, "rate_limit_error", "false", ""),
    ],
)
async def test_errors_are_what_claude_code_understands(
    house: Any, quick_clock: Any, scenario: str, status: int, kind: str, retry: str | None, words: str, stream: bool
) -> None:
    house.simulator.script(*[scenario] * 4)
    response = await house.ask("hello", stream=stream)
    error = response.json()
    assert (response.status_code, error["error"]["type"], error["type"]) == (status, kind, "error")
    assert response.headers.get("x-should-retry") == retry
    assert words in error["error"]["message"]
    assert error["request_id"] == response.headers["request-id"]
    if "limit" in scenario:
        assert int(response.headers["retry-after"]) > 0
