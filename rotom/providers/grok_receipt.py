"""What the request to xAI leaves out of a turn, or changes: the other side of grok_dress.py's allow list."""

from __future__ import annotations

from contextlib import suppress

from rotom.catalogue import Model
from rotom.problem import Problem
from rotom.providers.grok_dress import MORE_INCLUDES, TAKEN, TIERS, effort_of
from rotom.providers.grok_tools import tools
from rotom.providers.loose import object_in
from rotom.providers.openai_dress import INCLUDE
from rotom.providers.openai_receipt import NOTHING, WITHOUT_EFFECT
from rotom.receipt import Receipt, left_out, said
from rotom.turn import Turn

ALWAYS = frozenset({INCLUDE, "web_search_call.action.sources"})
"""What xAI's answers have without being asked."""

NO_EFFECT = WITHOUT_EFFECT | {"client_metadata"}

REASONING = frozenset({"effort", "summary", "generate_summary", "context"})


def receipt(turn: Turn, model: Model) -> Receipt:
    """What is left out or changed."""
    body = turn.body
    dropped = left_out(body, TAKEN | NO_EFFECT, NOTHING)
    mapped = []
    with suppress(Problem):  # the request will be refused for it, which says more
        dropped += tools(body, model.id)[1]
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default", "standard") and str(tier) not in TIERS:
        dropped.append("service_tier")
    reasoning = object_in(body.get("reasoning"))
    dropped += [f"reasoning.{name}" for name, value in reasoning.items() if name not in REASONING and value is not None]
    effort = reasoning.get("effort")
    if isinstance(effort, str) and (given := effort_of(effort, model)) != effort:
        mapped.append((f"effort:{effort}", given or "the-model's-own"))
    text = object_in(body.get("text"))
    dropped += [f"text.{name}" for name, value in text.items() if name != "format" and value not in (None, "medium")]
    include = body.get("include")
    for name in include if isinstance(include, list) else ():
        if not isinstance(name, str) or name not in ALWAYS | MORE_INCLUDES:
            dropped.append(f"include.{name}")
    return Receipt(said(dropped, turn.words), tuple(mapped))
