"""Anthropic's own Python SDK against the demonstration."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

pytestmark = pytest.mark.clients

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
        "18dd8db00000000049454e44ae426082"
    )
).decode()

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(demo: Any) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=demo.base, api_key="rotom", max_retries=0) as made:
        yield made


def ask(client: anthropic.Anthropic, text: str, **more: Any) -> anthropic.types.Message:
    return client.messages.create(
        model="gpt-5.5", max_tokens=1000, messages=[{"role": "user", "content": text}], **more
    )


def test_create(client: anthropic.Anthropic) -> None:
    message = ask(client, "Reply with the single word OK")
    assert [block.text for block in message.content if block.type == "text"] == ["OK"]
    assert message.stop_reason == "end_turn"
    assert message.model == "gpt-5.5"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


def test_stream_accumulates_to_the_same(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model="gpt-5.5", max_tokens=1000, messages=[{"role": "user", "content": "demo:unicode"}]
    ) as stream:
        pieces = list(stream.text_stream)
        whole = stream.get_final_message()
    assert len(pieces) > 1
    text = "".join(block.text for block in whole.content if block.type == "text")
    assert "".join(pieces) == text
    assert text == "".join(b.text for b in ask(client, "demo:unicode").content if b.type == "text")


def test_ids_are_unique(client: anthropic.Anthropic) -> None:
    assert ask(client, "demo:text").id != ask(client, "demo:text").id


@pytest.mark.parametrize("scenario", ["tool", "late_arguments", "parallel_tools", "interleaved_tools"])
def test_tools_and_their_results(client: anthropic.Anthropic, scenario: str) -> None:
    messages: list[Any] = [{"role": "user", "content": f"demo:{scenario}"}]
    with client.messages.stream(model="gpt-5.5", max_tokens=1000, messages=messages, tools=[WEATHER]) as stream:  # type: ignore[list-item]
        first = stream.get_final_message()
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert len(calls) == (2 if "tools" in scenario else 1)
    assert all(call.name == "get_weather" and isinstance(call.input, dict) for call in calls)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = client.messages.create(model="gpt-5.5", max_tokens=1000, messages=messages, tools=[WEATHER])  # type: ignore[list-item]
    assert second.stop_reason == "end_turn"


def test_thinking_comes_and_goes_back(client: anthropic.Anthropic) -> None:
    thinking: Any = {"type": "enabled", "budget_tokens": 2000}
    first = ask(client, "demo:reasoning", thinking=thinking)
    thoughts = [block for block in first.content if block.type == "thinking"]
    assert thoughts
    assert thoughts[0].thinking
    assert thoughts[0].signature
    messages: list[Any] = [
        {"role": "user", "content": "demo:reasoning"},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "Reply with the single word OK"},
    ]
    second = client.messages.create(model="gpt-5.5", max_tokens=1000, messages=messages, thinking=thinking)
    assert [block.text for block in second.content if block.type == "text"] == ["OK"]


def test_images_and_documents_are_taken(client: anthropic.Anthropic) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    text = {"type": "text", "text": "Reply with the single word OK"}
    message = client.messages.create(
        model="gpt-5.5",
        max_tokens=100,
        messages=[{"role": "user", "content": [image, text]}],  # type: ignore[list-item]
    )
    assert message.stop_reason == "end_turn"


def test_structured_output(client: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    message = ask(client, "a title", output_config={"format": {"type": "json_schema", "schema": schema}})
    text = "".join(block.text for block in message.content if block.type == "text")
    assert isinstance(json.loads(text)["title"], str)


def test_count_tokens(client: anthropic.Anthropic) -> None:
    short, long = (
        client.messages.count_tokens(model="gpt-5.5", messages=[{"role": "user", "content": "word " * n}]).input_tokens
        for n in (10, 1000)
    )
    assert 5 <= short <= 40
    assert 700 <= long <= 1500


def test_models(client: anthropic.Anthropic) -> None:
    listed = list(client.models.list(limit=5))  # the SDK turns the pages
    assert "gpt-5.5" in [model.id for model in listed]
    assert len(listed) > 5
    assert client.models.retrieve("gpt-5.5").display_name


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("usage_limit", anthropic.RateLimitError),
        ("http_400_context", anthropic.BadRequestError),
        ("http_404_model", anthropic.BadRequestError),
        ("overloaded", anthropic.APIStatusError),
        ("failed_invalid_prompt", anthropic.BadRequestError),
        ("http_403", anthropic.PermissionDeniedError),
    ],
)
def test_errors_are_the_sdks_own(
    client: anthropic.Anthropic, scenario: str, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        ask(client, f"demo:{scenario}")
    assert caught.value.body["type"] == "error"  # type: ignore[index]
    assert caught.value.request_id
    assert caught.value.message


def test_an_error_inside_a_stream_is_raised(client: anthropic.Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(
            model="gpt-5.5", max_tokens=1000, messages=[{"role": "user", "content": "demo:failed_late"}]
        ) as stream,
    ):
        list(stream)


async def test_the_async_client(demo: Any) -> None:
    async with anthropic.AsyncAnthropic(base_url=demo.base, api_key="rotom") as client:
        message = await client.messages.create(
            model="gpt-5.5", max_tokens=100, messages=[{"role": "user", "content": "Reply with the single word OK"}]
        )
    assert message.stop_reason == "end_turn"
