"""What the Codex service's dresser leaves out, and that it says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.config import Config
from rotom.providers import Token
from rotom.providers.openai import make
from rotom.providers.openai_models import BUILTIN
from rotom.providers.openai_receipt import receipt
from rotom.receipt import Receipt
from rotom.turn import Turn

MODEL = next(model for model in BUILTIN if model.id == "gpt-5.5")
MINI = next(model for model in BUILTIN if model.id == "gpt-5.4-mini")


def of(model: Any = MODEL, words: Any = (), **body: Any) -> Receipt:
    return receipt(Turn({"model": model.id, "input": [], **body}, model.id, words=dict(words)), model)


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 5}, ("temperature", "top_p", "max_output_tokens")),
        ({"temperature": 1, "top_p": 1.0, "truncation": "disabled", "top_logprobs": 0}, ()),
        ({"truncation": "auto", "max_tool_calls": 3}, ("truncation", "max_tool_calls")),
        ({"store": True, "user": "u", "metadata": {"a": "b"}, "stream_options": {"x": 1}, "background": False}, ()),
        ({"something_new": 1, "something_else": None}, ("something_new",)),
        ({"service_tier": "flex"}, ("service_tier",)),
        ({"service_tier": "auto"}, ()),
        ({"service_tier": "fast"}, ()),
        ({"reasoning": {"effort": "low", "summary": "auto", "budget": 5}}, ("reasoning.budget",)),
        ({"text": {"verbosity": "low", "format": {"type": "text"}, "tone": "x"}}, ("text.tone",)),
        ({"include": ["reasoning.encrypted_content", "web_search_call.results", "x", 5]}, ("include.x", "include.5")),
        ({"reasoning": "x", "text": 5, "include": "y", "service_tier": 7}, ("service_tier",)),
    ],
)
def test_dropped(body: Any, dropped: tuple[str, ...]) -> None:
    assert of(**body) == Receipt(dropped)


def test_what_a_model_does_not_have() -> None:
    assert of(MINI, service_tier="priority").dropped == ("service_tier",)
    assert of(reasoning={"effort": "max"}).mapped == (("effort:max", "xhigh"),)
    assert of(reasoning={"effort": "none"}).mapped == (("effort:none", "low"),)
    assert of(reasoning={"effort": "high"}).mapped == ()


def test_the_clients_own_words() -> None:
    words = {"service_tier": "speed", "max_output_tokens": ""}
    assert of(MINI, words, service_tier="priority", max_output_tokens=9, top_p=0.5).dropped == ("top_p", "speed")


def test_what_is_not_told_goes_out_and_what_is_told_does_not() -> None:
    body: Any = {
        "instructions": "i",
        "tools": [{"type": "web_search"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "include": [],
        "client_metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "service_tier": "priority",
        "temperature": 0.5,
        "unheard_of": 1,
    }
    provider = make(Config())
    turn = Turn({"model": "gpt-5.5", "input": [], **body}, "gpt-5.5")
    sent = json.loads(provider.dress(turn, MODEL, Token("t")).body)
    dropped = provider.receipt(turn, MODEL).dropped
    assert dropped == ("temperature", "unheard_of")
    assert body.keys() - sent.keys() == set(dropped)
