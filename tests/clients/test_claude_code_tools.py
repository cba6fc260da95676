"""The real Claude Code and its tools: calls that the model makes are carried out, and what comes of them reaches it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.clients

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
)
LONG_SERVER = "the_weather_service_with_a_long_name"


def pdf(text: str) -> bytes:
    """A document of one page."""
    page = f"BT /F1 24 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + tail


@pytest.mark.parametrize("scenario", ["parallel_tools", "interleaved_tools", "late_arguments"])
def test_calls_are_carried_out_and_answered_in_their_order(watched: Any, scenario: str) -> None:
    done = watched("-p", f"demo:{scenario}", "--allowedTools", "Bash")
    assert done.returncode == 0, done.stdout + done.stderr
    assert watched.outputs() == ["rotom 1", "rotom 2"][: 1 if scenario == "late_arguments" else 2]
    assert len(watched.backend.questions()) == 2


def test_two_commands_in_one_answer_leave_their_traces(watched: Any) -> None:
    commands = [f"echo {word} > {word}.txt" for word in ("one", "two")]
    calls = [("Bash", {"command": command, "description": "Write a file"}) for command in commands]
    watched.backend.script(watched.backend.calls(*calls))
    done = watched("-p", "Two files, please", "--allowedTools", "Bash")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(watched.work / f"{word}.txt").read_text() for word in ("one", "two")] == ["one\n", "two\n"]


def test_a_tool_that_fails_is_told_to_the_model(watched: Any) -> None:
    watched.backend.script(watched.backend.calls(("Read", {"file_path": str(watched.work / "missing.txt")})))
    done = watched("-p", "Have a look")
    assert done.returncode == 0, done.stdout + done.stderr
    (output,) = watched.outputs()
    assert "not exist" in output


def test_an_image_and_a_document_are_read(watched: Any) -> None:
    (watched.work / "red.png").write_bytes(PNG)
    (watched.work / "hello.pdf").write_bytes(document := pdf("Hello rotom"))
    names = ("red.png", "hello.pdf")
    watched.backend.script(watched.backend.calls(*[("Read", {"file_path": str(watched.work / n)}) for n in names]))
    done = watched("-p", "What is in the two files?")
    assert done.returncode == 0, done.stdout + done.stderr
    parts = [part for output in watched.outputs() for part in output]
    (image,) = [part for part in parts if part["type"] == "input_image"]
    (file,) = [part for part in parts if part["type"] == "input_file"]
    assert base64.b64decode(image["image_url"].removeprefix("data:image/png;base64,")) == PNG
    assert base64.b64decode(file["file_data"].removeprefix("data:application/pdf;base64,")) == document
    assert file["filename"].endswith(".pdf")


def test_a_deferred_tool_is_found_loaded_and_searches_the_web(watched: Any) -> None:
    done = watched("-p", "Search the web for rotom gateways", "--allowedTools", "WebSearch")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "https://example.com/simulated-result" in done.stdout
    first, loaded, side, last = watched.backend.bodies()
    names = [[tool.get("name") for tool in body["tools"]] for body in (first, loaded, last)]
    assert "WebSearch" not in names[0]
    assert names[1] == [*names[0], "WebSearch"] == names[2]  # the list grows at its end: the provider's cache holds
    assert not any("DeferredToolPlaceholder" in some for some in names)
    assert "defer_loading" not in json.dumps(loaded)
    outputs = [item["output"] for item in last["input"] if item.get("type") == "function_call_output"]
    assert "WebSearch" in json.dumps(outputs[0])
    assert '"url":"https://example.com/simulated-result"' in outputs[1].replace('": "', '":"')
    assert [tool["type"] for tool in side["tools"]] == ["web_search"]
    assert "web_search_call.action.sources" in side["include"]
    assert {body["prompt_cache_key"] for body in (first, loaded, last)} == {first["prompt_cache_key"]}


@pytest.mark.parametrize("searching", ["false", "auto"])
def test_a_tool_of_an_mcp_server_with_a_long_name(watched: Any, searching: str) -> None:
    server = {"command": sys.executable, "args": [str(Path(__file__).with_name("mcp_server.py"))]}
    calls = watched.backend.calls
    steps = [calls(("mcp__", {"city": "Reykjavík", "more": {"a": 1}}))]
    if searching == "auto":
        steps.insert(0, calls(("ToolSearch", {"query": "weather city", "max_results": 5})))
    watched.backend.script(*steps)
    done = watched(
        *("-p", "What is the weather like?", "--allowedTools", f"mcp__{LONG_SERVER}"),
        *("--mcp-config", json.dumps({"mcpServers": {LONG_SERVER: server}})),
        **({"ENABLE_TOOL_SEARCH": "false"} if searching == "false" else {}),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (name,) = [tool["name"] for tool in watched.backend.bodies()[-1]["tools"] if tool["name"].startswith("mcp__")]
    assert len(name) <= 64
    assert len(watched.backend.questions()) == len(steps) + 1
    text = json.dumps(watched.outputs()[-1], ensure_ascii=False)
    assert "Reykjavík: sunny (asked of describe_the_weather_in_a_city_that_has_a_rather_long_name)" in text
    assert "data:image/png;base64," in text


def test_structured_output(watched: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["title", "count"],
        "additionalProperties": False,
    }
    done = watched("-p", "A title and a number", "--output-format", "json", "--json-schema", json.dumps(schema))
    result = json.loads(done.stdout)
    assert result["is_error"] is False
    assert isinstance(result["structured_output"]["title"], str)
    assert isinstance(result["structured_output"]["count"], int)


@pytest.mark.parametrize("alias", ["haiku", "opus", "sonnet", "fable"])
def test_a_subagent_asks_for_a_model_by_its_alias(watched: Any, alias: str) -> None:
    task = {
        "description": "Say a word",
        "prompt": "Reply with the single word PONG",
        "subagent_type": "general-purpose",
        "model": alias,
        "run_in_background": False,
    }
    watched.backend.script(watched.backend.calls(("Agent", task)))
    done = watched("-p", "Let somebody else do it")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PONG" in json.dumps(watched.outputs()[-1])
    main, agent, end = watched.asked()
    assert main["model"] == end["model"] == "gpt-5.5"
    assert agent["model"].startswith(f"claude-{alias}")
    assert all(asked["status"] == 200 and asked["served"] for asked in (main, agent, end))
    keys = [body["prompt_cache_key"] for body in watched.backend.bodies()]
    assert keys[0] == keys[2] != keys[1]
