"""The program ``llm`` against a real server: its own models of OpenAI with another base URL, which speak the Responses API,
and models that a person wrote down, which speak either."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rotom.simulator.pictures import png

if importlib.util.find_spec("llm") is None:
    pytest.skip("llm is not installed: pip install '.[clients]'", allow_module_level=True)

pytestmark = pytest.mark.clients

MODELS = """
- model_id: chat
  model_name: gpt-5.5
  api_base: {base}/v1
  supports_tools: true
  supports_schema: true
  vision: true
- model_id: chat-whole
  model_name: gpt-5.5
  api_base: {base}/v1
  supports_tools: true
  can_stream: false
- model_id: responses
  model_name: gpt-5.5
  api_base: {base}/v1
  supports_tools: true
  supports_schema: true
  vision: true
  responses: true
"""
FUNCTION = "def get_weather(city: str) -> str:\n    return 'sunny in ' + city\n"
EACH = pytest.mark.parametrize("model", ["chat", "responses"])
Llm = Callable[..., Any]


@pytest.fixture
def command(gateway: Any, tmp_path: Path) -> Llm:
    """``llm`` with a folder of its own: what to start, and how."""
    (tmp_path / "extra-openai-models.yaml").write_text(MODELS.format(base=gateway.base))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LLM_USER_PATH": str(tmp_path),
        "OPENAI_API_KEY": "rotom",
        "OPENAI_BASE_URL": f"{gateway.base}/v1",
    }

    def make(*words: str) -> tuple[list[str], dict[str, Any]]:
        return [sys.executable, "-m", "llm", *words], {"env": environ, "cwd": tmp_path, "stdin": subprocess.DEVNULL}

    return make


@pytest.fixture
def llm(command: Llm, backend: Any) -> Llm:
    """Run it to its end."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        args, how = command(*words)
        return subprocess.run(args, **how, capture_output=True, text=True, timeout=50, check=False)

    return run


@pytest.mark.parametrize("words", ["chat", "chat-whole", "responses", "responses --no-stream", "gpt-5.5"])
def test_a_prompt(llm: Llm, backend: Any, words: str) -> None:
    said = llm("-m", *words.split(), "-s", "be brief", "Reply with the single word OK")
    assert (said.stdout.strip(), said.returncode) == ("OK", 0), said.stderr
    (asked,) = backend.bodies()
    assert asked["model"] == "gpt-5.5"
    assert "be brief" in json.dumps(asked)


@EACH
def test_words_come_as_they_are_said(command: Llm, backend: Any, model: str) -> None:
    backend.script(("paced", {"rate": 20, "count": 40}))
    args, how = command("-m", model, "count")
    with subprocess.Popen(args, **how, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        times = [time.monotonic() for line in process.stdout if line.strip()]
    assert process.returncode == 0
    assert len(times) >= 40
    assert times[-1] - times[0] > 1  # of the two seconds that the provider takes


def test_thoughts_are_shown_beside_the_answer(llm: Llm, backend: Any) -> None:
    backend.script("reasoning")
    said = llm("-m", "gpt-5.5", "-o", "reasoning_effort", "high", "think")
    assert said.stdout.strip() == "I thought about it, and the answer is 42."
    assert "First I read it twice." in said.stderr
    assert backend.bodies()[0]["reasoning"]["effort"] == "high"


@EACH
def test_a_schema(llm: Llm, model: str) -> None:
    said = llm("-m", model, "--schema", "title, size int", "make a title")
    assert isinstance(json.loads(said.stdout)["size"], int), said.stderr


@pytest.mark.parametrize("model", ["chat", "chat-whole", "responses"])
def test_a_loop_of_tools(llm: Llm, backend: Any, model: str) -> None:
    backend.script("parallel_tools", backend.calls(("get_weather", {"city": "Lima"})), "text")
    said = llm("-m", model, "--functions", FUNCTION, "weather?")
    assert (said.stdout.strip(), said.returncode) == ("Hello there", 0), said.stderr
    outputs = [item["output"] for item in backend.bodies()[-1]["input"] if item.get("type") == "function_call_output"]
    assert (len(outputs), outputs[-1]) == (3, "sunny in Lima")


@EACH
def test_pictures_and_going_on(llm: Llm, backend: Any, tmp_path: Path, model: str) -> None:
    picture = png(8, 8, "a person's own")
    (tmp_path / "a.png").write_bytes(picture)
    backend.script("reasoning", "text")
    for words in (("-a", "a.png", "what is this?"), ("-c", "and now?")):
        said = llm("-m", model, *words)
        assert said.returncode == 0, said.stderr
    asked = backend.bodies()[-1]["input"]
    pictures = [part for part in asked[0]["content"] if part["type"] == "input_image"]
    assert pictures[0]["image_url"] == f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    assert [item["role"] for item in asked if item.get("role")] == ["user", "assistant", "user"]


def test_a_search(llm: Llm, backend: Any) -> None:
    backend.script("web_search")
    said = llm("-m", "gpt-5.5", "-T", "WebSearch", "search")
    assert (bool(said.stdout.strip()), said.returncode) == (True, 0), said.stderr
    assert backend.bodies()[0]["tools"] == [{"type": "web_search"}]


def test_an_endpoint_that_was_not_written_down(llm: Llm, gateway: Any) -> None:
    endpoint = ("openai", "endpoint", f"{gateway.base}/v1", "--key", "rotom")
    models = llm(*endpoint, "--models").stdout.split()
    assert "gpt-5.5" in models
    for words in ((), ("--responses",)):
        said = llm(*endpoint, "-m", "gpt-5.5", *words, "Reply with the single word OK")
        assert said.stdout.strip() == "OK", said.stderr


@EACH
def test_a_failure_is_told(llm: Llm, backend: Any, model: str) -> None:
    backend.script("usage_limit")
    limited = llm("-m", model, "hello")
    assert limited.returncode != 0
    assert "limit" in limited.stderr


@pytest.mark.parametrize("words", ["chat", "responses --no-stream"])  # as a stream llm 0.36 looks past response.failed
def test_an_answer_that_breaks_is_no_answer(llm: Llm, backend: Any, words: str) -> None:
    backend.script(*["failed_late"] * 3)  # it tries again where it can
    failed = llm("-m", *words.split(), "hello")
    assert failed.returncode != 0
    assert failed.stderr
