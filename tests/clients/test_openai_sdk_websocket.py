"""``client.responses.connect()`` of OpenAI's SDK, blocking and async."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the loop that the SDK is used with
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import ResponseCompletedEvent
from openai.types.responses.responses_server_event import ResponseWsError

pytestmark = [
    pytest.mark.clients,
    # The SDK 3.54 opens a connection as websockets has it no longer since 17.1.
    pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning"),
]

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(gateway: Any) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.base}/v1", api_key="rotom", max_retries=0) as one:
        yield one


def turn(connection: Any, lane: str | None = None) -> Any:
    """The response that the events of a turn end with."""
    begun = None
    for event in connection:
        assert event.stream_id == lane
        if event.type == "response.created":
            begun = event.response.id
        if event.type == "error":
            raise AssertionError(event)
        if event.type in ("response.completed", "response.failed", "response.incomplete"):
            assert event.response.id == begun
            return event.response
    raise AssertionError("the connection ended")


def test_a_conversation_without_storing_it(client: OpenAI, backend: Any) -> None:
    with client.responses.connect() as connection:
        connection.response.create(
            model="gpt-5.5", store=False, generate=False, input=[{"role": "developer", "content": "be kind"}]
        )
        warm = turn(connection)
        assert (warm.output, warm.output_text) == ([], "")
        assert backend.questions() == []
        connection.response.create(
            model="gpt-5.5", store=False, previous_response_id=warm.id, input="Reply with the single word OK"
        )
        first = turn(connection)
        assert first.output_text == "OK"
        assert first.previous_response_id == warm.id
        assert first.usage is not None
        connection.response.create(
            model="gpt-5.5", store=False, previous_response_id=first.id, input="Reply with the single word YES"
        )
        assert turn(connection).output_text == "YES"
    texts = [item["content"][0]["text"] for item in backend.bodies()[-1]["input"] if item.get("content")]
    assert [text for text in texts if text != "OK"] == [
        "be kind",
        "Reply with the single word OK",
        "Reply with the single word YES",
    ]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_what_is_stored_is_everybodys(client: OpenAI, backend: Any) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-5.5", input="Reply with the single word OK")
        kept = turn(connection)
    assert client.responses.retrieve(kept.id).output_text == "OK"
    again = client.responses.create(
        model="gpt-5.5", previous_response_id=kept.id, input="Reply with the single word YES"
    )
    assert again.output_text == "YES"


def test_a_tool_loop(client: OpenAI, backend: Any) -> None:
    backend.script(backend.calls(("get_weather", {"city": "Oslo"})), "text")
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-5.5", store=False, tools=[TOOL], input="What is it like in Oslo?")
        asked = turn(connection)
        (call,) = (item for item in asked.output if item.type == "function_call")
        assert (call.name, call.arguments) == ("get_weather", '{"city":"Oslo"}')
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        connection.response.create(
            model="gpt-5.5", store=False, tools=[TOOL], previous_response_id=asked.id, input=[output]
        )
        assert turn(connection).output_text
    kinds = [item["type"] for item in backend.bodies()[-1]["input"]]
    assert kinds[-2:] == ["function_call", "function_call_output"]


def test_errors_are_events_and_the_connection_stays(client: OpenAI, backend: Any) -> None:
    backend.script("usage_limit")
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-5.5", previous_response_id="resp_none", input="x")
        unknown = connection.recv()
        assert isinstance(unknown, ResponseWsError)
        assert (unknown.status, unknown.error.code) == (400, "previous_response_not_found")
        assert unknown.error.param == "previous_response_id"
        connection.response.create(model="gpt-5.5", input="x", stream_id="named")
        limit = connection.recv()
        assert isinstance(limit, ResponseWsError)
        assert (limit.status, limit.error.type, limit.stream_id) == (429, "usage_limit_reached", "named")
        assert limit.error.headers is not None
        assert int(limit.error.headers["retry-after"]) > 0
        connection.response.create(model="gpt-5.5", input="Reply with the single word OK")
        assert turn(connection).output_text == "OK"
        connection.send({"type": "response.steer", "previous_response_id": "resp_1", "input": "more"})
        failed = connection.recv()
        assert failed.type == "response.steer.failed"
        assert failed.error.code == "steering_not_supported"
        assert failed.steer.input == "more"


def test_lanes_and_a_fork(client: OpenAI, backend: Any) -> None:
    with client.responses.connect() as connection:
        for lane in ("planner", "research"):
            connection.response.create(
                model="gpt-5.5", store=False, stream_id=lane, input=f"Reply with the single word {lane}"
            )
        ended: dict[str | None, Any] = {}
        while len(ended) < 2:
            event = connection.recv()
            if isinstance(event, ResponseCompletedEvent):
                ended[event.stream_id] = event.response
        assert {lane: response.output_text for lane, response in ended.items()} == {
            "planner": "planner",
            "research": "research",
        }
        connection.response.create(
            model="gpt-5.5",
            store=False,
            stream_id="critic",
            previous_response_id=ended["planner"].id,
            input="Reply with the single word fork",
        )
        assert turn(connection, "critic").output_text == "fork"


def test_handlers(client: OpenAI, backend: Any) -> None:
    texts: list[str] = []
    with client.responses.connect() as connection:
        connection.on("response.output_text.delta", lambda event: texts.append(event.delta))
        connection.on("response.completed", lambda event: connection.close())
        connection.response.create(model="gpt-5.5", input="Reply with the single word OK")
        connection.dispatch_events()
    assert "".join(texts) == "OK"


def test_async_with_many_connections(gateway: Any, backend: Any) -> None:
    async def one(client: AsyncOpenAI, word: str) -> str:
        async with client.responses.connect() as connection:
            await connection.response.create(model="gpt-5.5", store=False, input=f"Reply with the single word {word}")
            async for event in connection:
                if event.type == "response.completed":
                    return event.response.output_text
        raise AssertionError("the connection ended")

    async def main() -> list[str]:
        async with AsyncOpenAI(base_url=f"{gateway.base}/v1", api_key="rotom", max_retries=0) as client:
            return await asyncio.gather(*[one(client, f"word{number}") for number in range(20)])

    assert asyncio.run(main()) == [f"word{number}" for number in range(20)]


def test_without_the_prefix_of_the_version(gateway: Any, backend: Any) -> None:
    with (
        OpenAI(base_url=gateway.base, api_key="rotom", max_retries=0) as client,
        client.responses.connect() as connection,
    ):
        connection.response.create(model="gpt-5.5", input="Reply with the single word OK")
        assert turn(connection).output_text == "OK"


def test_a_socket_that_is_switched_off(serve_watched: Any) -> None:
    served = serve_watched(websocket="no")
    with (
        OpenAI(base_url=f"{served.base}/v1", api_key="rotom", max_retries=0) as client,
        pytest.raises(Exception, match="426"),
    ):
        client.responses.connect().enter()
