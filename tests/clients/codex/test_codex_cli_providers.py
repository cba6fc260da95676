"""The real Codex CLI with Grok's models, and a session of it that goes on with another provider's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.clients

GPT, GROK = "gpt-5.5", "grok-4.6"
PROVIDERS = {GPT: "openai", GROK: "grok"}


@pytest.mark.parametrize("way", ["http", "websocket"])
def test_codex_runs_tools(codex_on: Callable[..., Any], demo: Any, way: str) -> None:
    codex = codex_on(way, demo)
    run = codex("Run the command: echo made by a model > made.txt", "-m", GROK)
    assert run.status == 0, run.errors + run.told
    assert (codex.work / "made.txt").read_text() == "made by a model\n"
    assert {line["provider"] for line in codex.asked() if "provider" in line} == {"grok"}


def test_codex_goes_on_with_another_provider(codex_on: Callable[..., Any], everything: Any) -> None:
    codex, backend = codex_on("http", everything.served), everything.backend
    assert codex("Remember the word heliotrope. demo:reasoning").status == 0
    for model in (GROK, GPT):
        run = codex("resume", "What was it? demo:reasoning", "-m", model)
        assert run.status == 0, run.errors + run.told
        assert "heliotrope" in json.dumps(backend.asked(PROVIDERS[model])[-1]["input"])
    assert "reasoning" not in [item.get("type") for item in backend.asked("grok")[-1]["input"]]
