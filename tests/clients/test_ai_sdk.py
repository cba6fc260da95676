"""The Vercel AI SDK through its packages for OpenAI (both APIs), for what is compatible with it, and for Anthropic.

The SDK runs in node (ai_sdk.mjs); the jobs, what reached the provider and what is right are in here.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rotom.simulator.pictures import SIGNATURE, png
from rotom.simulator.play import Play
from rotom.simulator.scenarios_ask import Ask

pytestmark = pytest.mark.clients

PICTURE = base64.b64encode(png(8, 8, "a client's own")).decode()
APIS = ("responses", "chat", "compatible", "anthropic")
Run = Callable[..., Any]


class Sdk:
    """The process that does the jobs, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ids = itertools.count()

    def do(self, **job: Any) -> Any:
        """What became of a job."""
        number = next(self._ids)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": number, **job}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:  # of a job before it, when that one's test was given up
            told = json.loads(line)
            if told["id"] == number:
                return told
        raise AssertionError("node is gone")


@pytest.fixture(scope="session")
def sdk(
    node_modules: Callable[[str, str], Path], gateway: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sdk]:
    """Node with the SDK's packages."""
    node_modules("the Vercel AI SDK", "ai/package.json")
    folder = tmp_path_factory.mktemp("ai-sdk")
    errors = folder / "stderr"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            ["node", str(Path(__file__).with_name("ai_sdk.mjs"))],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "OPENAI_BASE_URL": f"{gateway.base}/v1",
                "OPENAI_API_KEY": "rotom",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield Sdk(process)
        finally:
            process.kill()
    assert errors.read_text() == ""


@pytest.fixture
def ai(sdk: Sdk, gateway: Any, backend: Any) -> Run:
    """Do a job; its turns. With ``fails=True`` what went wrong in the last of them."""

    def run(api: str, *turns: Any, how: str = "generate", fails: bool = False, **more: Any) -> Any:
        told = sdk.do(**{"base": gateway.base, "api": api, "how": how, "turns": turns, **more})
        wrong = [error for turn in told["turns"] for error in turn.get("errors", ())]
        wrong += [told["error"]] if "error" in told else []
        assert bool(wrong) == fails, wrong
        return wrong[-1] if fails else told["turns"]

    return run


def kinds(body: Any) -> list[str]:
    return [item.get("type", "message") for item in body["input"]]


def calling(*cities: str, tool: str = "get_weather") -> Callable[[Ask], Play]:
    """Thoughts, and calls of a tool."""

    def script(ask: Ask) -> Play:
        yield from ask.pen.opening()
        yield from ask.pen.reasoning("**Choosing a tool**")
        for city in cities:
            yield from ask.pen.call(tool, json.dumps({"city": city}))
        yield ask.complete()

    return script


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", ["generate", "stream"])
class TestEachWay:
    def test_two_turns_of_text(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script("text", "answer")
        first, second = ai(api, "hello", "Reply with the single word OK", how=how, settings={"system": "be brief"})
        (one,), (two,) = first["steps"], second["steps"]
        assert (one["text"], two["text"]) == ("Hello there", "OK")
        assert (one["finish"], one["response"]["modelId"]) == ("stop", "gpt-5.5")
        assert one["response"]["id"]
        assert one["response"]["headers"]["x-request-id"]
        assert one["usage"]["inputTokens"] > 0
        assert one["usage"]["outputTokens"] > 0
        assert one["usage"]["totalTokens"] == one["usage"]["inputTokens"] + one["usage"]["outputTokens"]
        if how == "stream":
            assert first["deltas"] > 1
            assert (first["kinds"][0], first["kinds"][-1]) == ("start", "finish")
        asked = backend.bodies()
        roles = [item["role"] for item in asked[1]["input"] if kinds({"input": [item]}) == ["message"]]
        assert roles[-3:] == ["user", "assistant", "user"]
        assert "be brief" in json.dumps(asked[0])

    def test_a_loop_of_tools(self, ai: Run, backend: Any, api: str, how: str) -> None:
        """Each step's history holds the thoughts of the step before; with `responses` by reference only."""
        backend.script(calling("Oslo"), calling("Rome", "Lima"), "text", "text")
        first, second = ai(api, "weather?", "and now?", how=how, tools=["get_weather"])
        steps = first["steps"]
        assert [step["finish"] for step in steps] == ["tool-calls", "tool-calls", "stop"]
        assert [[call["input"]["city"] for call in step["calls"]] for step in steps] == [["Oslo"], ["Rome", "Lima"], []]
        assert [result["output"]["city"] for result in steps[1]["results"]] == ["Rome", "Lima"]
        assert steps[2]["text"] == second["steps"][0]["text"] == "Hello there"
        asked = backend.bodies()
        wanted = ["function_call", "function_call_output", *["function_call"] * 2, *["function_call_output"] * 2]
        assert [kind for kind in kinds(asked[2]) if kind.startswith("function")] == wanted
        assert '"city":"Lima"' in asked[2]["input"][-1]["output"]
        assert [kind for kind in kinds(asked[3]) if kind.startswith("function")] == wanted
        if api == "responses":
            assert "item_reference" in kinds(steps[1]["request"])
            assert kinds(asked[1])[-3:] == ["reasoning", "function_call", "function_call_output"]
            thoughts = [item for item in asked[3]["input"] if item.get("type") == "reasoning"]
            assert len(thoughts) == 2
            assert all(item["encrypted_content"] for item in thoughts)

    def test_an_object(self, ai: Run, backend: Any, api: str, how: str) -> None:
        (turn,) = ai(api, "who?", how=how, object=True)
        person = turn["object"]
        assert isinstance(person["name"], str)
        assert isinstance(person["age"], int)
        assert isinstance(person["tags"], list)
        (asked,) = backend.bodies()
        assert {"name", "age", "tags"} <= set(json.dumps(asked).replace('"', " ").split())

    def test_an_object_by_the_older_calls(self, ai: Run, backend: Any, api: str, how: str) -> None:
        (turn,) = ai(api, "who?", how={"generate": "object", "stream": "objectStreamed"}[how])
        assert isinstance(turn["object"]["age"], int)
        assert how == "generate" or turn["partial"] > 0

    def test_pictures_and_papers(self, ai: Run, backend: Any, api: str, how: str) -> None:
        question = [
            {"type": "text", "text": "what is this?"},
            {"type": "image", "image": PICTURE, "mediaType": "image/png"},
            {"type": "file", "data": "JVBERi0=", "mediaType": "application/pdf", "filename": "a.pdf"},
        ]
        backend.script("text")
        (turn,) = ai(api, question, how=how)
        assert turn["steps"][0]["text"]
        content = backend.bodies()[0]["input"][-1]["content"]
        assert [part["type"] for part in content] == ["input_text", "input_image", "input_file"]
        assert content[1]["image_url"] == f"data:image/png;base64,{PICTURE}"
        assert content[2]["file_data"] == "data:application/pdf;base64,JVBERi0="

    def test_a_tool_that_gives_a_picture(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script(calling("Oslo", tool="look"), "text")
        (turn,) = ai(api, "look at Oslo", how=how, tools=["look"], picture=PICTURE)
        assert turn["steps"][-1]["text"] == "Hello there"
        output = backend.bodies()[-1]["input"][-1]["output"]
        if api in ("responses", "anthropic"):
            assert [part["type"] for part in output] == ["input_text", "input_image"]
        else:  # Chat Completions has no pictures there: the SDK sends JSON
            assert PICTURE in output

    def test_a_tool_that_breaks(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script(calling("Oslo", tool="fail"), "text")
        (turn,) = ai(api, "go on", how=how, tools=["fail"])
        assert turn["steps"][-1]["text"] == "Hello there"
        assert "it is broken" in backend.bodies()[-1]["input"][-1]["output"]

    def test_answers_that_were_cut(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script("max_output_tokens", "content_filter")
        first, second = ai(api, "hello", "and now?", how=how)
        assert first["steps"][0]["finish"] == "length"
        assert second["steps"][0]["finish"] == "content-filter"

    def test_a_limit(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script("usage_limit")
        error = ai(api, "hello", how=how, fails=True)
        assert (error["name"], error["statusCode"], error["isRetryable"]) == ("AI_APICallError", 429, True)
        assert "limit" in error["message"]
        assert "limit" in json.loads(error["responseBody"])["error"]["message"]

    def test_a_question_that_cannot_be(self, ai: Run, backend: Any, api: str, how: str) -> None:
        error = ai(api, "hello", how=how, model="nobody-knows-it", fails=True)
        # Over Messages it is a 400, as Claude Code wants it.
        assert (error["statusCode"], error["isRetryable"]) == (400 if api == "anthropic" else 404, False)
        assert "nobody-knows-it" in error["message"]
        assert backend.bodies() == []

    def test_overload_is_tried_again(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script(*["http_500"] * 3, "text")
        (turn,) = ai(api, "hello", how=how, retries=1)
        assert turn["steps"][0]["text"] == "Hello there"

    def test_giving_up(self, ai: Run, backend: Any, api: str, how: str) -> None:
        backend.script(("paced", {"rate": 5, "count": 500}))
        error = ai(api, "hello", how=how, patience=1000, fails=True)
        assert "abort" in error["message"].lower()
        assert backend.until(lambda: backend.questions()[-1].gone)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("scenario", ["cut", "failed_late", "error_late"])
def test_a_stream_that_breaks_is_an_error(ai: Run, backend: Any, api: str, scenario: str) -> None:
    backend.script(scenario)
    error = ai(api, "hello", how="stream", fails=True)
    assert error["message"]


THINKING = {
    "responses": {"openai": {"reasoningEffort": "high", "reasoningSummary": "auto"}},
    "chat": {"openai": {"reasoningEffort": "high"}},
    "compatible": {"rotom": {"reasoningEffort": "high"}},
    "anthropic": {"anthropic": {"thinking": {"type": "enabled", "budgetTokens": 20000}}},
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", ["generate", "stream"])
def test_thoughts(ai: Run, backend: Any, api: str, how: str) -> None:
    backend.script("reasoning", "text")
    first, _ = ai(api, "think", "go on", how=how, options=THINKING[api])
    (step,) = first["steps"]
    if api == "chat":  # Chat Completions has none, and @ai-sdk/openai looks for none
        assert step["kinds"] == ["text"]
    else:
        assert "First I read it twice." in step["reasoning"]
        assert "Then I think of something to say." in step["reasoning"]
    assert step["text"] == "I thought about it, and the answer is 42."
    assert step["usage"]["outputTokenDetails"]["reasoningTokens"] > 0
    first_asked, asked = backend.bodies()
    assert first_asked["reasoning"]["effort"] == "high"
    if api in ("responses", "anthropic"):  # the thoughts go back to the provider
        (item,) = [item for item in asked["input"] if item.get("type") == "reasoning"]
        assert item["encrypted_content"]


def test_the_environment_is_enough(ai: Run, backend: Any) -> None:
    """What the README says."""
    backend.script("text")
    (turn,) = ai("responses", "hello", base=None)
    assert turn["steps"][0]["text"] == "Hello there"


@pytest.mark.parametrize("how", ["generate", "stream"])
def test_responses_that_are_not_kept(ai: Run, backend: Any, how: str) -> None:
    backend.script(calling("Oslo"), "text")
    options = {"openai": {"store": False, "include": ["reasoning.encrypted_content"]}}
    (turn,) = ai("responses", "weather?", how=how, tools=["get_weather"], options=options)
    assert turn["steps"][-1]["text"] == "Hello there"
    asked = backend.bodies()[-1]["input"]
    assert [item.get("type", "message") for item in asked][-3:] == [
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert asked[-3]["encrypted_content"]


def test_the_id_of_an_answer_before(ai: Run, backend: Any) -> None:
    backend.script("text", "text")
    (turn,) = ai("responses", "hello")
    before = turn["steps"][0]["metadata"]["openai"]["responseId"]
    ai("responses", "go on", options={"openai": {"previousResponseId": before}})
    said = [item["content"][0]["text"] for item in backend.bodies()[-1]["input"] if item.get("role")]
    assert said == ["hello", "Hello there", "go on"]
    error = ai("responses", "go on", options={"openai": {"previousResponseId": "resp_unknown"}}, fails=True)
    assert (error["statusCode"], "resp_unknown" in error["message"]) == (400, True)


@pytest.mark.parametrize("how", ["generate", "stream"])
@pytest.mark.parametrize("api", ["responses", "anthropic"])
def test_a_search_of_the_provider(ai: Run, backend: Any, api: str, how: str) -> None:
    backend.script("web_search", "text")
    first, second = ai(api, "weather in Paris?", "thanks", how=how, tools=["web_search"])
    (step,) = first["steps"]
    assert step["finish"] == "stop"
    assert {"tool-call", "tool-result", "source", "text"} <= set(step["kinds"])
    assert step["sources"][0]["url"].startswith("https://")
    assert second["steps"][0]["text"] == "Hello there"
    assert backend.bodies()[0]["tools"][0]["type"] == "web_search"


@pytest.mark.parametrize("how", ["generate", "stream"])
def test_a_picture_by_the_tool(ai: Run, backend: Any, how: str) -> None:
    backend.script("image", "text")
    first, second = ai("responses", "draw a fox", "thanks", how=how, tools=["image_generation"])
    (result,) = first["steps"][0]["results"]
    assert base64.b64decode(result["output"]["result"]).startswith(SIGNATURE)
    assert second["steps"][0]["text"] == "Hello there"


def test_a_picture_by_the_tool_in_steps(ai: Run, backend: Any) -> None:
    backend.script("image", "image")
    (turn,) = ai("responses", "draw a fox", how="stream", tools=["image_generation_in_steps"])
    results = turn["steps"][0]["results"]
    assert len(results) == 3
    assert all(base64.b64decode(result["output"]["result"]).startswith(SIGNATURE) for result in results)
    # @ai-sdk/openai 3.0 then refers to the picture once for each step of it, which the API refuses.
    error = ai("responses", "draw a fox", "thanks", how="stream", tools=["image_generation_in_steps"], fails=True)
    assert error["message"].startswith("Duplicate item found with id ig_")


@pytest.mark.parametrize("how", ["generate", "stream"])
def test_a_free_form_tool(ai: Run, backend: Any, how: str) -> None:
    backend.script("custom_tool")
    (turn,) = ai("responses", "patch it", how=how, tools=["apply_patch"], steps=1)
    (call,) = turn["steps"][0]["calls"]
    assert call["name"] == "apply_patch"
    assert call["input"].startswith("*** Begin Patch")


def test_a_tool_that_the_provider_has_not(ai: Run, backend: Any) -> None:
    error = ai("responses", "compute", tools=["code_interpreter"], fails=True)
    assert error["statusCode"] == 400
    assert "code_interpreter" in error["message"]


@pytest.mark.parametrize(
    ("api", "receipt"),
    [
        ("responses", "max_output_tokens"),
        ("chat", "max_completion_tokens seed"),
        ("compatible", "max_tokens seed temperature top_p"),
        ("anthropic", "temperature top_p"),
    ],
)
def test_knobs_that_have_no_effect(ai: Run, backend: Any, api: str, receipt: str) -> None:
    """What of them a package sends at all is told in the receipt, in its API's own words, and none goes on."""
    knobs = {"temperature": 0.2, "topP": 0.9, "maxOutputTokens": 100, "seed": 1, "stopSequences": ["never"]}
    backend.script("text")
    (turn,) = ai(api, "hello", settings=knobs)
    assert turn["steps"][0]["text"] == "Hello there"
    (asked,) = backend.bodies()
    assert not {"temperature", "top_p", "max_output_tokens", "seed", "stop"} & set(asked)
    told = turn["steps"][0]["response"]["headers"]["x-rotom-receipt"]
    assert sorted(told.removeprefix("dropped=").split(",")) == receipt.split()


@pytest.mark.parametrize("choice", ["required", {"type": "tool", "toolName": "get_weather"}, "none"])
@pytest.mark.parametrize("api", APIS)
def test_the_choice_of_tools(ai: Run, backend: Any, api: str, choice: Any) -> None:
    (turn,) = ai(api, "weather?", tools=["get_weather"], steps=1, settings={"toolChoice": choice})
    assert bool(turn["steps"][0]["calls"]) == (choice != "none")


@pytest.mark.parametrize("api", ["responses", "compatible"])
def test_pictures(ai: Run, api: str) -> None:
    (turn,) = ai(api, "a red fox", how="image", settings={"n": 2, "size": "1536x1024"})
    assert len(turn["files"]) == 2
    for file in turn["files"]:
        assert base64.b64decode(file["base64"])[16:20] == (1536).to_bytes(4, "big")
    (turn,) = ai(api, {"text": "bluer", "images": [PICTURE]}, how="image")
    assert base64.b64decode(turn["files"][0]["base64"]).startswith(SIGNATURE)
    error = ai(api, "demo:image_blocked", how="image", fails=True)
    assert error["statusCode"] == 400


@pytest.mark.parametrize("api", ["responses", "compatible"])
def test_what_is_not_there_says_so(ai: Run, api: str) -> None:
    error = ai(api, "a text", how="embed", fails=True)
    assert (error["statusCode"], error["isRetryable"]) == (404, False)
    assert "/v1/embeddings" in error["message"]
