"""OpenAI's Agents SDK over the Responses API, over the same on a WebSocket, and over Chat Completions."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the loop that the SDK is used with
import base64
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from rotom.simulator.pictures import SIGNATURE, png
from rotom.simulator.play import Play
from rotom.simulator.scenarios_ask import Ask

agents = pytest.importorskip("agents", reason="openai-agents is not installed: pip install '.[clients]'")
agents.set_tracing_disabled(True)  # traces go to OpenAI

pytestmark = [
    pytest.mark.clients,
    # The SDK 3.54 opens a connection as websockets has it no longer since 17.1.
    pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning"),
]

MODELS = {
    "responses": agents.OpenAIResponsesModel,
    "websocket": agents.OpenAIResponsesWSModel,
    "chat": agents.OpenAIChatCompletionsModel,
}
PICTURE = base64.b64encode(png(8, 8, "a tool's")).decode()


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


@agents.function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@agents.function_tool
def look(city: str) -> Any:
    """A photograph of a city."""
    return agents.ToolOutputImage(image_url=f"data:image/png;base64,{PICTURE}", detail="low")


@agents.function_tool
def fail(city: str) -> str:
    """It breaks."""
    raise ValueError("it is broken")


class Run:
    """Agents of one model.

    Attributes:
      streamed: whether answers are streamed; events: those of the last run, if so.
    """

    def __init__(self, api: str, base: str, streamed: bool) -> None:
        self.api, self.base, self.streamed = api, base, streamed
        self.events: list[Any] = []

    def __call__(self, *inputs: Any, each: dict[str, Any] | None = None, **agent: Any) -> list[Any]:
        """Put this to an agent, one after the other; the results."""
        return asyncio.run(self._run(inputs, each or {}, agent))

    async def _run(self, inputs: tuple[Any, ...], each: dict[str, Any], agent: dict[str, Any]) -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{self.base}/v1", api_key="rotom", max_retries=0) as client:
            self.model = MODELS[self.api]("gpt-5.5", client)
            asked = agents.Agent(name="Assistant", model=self.model, **self._of(agent, client))
            each = self._of(each, client)
            try:
                return [await self._one(asked, text, each) for text in inputs]
            finally:
                await self.model.close()

    def _of(self, options: dict[str, Any], client: Any) -> dict[str, Any]:
        """Options that are functions of the model and the client, made."""
        return {
            name: value(self.model, client) if callable(value) and name in ("handoffs", "session") else value
            for name, value in options.items()
        }

    async def _one(self, agent: Any, text: Any, more: dict[str, Any]) -> Any:
        if not self.streamed:
            return await agents.Runner.run(agent, text, **more)
        result = agents.Runner.run_streamed(agent, text, **more)
        self.events = [event async for event in result.stream_events()]
        return result

    def raw(self) -> list[str]:
        """The types of the API's own events in the last run."""
        return [event.data.type for event in self.events if event.type == "raw_response_event"]

    def items(self) -> list[str]:
        """The names of what the SDK saw in them."""
        return [event.name for event in self.events if event.type == "run_item_stream_event"]


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=MODELS)
def run(request: pytest.FixtureRequest, streamed: bool, gateway: Any, backend: Any) -> Run:
    """With each of the SDK's models."""
    return Run(request.param, gateway.base, streamed)


@pytest.fixture(params=["responses", "websocket"])
def of_responses(request: pytest.FixtureRequest, streamed: bool, gateway: Any, backend: Any) -> Run:
    """With those of the Responses API."""
    return Run(request.param, gateway.base, streamed)


def calling(*cities: str, tool: str = "get_weather") -> Callable[[Ask], Play]:
    """Thoughts, and calls of a tool."""

    def script(ask: Ask) -> Play:
        yield from ask.pen.opening()
        yield from ask.pen.reasoning("**Choosing a tool**")
        for city in cities:
            yield from ask.pen.call(tool, json.dumps({"city": city}))
        yield ask.complete()

    return script


def kinds(body: Any) -> list[str]:
    return [item.get("type", "message") for item in body["input"]]


def test_text(run: Run, backend: Any) -> None:
    settings = agents.ModelSettings(include_usage=True)  # elsewhere than at OpenAI the SDK does not ask by itself
    (result,) = run("Reply with the single word OK", instructions="be brief", model_settings=settings)
    assert result.final_output == "OK"
    usage = result.context_wrapper.usage
    assert usage.requests == 1
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0
    assert usage.output_tokens_details.reasoning_tokens > 0
    assert "be brief" in json.dumps(backend.bodies()[0])
    if run.streamed:
        assert (run.raw()[0], run.raw()[-1]) == ("response.created", "response.completed")
        assert run.raw().count("response.output_text.delta") >= 1


def test_a_loop_of_tools(run: Run, backend: Any) -> None:
    backend.script(calling("Oslo"), calling("Rome", "Lima"), "text")
    (result,) = run("weather?", tools=[get_weather])
    assert result.final_output == "Hello there"
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    assert outputs == [f"sunny in {city}" for city in ("Oslo", "Rome", "Lima")]
    asked = backend.bodies()
    assert [kind for kind in kinds(asked[2]) if kind.startswith("function")] == [
        "function_call",
        "function_call_output",
        *["function_call"] * 2,
        *["function_call_output"] * 2,
    ]
    if run.api != "chat":
        assert kinds(asked[1])[-3:] == ["reasoning", "function_call", "function_call_output"]
        assert all(item["encrypted_content"] for item in asked[2]["input"] if item.get("type") == "reasoning")
    if run.streamed:
        assert run.items().count("tool_called") == run.items().count("tool_output") == 3


def test_a_handoff(run: Run, backend: Any) -> None:
    backend.script(backend.calls(("transfer_to_poet", {})), "text")

    def poet(model: Any, _: Any) -> list[Any]:
        return [agents.Agent(name="Poet", handoff_description="Writes poems", instructions="in verses", model=model)]

    (result,) = run("a poem please", handoffs=poet)
    assert (result.final_output, result.last_agent.name) == ("Hello there", "Poet")
    first, second = backend.bodies()
    assert [tool["name"] for tool in first["tools"]] == ["transfer_to_poet"]
    assert "in verses" in json.dumps(second)
    assert kinds(second)[-2:] == ["function_call", "function_call_output"]


def test_a_form_for_the_answer(run: Run, backend: Any) -> None:
    (result,) = run("who?", output_type=Person)
    assert isinstance(result.final_output, Person)
    form = backend.bodies()[0]["text"]["format"]
    assert (form["type"], form["strict"], set(form["schema"]["properties"])) == (
        "json_schema",
        True,
        {"name", "age", "tags"},
    )


def test_a_form_behind_tools(run: Run, backend: Any) -> None:
    backend.script(calling("Oslo"))
    (result,) = run("who?", output_type=Person, tools=[get_weather])
    assert isinstance(result.final_output, Person)


def test_a_session(run: Run, backend: Any) -> None:
    backend.script(calling("Oslo"), "text", "text")
    *_, result = run("weather?", "thanks", each={"session": agents.SQLiteSession("one")}, tools=[get_weather])
    assert result.final_output == "Hello there"
    wanted = ["message", "reasoning", "function_call", "function_call_output", "message", "message"]
    if run.api == "chat":
        wanted.remove("reasoning")
    assert kinds(backend.bodies()[-1]) == wanted


def test_thoughts(run: Run, backend: Any) -> None:
    backend.script("reasoning")
    settings = agents.ModelSettings(reasoning={"effort": "high", "summary": "auto"})
    (result,) = run("think", model_settings=settings)
    assert result.final_output == "I thought about it, and the answer is 42."
    (item,) = [item for item in result.new_items if item.type == "reasoning_item"]
    assert "First I read it twice." in "".join(part.text for part in item.raw_item.summary)
    assert backend.bodies()[0]["reasoning"]["effort"] == "high"


def test_a_tool_that_gives_a_picture_and_one_that_breaks(run: Run, backend: Any) -> None:
    backend.script(calling("Oslo", tool="look"), calling("Oslo", tool="fail"), "text")
    (result,) = run("look", tools=[look, fail])
    assert result.final_output == "Hello there"
    seen, broken = [
        item["output"] for item in backend.bodies()[-1]["input"] if item.get("type") == "function_call_output"
    ]
    assert "error" in broken
    if run.api != "chat":  # there the SDK sends none
        assert [part["type"] for part in seen] == ["input_image"]


def test_a_picture_in_the_question(run: Run, backend: Any) -> None:
    backend.script("text")
    content = [
        {"type": "input_text", "text": "what is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "auto"},
    ]
    (result,) = run([{"role": "user", "content": content}])
    assert result.final_output == "Hello there"
    assert [part["type"] for part in backend.bodies()[0]["input"][-1]["content"]] == ["input_text", "input_image"]


def test_an_agent_as_a_tool(run: Run, backend: Any) -> None:
    backend.script(backend.calls(("ask_poet", {"input": "a poem"})), ("text", {"say": "roses"}), "text")

    async def main() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{run.base}/v1", api_key="rotom") as client:
            model = MODELS[run.api]("gpt-5.5", client)
            poet = agents.Agent(name="Poet", model=model).as_tool("ask_poet", "Asks the poet")
            try:
                return await run._one(agents.Agent(name="Assistant", model=model, tools=[poet]), "go on", {})
            finally:
                await model.close()

    assert asyncio.run(main()).final_output == "Hello there"
    assert backend.bodies()[-1]["input"][-1]["output"] == "roses"


def test_settings_that_have_no_effect(run: Run, backend: Any) -> None:
    backend.script("text")
    settings = agents.ModelSettings(
        temperature=0.2, top_p=0.9, max_tokens=100, metadata={"k": "v"}, truncation="auto", parallel_tool_calls=False
    )
    (result,) = run("hello", tools=[get_weather], model_settings=settings)
    assert result.final_output == "Hello there"
    (asked,) = backend.bodies()
    assert asked["parallel_tool_calls"] is False
    assert not {"temperature", "top_p", "max_output_tokens", "metadata", "truncation"} & set(asked)


def test_failures_are_raised(run: Run, backend: Any) -> None:
    backend.script("usage_limit")
    with pytest.raises(Exception, match=r"limit") as caught:
        run("hello")
    if run.api != "websocket":  # there an error is an event, and the SDK's exception has no status
        assert isinstance(caught.value, openai.RateLimitError)
    with pytest.raises(Exception, match=r"nobody") as caught:
        run("hello", model_settings=agents.ModelSettings(extra_body={"model": "nobody"}))
    if run.streamed or run.api != "chat":
        for scenario in ("failed_late", "cut"):
            backend.script(scenario)
            with pytest.raises(Exception, match=r".+"):
                run("hello")


def test_a_refusal(run: Run, backend: Any) -> None:
    backend.script("refusal")
    with pytest.raises(agents.ModelRefusalError):
        run("do harm", output_type=Person)


def test_the_environment_is_enough(gateway: Any, backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the README says."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{gateway.base}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "rotom")
    backend.script("text")
    config = agents.RunConfig(model_provider=agents.OpenAIProvider())

    async def main() -> Any:
        return await agents.Runner.run(agents.Agent(name="Assistant", model="gpt-5.5"), "hello", run_config=config)

    assert asyncio.run(main()).final_output == "Hello there"


# What only the Responses API has.


def test_ids_instead_of_history(of_responses: Run, backend: Any) -> None:
    """The SDK sends only what is new; the provider still gets all of it."""
    backend.script(calling("Oslo"), "text", "text")
    first, _ = of_responses("weather?", "x", each={"auto_previous_response_id": True}, tools=[get_weather])
    assert first.last_response_id.startswith("resp_")
    assert kinds(backend.bodies()[1]) == ["message", "reasoning", "function_call", "function_call_output"]


def test_the_id_of_an_earlier_run(of_responses: Run, backend: Any) -> None:
    backend.script(calling("Oslo"), "text", "text")
    (first,) = of_responses("weather?", tools=[get_weather])
    (second,) = of_responses("thanks", each={"previous_response_id": first.last_response_id})
    assert second.final_output == "Hello there"
    assert kinds(backend.bodies()[-1])[-3:] == ["function_call_output", "message", "message"]


def test_tools_of_the_provider(of_responses: Run, backend: Any) -> None:
    backend.script("web_search", "image", "text")
    tools = [agents.WebSearchTool(), agents.ImageGenerationTool({"type": "image_generation", "partial_images": 1})]
    found, drawn, after = of_responses(
        "search", "draw", "go on", each={"session": agents.SQLiteSession("one")}, tools=tools
    )
    (note,) = [
        note
        for item in found.new_items
        if item.type == "message_output_item"
        for part in item.raw_item.content
        for note in part.annotations
    ]
    assert note.url.startswith("https://")
    (picture,) = [item.raw_item for item in drawn.new_items if item.type == "tool_call_item"]
    assert base64.b64decode(picture.result).startswith(SIGNATURE)
    assert after.final_output == "Hello there"


def test_a_free_form_tool(of_responses: Run, backend: Any) -> None:
    backend.script("custom_tool", "text")
    seen = []

    async def patch(_: Any, text: str) -> str:
        seen.append(text)
        return "done"

    tool = agents.CustomTool("apply_patch", "Changes files", patch)
    (result,) = of_responses("patch it", tools=[tool])
    assert result.final_output == "Hello there"
    assert seen[0].startswith("*** Begin Patch")
    assert kinds(backend.bodies()[-1])[-2:] == ["custom_tool_call", "custom_tool_call_output"]


def test_a_session_that_is_compacted(of_responses: Run, backend: Any) -> None:
    def session(_: Any, client: Any) -> Any:
        return agents.OpenAIResponsesCompactionSession(
            "one",
            agents.SQLiteSession("one"),
            client=client,
            model="gpt-5.5",
            should_trigger_compaction=lambda _: True,
        )

    *_, result = of_responses("hello", "go on", "and on", each={"session": session})
    assert result.final_output
    assert kinds(backend.bodies()[-1]).count("compaction") == 1


def test_what_is_not_there_says_so(of_responses: Run, backend: Any) -> None:
    def session(_: Any, client: Any) -> Any:
        return agents.OpenAIConversationsSession(openai_client=client)

    with pytest.raises(openai.NotFoundError, match="/v1/conversations"):
        of_responses("hello", each={"session": session})
    with pytest.raises(Exception, match="code_interpreter"):
        of_responses(
            "hello", tools=[agents.CodeInterpreterTool({"type": "code_interpreter", "container": {"type": "auto"}})]
        )
    with pytest.raises(Exception, match="resp_unknown"):
        of_responses("hello", each={"previous_response_id": "resp_unknown"})
