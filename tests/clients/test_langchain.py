"""LangChain's ChatOpenAI against a real server, over both of OpenAI's APIs."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the loop that LangChain is used with
import base64
import importlib.util
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from rotom.simulator.pictures import png

if importlib.util.find_spec("langchain_openai") is None:
    pytest.skip("langchain-openai is not installed: pip install '.[clients]'", allow_module_level=True)

from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

pytestmark = pytest.mark.clients


class Title(BaseModel):
    title: str


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def model(request: Any, demo: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-5.5",
        base_url=f"{demo.base}/v1",
        api_key="rotom",  # type: ignore[arg-type]
        use_responses_api=request.param,
        max_retries=0,
        max_completion_tokens=500,
        temperature=0.2,
    )


def test_invoke(model: ChatOpenAI) -> None:
    said = model.invoke([SystemMessage("be brief"), HumanMessage("Reply with the single word OK")])
    assert said.text == "OK"
    assert said.usage_metadata is not None
    assert said.usage_metadata["total_tokens"] > 0


def test_stream(model: ChatOpenAI) -> None:
    chunks = list(model.stream("demo:text"))
    assert len(chunks) > 1
    assert "".join(chunk.text for chunk in chunks) == model.invoke("demo:text").text


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_loop(model: ChatOpenAI, streamed: bool) -> None:
    bound = model.bind_tools([get_weather])
    messages: list[Any] = [HumanMessage("demo:parallel_tools")]
    if streamed:
        said: Any = None
        for chunk in bound.stream(messages):
            assert isinstance(chunk, AIMessageChunk)
            said = chunk if said is None else said + chunk
    else:
        said = bound.invoke(messages)
    assert [call["name"] for call in said.tool_calls] == ["get_weather"] * 2
    messages.append(said)
    messages += [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in said.tool_calls]
    assert bound.invoke(messages).text


def test_structured_output(model: ChatOpenAI) -> None:
    assert isinstance(model.with_structured_output(Title).invoke("make a title"), Title)


def test_a_failure_is_raised(model: ChatOpenAI) -> None:
    with pytest.raises(Exception, match=r"limit|plan"):
        model.invoke("demo:usage_limit")
    with pytest.raises(Exception, match=r".+"):
        list(model.stream("demo:failed_late"))


# The same with a look at what the provider got.

Make = Callable[..., ChatOpenAI]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One for all: LangChain keeps its connections beyond a model."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def watched(request: Any, gateway: Any, backend: Any) -> Make:
    """Make a model."""

    def make(**more: Any) -> ChatOpenAI:
        return ChatOpenAI(
            model="gpt-5.5",
            base_url=f"{gateway.base}/v1",
            api_key="rotom",  # type: ignore[arg-type]
            use_responses_api=request.param,
            max_retries=0,
            **more,
        )

    return make


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_each_way_to_structured_output(watched: Make, backend: Any, method: Any) -> None:
    if method == "json_mode":
        backend.script(("text", {"say": '{"title": "a"}'}))
    asked = "make a title, as JSON"
    assert isinstance(watched().with_structured_output(Title, method=method).invoke(asked), Title)
    (body,) = backend.bodies()
    if method == "function_calling":
        assert body["tool_choice"] == {"type": "function", "name": "Title"}
    else:
        assert body["text"]["format"]["type"] == {"json_schema": "json_schema", "json_mode": "json_object"}[method]


def test_thoughts_and_going_on(watched: Make, backend: Any) -> None:
    backend.script("reasoning", "text")
    model = watched(reasoning={"effort": "high", "summary": "auto"}, output_version="responses/v1")
    if not model.use_responses_api:
        model = watched(reasoning_effort="high")
    first = model.invoke("think")
    assert first.text == "I thought about it, and the answer is 42."
    assert first.usage_metadata is not None
    assert first.usage_metadata["output_token_details"]["reasoning"] > 0
    assert model.invoke([HumanMessage("think"), first, HumanMessage("and now?")]).text == "Hello there"
    asked = backend.bodies()
    assert asked[0]["reasoning"]["effort"] == "high"
    kinds = [item.get("type", "message") for item in asked[1]["input"]]
    if model.use_responses_api:
        (block,) = [block for block in first.content if isinstance(block, dict) and block["type"] == "reasoning"]
        assert "First I read it twice." in json.dumps(block)
        assert kinds == ["message", "reasoning", "message", "message"]
    else:
        assert kinds == ["message"] * 3


def test_a_picture(watched: Make, backend: Any) -> None:
    backend.script("text")
    picture = base64.b64encode(png(8, 8, "a person's own")).decode()
    content: Any = [
        {"type": "text", "text": "what is this?"},
        {"type": "image", "base64": picture, "mime_type": "image/png"},
        {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"},
    ]
    assert watched().invoke([HumanMessage(content)]).text == "Hello there"
    parts = backend.bodies()[0]["input"][-1]["content"]
    assert [part["type"] for part in parts] == ["input_text", "input_image", "input_file"]
    assert parts[1]["image_url"] == f"data:image/png;base64,{picture}"


def test_usage_and_pieces_of_an_asynchronous_stream(watched: Make, backend: Any, loop: asyncio.Runner) -> None:
    backend.script("unicode")

    async def main() -> list[Any]:
        return [chunk async for chunk in watched(stream_usage=True).astream("hello")]

    chunks = loop.run(main())
    assert len([chunk for chunk in chunks if chunk.text]) > 10
    (usage,) = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert usage["total_tokens"] > 0


def test_a_question_that_is_given_up(watched: Make, backend: Any, loop: asyncio.Runner) -> None:
    backend.script(("paced", {"rate": 5, "count": 500}))

    async def main() -> None:
        await asyncio.wait_for(watched().ainvoke("hello"), 1)

    with pytest.raises(asyncio.TimeoutError):
        loop.run(main())
    assert backend.until(lambda: backend.questions()[-1].gone)


def test_answers_by_their_ids(gateway: Any, backend: Any) -> None:
    """`use_previous_response_id`: LangChain leaves out what it believes that the server remembers."""
    backend.script(backend.calls(("get_weather", {"city": "Oslo"})), "text")
    model = ChatOpenAI(
        model="gpt-5.5",
        base_url=f"{gateway.base}/v1",
        api_key="rotom",  # type: ignore[arg-type]
        use_previous_response_id=True,
        max_retries=0,
    ).bind_tools([get_weather, {"type": "web_search"}])
    messages: list[Any] = [HumanMessage("weather?")]
    messages.append(model.invoke(messages))
    messages += [
        ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in messages[-1].tool_calls
    ]
    assert model.invoke(messages).text == "Hello there"
    asked = backend.bodies()[1]["input"]
    assert [item.get("type", "message") for item in asked] == ["message", "function_call", "function_call_output"]


def test_a_search(gateway: Any, backend: Any) -> None:
    backend.script("web_search")
    model = ChatOpenAI(model="gpt-5.5", base_url=f"{gateway.base}/v1", api_key="rotom")  # type: ignore[arg-type]
    said = model.bind_tools([{"type": "web_search"}]).invoke("search")
    notes = [note for block in said.content_blocks if block["type"] == "text" for note in block.get("annotations", ())]
    assert notes[0]["type"] == "citation"
    assert str(notes[0].get("url")).startswith("https://")


def test_the_environment_is_enough(gateway: Any, backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the README says."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{gateway.base}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "rotom")
    backend.script("text")
    assert ChatOpenAI(model="gpt-5.5").invoke("hello").text == "Hello there"
