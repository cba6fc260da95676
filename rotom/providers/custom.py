"""Any other endpoint that speaks the Responses API, with an API key or without one: a vendor's public API, a gateway, a
server on this machine.

Theory of operation: what such an endpoint can is not known, so it is asked what the public API takes, no more and no less:
nothing is bent or taken for it, and what it refuses it says in its own words. What is a gateway's to decide stays: nothing
is stored there, and every answer is streamed.

Sources: the public API as in OpenAI's Python SDK 3.54 (2026-11). Servers that people run themselves (vLLM, llama.cpp,
Ollama and others) take the same and skip what they do not know.

What is not here: where the endpoints are (the settings `endpoints` and `endpoint_models`), and their keys (the vault).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Reply, Token, Usage, faults
from rotom.providers.custom_models import read_models
from rotom.providers.faults import Fault, Triage
from rotom.providers.loose import object_of
from rotom.receipt import Receipt, left_out, said
from rotom.sse import Json, dumps
from rotom.turn import Turn

TAKEN = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
"""The fields of a turn's body that go on as they are. ``stream`` and ``store`` are ours to say."""

INCLUDE = "reasoning.encrypted_content"
"""Without it, reasoning could not be given back in the next turn: nothing is stored there."""

WITHOUT_EFFECT = frozenset(
    {"stream", "store", "stream_options", "client_metadata", "background", "background_options", "previous_response_id"}
)
"""Fields that are answered by rotom itself, or ask for nothing."""

_LONGEST_ID = 64
_NO_CACHE = frozenset({"cache_control", "prompt_cache_breakpoint"})


def endpoints(config: Config) -> list[Provider]:
    """The providers that the settings name."""
    return [make(name, url, _listed(config, name)) for name, url in (entry.split("=", 1) for entry in config.endpoints)]


def make(name: str, base_url: str, models: tuple[str, ...] = ()) -> Provider:
    """The provider for an endpoint.

    Arguments:
      base_url: what stands before ``/responses`` and ``/models``.
      models: the ids of its models, where it does not list them itself; none: it is asked.
    """

    def refused(fault: Fault) -> Problem:
        said = fault.words or f"the answer was {fault.status}"
        return Problem(
            Kind.UNAUTHENTICATED,
            f"{name} does not accept the API key ({said}); put in another one: rotom login --provider {name}",
            code="key_refused",
            retry=False,
        )

    triage = Triage(refused, _BY_CODE, _BY_WORDS, f"the address of {name} (the setting endpoints)")
    builtin = tuple(Model(id=model, provider=name, title=model, priority=place) for place, model in enumerate(models))

    def listing(token: Token) -> Flow:
        if builtin:
            return list(builtin), None
        reply: Reply = yield Outgoing.get(f"{base_url}/models", (*identity(token), ("accept", "application/json")))
        if reply.status == 404:
            message = f"{name} does not list its models; name them: rotom config set endpoint_models {name}=MODEL"
            raise Problem(Kind.UPSTREAM, message, code="no_model_list", retry=False)
        if reply.status != 200:
            raise triage.refusal(reply.status, reply.headers, reply.body)
        return read_models(object_of(reply), name), reply.headers.get("etag")

    def login_key(key: str) -> Flow:
        yield from listing(Token(key))
        return Token(key)

    return Provider(
        name=name,
        title=f"{name} ({base_url})",
        login=_no_login(name),
        login_device=None,
        login_key=login_key,
        renew=_no_renewal(name),
        revoke=_nothing,
        models=listing,
        usage=_no_usage,
        builtin=builtin,
        dress=lambda turn, model, token: dress(base_url, turn, model, token),
        receipt=receipt,
        refusal=triage.refusal,
        failure=triage.failure,
        windows=lambda _headers: (),
        private=lambda kind: kind in ("keepalive", "ping"),
    )


def identity(token: Token) -> tuple[tuple[str, str], ...]:
    """The headers that say who asks; none where no key is needed."""
    return (("authorization", f"Bearer {token.access}"),) if token.access else ()


def dress(base_url: str, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The exact request."""
    headers = (*identity(token), ("content-type", "application/json"), ("accept", "text/event-stream"))
    return Outgoing("POST", f"{base_url}/responses", headers, dumps(body_of(turn, model)))


def body_of(turn: Turn, model: Model) -> Json:
    """The body: what the client asked for, of what the public API takes."""
    asked = {name: value for name, value in turn.body.items() if name in TAKEN and value not in (None, [], {})}
    include = [name for name in asked.get("include", ()) if isinstance(name, str)]
    body: Json = {**asked, "model": model.id, "stream": True, "store": False}
    body["input"] = [_item(item) for item in asked.get("input", ())]
    body["include"] = list(dict.fromkeys([INCLUDE, *include]))
    if "tools" in asked:
        body["tools"] = [_ours_out(tool) for tool in asked["tools"]]
    else:
        body.pop("tool_choice", None)  # without tools it is an error in the public API
        body.pop("parallel_tool_calls", None)
    return body


def receipt(turn: Turn, model: Model) -> Receipt:
    """What is left out: fields that are not of the public API."""
    known, body = TAKEN | WITHOUT_EFFECT, turn.body
    return Receipt(said(left_out(body, known, dict.fromkeys(body, (False,))), turn.words))


def _listed(config: Config, name: str) -> tuple[str, ...]:
    pairs = (entry.split("=", 1) for entry in config.endpoint_models)
    return tuple(model for owner, model in pairs if owner == name)


def _item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    out = _ours_out(item)
    name = out.get("id")
    if name is not None and (not isinstance(name, str) or len(name) > _LONGEST_ID):
        del out["id"]
    if out.get("type") == "reasoning":
        out.setdefault("summary", [])
        if "id" not in out:  # strict servers want one; that it is another's does not matter where nothing is stored
            out["id"] = "rs_" + sha256(str(out.get("encrypted_content")).encode()).hexdigest()[:32]
    for key in ("content", "output"):
        parts = out.get(key)
        if isinstance(parts, list):
            out[key] = [_ours_out(part) for part in parts]
    return out


def _ours_out(value: Any) -> Any:
    """Without rotom's own keys, and without marks for another vendor's cache."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key[:6] != "rotom_" and key not in _NO_CACHE}


def _no_login(name: str) -> Callable[[str], Flow]:
    def flow(redirect: str) -> Flow:
        message = f"{name} has no login in a browser; it takes an API key"
        raise Problem(Kind.INVALID, message, code="usage", hint=f"rotom login --provider {name} --api-key")
        yield  # a flow is a generator

    return flow


def _no_renewal(name: str) -> Callable[[Token, str], Flow]:
    def flow(token: Token, reason: str) -> Flow:
        message = f"the API key of {name} is not renewed; put in another one: rotom login --provider {name}"
        raise Problem(Kind.UNAUTHENTICATED, message, code="cannot_renew", retry=False)
        yield  # a flow is a generator

    return flow


def _nothing(token: Token) -> Flow:
    """A key is not ours to revoke: other programs may use it."""
    return None
    yield  # a flow is a generator


def _no_usage(token: Token) -> Flow:
    return Usage()
    yield  # a flow is a generator


def _no_model(fault: Fault) -> Problem:
    message = f"{fault.words or 'the endpoint does not have this model'} ('rotom models' lists what it has)"
    return Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)


_BY_CODE: Mapping[str, faults.Judge] = {
    "insufficient_quota": faults.quota,
    "server_is_overloaded": faults.overloaded,
    "overloaded_error": faults.overloaded,
    "slow_down": faults.overloaded,
    "rate_limit_exceeded": faults.rate_limited,
    "context_length_exceeded": faults.context,
    "exceed_context_size_error": faults.context,
    "invalid_prompt": faults.policy,
    "content_policy_violation": faults.policy,
    "invalid_encrypted_content": faults.encrypted,
    "model_not_found": _no_model,
    "unsupported_country_region_territory": faults.region,
}

_BY_WORDS: tuple[tuple[str, faults.Judge], ...] = (
    ("maximum context length", faults.context),
    ("exceeds the context window", faults.context),
    ("exceeds the available context size", faults.context),
)
