"""What the request to the Codex service leaves out of a turn, or changes: the other side of openai_dress.py's allow list.

Values that ask for nothing (a temperature of 1, a tier of ``auto``) are not told: the answer is the same without them.
"""

from __future__ import annotations

from rotom.catalogue import Model
from rotom.providers.loose import object_in
from rotom.providers.openai_dress import INCLUDE, MORE_INCLUDES, TAKEN, clamp, service_tier
from rotom.receipt import Receipt, left_out, said
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
    dropped = left_out(body, TAKEN | WITHOUT_EFFECT, NOTHING)
    mapped = []
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default", "standard") and service_tier(tier, model) is None:
        dropped.append("service_tier")
    reasoning = object_in(body.get("reasoning"))
    dropped += [f"reasoning.{name}" for name, value in reasoning.items() if name not in REASONING and value is not None]
    effort = reasoning.get("effort")
    if isinstance(effort, str) and (given := clamp(effort, model)) != effort:
        mapped.append((f"effort:{effort}", given))
    known = ("verbosity", "format") if model.verbosity else ("format",)
    text = object_in(body.get("text"))
    dropped += [f"text.{name}" for name, value in text.items() if name not in known and value not in (None, "medium")]
    include = body.get("include")
    for name in include if isinstance(include, list) else ():
        if name != INCLUDE and (not isinstance(name, str) or name not in MORE_INCLUDES):
            dropped.append(f"include.{name}")
    return Receipt(said(dropped, turn.words), tuple(mapped))
