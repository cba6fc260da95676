"""Bundles: several tool calls that a model wrapped into one call of a tool named ``parallel``.

The arguments are ``{"tool_uses": [{"recipient_name": "functions.Read", "parameters": {...}}, ...]}`` (seen by others on the
Codex backend, 2026). No client offers such a tool, so it could not run it.
"""

from __future__ import annotations

import json

from rotom.dialects.names import call_id
from rotom.problem import Kind, Problem
from rotom.sse import Json, dumps

BUNDLES = frozenset({"parallel", "multi_tool_use.parallel", "multi_tool_use_parallel"})
"""Names of the tool, where the client has none of that name."""


def unbundle(call: Json) -> list[tuple[str, str, str]]:
    """The calls in a bundle: (call id, the tool's name as the provider has it, arguments).

    Raises:
      Problem: UPSTREAM for a bundle that cannot be read: no call is ever made up.
    """
    try:
        uses = json.loads(call["arguments"])["tool_uses"]
        calls = [
            (
                call_id(f"{call['call_id']}_{number}"),
                use["recipient_name"].removeprefix("functions."),
                use.get("parameters", {}),
            )
            for number, use in enumerate(uses, 1)
        ]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        calls = []
    if not calls or not all(isinstance(arguments, dict) for _, _, arguments in calls):
        raise Problem(Kind.UPSTREAM, "the provider sent a bundle of tool calls that cannot be read")
    return [(name, tool, dumps(arguments).decode()) for name, tool, arguments in calls]
