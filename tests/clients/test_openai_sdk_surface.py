"""OpenAI's Python SDK around the questions: models, retries, raw and slow answers, keys, helpers, and what is not there.

Each test runs with the blocking and with the asynchronous client.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - the loop that the SDK is used with
import inspect
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

pytestmark = pytest.mark.clients

HELLO: Any = {"model": "gpt-5.5", "input": "hello"}
MESSAGES: Any = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hello"}]}


class Person(BaseModel):
    name: str
    age: int


class Client:
    """Either client: ``client("models.list")`` calls that of it, waits if need be, and gives what came."""

    def __init__(self, asynchronous: bool, base: str) -> None:
        self._asynchronous, self._base = asynchronous, base

    def __call__(self, find: str, *args: Any, settings: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.run(lambda client: found(client, find)(*args, **more), settings)

    def run(self, ask: Callable[[Any], Any], settings: dict[str, Any] | None = None) -> Any:
        """Put this to a client."""
        made = {"base_url": f"{self._base}/v1", "api_key": "rotom", "max_retries": 0, **(settings or {})}
        if not self._asynchronous:
            with openai.OpenAI(**made) as client:
                answer = ask(client)
                return list(answer) if isinstance(answer, openai.Stream) else answer

        async def main() -> Any:
            async with openai.AsyncOpenAI(**made) as client:
                answer = ask(client)
                if inspect.isawaitable(answer):
                    answer = await answer
                return [one async for one in answer] if isinstance(answer, openai.AsyncStream) else answer

        return asyncio.run(main())

    def stream(self, find: str, last: str, **more: Any) -> tuple[list[Any], Any]:
        """The events of a stream helper, and what its method `last` gives."""

        def ask(client: Any) -> Any:
            if not self._asynchronous:
                with found(client, find)(**more) as stream:
                    return list(stream), getattr(stream, last)()

            async def main() -> Any:
                async with found(client, find)(**more) as stream:
                    return [event async for event in stream], await getattr(stream, last)()

            return main()

        events: tuple[list[Any], Any] = self.run(ask)
        return events


def found(client: Any, find: str) -> Any:
    for name in find.split("."):
        client = getattr(client, name)
    return client


@pytest.fixture(params=[False, True], ids=["blocking", "async"])
def client(request: pytest.FixtureRequest, gateway: Any, backend: Any) -> Client:
    return Client(request.param, gateway.base)


def test_models(client: Client) -> None:
    listed = client("models.list").data
    assert "gpt-5.5" in [model.id for model in listed]
    assert all(
        (model.object, bool(model.owned_by), isinstance(model.created, int)) == ("model", True, True)
        for model in listed
    )
    assert client("models.retrieve", "gpt-5.5") == next(model for model in listed if model.id == "gpt-5.5")
    with pytest.raises(openai.NotFoundError) as caught:
        client("models.retrieve", "someone/nothing")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_parse_as_a_stream(client: Client, backend: Any) -> None:
    events, final = client.stream("responses.stream", "get_final_response", **HELLO, text_format=Person)
    assert isinstance(final.output_parsed, Person)
    assert isinstance(next(event for event in events if event.type == "response.output_text.done").parsed, Person)
    events, whole = client.stream("chat.completions.stream", "get_final_completion", **MESSAGES, response_format=Person)
    assert whole.choices[0].message.parsed == final.output_parsed
    assert isinstance(next(event for event in events if event.type == "content.done").parsed, Person)


def test_parse_with_tools(client: Client, backend: Any) -> None:
    backend.script(*[backend.calls(("Person", {"name": "Ada", "age": 36}))] * 2)
    tool: Any = openai.pydantic_function_tool(Person)
    answer = client("responses.parse", **HELLO, tools=[{"type": "function", **tool["function"]}])
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert call.parsed_arguments == {"name": "Ada", "age": 36}
    whole = client("chat.completions.parse", **MESSAGES, tools=[tool])
    assert whole.choices[0].message.tool_calls[0].function.parsed_arguments == Person(name="Ada", age=36)


def test_an_answer_is_watched_from_its_middle(client: Client, backend: Any) -> None:
    """The helper on an answer that is there already."""
    backend.script("text")
    made = client("responses.create", **HELLO)
    events, final = client.stream("responses.stream", "get_final_response", response_id=made.id)
    assert events[0].type == "response.created"
    assert (final.id, final.output_text) == (made.id, "Hello there")
    events, final = client.stream("responses.stream", "get_final_response", response_id=made.id, starting_after=4)
    assert events[0].sequence_number == 5
    assert final.output_text == "Hello there"


def test_raw_answers(client: Client, backend: Any) -> None:
    for find, body in (("responses", HELLO), ("chat.completions", MESSAGES)):
        raw = client(f"{find}.with_raw_response.create", **body)
        assert raw.status_code == 200
        assert raw.headers["content-type"] == "application/json"
        assert raw.headers["x-request-id"] == raw.parse()._request_id
        raw = client(f"{find}.with_raw_response.create", **body, stream=True)
        assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert raw.headers["x-request-id"]


def test_lines_of_an_answer_as_they_come(client: Client, backend: Any) -> None:
    def ask(one: Any) -> Any:
        create = one.chat.completions.with_streaming_response.create
        if isinstance(one, openai.OpenAI):
            with create(**MESSAGES, stream=True) as response:
                return list(response.iter_lines())

        async def main() -> list[str]:
            async with create(**MESSAGES, stream=True) as response:
                return [line async for line in response.iter_lines()]

        return main()

    backend.script("text")
    lines = [line for line in client.run(ask) if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


@pytest.mark.parametrize("stream", [False, True])
def test_what_passes_is_tried_again(client: Client, backend: Any, stream: bool) -> None:
    """By rotom and by the SDK; and what does not pass, by neither."""
    backend.script(*["http_500"] * 4, "text")
    answer = client("responses.create", **HELLO, stream=stream, settings={"max_retries": 2})
    assert (answer[-1].response if stream else answer).status == "completed"
    backend.reset()
    backend.script(*["usage_limit"] * 3)
    began = time.monotonic()
    with pytest.raises(openai.RateLimitError) as caught:
        client("responses.create", **HELLO, stream=stream, settings={"max_retries": 2})
    # The limit ends in hours: the SDK reads that in retry-after, and gives up at once.
    assert int(caught.value.response.headers["retry-after"]) > 120
    assert len(backend.questions()) == 1
    assert time.monotonic() - began < 5


def test_patience(client: Client, backend: Any) -> None:
    backend.script(("paced", {"rate": 2, "count": 500}))
    with pytest.raises(openai.APITimeoutError):
        client("responses.create", **HELLO, timeout=1)
    assert backend.until(lambda: backend.questions()[-1].gone)


def test_keys(client: Client, serve_watched: Any) -> None:
    client = Client(client._asynchronous, serve_watched(api_key="our-secret-of-24-letters").base)
    for key in ("rotom", "Bearer", "our-secret-of-24-letterS"):
        with pytest.raises(openai.AuthenticationError) as caught:
            client("models.list", settings={"api_key": key})
        assert caught.value.code == "invalid_api_key"
        assert "our-secret" not in str(caught.value.body)
    assert client("models.list", settings={"api_key": "our-secret-of-24-letters"}).data


@pytest.mark.parametrize(
    ("name", "value"),
    [("background", True), ("conversation", "conv_1"), ("prompt", {"id": "pmpt_1"})],
)
def test_what_needs_a_memory_elsewhere_is_refused(client: Client, backend: Any, name: str, value: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client("responses.create", **HELLO, **{name: value})
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", name)
    assert backend.bodies() == []


ABSENT: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    ("embeddings.create", (), {"model": "m", "input": "x"}, "POST", "/v1/embeddings"),
    ("completions.create", (), {"model": "m", "prompt": "x"}, "POST", "/v1/completions"),
    ("moderations.create", (), {"input": "x"}, "POST", "/v1/moderations"),
    ("audio.speech.create", (), {"model": "m", "input": "x", "voice": "v"}, "POST", "/v1/audio/speech"),
    ("audio.transcriptions.create", (), {"model": "m", "file": b"x"}, "POST", "/v1/audio/transcriptions"),
    ("conversations.create", (), {}, "POST", "/v1/conversations"),
    ("conversations.items.list", ("conv_1",), {}, "GET", "/v1/conversations/conv_1/items"),
    ("vector_stores.create", (), {}, "POST", "/v1/vector_stores"),
    ("fine_tuning.jobs.list", (), {}, "GET", "/v1/fine_tuning/jobs"),
    (
        "uploads.create",
        (),
        {"bytes": 1, "filename": "a", "mime_type": "a/b", "purpose": "batch"},
        "POST",
        "/v1/uploads",
    ),
    ("evals.list", (), {}, "GET", "/v1/evals"),
    ("containers.list", (), {}, "GET", "/v1/containers"),
    ("realtime.client_secrets.create", (), {}, "POST", "/v1/realtime/client_secrets"),
    ("chat.completions.list", (), {}, "GET", "/v1/chat/completions"),
    ("chat.completions.retrieve", ("chatcmpl-1",), {}, "GET", "/v1/chat/completions/chatcmpl-1"),
    ("models.delete", ("gpt-5.5",), {}, "DELETE", "/v1/models/gpt-5.5"),
]


def test_what_is_not_there_says_so(gateway: Any) -> None:
    """In the API's own form, and not as something to be tried again."""
    with openai.OpenAI(base_url=f"{gateway.base}/v1", api_key="rotom", max_retries=0) as one:
        for find, args, body, method, path in ABSENT:
            with pytest.raises(openai.APIStatusError) as caught:
                found(one, find)(*args, **body)
            error = caught.value
            wanted = {404: f"Invalid URL ({method} {path})", 405: f"{path} takes "}[error.status_code]
            assert wanted in error.message, find
            assert error.type == "invalid_request_error", find
            assert error.request_id
