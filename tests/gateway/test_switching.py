"""A conversation that changes its model between providers, in each dialect: reasoning stays with the one that made it, and
nothing else is lost. Every provider is the simulator's, and refuses what it did not seal itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

GPT, PLAN, GROK, OTHER = "gpt-5.5", "chatgpt/gpt-5.5", "grok-4.6", "grok-4.5"
WAY = (GPT, GROK, PLAN, GROK, OTHER, GPT)
NAMES = {GPT: "openai", PLAN: "chatgpt", GROK: "grok", OTHER: "grok"}


@pytest.fixture
async def house(build: Any) -> AsyncIterator[Any]:
    """All three are logged in."""
    async with build(login=False) as one:
        for name in ("openai", "chatgpt", "grok"):
            await one.log_in(name)
        yield one


def sent(house: Any, model: str) -> list[dict[str, Any]]:
    """What the provider of a model was asked last."""
    items: list[dict[str, Any]] = house.asked(NAMES[model])[-1].body["input"]
    return items


def said(items: list[dict[str, Any]]) -> list[str]:
    """The texts, calls and results, in their order."""
    found = []
    for item in items:
        if item.get("type") == "function_call":
            found.append(f"{item['name']} {json.loads(item['arguments'])}")
        elif item.get("type") == "function_call_output":
            found.append(f"-> {_text(item['output'])}")
        elif item.get("type", "message") == "message":
            found.append(_text(item["content"]))
    return found


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def thoughts(items: list[dict[str, Any]]) -> int:
    return sum(item.get("type") == "reasoning" for item in items)


OWN = [0, 0, 0, 1, 0, 1]
"""How many thoughts each model of the way gets back in Messages: those that it had itself."""

PROVIDERS = [0, 0, 0, 1, 2, 1]
"""And in Responses: those that its provider made for this account, whatever the model."""

STATELESS = [0, 0, 0, 1, 2, 0]
"""The same where the client sends them all itself. What OpenAI sealed for its two ways looks alike: the one that gets the
other's as well refuses it, and then all of it is left out."""


async def test_messages(house: Any) -> None:
    history: list[dict[str, Any]] = []
    texts: list[str] = []
    for number, model in enumerate(WAY):
        history.append({"role": "user", "content": f"demo:reasoning (turn {number})"})
        texts.append(f"demo:reasoning (turn {number})")
        thinking = {"type": "enabled", "budget_tokens": 2000}
        answer = await house.ask("", model=model, messages=history, thinking=thinking, max_tokens=4000)
        assert answer.status_code == 200, answer.text
        content = answer.json()["content"]
        assert [block["type"] for block in content] == ["thinking", "text"]
        assert said(sent(house, model)) == texts
        assert thoughts(sent(house, model)) == OWN[number], model
        history.append({"role": "assistant", "content": content})
        texts.append(content[-1]["text"])


async def test_chat(house: Any) -> None:
    history: list[dict[str, Any]] = []
    texts: list[str] = []
    for number, model in enumerate(WAY):
        history.append({"role": "user", "content": f"demo:reasoning (turn {number})"})
        texts.append(f"demo:reasoning (turn {number})")
        answer = await house.ask("", path="/v1/chat/completions", model=model, messages=history)
        assert answer.status_code == 200, answer.text
        message = answer.json()["choices"][0]["message"]
        assert said(sent(house, model)) == texts
        assert thoughts(sent(house, model)) == 0  # this API has no place for it
        history.append(message)
        texts.append(message["content"])


@pytest.mark.parametrize("kept", [True, False], ids=["previous_response_id", "stateless"])
async def test_responses(house: Any, kept: bool) -> None:
    history: list[dict[str, Any]] = []
    texts: list[str] = []
    more: dict[str, Any] = {} if kept else {"store": False, "include": ["reasoning.encrypted_content"]}
    for number, model in enumerate(WAY):
        question = {"type": "message", "role": "user", "content": f"demo:reasoning (turn {number})"}
        texts.append(question["content"])
        history.append(question)
        asked = [question] if kept else history
        answer = await house.ask("", path="/v1/responses", model=model, input=asked, **more)
        assert answer.status_code == 200, answer.text
        response = answer.json()
        assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
        assert said(sent(house, model)) == texts
        assert thoughts(sent(house, model)) == (PROVIDERS if kept else STATELESS)[number], model
        history += response["output"]
        texts.append(response["output"][-1]["content"][0]["text"])
        if kept:
            more = {"previous_response_id": response["id"]}


TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("way", [(GPT, GROK, PLAN, GPT), (GROK, GPT, GROK, PLAN)], ids=["gpt-first", "grok-first"])
async def test_calls_and_their_results(house: Any, way: tuple[str, ...]) -> None:
    """A call that one provider's model made is answered at another's, back and forth."""
    tools = [{"name": "weather", "description": "Tells the weather", "input_schema": TOOL}]
    history: list[dict[str, Any]] = [{"role": "user", "content": "demo:parallel_tools"}]
    first = await house.ask("", model=way[0], messages=history, tools=tools)
    assert first.status_code == 200, first.text
    uses = [block for block in first.json()["content"] if block["type"] == "tool_use"]
    assert len(uses) == 2
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": f"sun {n}"} for n, use in enumerate(uses)]
    history += [{"role": "assistant", "content": first.json()["content"]}, {"role": "user", "content": results}]
    calls = [f"weather {use['input']}" for use in uses]
    for model in way[1:]:
        answer = await house.ask("", model=model, messages=history, tools=tools)
        assert answer.status_code == 200, answer.text
        items = sent(house, model)
        assert [one for one in said(items) if one.startswith(("weather", "->"))] == [*calls, "-> sun 0", "-> sun 1"]
        made = [item["call_id"] for item in items if item.get("type") == "function_call"]
        assert made == [item["call_id"] for item in items if item.get("type") == "function_call_output"]
        history += [{"role": "assistant", "content": answer.json()["content"]}, {"role": "user", "content": "go on"}]


async def test_a_call_in_responses_is_answered_elsewhere(house: Any) -> None:
    tools = [{"type": "function", "name": "weather", "parameters": TOOL}]
    for first, second in ((GPT, GROK), (GROK, GPT), (GROK, PLAN)):
        answer = await house.ask("demo:tool", path="/v1/responses", model=first, tools=tools)
        (call,) = [item for item in answer.json()["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        more = {"input": [output], "previous_response_id": answer.json()["id"], "tools": tools}
        answer = await house.ask("", path="/v1/responses", model=second, **more)
        assert answer.status_code == 200, answer.text
        assert said(sent(house, second))[-1] == "-> sunny"


@pytest.mark.parametrize("kept", [True, False], ids=["previous_response_id", "stateless"])
@pytest.mark.parametrize(("first", "second"), [(GPT, GROK), (GROK, GPT), (GPT, PLAN)])
async def test_what_one_provider_compacted_no_other_reads(house: Any, first: str, second: str, kept: bool) -> None:
    path = "/v1/responses"
    made = (await house.ask("hello", path=f"{path}/compact", model=first, stream=None)).json()["output"]
    history = [*made, {"role": "user", "content": "go on"}]
    answer = await house.ask("", path=path, model=first, input=history)
    assert answer.status_code == 200, answer.text
    more: dict[str, Any] = {"input": history} if not kept else {"previous_response_id": answer.json()["id"]}
    questions = len(house.asked(NAMES[second]))
    answer = await house.ask("and then?", path=path, model=second, **more)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_encrypted_content", "input")
    assert f"compacted by {NAMES[first]}," in error["message"]
    assert len(house.asked(NAMES[second])) == questions
    answer = await house.ask("and then?", path=path, model=first, **more)
    assert answer.status_code == 200, answer.text
