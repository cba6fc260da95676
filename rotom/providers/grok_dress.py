"""The request that xAI accepts for a turn.

The body is made from an allow list: xAI's Responses API is near to OpenAI's and refuses what it does not have
(``metadata``, an effort where the model has none, a tool choice without tools). It honours what the Codex service cannot:
temperature, top_p and a limit of tokens. Sources: requests of xAI's own client 1.0.41 (captured 2026-11), xAI's published
schema, and refusals that other programs met in 2026.

There are two origins for the same login: the API, and the proxy behind xAI's own client, which wants to know who asks.
Which one is asked is not decided here (grok_origins.py).

What is not here: items (grok_items.py), tools (grok_tools.py), and what a client is told of what is left out
(grok_receipt.py).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from rotom.catalogue import EFFORTS, Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Token
from rotom.providers.grok_identity import PROXY, base_url, identity
from rotom.providers.grok_items import read_items
from rotom.providers.grok_models import upstream_id
from rotom.providers.grok_tools import choice, tools
from rotom.providers.openai_dress import INCLUDE, session_id
from rotom.sse import Json, dumps
from rotom.turn import Turn

MORE_INCLUDES = frozenset({"file_search_call.results"})

HANDED_ON = ("max_output_tokens", "max_turns", "min_p", "temperature", "top_k", "top_p")
"""Fields that go as they are; xAI has the words for values that are none."""

TAKEN = frozenset(
    {
        *HANDED_ON,
        "include",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning",
        "service_tier",
        "text",
        "tool_choice",
        "tools",
    }
)
"""The fields of a turn's body that `body_of` reads. grok_receipt.py tells of the others."""

TIERS = {"priority": "priority", "fast": "priority"}
"""Tiers that may be asked for -> what xAI calls them."""

FORMAT = ("type", "name", "schema", "strict")

_LONGEST_KEY = 64


def dress(config: Config, origin: str, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The exact request to one of the two origins."""
    session = session_id(turn)
    headers = (
        *identity(config, origin, token),
        ("x-grok-conv-id", session),
        *((("x-grok-model-override", upstream_id(model)),) if origin == PROXY else ()),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
    )
    return Outgoing("POST", base_url(config, origin) + "/responses", headers, dumps(body_of(turn, model, session)))


def body_of(turn: Turn, model: Model, session: str) -> Json:
    """The body.

    Raises:
      Problem: INVALID for what cannot be told to Grok.
    """
    asked = turn.body
    sent, _ = tools(asked, model.id)
    body: Json = {"model": upstream_id(model), "stream": True, "store": False}
    body["include"] = [INCLUDE, *(name for name in asked.get("include") or () if name in MORE_INCLUDES)]
    if isinstance(instructions := asked.get("instructions"), str) and instructions:
        body["instructions"] = instructions
    body["input"] = read_items(asked.get("input"))
    chosen = choice(asked.get("tool_choice"), sent)
    if sent:
        body["tools"] = sent
        if chosen is not None:
            body["tool_choice"] = chosen
        body["parallel_tool_calls"] = asked.get("parallel_tool_calls") is not False
    if reasoning := _reasoning(asked.get("reasoning"), model):
        body["reasoning"] = reasoning
    body["prompt_cache_key"] = _cache_key(asked.get("prompt_cache_key"), session)
    if (form := _format(asked.get("text"))) is not None:
        body["text"] = {"format": form}
    if (tier := TIERS.get(str(asked.get("service_tier")))) is not None:
        body["service_tier"] = tier
    return body | {name: asked[name] for name in HANDED_ON if asked.get(name) is not None}


def effort_of(asked: str | None, model: Model) -> str | None:
    """The effort to send: the model's nearest, rather less than more; None: send none, and get the model's own.

    A model that is not known to have any refuses a request that names one.
    """
    if asked is None:
        # A name of ours stands for an effort too.
        return model.default_effort if upstream_id(model) != model.id else None
    if asked == "none" and asked not in model.efforts:
        return None
    if asked in model.efforts:
        return asked
    known = [level for level in EFFORTS if level in model.efforts]
    if not known:
        return None
    place = EFFORTS.index(asked) if asked in EFFORTS else len(EFFORTS)
    below = [level for level in known if EFFORTS.index(level) < place and level != "none"]
    above = [level for level in known if level != "none"]
    return below[-1] if below else above[0] if above else known[0]


def _reasoning(asked: Any, model: Model) -> Json:
    asked = asked if isinstance(asked, dict) else {}
    out: Json = {}
    effort = asked.get("effort")
    if (given := effort_of(effort if isinstance(effort, str) else None, model)) is not None:
        out["effort"] = given
    if (summary := asked.get("summary") or asked.get("generate_summary")) and summary != "none":
        out["summary"] = summary
    return out


def _format(asked: Any) -> Json | None:
    form = asked.get("format") if isinstance(asked, dict) else None
    if not isinstance(form, dict) or form.get("type") == "text":
        return None
    return {name: form[name] for name in FORMAT if form.get(name) is not None}


def _cache_key(asked: object, session: str) -> str:
    if not isinstance(asked, str) or not asked:
        return session
    return asked if len(asked) <= _LONGEST_KEY else sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


def compact(config: Config, origin: str, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The request that has a conversation compacted: the API has a call for it, the proxy has none (404, reported 2026).

    Raises:
      Problem: INVALID at the proxy, and for what cannot be told to Grok.
    """
    if origin == PROXY:
        raise Problem(
            Kind.INVALID,
            "xAI compacts conversations at its API alone, and this account is asked about at the proxy (grok_origin); let "
            "the client do it, or go on with another model",
            code="compaction_not_supported",
            retry=False,
        )
    headers = (*identity(config, origin, token), ("accept", "application/json"))
    body = {"model": upstream_id(model), "input": read_items(turn.body.get("input"))}
    return Outgoing.json(f"{base_url(config, origin)}/responses/compact", body, headers)
