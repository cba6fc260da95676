"""The request that the Codex service accepts for a turn.

The service takes a small part of the public Responses API and answers 400 to anything else, so the body is made from an
allow list; what it has no knob for (temperature, token limits) is left out, as the manual says. Sources: requests of
Codex CLI 0.169 (2026-11) and the refusals that other programs met on the real service in 2026.

What is not here: who asks and where (openai_identity.py), what its answers mean (openai_refusals.py), and what a client is
told of what is left out (openai_receipt.py).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from rotom.catalogue import EFFORTS, Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Token
from rotom.providers.openai_identity import base_url, identity
from rotom.providers.openai_models import ULTRA
from rotom.sse import Json, dumps
from rotom.turn import Turn, input_text, message

INCLUDE = "reasoning.encrypted_content"
"""Without it, reasoning could not be given back in the next turn: the service stores nothing."""

MORE_INCLUDES = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "message.output_text.logprobs",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)

TAKEN = frozenset(
    {
        "client_metadata",
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
"""The fields of a turn's body that `body_of` reads. openai_receipt.py tells of the others."""

LITE = "x-openai-internal-codex-responses-lite"
"""Says that a request of Codex CLI is in the reduced form of the newer models: its tools are an item of the input."""

LITE_METADATA = "ws_request_header_" + LITE.replace("-", "_")
"""The same in a message on a WebSocket."""

BETA_FEATURES = "x-codex-beta-features"

HINTS = (BETA_FEATURES, "x-codex-turn-state", LITE)
"""Headers of Codex CLI 0.169 that are passed on: the state comes with an answer and goes back with the next request of the
same turn (seen 2026-11)."""

WEBSOCKETS = "responses_websockets=2026-02-06"
"""The version of the protocol on a WebSocket (as in the handshakes of Codex CLI 0.169, 2026-11)."""

_STRIPPED = frozenset({"cache_control", "prompt_cache_breakpoint"})
_OUTPUT_ONLY = frozenset({"created_by", "parsed_arguments", "parsed"})
"""What libraries put into items of an answer, or get with them, and give back."""
_NAMESPACE = UUID("5f0d4b4e-6c1d-5b0f-9a3e-726f746f6d00")
_MAX_CACHE_KEY = 64
_TELLING, _TELLING_PARTS, _DEEPEST = 64 << 10, 100, 10
"""How much of a text, of a list and of what is in one another tells how a conversation begins."""


def dress(config: Config, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The exact request."""
    session = session_id(turn)
    headers = (
        *identity(config, token),
        *_session(session),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
        *((name, turn.hints[name]) for name in HINTS if name in turn.hints),
    )
    return Outgoing("POST", base_url(config, token) + "/responses", headers, dumps(body_of(turn, model, session)))


def dress_socket(config: Config, turn: Turn, model: Model, token: Token) -> tuple[Outgoing, Json]:
    """The handshake of a WebSocket for the turn's conversation, and the message that asks on it: the same body.

    What is said of one turn has no place in a handshake. The reduced form is told in the message, as Codex CLI 0.169 does
    (2026-11); the state of a turn need not be, since a connection stays with one machine.
    """
    session = session_id(turn)
    headers = [*identity(config, token), ("openai-beta", WEBSOCKETS), *_session(session)]
    if (features := turn.hints.get(BETA_FEATURES)) is not None:
        headers.append((BETA_FEATURES, features))
    message = {"type": "response.create", **body_of(turn, model, session)}
    if LITE in turn.hints:
        message["client_metadata"] = {**message.get("client_metadata", {}), LITE_METADATA: turn.hints[LITE]}
    return Outgoing.get(base_url(config, token) + "/responses", tuple(headers)), message


def _session(session: str) -> tuple[tuple[str, str], ...]:
    return ("session-id", session), ("thread-id", session), ("x-client-request-id", session)


def session_id(turn: Turn) -> str:
    """A UUID that stays the same through a conversation: from the client's own session where it names one, else from how
    the conversation begins. The service hangs its prompt cache and the choice of machine on it. The client's own words do
    not leave, they may tell of a person."""
    seed = turn.session
    if seed is None:
        body = turn.body
        items = body.get("input")
        first = items[0] if isinstance(items, list) and items else None
        known = dumps(_beginning([body.get("instructions"), first]))
    else:
        known = seed.encode("utf-8", "surrogatepass")
    return str(uuid5(_NAMESPACE, sha256(known).hexdigest()))


def _beginning(value: Any, depth: int = 0) -> Any:
    """JSON with what is long in it cut: an image of 50 MB need not be gone through once more to be told from another."""
    if isinstance(value, str):
        return value[:_TELLING]
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [_beginning(inner, depth + 1) for inner in value[:_TELLING_PARTS]]
    if isinstance(value, dict):
        return {name: _beginning(inner, depth + 1) for name, inner in value.items()}
    return value


def body_of(turn: Turn, model: Model, session: str) -> Json:
    """The body, its fields in the order of the vendor's client."""
    asked = turn.body
    instructions = asked.get("instructions")
    tools = [_tool(tool) for tool in asked.get("tools") or ()]
    body: Json = {"model": model.id, "stream": True}
    if (tier := service_tier(asked.get("service_tier"), model)) is not None:
        body["service_tier"] = tier
    # "Instructions are required" (2025): a text of any kind, or an empty one, has always been good since.
    body["instructions"] = instructions if isinstance(instructions, str) else ""
    body["input"] = _input(asked.get("input"))
    if tools:
        body["tools"] = tools
        body["tool_choice"] = _renamed(asked.get("tool_choice") or "auto")
        body["parallel_tool_calls"] = model.parallel_tools and asked.get("parallel_tool_calls") is not False
    elif turn.hints.get(LITE) == "true":
        body["parallel_tool_calls"] = False  # "requires `parallel_tool_calls` to be false" (seen by others, 2026)
    if reasoning := _reasoning(asked.get("reasoning"), model):
        body["reasoning"] = reasoning
    body["store"] = False
    body["include"] = [INCLUDE, *(name for name in asked.get("include") or () if name in MORE_INCLUDES)]
    body["prompt_cache_key"] = _cache_key(asked.get("prompt_cache_key"), session)
    if text := _text(asked.get("text"), model):
        body["text"] = text
    if metadata := _strings(asked.get("client_metadata")):
        body["client_metadata"] = metadata
    return body


def clamp(effort: str, model: Model) -> str:
    """The effort of the model that is nearest to `effort`, rather less than more. A word nobody knows stays: the service's
    own refusal lists the good ones."""
    if effort == ULTRA:
        effort = "max"
    known = [level for level in EFFORTS if level in model.efforts]
    if effort in model.efforts or effort not in EFFORTS or not known:
        return effort
    below = [level for level in known if EFFORTS.index(level) < EFFORTS.index(effort)]
    return below[-1] if below else known[0]


def service_tier(asked: object, model: Model) -> str | None:
    """``fast`` is what people call ``priority``; tiers that the model does not have are left out."""
    tier = "priority" if asked == "fast" else asked
    return tier if isinstance(tier, str) and tier in model.tiers else None


def _input(items: Any) -> list[Json]:
    if isinstance(items, str):
        return [message("user", [input_text(items)])]
    out = []
    for index, item in enumerate(items or ()):
        if not isinstance(item, dict):
            raise Problem(Kind.INVALID, f"input[{index}] is not an object", param=f"input[{index}]")
        kind = item.get("type")
        if kind == "item_reference":
            raise Problem(
                Kind.INVALID,
                f"input[{index}] refers to an item that rotom does not have (any more); send the item itself",
                code="item_not_found",
                param=f"input[{index}]",
            )
        if kind == "reasoning" and not item.get("encrypted_content"):
            continue  # it would be looked up by its id, and nothing is stored
        out.append(_item(item))
    return out


def _item(item: Json) -> Json:
    # Ids are ours or another account's: foreign ones are a 400. Keys of rotom's own stay here.
    left = _STRIPPED | _OUTPUT_ONLY | {"id"}
    out = {key: value for key, value in item.items() if key not in left and key[:6] != "rotom_"}
    if out.get("type") == "reasoning":
        out.pop("status", None)
    if out.get("role") == "system":
        out["role"] = "developer"  # 400 "System messages are not allowed"
    for key in ("content", "output"):
        parts = out.get(key)
        if isinstance(parts, list):
            out[key] = [_part(part) for part in parts]
    return out


def _part(part: Any) -> Any:
    if isinstance(part, dict) and not (_STRIPPED.isdisjoint(part) and _OUTPUT_ONLY.isdisjoint(part)):
        return {key: value for key, value in part.items() if key not in _STRIPPED and key not in _OUTPUT_ONLY}
    return part


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    return _renamed({key: value for key, value in tool.items() if key not in _STRIPPED and key[:6] != "rotom_"})


def _renamed(tool: Any) -> Any:
    # web_search_preview, web_search_preview_2025_03_11: the old names of web_search
    if isinstance(tool, dict) and str(tool.get("type")).startswith("web_search_preview"):
        return {**tool, "type": "web_search"}
    return tool


def _reasoning(asked: Any, model: Model) -> Json:
    if not isinstance(asked, dict):
        return {}
    out: Json = {}
    if isinstance(effort := asked.get("effort"), str):
        out["effort"] = clamp(effort, model)
    if (summary := asked.get("summary") or asked.get("generate_summary")) and summary != "none":
        out["summary"] = summary
    if context := asked.get("context"):
        out["context"] = context
    return out


def _text(asked: Any, model: Model) -> Json:
    if not isinstance(asked, dict):
        return {}
    names = ("verbosity", "format") if model.verbosity else ("format",)
    return {name: asked[name] for name in names if asked.get(name) is not None}


def _cache_key(asked: object, session: str) -> str:
    if not isinstance(asked, str) or not asked:
        return session
    return asked if len(asked) <= _MAX_CACHE_KEY else sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


def _strings(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}
