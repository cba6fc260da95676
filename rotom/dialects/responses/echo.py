"""What a Response object says of its own request: what the client asked for, not what the provider was sent.

The provider gets a request of rotom's making (``store`` is false there, fields that it does not know are missing), and its
objects tell of that one. Here they are made what the client would get from the public API: its own values, every field
that OpenAI's libraries want, and token counts that are complete.
"""

from __future__ import annotations

from typing import Any

from rotom.sse import Json
from rotom.turn import Turn

ASKED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "tool_choice": "auto",
    "tools": [],
    "truncation": "disabled",
    "user": None,
}
"""Field -> what it is where the client says nothing."""

GIVEN: Json = {"temperature": 1.0, "top_logprobs": 0, "top_p": 1.0}
"""The same for fields where the provider's word counts before that."""

ALWAYS: Json = {
    "object": "response",
    "created_at": 0,
    "status": "in_progress",
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "output": [],
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "text": {"format": {"type": "text"}},
    "usage": None,
}
"""What is said where neither says anything."""


class Echo:
    """Completes the Response objects of one answer."""

    def __init__(self, turn: Turn) -> None:
        body = turn.body
        self._set = {name: body.get(name, default) for name, default in ASKED.items()}
        self._set |= {"model": turn.asked, "previous_response_id": turn.previous}
        self._set |= {name: body[name] for name in GIVEN if name in body}
        self._parts = {name: value for name in ("reasoning", "text") if isinstance(value := body.get(name), dict)}

    def complete(self, response: Json) -> Json:
        """A Response object of the provider as the client's."""
        missing = {name: default for name, default in {**ALWAYS, **GIVEN}.items() if name not in response}
        whole = {**response, **missing, **self._set}
        for name, asked in self._parts.items():
            said = whole[name] if isinstance(whole[name], dict) else {}
            whole[name] = {**said, **{key: value for key, value in asked.items() if value is not None}}
        output, counts = whole["output"], whole["usage"]
        whole["output"] = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        whole["usage"] = usage(counts) if isinstance(counts, dict) else None
        return whole


def usage(counts: Json) -> Json:
    """Token counts with every field that OpenAI's Python library wants (3.54)."""
    given, made = _whole(counts, "input_tokens"), _whole(counts, "output_tokens")
    return {
        **counts,
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0} | _known(counts, "input_tokens_details"),
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0} | _known(counts, "output_tokens_details"),
        "total_tokens": _whole(counts, "total_tokens") or given + made,
    }


def _whole(counts: Json, name: str) -> int:
    value = counts.get(name)
    return value if isinstance(value, int) else 0


def _known(counts: Json, name: str) -> dict[str, Any]:
    value = counts.get(name)
    return {key: inner for key, inner in value.items() if inner is not None} if isinstance(value, dict) else {}
