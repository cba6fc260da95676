"""What xAI means when it does not answer: its refusals and the failures inside its streams, as Problems.

An error's *slug* is the marker ``[WKE=...]`` in its words, else its code, else its type. It decides before the status:
xAI sends the same slug with different statuses, by host and month (reported, 2026). So a 403 may be a token that has
ended, a plan that does not cover this, a program that is not let in, or a policy; only the first of them is worth a
renewal, and none a new login.

Facts: bodies that others met on the real service in 2026, and reactions of the official client 1.0.41.

What is not here: the forms that errors come in (faults.py), and whether anything is tried again (upstream/retry.py) or
elsewhere (grok_origins.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from rotom.problem import Kind, Problem
from rotom.providers import Window
from rotom.providers.faults import (
    Fault,
    Triage,
    encrypted,
    overloaded,
    policy,
    rate_limited,
    said,
)
from rotom.providers.faults import context as longer
from rotom.providers.loose import number

USAGE_PAGE = "https://grok.com/?_s=usage"

_PAIR = re.compile(r"\(actual/limit\):\s*([\d,]+)\s*/\s*([\d,]+)")
_LENGTHS = re.compile(r"maximum prompt length is\s*([\d,]+)\D+?([\d,]+) tokens", re.IGNORECASE)

_NO_MODEL = re.compile(r"\bmodel\b.*\b(does not exist|not found)", re.IGNORECASE)


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """What an answer other than 200 means."""
    problem = TRIAGE.refusal(status, headers, body)
    if headers.get("x-should-retry", "").lower() == "false" or status in (525, 526):
        problem.retry = False  # the latter: a certificate at xAI is broken, which does not pass within seconds
    return problem


def windows(headers: Mapping[str, str]) -> tuple[Window, ...]:
    """The limits of pace in an answer's headers, as far as they say when they end: how long they are they do not say, so
    the shortest usual length that fits is taken."""
    found = []
    for name in ("requests", "tokens"):
        limit, left = (number(headers.get(f"x-ratelimit-{kind}-{name}")) for kind in ("limit", "remaining"))
        resets = _seconds(headers.get(f"x-ratelimit-reset-{name}"))
        minutes = next((length for length in (1, 60, 1440) if resets is not None and resets <= length * 60), None)
        if limit and left is not None and resets is not None and minutes is not None:
            used = min(max(100 * (1 - left / limit), 0.0), 100.0)
            found.append(Window(minutes, used, time.time() + resets, name))
    return tuple(found)


def _token_refused(fault: Fault) -> Problem:
    return Problem(
        Kind.UNAUTHENTICATED,
        f"xAI does not accept the login: {fault.words or 'no reason given'}",
        code="token_refused",
        retry=False,
        hint="run: rotom login --provider grok",
    )


def _entitlement(fault: Fault) -> Problem:
    words = fault.words or "the account has neither credits nor a subscription that covers this"
    message = (
        f"xAI does not serve this account: {words.rstrip('.')}. Your credits and your plan: {USAGE_PAGE}. The login itself "
        "is good"
    )
    return Problem(Kind.FORBIDDEN, message, code="entitlement", retry=False)


def _blocked(fault: Fault) -> Problem:
    words = fault.words or "no reason given"
    message = f"xAI has blocked this account: {words.rstrip('.')}. Only xAI can change that: {USAGE_PAGE}"
    return Problem(Kind.FORBIDDEN, message, code="blocked_user", retry=False)


def _free_usage(fault: Fault) -> Problem:
    words = fault.words or "the free usage of this model is used up"
    pair = _numbers(_PAIR, fault.words)
    told = f" ({pair[0]:,} of {pair[1]:,} tokens)" if pair else ""
    message = f"xAI's free usage is used up{told}: {words.rstrip('.')}. See {USAGE_PAGE}"
    return Problem(Kind.RATE_LIMITED, message, code="usage_limit_reached", retry=False)


def _policy(fault: Fault) -> Problem:
    # Its code is the same as that of other 403s. xAI charges for what its check stops, so it must not be sent again.
    problem = policy(fault)
    problem.code = "content_policy_violation"
    return problem


def _slowed(fault: Fault) -> Problem:
    problem = rate_limited(fault)
    problem.code = "rate_limit_exceeded"  # as all know it; xAI has several words
    return problem


def _access_denied(fault: Fault) -> Problem:
    message = (
        f"xAI does not let this program in: {fault.words or 'access denied'} (its proxy looks at rotom's settings "
        "grok_token_auth and grok_client_version, and wants of some accounts what only a login made with grok_origin auto "
        "or proxy has: log in again after setting that; or ask the API: rotom config set grok_origin api)"
    )
    return Problem(Kind.FORBIDDEN, message, code="access_denied", retry=False)


def _client_version(fault: Fault) -> Problem:
    message = (
        f"{fault.words or 'xAI wants a newer client.'} For rotom that is the setting grok_client_version: set it to a "
        "newer release of xAI's command line client"
    )
    hint = "rotom config set grok_client_version VERSION"
    return Problem(Kind.INVALID, message, code="client_version", retry=False, hint=hint)


def _context(fault: Fault) -> Problem:
    problem = longer(fault)
    if (lengths := _numbers(_LENGTHS, fault.words)) is not None:
        problem.limit = lengths[1], lengths[0]
    return problem


def _no_effort(fault: Fault) -> Problem:
    return Problem(Kind.INVALID, said(fault), code="unsupported_effort", param="reasoning.effort", retry=False)


def _no_model(fault: Fault) -> Problem:
    message = f"{fault.words or 'xAI does not have this model'} ('rotom models' lists what this login can use)"
    return Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)


def _not_found(fault: Fault) -> Problem:
    if _NO_MODEL.search(fault.words):
        return _no_model(fault)
    message = f"{said(fault)}; if grok_base_url or grok_proxy_url was changed, check it"
    return Problem(Kind.NOT_FOUND, message, code="not_found", retry=False)


TRIAGE = Triage(
    token_refused=_token_refused,
    by_code={
        "unauthenticated:": _token_refused,
        "personal-team-blocked:": _entitlement,
        "subscription:free-usage-exhausted": _free_usage,
        "unauthorized:blocked-user": _blocked,
        "overloaded_error": overloaded,
    },
    by_words=(
        ("access token could not be validated", _token_refused),
        ("active grok subscription", _entitlement),
        ("run out of available resources", _entitlement),
        ("requires a grok subscription", _entitlement),
        ("need a grok subscription", _entitlement),
        ("run out of credits", _entitlement),
        ("ran out of credits", _entitlement),
        ("violates usage guidelines", _policy),
        ("access to the chat endpoint is denied", _access_denied),
        ("access denied", _access_denied),
        ("grok cli version", _client_version),
        ("does not support parameter reasoningeffort", _no_effort),
        ("reasoning_effort", _no_effort),
        ("encrypted_content", encrypted),
        ("encrypted content", encrypted),
        ("maximum prompt length", _context),
        ("too long for this model", _context),
    ),
    by_status={402: _entitlement, 404: _not_found, 426: _client_version, 429: _slowed, 529: overloaded},
    mark=re.compile(r"\s*\[WKE=([\w:.-]+)\]"),
)
failure = TRIAGE.failure


def _numbers(pattern: re.Pattern[str], words: str) -> tuple[int, int] | None:
    match = pattern.search(words)
    return None if match is None else (int(match[1].replace(",", "")), int(match[2].replace(",", "")))


def _seconds(value: str | None) -> float | None:
    """A moment or a length of time, in the forms that such headers have: 12, 12.5s, 1m30s, 1790000000."""
    if value is None:
        return None
    if (found := number(value)) is not None:
        return found if found < 1e9 else max(0.0, found - time.time())
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", value.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
