"""What the refusals of Sign in with ChatGPT mean, and the failures in its streams.

What is not here: how faults are read, and what they mean at any service (faults.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from rotom.problem import Kind, Problem
from rotom.providers import faults
from rotom.providers.chatgpt_login import HINT
from rotom.providers.faults import Fault, Triage


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
        hint=HINT,
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
    return Problem(Kind.FORBIDDEN, message, code=fault.code, retry=False, hint=HINT)


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

refusal = _TRIAGE.refusal
failure = _TRIAGE.failure
