"""OpenAI's own Python SDK and its Chat Completions against the demonstration."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the loop that the SDK is used with
import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

pytestmark = pytest.mark.clients

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
        "18dd8db00000000049454e44ae426082"
    )
).decode()

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather in a city", "parameters": SCHEMA, "strict": True},
}


class Title(BaseModel):
    title: str


@pytest.fixture
def client(demo: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{demo.base}/v1", api_key="rotom", max_retries=0) as made:
        yield made


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def ask(client: openai.OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model="gpt-5.5", messages=user(text), **more)


def test_create(client: openai.OpenAI) -> None:
    whole = ask(client, "Reply with the single word OK", temperature=0.2, max_tokens=100, user="u")
    [choice] = whole.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("OK", "assistant", "stop")
    assert whole.model == "gpt-5.5"
    assert whole.id.startswith("chatcmpl-")
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0
    assert whole.usage.completion_tokens_details.reasoning_tokens >= 0
    assert whole._request_id
    type(whole).model_validate(whole.to_dict())


def test_a_plain_stream(client: openai.OpenAI) -> None:
    chunks = list(ask(client, "demo:unicode", stream=True))
    assert all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks)
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] + [None] * (len(chunks) - 1)
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == ask(client, "demo:unicode").choices[0].message.content
    for chunk in chunks:
        type(chunk).model_validate(chunk.to_dict())


def test_usage_at_the_end_of_a_stream(client: openai.OpenAI) -> None:
    *chunks, last = ask(client, "hello", stream=True, stream_options={"include_usage": True})
    assert all(chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert last.usage.total_tokens > 0


def test_the_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="gpt-5.5", messages=user("demo:reasoning")) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(events)
    said: Any = final.choices[0].message
    assert said.content
    assert said.reasoning_content
    assert said.reasoning_content not in said.content


@pytest.mark.parametrize("scenario", ["tool", "late_arguments", "parallel_tools", "interleaved_tools"])
def test_tools_by_the_stream_helper(client: openai.OpenAI, scenario: str) -> None:
    messages = user(f"demo:{scenario}")
    # The helper parses the arguments of a strict tool as soon as another call begins.
    with client.chat.completions.stream(model="gpt-5.5", messages=messages, tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        message = stream.get_final_completion().choices[0].message
    calls = message.tool_calls or []
    assert len(calls) == len(done) == (2 if "tools" in scenario else 1)
    assert all(isinstance(event.parsed_arguments, dict) for event in done)
    messages.append(message)
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    final = client.chat.completions.create(model="gpt-5.5", messages=messages, tools=[WEATHER])
    assert final.choices[0].finish_reason == "stop"


def test_tools_whole(client: openai.OpenAI) -> None:
    whole = ask(client, "demo:parallel_tools", tools=[WEATHER], tool_choice="auto", parallel_tool_calls=True)
    calls = whole.choices[0].message.tool_calls
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.content is None
    assert [list(json.loads(call.function.arguments)) for call in calls] == [["city"], ["city"]]


def test_a_tool_that_must_be_called(client: openai.OpenAI) -> None:
    forced: Any = {"type": "function", "function": {"name": "get_weather"}}
    for choice in (forced, "required"):
        whole = ask(client, "anything", tools=[WEATHER], tool_choice=choice)
        assert whole.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_a_custom_tool(client: openai.OpenAI) -> None:
    tool = {"type": "custom", "custom": {"name": "apply_patch", "description": "d"}}
    whole = ask(client, "demo:custom_tool", tools=[tool])
    [call] = whole.choices[0].message.tool_calls
    assert (call.type, call.custom.name) == ("custom", "apply_patch")
    assert call.custom.input
    chunks = list(ask(client, "demo:custom_tool", tools=[tool], stream=True))
    entries = [entry for chunk in chunks for entry in chunk.choices[0].delta.tool_calls or []]
    assert "".join(entry.custom["input"] for entry in entries) == call.custom.input


def test_functions_of_the_former_api(client: openai.OpenAI) -> None:
    functions = [{"name": "get_weather", "parameters": SCHEMA}]
    first = ask(client, "demo:tool", functions=functions)
    call = first.choices[0].message.function_call
    assert (first.choices[0].finish_reason, call.name) == ("function_call", "get_weather")
    messages = [
        *user("demo:tool"),
        first.choices[0].message,
        {"role": "function", "name": call.name, "content": "sunny"},
    ]
    final = client.chat.completions.create(model="gpt-5.5", messages=messages, functions=functions)  # type: ignore[arg-type]
    assert final.choices[0].finish_reason == "stop"


def test_parse(client: openai.OpenAI) -> None:
    whole = client.chat.completions.parse(model="gpt-5.5", messages=user("make a title"), response_format=Title)
    assert isinstance(whole.choices[0].message.parsed, Title)
    with client.chat.completions.stream(
        model="gpt-5.5", messages=user("make a title"), response_format=Title
    ) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == whole.choices[0].message.parsed


def test_parse_with_tools(client: openai.OpenAI) -> None:
    tool = openai.pydantic_function_tool(Title, name="make_title")
    whole = client.chat.completions.parse(model="gpt-5.5", messages=user("demo:tool"), tools=[tool])
    [call] = whole.choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, Title)


@pytest.mark.parametrize(
    ("scenario", "error"),
    [("max_output_tokens", openai.LengthFinishReasonError), ("content_filter", openai.ContentFilterFinishReasonError)],
)
def test_parse_raises_on_answers_that_were_cut(client: openai.OpenAI, scenario: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        client.chat.completions.parse(model="gpt-5.5", messages=user(f"demo:{scenario}"))


def test_free_json(client: openai.OpenAI) -> None:
    whole = ask(client, "hello", response_format={"type": "json_object"})
    assert isinstance(json.loads(whole.choices[0].message.content), dict)


def test_a_refusal(client: openai.OpenAI) -> None:
    message = ask(client, "demo:refusal").choices[0].message
    assert message.refusal
    assert message.content is None


def test_images_and_files_are_taken(client: openai.OpenAI) -> None:
    content = [
        {"type": "text", "text": "Reply with the single word OK"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    ]
    whole = client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": content}])  # type: ignore[misc, list-item]
    assert whole.choices[0].message.content == "OK"


def test_a_search_with_citations(client: openai.OpenAI) -> None:
    whole = ask(client, "Search the web for rotom", web_search_options={})
    [note] = whole.choices[0].message.annotations
    assert (note.type, note.url_citation.url.startswith("https://")) == ("url_citation", True)
    with client.chat.completions.stream(
        model="gpt-5.5", messages=user("Search the web for rotom"), web_search_options={}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.annotations == [note]


def test_a_stop_sequence(client: openai.OpenAI) -> None:
    whole = ask(client, "demo:text", stop=["there"])
    assert whole.choices[0].message.content == "Hello "
    assert whole.choices[0].finish_reason == "stop"


def test_several_choices_are_several_questions(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "demo:text", n=2)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")
    answers = [ask(client, "demo:text", n=1) for _ in range(2)]
    assert len({answer.id for answer in answers}) == 2


@pytest.mark.parametrize(
    ("scenario", "error", "code"),
    [
        ("usage_limit", openai.RateLimitError, "usage_limit_reached"),
        ("rate_limited", openai.RateLimitError, None),
        ("http_400_context", openai.BadRequestError, "context_length_exceeded"),
        ("http_404_model", openai.NotFoundError, "model_not_found"),
        ("overloaded", openai.InternalServerError, None),
        ("failed_invalid_prompt", openai.BadRequestError, "invalid_prompt"),
        ("http_403", openai.PermissionDeniedError, None),
    ],
)
def test_errors_are_the_sdks_own(
    client: openai.OpenAI, scenario: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    for stream in (False, True):
        with pytest.raises(error) as caught:
            ask(client, f"demo:{scenario}", stream=stream)
        assert caught.value.request_id
        assert caught.value.message
        assert caught.value.type
        assert code is None or caught.value.code == code


@pytest.mark.parametrize("scenario", ["failed_late", "error_late", "cut", "eof", "cut_in_tool"])
def test_an_error_inside_a_stream_is_raised(client: openai.OpenAI, scenario: str) -> None:
    with pytest.raises(openai.APIError) as caught:
        list(ask(client, f"demo:{scenario}", stream=True))
    assert caught.value.message


def test_bad_content_names_its_place(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-5.5", messages=[*user("a"), {"role": "user", "content": 5}])  # type: ignore[list-item, typeddict-item]
    assert (caught.value.param, caught.value.code) == ("messages[1].content", "invalid_type")


def test_the_async_client(demo: Any) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=f"{demo.base}/v1", api_key="rotom") as client:
            create = client.chat.completions.create
            whole = await create(model="gpt-5.5", messages=user("Reply with the single word OK"))
            assert whole.choices[0].message.content == "OK"
            stream = await create(model="gpt-5.5", messages=user("demo:text"), stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(pieces).startswith("Hello")
            async with client.chat.completions.stream(model="gpt-5.5", messages=user("demo:text")) as helper:
                final = await helper.get_final_completion()
            assert final.choices[0].message.content == "".join(pieces)

    asyncio.run(main())  # under trio the SDK leaves generators of its own open
