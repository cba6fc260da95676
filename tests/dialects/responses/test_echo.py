"""What a Response object says of its own request."""

from __future__ import annotations

from typing import Any

from openai.types.responses import Response

from rotom.dialects.responses.echo import Echo, usage
from rotom.turn import Turn

THEIRS = {
    "id": "resp_1",
    "model": "gpt-5.5-2026-04-23",
    "store": False,
    "instructions": "filler",
    "metadata": {"theirs": 1},
    "safety_identifier": "user-secret",
    "prompt_cache_key": "session",
    "reasoning": {"effort": "high", "summary": None, "context": "auto"},
    "temperature": 0.3,
    "new_field": {"stays": True},
    "tools": [{"type": "custom"}],
}


def complete(response: dict[str, Any] = THEIRS, previous: str | None = None, **body: Any) -> dict[str, Any]:
    return Echo(Turn(body=body, asked="my-model", previous=previous)).complete(response)


def test_without_a_word_of_the_client() -> None:
    whole = complete()
    assert whole["model"] == "my-model"
    assert whole["store"] is True
    assert whole["instructions"] is whole["safety_identifier"] is whole["prompt_cache_key"] is None
    assert whole["metadata"] == {}
    assert whole["tools"] == []
    assert whole["temperature"] == 0.3
    assert whole["reasoning"]["effort"] == "high"
    assert whole["new_field"] == {"stays": True}


def test_the_clients_own_words() -> None:
    said: dict[str, Any] = {
        "store": False,
        "metadata": {"a": "b"},
        "instructions": "be brief",
        "temperature": 0.7,
        "top_p": 0.5,
        "max_output_tokens": 5,
        "truncation": "auto",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "tools": [{"type": "function", "name": "f"}],
        "tool_choice": "none",
        "parallel_tool_calls": False,
        "max_tool_calls": 3,
        "top_logprobs": 2,
    }
    whole = complete(
        previous="resp_0", **said, reasoning={"effort": "low", "summary": None}, text={"verbosity": "high"}
    )
    assert said.items() <= whole.items()
    assert whole["previous_response_id"] == "resp_0"
    assert whole["reasoning"] == {"effort": "low", "summary": None, "context": "auto"}
    assert whole["text"]["verbosity"] == "high"


def test_what_the_library_needs_is_always_there() -> None:
    whole = complete({"id": "resp_1", "usage": {"input_tokens": 3, "output_tokens": 2}, "output": None})
    Response.model_validate(whole)
    assert whole["usage"]["total_tokens"] == 5
    assert whole["output"] == []


def test_counts() -> None:
    given = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "new": 1}, "output_tokens": 1, "extra": 2}
    assert usage(given) == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0, "new": 1},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 10,
        "extra": 2,
    }
    assert usage({"input_tokens": None, "output_tokens_details": {"reasoning_tokens": None}})["total_tokens"] == 0
