"""What the Codex service means when it does not answer: its refusals and the failures inside its streams, as Problems.

Facts: reactions of Codex CLI 0.169 (2026-11) and bodies that others met on the real service in 2026.

What is not here: how faults are read, and what they mean at any service (faults.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from rotom.problem import Kind, Problem
from rotom.providers import Window
from rotom.providers.faults import (
    Fault,
    Judge,
    Triage,
    context,
    duration,
    encrypted,
    length,
    local,
    overloaded,
    policy,
    quota,
    rate_limited,
    region,
    retry_after,
)
from rotom.providers.loose import number
from rotom.providers.oauth import printable


def windows(headers: Mapping[str, str]) -> tuple[Window, ...]:
    """The rate-limit windows in an answer's headers, shortest first. A window is what its length says, not its place: the
    primary one of some plans is the weekly one."""
    found = []
    for name in headers:
        if name.endswith("-used-percent") and (match := _WINDOW.fullmatch(name)):
            stem = name.removesuffix("used-percent")
            used, minutes = number(headers[name]), number(headers.get(stem + "window-minutes"))
            if used is None or not minutes:
                continue
            resets = number(headers.get(stem + "reset-at"))
            if resets is None and (after := number(headers.get(stem + "reset-after-seconds"))) is not None:
                resets = time.time() + after  # older servers
            limit = match[1]
            found.append(Window(int(minutes), used, resets, None if limit == "codex" else limit.replace("-", "_")))
    return tuple(sorted(found, key=lambda window: (window.limit is not None, window.limit or "", window.minutes)))


_WINDOW = re.compile(r"x-(.+)-(?:primary|secondary)-used-percent")


def _token_refused(fault: Fault) -> Problem:
    said = fault.words or fault.code or "no reason given"
    return Problem(
        Kind.UNAUTHENTICATED,
        f"the provider does not accept the login: {said}",
        code="token_refused",
        retry=False,
        hint="run: rotom login --provider openai",
    )


def _usage_limit(fault: Fault) -> Problem:
    now = time.time()
    full = [window for window in windows(fault.headers) if window.used_percent >= 100]
    resets = number(fault.error.get("resets_at"))
    seconds = number(fault.error.get("resets_in_seconds"))
    if seconds is None and resets is not None:
        seconds = max(0.0, resets - now)
    # When two windows are full, the one that opens last is the one that holds.
    window = max(full, key=lambda window: window.resets_at or 0.0, default=None)
    if seconds is None and window is not None and window.resets_at is not None:
        seconds = max(0.0, window.resets_at - now)
    if seconds is None:
        seconds = retry_after(fault)
    plan = fault.error.get("plan_type")
    which = f"{length(window.minutes)} " if window else ""
    named = f"{printable(plan)} " if isinstance(plan, str) else ""
    message = f"the {which}usage limit of the ChatGPT {named}plan is used up"
    if seconds is not None:
        message += f"; it resets at {local(now + seconds)} (in {duration(seconds)}, {seconds:.0f} seconds)"
    else:
        message += "; 'rotom status' shows when it resets"
    told = {"plan_type": plan if named else None, "resets_at": None}
    if seconds is not None:
        # Whole seconds: Codex CLI 0.169 reads no others, and then waits for as long as retry-after says (seen 2026-11).
        told["resets_at"] = round(resets if resets is not None else now + seconds)
    return Problem(
        Kind.RATE_LIMITED,
        message,
        code="usage_limit_reached",
        retry_after=seconds,
        retry=False,
        details={name: value for name, value in told.items() if value is not None},
    )


def _not_included(fault: Fault) -> Problem:
    message = (
        f"Codex is not part of this ChatGPT plan: {fault.words or 'usage not included'}. "
        "It needs a paid plan, or a login to another account: rotom login --provider openai"
    )
    return Problem(Kind.FORBIDDEN, message, code="usage_not_included", retry=False)


def _unsupported_model(fault: Fault) -> Problem:
    message = f"{fault.words} ('rotom models' lists what this login can use)"
    return Problem(Kind.INVALID, message, code="model_not_supported", param="model", retry=False)


def _newer_version(fault: Fault) -> Problem:
    message = (
        f"{fault.words} For rotom that is the setting openai_client_version: set it to a newer release of the Codex CLI"
    )
    return Problem(
        Kind.INVALID,
        message,
        code="client_version",
        param="model",
        retry=False,
        hint="rotom config set openai_client_version VERSION",
    )


def _no_model(fault: Fault) -> Problem:
    message = (
        f"{fault.words or 'the provider does not have this model'} ('rotom models' lists what this login can use; some "
        "models are only there for newer openai_client_version values, or for the vendor's own client)"
    )
    return Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)


_BY_CODE: dict[str, Judge] = {
    "usage_limit_reached": _usage_limit,
    "usage_limit_exceeded": _usage_limit,
    "insufficient_quota": quota,
    "usage_not_included": _not_included,
    "server_is_overloaded": overloaded,
    "overloaded_error": overloaded,
    "slow_down": overloaded,
    "rate_limit_exceeded": rate_limited,
    "context_length_exceeded": context,
    "invalid_prompt": policy,
    "cyber_policy": policy,
    "bio_policy": policy,
    "content_policy_violation": policy,
    "invalid_encrypted_content": encrypted,
    "model_not_found": _no_model,
    "unsupported_country_region_territory": region,
    "token_expired": _token_refused,
    "token_invalidated": _token_refused,
    "token_revoked": _token_refused,
}

_BY_WORDS: tuple[tuple[str, Judge], ...] = (
    ("model is not supported when using codex", _unsupported_model),
    ("requires a newer version of codex", _newer_version),
    ("model not found", _no_model),
    ("exceeds the context window", context),
    ("maximum context length", context),
    ("usage limit has been reached", _usage_limit),
)

_TRIAGE = Triage(_token_refused, _BY_CODE, _BY_WORDS, "openai_base_url")

refusal = _TRIAGE.refusal
"""What an answer other than 200 means: (status, headers, body) -> Problem."""

failure = _TRIAGE.failure
"""What an event inside a 200 means when it says that the answer failed; None for other events."""
