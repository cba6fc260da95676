"""What the request to the Codex service leaves out of a turn, or changes: the other side of openai_dress.py's allow list.

Values that ask for nothing (a temperature of 1, a tier of ``auto``) are not told: the answer is the same without them.
"""

from __future__ import annotations

from typing import Any

from rotom.catalogue import Model
from rotom.providers.openai_dress import INCLUDE, MORE_INCLUDES, TAKEN, clamp, service_tier
from rotom.receipt import Receipt
from rotom.sse import Json
from rotom.turn import Turn

WITHOUT_EFFECT = frozenset(
    {
        "background",
        "background_options",
        "conversation",
        "metadata",
        "previous_response_id",
        "prompt",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)
"""Fields that change nothing of what the model says; those that ask for a memory are refused before (dialects/)."""

NOTHING: Json = {
    "temperature": (1,),
    "top_p": (1,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "truncation": ("disabled",),
}
"""Field -> values that are as good as none."""

REASONING = frozenset({"effort", "summary", "generate_summary", "context"})


def receipt(turn: Turn, model: Model) -> Receipt:
    """What is left out or changed."""
    body = turn.body
    dropped = [
        name
        for name, value in body.items()
        if name not in TAKEN | WITHOUT_EFFECT and value not in (None, [], {}, *NOTHING.get(name, ()))
    ]
    mapped = []
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default", "standard") and service_tier(tier, model) is None:
        dropped.append("service_tier")
    reasoning = _object(body.get("reasoning"))
    dropped += [f"reasoning.{name}" for name, value in reasoning.items() if name not in REASONING and value is not None]
    effort = reasoning.get("effort")
    if isinstance(effort, str) and (given := clamp(effort, model)) != effort:
        mapped.append((f"effort:{effort}", given))
    known = ("verbosity", "format") if model.verbosity else ("format",)
    text = _object(body.get("text"))
    dropped += [f"text.{name}" for name, value in text.items() if name not in known and value not in (None, "medium")]
    include = body.get("include")
    for name in include if isinstance(include, list) else ():
        if name != INCLUDE and (not isinstance(name, str) or name not in MORE_INCLUDES):
            dropped.append(f"include.{name}")
    return Receipt(tuple(word for name in dropped if (word := turn.words.get(name, name))), tuple(mapped))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
