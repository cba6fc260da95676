"""Bundles: several tool calls that a model wrapped into one call of a tool named ``parallel``.

The arguments are ``{"tool_uses": [{"recipient_name": "functions.Read", "parameters": {...}}, ...]}`` (seen by others on the
Codex backend, 2026). No client offers such a tool, so it could not run it.
"""

from __future__ import annotations

import json

from rotom.dialects.messages.tools import call_id
from rotom.problem import Kind, Problem
from rotom.sse import Json

BUNDLES = frozenset({"parallel", "multi_tool_use.parallel", "multi_tool_use_parallel"})
"""Names of the tool, where the client has none of that name."""


def unbundle(call: Json) -> list[Json]:
    """The ``tool_use`` blocks of the calls in a bundle, their tools named as the provider names them.

    Raises:
      Problem: UPSTREAM for a bundle that cannot be read: no call is ever made up.
    """
    try:
        uses = json.loads(call["arguments"])["tool_uses"]
        blocks = [
            {
                "type": "tool_use",
                "id": call_id(f"{call['call_id']}_{number}"),
                "name": use["recipient_name"].removeprefix("functions."),
                "input": use.get("parameters", {}),
            }
            for number, use in enumerate(uses, 1)
        ]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        blocks = []
    if not blocks or not all(isinstance(block["input"], dict) for block in blocks):
        raise Problem(Kind.UPSTREAM, "the provider sent a bundle of tool calls that cannot be read")
    return blocks
