"""OpenAI's Python SDK over the Responses API, each test with the blocking and with the asynchronous client."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest
import trio

pytestmark = pytest.mark.clients

MODEL = "gpt-5.5"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Sdk:
    """The blocking client. `find` names what is called: "create", "input_items.list", ..."""

    def __init__(self, **settings: Any) -> None:
        self.settings = {"api_key": "rotom", "max_retries": 0, **settings}

    def call(self, find: str, *args: Any, **more: Any) -> Any:
        with openai.OpenAI(**self.settings) as client:
            return _found(client, find)(*args, **more)

    def events(self, find: str = "create", *args: Any, **more: Any) -> list[Any]:
        with openai.OpenAI(**self.settings) as client, _found(client, find)(*args, **more, stream=True) as stream:
            return list(stream)

    def stream(self, **more: Any) -> tuple[list[Any], Any]:
        """The events of the helper, and the response that the SDK makes of them."""
        with openai.OpenAI(**self.settings) as client, client.responses.stream(**more) as stream:
            return list(stream), stream.get_final_response()

    def pages(self, find: str, *args: Any, **more: Any) -> list[Any]:
        with openai.OpenAI(**self.settings) as client:
            return list(_found(client, find)(*args, **more))

    def raw(self, **more: Any) -> Any:
        with openai.OpenAI(**self.settings) as client:
            return client.responses.with_raw_response.create(**more).headers

    def leave(self, **more: Any) -> None:
        """Begin a stream and go."""
        with openai.OpenAI(**self.settings) as client:
            client.responses.create(**more, stream=True).close()


class AsyncSdk(Sdk):
    """The same things with the asynchronous client."""

    def _run(self, ask: Callable[[openai.AsyncOpenAI], Any]) -> Any:
        async def run() -> Any:
            async with openai.AsyncOpenAI(**self.settings) as client:
                return await ask(client)

        return trio.run(run)

    def call(self, find: str, *args: Any, **more: Any) -> Any:
        return self._run(lambda client: _found(client, find)(*args, **more))

    def events(self, find: str = "create", *args: Any, **more: Any) -> list[Any]:
        async def ask(client: openai.AsyncOpenAI) -> list[Any]:
            async with await _found(client, find)(*args, **more, stream=True) as stream:
                return [event async for event in stream]

        return self._run(ask)  # type: ignore[no-any-return]

    def stream(self, **more: Any) -> tuple[list[Any], Any]:
        async def ask(client: openai.AsyncOpenAI) -> tuple[list[Any], Any]:
            async with client.responses.stream(**more) as stream:
                return [event async for event in stream], await stream.get_final_response()

        return self._run(ask)  # type: ignore[no-any-return]

    def pages(self, find: str, *args: Any, **more: Any) -> list[Any]:
        async def ask(client: openai.AsyncOpenAI) -> list[Any]:
            return [one async for one in _found(client, find)(*args, **more)]

        return self._run(ask)  # type: ignore[no-any-return]

    def raw(self, **more: Any) -> Any:
        async def ask(client: openai.AsyncOpenAI) -> Any:
            return (await client.responses.with_raw_response.create(**more)).headers

        return self._run(ask)

    def leave(self, **more: Any) -> None:
        async def ask(client: openai.AsyncOpenAI) -> None:
            await (await client.responses.create(**more, stream=True)).close()

        self._run(ask)


def _found(client: Any, find: str) -> Callable[..., Any]:
    found = client.responses
    for name in find.split("."):
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


@pytest.fixture(params=[Sdk, AsyncSdk], ids=["blocking", "async"])
def sdk(request: pytest.FixtureRequest, gateway: Any) -> Sdk:
    made: Sdk = request.param(base_url=f"{gateway.base}/v1")
    return made


def test_an_answer(sdk: Sdk, backend: Any) -> None:
    backend.script("text")
    answer = sdk.call(
        "create", model=MODEL, input="hello", instructions="be brief", metadata={"k": "v"}, temperature=0.3
    )
    assert answer.output_text
    assert answer.status == "completed"
    assert (answer.instructions, answer.metadata, answer.temperature) == ("be brief", {"k": "v"}, 0.3)
    assert answer.usage.input_tokens_details.cache_write_tokens == 0
    assert answer._request_id
    type(answer).model_validate(answer.to_dict())


def test_the_helper_makes_of_the_stream_what_is_answered_without(sdk: Sdk, backend: Any) -> None:
    for scenario in ("text", "reasoning", "tool", "custom_tool", "web_search", "image", "refusal", "commentary"):
        backend.script(scenario)
        tools = [
            WEATHER,
            {"type": "custom", "name": "apply_patch"},
            {"type": "web_search"},
            {"type": "image_generation"},
        ]
        events, made = sdk.stream(model=MODEL, input="hello", tools=tools, reasoning={"summary": "auto"})
        assert events[0].type == "response.created"
        assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})
        kept = sdk.call("retrieve", made.id)
        ours = kept.to_dict()
        theirs = {name: value for name, value in made.to_dict().items() if name in ours}
        assert _plain(theirs) == _plain(ours), scenario


def _plain(value: Any) -> Any:
    """Without what the SDK puts in itself."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if name not in ("parsed", "parsed_arguments")}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def test_a_cut_answer(sdk: Sdk, backend: Any) -> None:
    backend.script("max_output_tokens")
    made = sdk.events(model=MODEL, input="hello")[-1].response
    assert made.status == "incomplete"
    assert made.incomplete_details.reason == "max_output_tokens"
    backend.script("text")
    again = sdk.call("create", model=MODEL, input="go on", previous_response_id=made.id)
    assert again.status == "completed"


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_parse(sdk: Sdk, backend: Any) -> None:
    answer = sdk.call("parse", model=MODEL, input="who?", text_format=Person)
    assert isinstance(answer.output_parsed, Person)


def test_a_tool_loop_by_ids(sdk: Sdk, backend: Any) -> None:
    backend.script(backend.calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})), "text")
    first = sdk.call("create", model=MODEL, input="weather?", tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Oslo", "Rome"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sun"} for call in calls]
    second = sdk.call("create", model=MODEL, input=results, tools=[WEATHER], previous_response_id=first.id)
    assert second.output_text
    assert second.previous_response_id == first.id
    sent = backend.bodies()[-1]
    assert [item["type"] for item in sent["input"]] == [
        "message",
        *["function_call"] * 2,
        *["function_call_output"] * 2,
    ]
    assert sent["store"] is False


def test_a_tool_loop_by_hand(sdk: Sdk, backend: Any) -> None:
    backend.script("tool", "text")
    first = sdk.call("create", model=MODEL, input="weather?", tools=[WEATHER], store=False)
    history = [{"role": "user", "content": "weather?"}, *first.output]
    history += [
        {"type": "function_call_output", "call_id": item.call_id, "output": "sun"}
        for item in first.output
        if item.type == "function_call"
    ]
    assert sdk.call("create", model=MODEL, input=history, tools=[WEATHER], store=False).output_text
    sent = backend.bodies()[-1]["input"]
    assert all(item["encrypted_content"] for item in sent if item["type"] == "reasoning")


def test_branches(sdk: Sdk, backend: Any) -> None:
    root = sdk.call("create", model=MODEL, input="one")
    left, right = (
        sdk.call("create", model=MODEL, input=text, previous_response_id=root.id) for text in ("two", "three")
    )
    for leaf, text in ((left, "two"), (right, "three")):
        items = sdk.pages("input_items.list", leaf.id, order="asc", limit=1)  # the SDK turns the pages
        said = [item.content[0].text for item in items if item.type == "message"]
        assert (said[0], said[-1], len(said)) == ("one", text, 3)
        assert len({item.id for item in items}) == len(items)
    assert (
        sdk.pages("input_items.list", left.id, limit=100) == sdk.pages("input_items.list", left.id, order="asc")[::-1]
    )


def test_fetching_and_forgetting(sdk: Sdk, backend: Any) -> None:
    backend.script("reasoning")
    made = sdk.call("create", model=MODEL, input="hello")
    assert sdk.call("retrieve", made.id).to_dict() == made.to_dict()
    again = sdk.events("retrieve", made.id)
    assert again[-1].response.to_dict() == made.to_dict()
    assert sdk.events("retrieve", made.id, starting_after=4)[0].sequence_number == 5
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a synchronous response\."):
        sdk.call("cancel", made.id)
    assert sdk.call("delete", made.id) is None
    for find in ("retrieve", "delete", "cancel"):
        with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found"):
            sdk.call(find, made.id)


def test_compacting(sdk: Sdk, backend: Any) -> None:
    made = sdk.call("create", model=MODEL, input="hello")
    small = sdk.call("compact", model=MODEL, previous_response_id=made.id)
    assert small.object == "response.compaction"
    assert [item.type for item in small.output] == ["message", "compaction"]
    assert small.usage.total_tokens > 0
    items = [item.to_dict(warnings=False) for item in small.output]  # the SDK has no type for what a user says in there
    assert sdk.call("create", model=MODEL, input=[*items, {"role": "user", "content": "go on"}]).output_text


def test_counting(sdk: Sdk, backend: Any) -> None:
    made = sdk.call("create", model=MODEL, input="hello")
    alone = sdk.call("input_tokens.count", model=MODEL, input="hello")
    assert alone.object == "response.input_tokens"
    more = sdk.call("input_tokens.count", model=MODEL, input="hello", previous_response_id=made.id, tools=[WEATHER])
    assert 0 < alone.input_tokens < more.input_tokens


def test_errors(sdk: Sdk, backend: Any) -> None:
    def refused(kind: type[openai.APIStatusError], **more: Any) -> openai.APIStatusError:
        with pytest.raises(kind) as caught:
            sdk.call("create", **{"model": MODEL, "input": "x", **more})
        assert caught.value.request_id
        return caught.value

    lost = refused(openai.BadRequestError, previous_response_id="resp_x")
    assert (lost.code, lost.param) == ("previous_response_not_found", "previous_response_id")
    assert refused(openai.NotFoundError, input=[{"type": "item_reference", "id": "rs_x"}]).param == "input"
    assert refused(openai.NotFoundError, model="nobody").code == "model_not_found"
    assert refused(openai.BadRequestError, input=[{"role": "user", "content": 5}]).param == "input[0].content"
    assert refused(openai.BadRequestError, background=True).code == "unsupported_parameter"
    unpaired = [{"type": "function_call_output", "call_id": "call_1", "output": "x"}]
    assert "No tool call found" in refused(openai.BadRequestError, input=unpaired).message
    broken = [{"type": "input_image", "image_url": "data:image/png;base64,@@@", "detail": "auto"}]
    image = refused(openai.BadRequestError, input=[{"role": "user", "content": broken}])
    assert image.param == "input[0].content[0].image_url"
    backend.script("usage_limit")
    limit = refused(openai.RateLimitError)
    assert limit.type == "usage_limit_reached"
    assert limit.body["plan_type"]
    assert limit.body["resets_in_seconds"] > 0


def test_a_stream_that_breaks(sdk: Sdk, backend: Any) -> None:
    for scenario in ("cut", "failed_late", "error_late"):
        backend.script(scenario)
        events = sdk.events(model=MODEL, input="hello")
        assert events[-1].type == "response.failed"
        assert events[-1].response.status == "failed"
        assert events[-1].response.error.code
        with pytest.raises(openai.NotFoundError):
            sdk.call("retrieve", events[-1].response.id)


def test_images_go_in_and_come_out(sdk: Sdk, backend: Any) -> None:
    row = b"\0\xff\0\0"
    parts = ((b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0"), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    chunks = [len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in parts]
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{png}", "detail": "auto"}
    backend.script("image", "text")
    made = sdk.call(
        "create", model=MODEL, input=[{"role": "user", "content": [picture]}], tools=[{"type": "image_generation"}]
    )
    (drawn,) = [item for item in made.output if item.type == "image_generation_call"]
    assert base64.b64decode(drawn.result).startswith(b"\x89PNG")
    assert sdk.call("create", model=MODEL, input="nice", previous_response_id=made.id).output_text


def test_leaving_a_stream_stops_the_provider(sdk: Sdk, backend: Any) -> None:
    backend.script(("paced", {"rate": 5, "count": 500}))
    sdk.leave(model=MODEL, input="hello")
    assert backend.until(lambda: backend.questions()[-1].gone)


def test_headers(sdk: Sdk, backend: Any) -> None:
    headers = sdk.raw(model=MODEL, input="hello", max_output_tokens=5)
    assert headers["x-request-id"]
    assert headers["openai-processing-ms"]
    assert headers["x-codex-primary-used-percent"]
    assert headers["x-rotom-receipt"] == "dropped=max_output_tokens"


def test_without_the_prefix(gateway: Any, backend: Any) -> None:
    assert Sdk(base_url=gateway.base).call("create", model=MODEL, input="hello").output_text
