"""LangChain's ChatOpenAI against the demonstration, over both of OpenAI's APIs."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

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
