"""One ``rotom serve --demo`` with three logins, and the real clients: gpt and grok models at once, and a session that goes
on with another provider's."""

from __future__ import annotations

import json
import re
from typing import Any

import anthropic
import openai
import pytest

pytestmark = pytest.mark.clients

GPT, GROK = "gpt-5.5", "grok-4.6"
PROVIDERS = {GPT: "openai", GROK: "grok", "chatgpt/gpt-5.5": "chatgpt"}


def served(asked: list[dict[str, Any]]) -> set[str]:
    return {line["provider"] for line in asked}


@pytest.mark.parametrize("model", [GPT, GROK])
def test_claude_code_runs_tools_and_thinks(claude: Any, model: str) -> None:
    words = ("-p", "Run the command: echo made by a model > made.txt", "--allowedTools", "Bash")
    done = claude(*words, "--output-format", "stream-json", "--verbose", ANTHROPIC_MODEL=model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (claude.work / "made.txt").read_text() == "made by a model\n"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [block["type"] for line in lines if line["type"] == "assistant" for block in line["message"]["content"]]
    assert {"thinking", "tool_use", "text"} <= set(kinds)
    assert served(claude.asked()) == {PROVIDERS[model]}
    assert {line["status"] for line in claude.asked()} == {200}


def test_claude_code_goes_on_with_another_provider(everything: Any) -> None:
    claude = everything
    first = claude("-p", "Remember the word heliotrope. demo:reasoning", ANTHROPIC_MODEL=GPT)
    assert first.returncode == 0, first.stdout + first.stderr
    for model in (GROK, GPT):
        done = claude("-p", "--continue", "--model", model, "What was it? demo:reasoning")
        assert done.returncode == 0, done.stdout + done.stderr
        text = json.dumps(claude.backend.asked(PROVIDERS[model])[-1]["input"])
        assert "heliotrope" in text
    assert [line["provider"] for line in claude.asked()] == ["openai", "grok", "openai"]
    of_grok = [item.get("type") for item in claude.backend.asked("grok")[-1]["input"]]
    assert "reasoning" not in of_grok
    assert [item.get("type") for item in claude.backend.asked("openai")[-1]["input"]].count("reasoning") == 1


@pytest.mark.parametrize(("effort", "sent"), [("low", "low"), ("high", "high"), ("max", "xhigh")])
def test_efforts_of_claude_code(everything: Any, effort: str, sent: str) -> None:
    done = everything("-p", "Reply with the single word OK", "--effort", effort, ANTHROPIC_MODEL=GROK)
    assert done.stdout.strip() == "OK", done.stdout + done.stderr
    assert everything.backend.asked("grok")[-1]["reasoning"]["effort"] == sent


def test_claude_code_is_told_what_grok_refuses(everything: Any) -> None:
    for wish, told in (
        ("spending_limit", r"^API Error: 402 xAI does not serve this account: .*rotom config set grok_origin auto"),
        ("policy", r"^API Error: 400 .*Content violates usage guidelines"),
    ):
        count = len(everything.backend.asked("grok"))
        done = everything("-p", f"demo:{wish}", ANTHROPIC_MODEL=GROK)
        assert done.returncode == 1
        assert re.search(told, done.stdout.strip(), re.DOTALL), done.stdout + done.stderr
        assert len(everything.backend.asked("grok")) == count + 1
    assert everything.backend.renewals() == 0


@pytest.mark.parametrize("model", PROVIDERS)
def test_the_sdks(demo: Any, model: str) -> None:
    since = len(demo.log.read_text())
    with openai.OpenAI(base_url=f"{demo.base}/v1", api_key="rotom") as client:
        assert model.rpartition("/")[2] in [one.id for one in client.models.list()]
        prompt = "Reply with the single word OK"
        with client.responses.stream(model=model, input=prompt) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_response()
        assert final.output_text == "OK"
        assert "response.reasoning_summary_text.delta" in kinds or model != GROK
        more = client.responses.create(model=model, input="Say it again", previous_response_id=final.id)
        assert more.status == "completed"
        chat = client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}])
        assert chat.choices[0].message.content == "OK"
    with anthropic.Anthropic(base_url=demo.base, api_key="rotom") as other:
        said = [{"role": "user", "content": prompt}]
        message = other.messages.create(model=model, max_tokens=100, messages=said)
        assert message.content[-1].text == "OK"
    for path in ("/v1/responses", "/v1/chat/completions", "/v1/messages"):
        assert served(demo.asked(since, path)) == {PROVIDERS[model]}
