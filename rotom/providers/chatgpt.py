"""Sign in with ChatGPT: the public Responses API on a person's own plan. Built from OpenAI's public documentation and what
independent implementations report (2026-10); never tried against the real service.

What a request may hold is what the Codex service takes (openai_dress.py), without what only that has: images, tool search
and metadata of its clients. What is different is told before anything is sent.

What is not here: the login (chatgpt_login.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Reply, Token, Usage, chatgpt_login, custom, faults, openai_receipt
from rotom.providers.faults import Fault, Triage
from rotom.providers.oauth import object_of
from rotom.providers.openai import PRIVATE
from rotom.providers.openai_dress import body_of, session_id
from rotom.providers.openai_models import BUILTIN, read_models
from rotom.receipt import Receipt
from rotom.sse import dumps
from rotom.turn import Turn

NAME = "chatgpt"

UNSUPPORTED_TOOLS = frozenset({"image_generation", "tool_search"})
"""Tools that the plan cannot be used for by this way (``subscription_sharing_unsupported_capability``)."""

COMPACTION = "compaction_trigger"
"""What the last item is when a conversation is to be compacted; there is no way to that here."""

MANAGEMENT = "context_management"
"""How the public API compacts a conversation: within an answer, once it is longer than the client says here."""

_TALKS = ("gpt-", "o1", "o3", "o4", "codex", "chatgpt-")
_OTHER = ("audio", "image", "realtime", "transcribe", "tts", "embedding", "moderation")


def make(config: Config) -> Provider:
    """The provider as configured."""
    return Provider(
        name=NAME,
        title="ChatGPT (Sign in with ChatGPT)",
        about="OpenAI's own way for local programs, on Plus and Pro, within a limit that you set there; no images",
        login=chatgpt_login.login(config),
        login_device=None,
        renew=chatgpt_login.renew(config),
        revoke=chatgpt_login.revoke(config),
        may_renew=chatgpt_login.may_renew,
        renewable_at=chatgpt_login.renewable_at,
        models=models(config),
        usage=_no_usage,
        builtin=tuple(replace(model, provider=NAME, tiers=()) for model in BUILTIN if not model.retired),
        dress=lambda turn, model, token: dress(config, turn, model, token),
        receipt=receipt,
        refusal=_TRIAGE.refusal,
        failure=_TRIAGE.failure,
        windows=lambda _headers: (),
        private=lambda kind: kind.startswith(PRIVATE),
        callback_ports=chatgpt_login.CALLBACK_PORTS,
        callback_path=chatgpt_login.CALLBACK_PATH,
    )


def dress(config: Config, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The exact request.

    Raises:
      Problem: INVALID for a tool that cannot be had this way.
    """
    for index, tool in enumerate(turn.body.get("tools") or ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind in UNSUPPORTED_TOOLS:
            raise _cannot(f"the tool {kind!r}", "leave it out", f"tools[{index}]")
    items = turn.body.get("input")
    if isinstance(items, list) and items and isinstance(items[-1], dict) and items[-1].get("type") == COMPACTION:
        raise _cannot("compacting a conversation at once", f"set {MANAGEMENT}", f"input[{len(items) - 1}]")
    body = body_of(turn, model, session_id(turn))
    body.pop("client_metadata", None)
    if MANAGEMENT in turn.body:
        body[MANAGEMENT] = turn.body[MANAGEMENT]
    headers = (
        *custom.identity(token),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
    )
    return Outgoing("POST", f"{config.chatgpt_base_url}/responses", headers, dumps(body))


def _cannot(what: str, instead: str, param: str) -> Problem:
    return Problem(
        Kind.INVALID,
        f"a login by Sign in with ChatGPT cannot be used for {what}: {instead}, or log in to the Codex service, which "
        "has it: rotom login --provider openai",
        code="unsupported_capability",
        param=param,
        retry=False,
    )


def receipt(turn: Turn, model: Model) -> Receipt:
    """What is left out or changed: the same as at the Codex service, but for what only the public API has."""
    found = openai_receipt.receipt(turn, model)
    return replace(found, dropped=tuple(name for name in found.dropped if name != MANAGEMENT))


def models(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns (models, etag). The client version decides how new the models are that are shown."""

    def flow(token: Token) -> Flow:
        url = f"{config.chatgpt_base_url}/models?client_version={config.openai_client_version}"
        reply: Reply = yield Outgoing.get(url, (*custom.identity(token), ("accept", "application/json")))
        if reply.status != 200:
            raise _TRIAGE.refusal(reply.status, reply.headers, reply.body)
        answer = object_of(reply)
        entries = answer.get("models")
        if isinstance(entries, list):  # in the form of the Codex service
            return [replace(model, provider=NAME, tiers=()) for model in read_models(entries)], reply.headers.get(
                "etag"
            )
        known = {model.id: replace(model, provider=NAME, tiers=()) for model in BUILTIN}
        found = [known.get(model.id, model) for model in custom.read_models(answer, NAME)]
        return [replace(model, hidden=model.hidden or not _talks(model.id)) for model in found], reply.headers.get(
            "etag"
        )

    return flow


def _talks(model: str) -> bool:
    """Whether a name of the public API's list is a model that answers in words."""
    return model.startswith(_TALKS) and not any(word in model for word in _OTHER)


def _no_usage(token: Token) -> Flow:
    """No endpoint tells it; the person sets and sees it at chatgpt.com/settings/usage."""
    return Usage(plan=token.plan, email=token.email, account_id=token.account_id)
    yield  # a flow is a generator


def _refused(fault: Fault) -> Problem:
    """Any 401. Some of them are about the person, and a renewal would not help."""
    if fault.code in _PERSON:
        return _not_eligible(fault)
    said = fault.words or fault.code or "no reason given"
    return Problem(
        Kind.UNAUTHENTICATED,
        f"OpenAI does not accept the login: {said}",
        code="token_refused",
        retry=False,
        hint=chatgpt_login.HINT,
    )


def _usage_limit(fault: Fault) -> Problem:
    seconds = faults.retry_after(fault)
    when = f"; it may work again in {faults.duration(seconds)}" if seconds is not None else ""
    message = (
        f"the usage limit for this program on your ChatGPT plan is reached: {fault.words or 'no words were given'}{when}. "
        "You set and see it at https://chatgpt.com/settings/usage"
    )
    return Problem(Kind.RATE_LIMITED, message, code="usage_limit_reached", retry_after=seconds, retry=False)


def _usage_unavailable(fault: Fault) -> Problem:
    message = f"OpenAI cannot tell at the moment how much of your plan is left: {fault.words or 'try again later'}"
    return Problem(Kind.UNAVAILABLE, message, code=fault.code, retry_after=faults.retry_after(fault))


def _not_eligible(fault: Fault) -> Problem:
    message = (
        f"this ChatGPT account cannot be used by other programs: {fault.words or fault.code}. It needs a Plus or Pro plan "
        "of a person; 'rotom login --provider openai' is the other way"
    )
    return Problem(Kind.FORBIDDEN, message, code=fault.code, retry=False)


def _unsupported(fault: Fault) -> Problem:
    words = fault.words or "unsupported capability"
    message = (
        f"a login by Sign in with ChatGPT cannot be used for this: {words.rstrip('.')}. The Codex service may have it: "
        "rotom login --provider openai"
    )
    return Problem(Kind.INVALID, message, code="unsupported_capability", param=fault.param, retry=False)


def _scope(fault: Fault) -> Problem:
    message = (
        f"the login lacks the permission to use your ChatGPT plan ({fault.words or fault.code}): log in again and allow "
        "it: rotom login --provider chatgpt"
    )
    return Problem(Kind.FORBIDDEN, message, code=fault.code, retry=False, hint=chatgpt_login.HINT)


def _no_model(fault: Fault) -> Problem:
    message = (
        f"{fault.words or 'there is no such model'} ('rotom models --provider chatgpt' lists what this login can use)"
    )
    return Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)


_PERSON = frozenset(
    {
        "subscription_sharing_invalid_user",
        "subscription_sharing_user_unavailable",
        "subscription_sharing_user_not_eligible",
    }
)

_BY_CODE: Mapping[str, faults.Judge] = {
    "subscription_sharing_usage_limit_exceeded": _usage_limit,
    "subscription_sharing_usage_unavailable": _usage_unavailable,
    "subscription_sharing_unsupported_capability": _unsupported,
    **dict.fromkeys(_PERSON, _not_eligible),
    "usage_not_included": _not_eligible,
    "chatpass_v2_scope_not_authorized": _scope,
    "chatpass_v2_invalid_authorization_context": _scope,
    "insufficient_quota": faults.quota,
    "server_is_overloaded": faults.overloaded,
    "slow_down": faults.overloaded,
    "rate_limit_exceeded": faults.rate_limited,
    "context_length_exceeded": faults.context,
    "invalid_prompt": faults.policy,
    "cyber_policy": faults.policy,
    "bio_policy": faults.policy,
    "content_policy_violation": faults.policy,
    "invalid_encrypted_content": faults.encrypted,
    "model_not_found": _no_model,
    "unsupported_country_region_territory": faults.region,
}

_BY_WORDS: tuple[tuple[str, faults.Judge], ...] = (
    ("exceeds the context window", faults.context),
    ("maximum context length", faults.context),
)

_TRIAGE = Triage(_refused, _BY_CODE, _BY_WORDS, "chatgpt_base_url")
