"""Anthropic's Python SDK over its whole surface, each test with the blocking and with the asynchronous client.

What is left out is what rotom does not serve (files, agents, ...: one test says how that is told) and batches, which have
a file of their own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pydantic
import pytest
import trio
from anthropic import beta_async_tool, beta_tool

pytestmark = pytest.mark.clients

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather in a city", "input_schema": CITY}


class Sdk:
    """The blocking client. `find` names what is called: "messages.create", "beta.messages.create", ..."""

    def __init__(self, **settings: Any) -> None:
        self.settings = {"api_key": "rotom", "max_retries": 0, **settings}

    def call(self, find: str, *args: Any, **more: Any) -> Any:
        with anthropic.Anthropic(**self.settings) as client:
            return _found(client, find)(*args, **more)

    def pages(self, find: str, **more: Any) -> list[Any]:
        with anthropic.Anthropic(**self.settings) as client:
            return list(_found(client, find)(**more))

    def stream(self, find: str = "messages.stream", **more: Any) -> tuple[list[Any], Any]:
        """The events of a stream, and the message that the SDK makes of them."""
        with anthropic.Anthropic(**self.settings) as client, _found(client, find)(**more) as stream:
            return list(stream), stream.get_final_message()

    def raw(self, **more: Any) -> list[Any]:
        with anthropic.Anthropic(**self.settings) as client:
            return list(client.messages.create(**more, stream=True))

    def headers(self, **more: Any) -> tuple[Any, str]:
        """The headers of an answer, and its text, as they came."""
        with (
            anthropic.Anthropic(**self.settings) as client,
            client.messages.with_streaming_response.create(**more) as response,
        ):
            return response.headers, response.read().decode()

    def run_tools(self, **more: Any) -> Any:
        @beta_tool
        def get_weather(city: str) -> str:
            """The weather in a city."""
            return f"sunny in {city}"

        with anthropic.Anthropic(**self.settings) as client:
            return client.beta.messages.tool_runner(**more, tools=[get_weather]).until_done()

    def leave(self, **more: Any) -> None:
        """Begin a stream and go."""
        with anthropic.Anthropic(**self.settings) as client:
            client.messages.create(**more, stream=True).close()


class AsyncSdk(Sdk):
    """The same things with the asynchronous client."""

    def call(self, find: str, *args: Any, **more: Any) -> Any:
        async def run() -> Any:
            async with anthropic.AsyncAnthropic(**self.settings) as client:
                return await _found(client, find)(*args, **more)

        return trio.run(run)

    def pages(self, find: str, **more: Any) -> list[Any]:
        async def run() -> list[Any]:
            async with anthropic.AsyncAnthropic(**self.settings) as client:
                return [one async for one in _found(client, find)(**more)]

        return trio.run(run)

    def stream(self, find: str = "messages.stream", **more: Any) -> tuple[list[Any], Any]:
        async def run() -> tuple[list[Any], Any]:
            async with (
                anthropic.AsyncAnthropic(**self.settings) as client,
                _found(client, find)(**more) as stream,
            ):
                return [event async for event in stream], await stream.get_final_message()

        return trio.run(run)

    def raw(self, **more: Any) -> list[Any]:
        async def run() -> list[Any]:
            async with anthropic.AsyncAnthropic(**self.settings) as client:
                return [event async for event in await client.messages.create(**more, stream=True)]

        return trio.run(run)

    def headers(self, **more: Any) -> tuple[Any, str]:
        async def run() -> tuple[Any, str]:
            async with (
                anthropic.AsyncAnthropic(**self.settings) as client,
                client.messages.with_streaming_response.create(**more) as response,
            ):
                return response.headers, (await response.read()).decode()

        return trio.run(run)

    def run_tools(self, **more: Any) -> Any:
        @beta_async_tool
        async def get_weather(city: str) -> str:
            """The weather in a city."""
            return f"sunny in {city}"

        async def run() -> Any:
            async with anthropic.AsyncAnthropic(**self.settings) as client:
                return await client.beta.messages.tool_runner(**more, tools=[get_weather]).until_done()

        return trio.run(run)

    def leave(self, **more: Any) -> None:
        async def run() -> None:
            async with anthropic.AsyncAnthropic(**self.settings) as client:
                await (await client.messages.create(**more, stream=True)).close()

        trio.run(run)


def _found(client: Any, find: str) -> Callable[..., Any]:
    for name in find.split("."):
        client = getattr(client, name)
    return client  # type: ignore[no-any-return]


@pytest.fixture(params=[Sdk, AsyncSdk], ids=["blocking", "async"])
def sdk(request: pytest.FixtureRequest, gateway: Any, backend: Any) -> Iterator[Any]:
    return request.param(base_url=gateway.base)  # type: ignore[no-any-return]


def asking(*content: Any, **more: Any) -> dict[str, Any]:
    """A request; texts may be plain."""
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    return {"model": "gpt-5.5", "max_tokens": 1000, "messages": [{"role": "user", "content": parts}], **more}


def then(request: dict[str, Any], answer: Any, *content: Any) -> dict[str, Any]:
    """The next request of a conversation."""
    more = asking(*content)["messages"]
    return {**request, "messages": [*request["messages"], {"role": "assistant", "content": answer.content}, *more]}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def shape(message: Any) -> Any:
    """A message without what differs each time, and without what is there as nothing or not at all."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        differs = ("id", "tool_use_id", "signature")
        return {name: plain(item) for name, item in value.items() if name not in differs and item is not None}

    return plain(message.to_dict(mode="json"))


# ---- Asking


@pytest.mark.parametrize("scenario", ["text", "unicode", "reasoning", "tool", "interleaved_tools", "max_output_tokens"])
def test_the_forms_of_an_answer_agree(sdk: Any, scenario: str) -> None:
    request = asking(f"demo:{scenario}", tools=[WEATHER], thinking={"type": "adaptive", "display": "summarized"})
    whole = shape(sdk.call("messages.create", **request))
    events, streamed = sdk.stream(**request)
    assert shape(streamed) == whole
    assert events[-1].type == "message_stop"
    raw = [event.type for event in sdk.raw(**request)]
    assert raw[0] == "message_start"
    assert raw[-2:] == ["message_delta", "message_stop"]
    assert raw.count("content_block_start") == raw.count("content_block_stop") == len(whole["content"])
    beta = sdk.call("beta.messages.create", **request, betas=["interleaved-thinking-2025-05-14"])
    assert [block.type for block in beta.content] == [block["type"] for block in whole["content"]]


def test_every_option_at_once(sdk: Any, backend: Any) -> None:
    request = asking(
        "Reply with the single word OK",
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        metadata={"user_id": "me"},
        service_tier="auto",
        speed="fast",
        stop_sequences=["END"],
        thinking={"type": "enabled", "budget_tokens": 2000},
        output_config={"effort": "low"},
        tools=[{**WEATHER, "strict": True, "input_examples": [{"city": "Oslo"}], "eager_input_streaming": True}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        cache_control={"type": "ephemeral"},
        inference_geo="eu",
        extra_body={"temperature": 0.5, "top_p": 0.9, "top_k": 3, "something_new": 1},
        extra_headers={"anthropic-beta": "something-new-2030-01-01"},
    )
    assert text_of(sdk.call("messages.create", **request)) == "OK"
    (body,) = backend.bodies()
    assert body["instructions"] == "Be brief."
    assert body["reasoning"]["effort"] == "low"
    assert body["parallel_tool_calls"] is False
    assert body["service_tier"] == "priority"
    assert "cache_control" not in json.dumps(body)


def test_headers(sdk: Any) -> None:
    headers, body = sdk.headers(**asking("demo:text"))
    assert headers["request-id"]
    assert json.loads(body)["content"] == [{"type": "text", "text": "Hello there"}]
    headers, body = sdk.headers(**asking("demo:text"), stream=True)
    assert headers["content-type"].startswith("text/event-stream")
    assert body.startswith("event: message_start\n")


def test_a_stop_sequence(sdk: Any) -> None:
    request = asking("Reply with: one two three", stop_sequences=["two"])
    for message in (sdk.call("messages.create", **request), sdk.stream(**request)[1]):
        assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "two")
        assert text_of(message) == "one "


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [("max_output_tokens", "max_tokens"), ("content_filter", "refusal"), ("refusal", "end_turn"), ("tool", "tool_use")],
)
def test_why_it_ended(sdk: Any, scenario: str, reason: str) -> None:
    assert sdk.call("messages.create", **asking(f"demo:{scenario}", tools=[WEATHER])).stop_reason == reason


def test_parsed_output(sdk: Any) -> None:
    class Title(pydantic.BaseModel):
        title: str
        pages: int

    parsed = sdk.call("messages.parse", **asking("A book"), output_format=Title)
    assert isinstance(parsed.parsed_output, Title)
    _, streamed = sdk.stream(**asking("A book"), output_format=Title)
    assert isinstance(streamed.parsed_output, Title)


# ---- Content


def test_everything_that_can_be_shown_to_a_model(sdk: Any, backend: Any) -> None:
    def document(**source: Any) -> dict[str, Any]:
        return {"type": "document", "source": source, "title": "A title", "context": "A context"}

    found = {
        "type": "search_result",
        "source": "https://example.com/found",
        "title": "Found",
        "content": [{"type": "text", "text": "found words"}],
        "citations": {"enabled": True},
    }
    request = asking(
        IMAGE,
        {"type": "image", "source": {"type": "url", "url": "https://example.com/fox.png"}},
        document(type="base64", media_type="application/pdf", data=PDF),
        document(type="url", url="https://example.com/paper.pdf"),
        document(type="text", media_type="text/plain", data="plain words"),
        document(type="content", content=[{"type": "text", "text": "content words"}, IMAGE]),
        found,
        "Reply with the single word OK",
    )
    request["messages"].insert(0, {"role": "system", "content": "Mind the date."})
    assert text_of(sdk.call("beta.messages.create", **request)) == "OK"
    first, said = backend.bodies()[0]["input"]
    assert first["role"] == "developer"
    kinds = [part["type"] for part in said["content"]]
    assert kinds.count("input_image") == 3
    assert kinds.count("input_file") == 2
    text = json.dumps(said)
    assert all(words in text for words in ("plain words", "content words", "found words", "https://example.com/found"))
    assert all(words in text for words in ("https://example.com/fox.png", "https://example.com/paper.pdf", PDF, PIXEL))


def test_results_of_tools_in_every_form(sdk: Any, backend: Any) -> None:
    request = asking("demo:parallel_tools", tools=[WEATHER])
    first = sdk.call("messages.create", **request)
    one, two = [block.id for block in first.content if block.type == "tool_use"]
    shown = [{"type": "text", "text": "a picture"}, IMAGE]
    results = [
        {"type": "tool_result", "tool_use_id": one, "content": shown},
        {"type": "tool_result", "tool_use_id": two, "is_error": True, "content": "it rains"},
    ]
    second = sdk.call("messages.create", **then(request, first, *results))
    assert second.stop_reason == "end_turn"
    outputs = [item["output"] for item in backend.bodies()[-1]["input"] if item.get("type") == "function_call_output"]
    assert [part["type"] for part in outputs[0]] == ["input_text", "input_image"]
    assert "it rains" in outputs[1]
    empty = [{"type": "tool_result", "tool_use_id": one}, {"type": "tool_result", "tool_use_id": two, "content": []}]
    assert sdk.call("messages.create", **then(request, first, *empty)).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "name": "get_weather"}),
    ],
)
def test_tool_choice(sdk: Any, backend: Any, choice: Any, sent: Any) -> None:
    message = sdk.call("messages.create", **asking("Hello", tools=[WEATHER], tool_choice=choice))
    assert backend.bodies()[0]["tool_choice"] == sent
    assert message.stop_reason == ("tool_use" if choice["type"] in ("any", "tool") else "end_turn")


def test_the_tool_runner(sdk: Any, backend: Any) -> None:
    message = sdk.run_tools(**asking("demo:tool"))
    assert message.stop_reason == "end_turn"
    assert "sunny in" in json.dumps(backend.bodies()[-1]["input"])


def test_a_web_search_with_its_citations_there_and_back(sdk: Any, backend: Any) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.com"]}]
    request = asking("demo:web_search", tools=tools)
    message = sdk.call("messages.create", **request)
    kinds = [block.type for block in message.content]
    assert kinds[:2] == ["server_tool_use", "web_search_tool_result"]
    result = message.content[1].content[0]
    assert result.url == "https://example.com/simulated-result"
    assert isinstance(result.title, str)
    assert isinstance(result.encrypted_content, str)
    (citation,) = [citation for block in message.content for citation in getattr(block, "citations", None) or []]
    assert citation.type == "web_search_result_location"
    assert citation.url == result.url
    assert message.usage.server_tool_use.web_search_requests == 1
    assert backend.bodies()[0]["tools"][0]["filters"] == {"allowed_domains": ["example.com"]}
    assert shape(sdk.stream(**request)[1]) == shape(message)
    assert text_of(sdk.call("messages.create", **then(request, message, "Reply with the single word OK"))) == "OK"


@pytest.mark.parametrize("find", ["messages", "beta.messages"])
def test_thinking_comes_in_events_and_goes_back(sdk: Any, backend: Any, find: str) -> None:
    request = asking("demo:reasoning", thinking={"type": "enabled", "budget_tokens": 2000})
    events, message = sdk.stream(f"{find}.stream", **request)
    told = "".join(event.thinking for event in events if event.type == "thinking")
    (thought,) = [block for block in message.content if block.type == "thinking"]
    assert told == thought.thinking
    assert "Finding an answer" in told
    assert any(event.type == "signature" for event in events)
    sdk.call(f"{find}.create", **then(request, message, "Reply with the single word OK"))
    assert [item["type"] for item in backend.bodies()[-1]["input"]][1] == "reasoning"
    omitted = asking("demo:reasoning", thinking={"type": "adaptive", "display": "omitted"})
    hidden = sdk.call(f"{find}.create", **omitted).content[0]
    assert (hidden.type, hidden.thinking) == ("thinking", "")
    assert hidden.signature
    off = sdk.call(f"{find}.create", **asking("demo:reasoning", thinking={"type": "disabled"}))
    assert [block.type for block in off.content] == ["text"]


# ---- Other endpoints


@pytest.mark.parametrize("find", ["messages", "beta.messages"])
def test_counting(sdk: Any, find: str) -> None:
    request = asking("word " * 100)
    request.pop("max_tokens")
    plain = sdk.call(f"{find}.count_tokens", **request).input_tokens
    more = sdk.call(f"{find}.count_tokens", **request, tools=[WEATHER], system="Be brief. " * 50).input_tokens
    # Loose, for rotom has learned from what the simulator reported before, which takes four bytes as a token.
    assert 40 < plain < 200
    assert more > plain + 50


@pytest.mark.parametrize("find", ["models", "beta.models"])
def test_models(sdk: Any, find: str) -> None:
    everything = sdk.pages(f"{find}.list", limit=3)
    names = [model.id for model in everything]
    assert len(names) == len(set(names)) > 6
    assert [model.id for model in sdk.pages(f"{find}.list", limit=1000)] == names
    assert [model.id for model in sdk.pages(f"{find}.list", limit=1000, after_id=names[2])] == names[3:]
    (before,) = [sdk.call(f"{find}.list", limit=2, before_id=names[4])]
    assert [model.id for model in before.data] == names[2:4]
    assert sdk.call(f"{find}.retrieve", names[0]).display_name
    with pytest.raises(anthropic.NotFoundError):
        sdk.call(f"{find}.retrieve", "nonsense-7")


@pytest.mark.parametrize("find", ["files.list", "beta.files.list", "beta.skills.list", "beta.agents.list"])
def test_what_rotom_does_not_serve_is_not_found(sdk: Any, find: str) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        sdk.pages(find)
    assert caught.value.body["type"] == "error"  # type: ignore[index]


# ---- Errors


@pytest.mark.parametrize(
    ("wish", "error", "kind"),
    [
        ("usage_limit", anthropic.RateLimitError, "rate_limit_error"),
        ("usage_not_included", anthropic.APIStatusError, "billing_error"),
        ("http_403", anthropic.PermissionDeniedError, "permission_error"),
        ("http_413", anthropic.APIStatusError, "request_too_large"),
        ("overloaded", anthropic.InternalServerError, "overloaded_error"),
        ("http_500", anthropic.InternalServerError, "api_error"),
        ("http_400", anthropic.BadRequestError, "invalid_request_error"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_refusal_has_its_class(sdk: Any, wish: str, error: Any, kind: str, streaming: bool) -> None:
    with pytest.raises(error) as caught:
        (sdk.stream if streaming else sdk.call)(
            "messages.stream" if streaming else "messages.create", **asking(f"demo:{wish}")
        )
    assert caught.value.body["error"]["type"] == kind  # type: ignore[index]
    assert caught.value.request_id
    if wish == "usage_limit":
        assert int(caught.value.response.headers["retry-after"]) > 1000


@pytest.mark.parametrize("wish", ["failed_late", "cut", "eof"])
def test_a_stream_that_breaks_never_ends_well(sdk: Any, wish: str) -> None:
    with pytest.raises(anthropic.APIStatusError):
        sdk.raw(**asking(f"demo:{wish}"))


def test_the_sdk_tries_again_when_that_makes_sense_and_not_otherwise(sdk: Any, gateway: Any, backend: Any) -> None:
    patient = type(sdk)(**{**sdk.settings, "max_retries": 2})
    since = len(gateway.log.read_text())
    backend.script(*["http_500"] * 3)  # rotom's own three attempts
    assert text_of(patient.call("messages.create", **asking("Reply with the single word OK"))) == "OK"
    assert [one["status"] for one in gateway.asked(since)] == [502, 200]
    since = len(gateway.log.read_text())
    with pytest.raises(anthropic.RateLimitError):
        patient.call("messages.create", **asking("demo:usage_limit"))
    assert [one["status"] for one in gateway.asked(since)] == [429]


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"messages": []}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "messages.0.content.0"),
        ({"tool_choice": {"type": "tool", "name": "missing"}}, "tool_choice"),
        ({"tools": [WEATHER, WEATHER]}, "tools.1"),
    ],
)
def test_a_request_that_is_wrong_names_the_place(sdk: Any, broken: Any, place: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        sdk.call("messages.create", **asking("Hello", tools=[WEATHER]) | broken)
    assert place in caught.value.message


def test_who_leaves_a_stream_stops_the_provider(sdk: Any, backend: Any) -> None:
    sdk.leave(**asking("demo:long rate=20 count=4000"))
    assert backend.until(lambda: backend.questions()[0].gone)
