"""What the Codex service means when it does not answer: its refusals and the failures inside its streams, as Problems.

Theory of operation: refusals come as ``{"detail": ...}`` or as ``{"error": {...}}``, failures as an event with an error in
it; all of them become one `Fault`, and one table by code decides. A code means the same in each of these places. What has
no code is told by its words or its status. The words of the service are kept: they are addressed to the same person.

Facts: reactions of Codex CLI 0.169 (2026-11) and bodies that others met on the real service in 2026.

What is not here: whether anything is tried again (upstream/retry.py reads kind, retry and retry_after).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rotom.problem import Kind, Problem
from rotom.providers import Window
from rotom.providers.oauth import printable
from rotom.sse import Event, Json


@dataclass(frozen=True, slots=True)
class Fault:
    """What the service said, whatever the form.

    Fields:
      status: of the answer, or the one that an event names; None inside a stream otherwise.
      code: lower case. words: one line for a person, may be empty. param: the field at fault.
      error: the whole error object. headers: lower case.
    """

    status: int | None
    code: str | None = None
    words: str = ""
    param: str | None = None
    error: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """What an answer other than 200 means."""
    page = body.lstrip()[:1] == b"<" or headers.get("content-type", "").startswith("text/html")
    if "cf-mitigated" in headers or (page and status in (403, 429)):
        return _cloudflare(status, headers)
    if page:
        return Problem(
            Kind.UPSTREAM,
            f"the provider answered {status} with a web page: it is down for the moment",
            code="bad_gateway",
        )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    return _judge(_fault(status, value if isinstance(value, dict) else {}, headers))


def failure(event: Event) -> Problem | None:
    """What an event inside a 200 means when it says that the answer failed; None for other events."""
    if event.type == "response.failed":
        response = event.data.get("response")
        return _judge(_fault(None, response if isinstance(response, dict) else {}, {}))
    if event.type == "error":
        # {"type":"error","code","message","param"}, or {"type":"error","error":{...},"status":429,"headers":{...}}
        data = event.data
        status = data.get("status") or data.get("status_code")
        headers = data.get("headers")
        known = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
        value = data if isinstance(data.get("error"), dict) else {"error": data}
        return _judge(_fault(status if isinstance(status, int) else None, value, known))
    return None


def windows(headers: Mapping[str, str]) -> tuple[Window, ...]:
    """The rate-limit windows in an answer's headers, shortest first. A window is what its length says, not its place: the
    primary one of some plans is the weekly one."""
    found = []
    for name in headers:
        if name.endswith("-used-percent") and (match := _WINDOW.fullmatch(name)):
            stem = name.removesuffix("used-percent")
            used, minutes = _number(headers[name]), _number(headers.get(stem + "window-minutes"))
            if used is None or not minutes:
                continue
            resets = _number(headers.get(stem + "reset-at"))
            if resets is None and (after := _number(headers.get(stem + "reset-after-seconds"))) is not None:
                resets = time.time() + after  # older servers
            limit = match[1]
            found.append(Window(int(minutes), used, resets, None if limit == "codex" else limit.replace("-", "_")))
    return tuple(sorted(found, key=lambda window: (window.limit is not None, window.limit or "", window.minutes)))


_WINDOW = re.compile(r"x-(.+)-(?:primary|secondary)-used-percent")
_TRY_AGAIN = re.compile(r"try again in\s*(\d+(?:\.\d+)?)\s*(ms|s|m)?", re.IGNORECASE)
_TOKENS = re.compile(r"(?:maximum context length is|limit of)\s*([\d,]+)\D+?([\d,]+) tokens", re.IGNORECASE)


def _fault(status: int | None, value: Json, headers: Mapping[str, str]) -> Fault:
    error, detail = value.get("error"), value.get("detail")
    if isinstance(error, str):
        error = {"message": value.get("message") or error, "code": error}
    if not isinstance(error, dict):
        error = {}
    if isinstance(detail, dict):  # {"detail":{"error_code":...}}, {"detail":{"message":..., "code":...}}
        error = {"code": detail.get("error_code"), **detail, **error}
    words, param = error.get("message"), error.get("param")
    if not words and isinstance(detail, str):
        words = detail
    elif not words and isinstance(detail, list):  # FastAPI's validation: one entry a field
        entries = [entry for entry in detail if isinstance(entry, dict)]
        words = "; ".join(f"{_place(entry)}: {entry.get('msg')}" for entry in entries)
        param = param or (_place(entries[0]) if entries else None)
    code = _word(error.get("code"))
    if code not in _BY_CODE and (kind := _word(error.get("type"))) in _BY_CODE:
        code = kind  # usage limits come with a type only
    return Fault(
        status,
        code,
        printable(words) if isinstance(words, str) else "",
        param if isinstance(param, str) else None,
        error,
        headers,
    )


def _word(value: object) -> str | None:
    return printable(value).lower() or None if isinstance(value, str) else None


def _place(entry: Json) -> str:
    where = entry.get("loc")
    parts = [str(part) for part in where if part != "body"] if isinstance(where, list) else []
    return ".".join(parts) or "request"


def _judge(fault: Fault) -> Problem:
    words = fault.words.lower()
    if fault.status == 401:
        return _token_refused(fault)
    if fault.code in _BY_CODE:
        return _BY_CODE[fault.code](fault)
    for part, judge in _BY_WORDS:
        if part in words:
            return judge(fault)
    match fault.status:
        case None:
            said = fault.words or "it gave no reason"
            return Problem(Kind.UPSTREAM, f"the provider failed: {said}", code=fault.code or "server_error")
        case 402:
            return Problem(Kind.BILLING, _said(fault), code=fault.code, retry=False)
        case 403:
            return Problem(Kind.FORBIDDEN, _said(fault), code=fault.code or "forbidden", retry=False)
        case 404:
            message = f"{_said(fault)}; if openai_base_url was changed, check it"
            return Problem(Kind.UPSTREAM, message, code=fault.code or "not_found", retry=False)
        case 413:
            return Problem(Kind.TOO_LARGE, _said(fault), code=fault.code or "request_too_large", retry=False)
        case 429:
            return _rate_limited(fault)
        case 503:
            return Problem(
                Kind.UNAVAILABLE, _said(fault), code=fault.code or "unavailable", retry_after=_retry_after(fault)
            )
        case status if status >= 500:
            return Problem(
                Kind.UPSTREAM, _said(fault), code=fault.code or "server_error", retry_after=_retry_after(fault)
            )
        case status if status >= 400:
            return Problem(
                Kind.INVALID, _said(fault), code=fault.code or "invalid_request", param=fault.param, retry=False
            )
        case status:
            return Problem(
                Kind.UPSTREAM, f"the provider answered {status}, which is no answer to a question", retry=False
            )


def _said(fault: Fault) -> str:
    return (
        f"the provider refused ({fault.status}): {fault.words}"
        if fault.words
        else f"the provider answered {fault.status}"
    )


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
    resets = _number(fault.error.get("resets_at"))
    seconds = _number(fault.error.get("resets_in_seconds"))
    if seconds is None and resets is not None:
        seconds = max(0.0, resets - now)
    # When two windows are full, the one that opens last is the one that holds.
    window = max(full, key=lambda window: window.resets_at or 0.0, default=None)
    if seconds is None and window is not None and window.resets_at is not None:
        seconds = max(0.0, window.resets_at - now)
    if seconds is None:
        seconds = _retry_after(fault)
    plan = fault.error.get("plan_type")
    which = f"{_length(window.minutes)} " if window else ""
    named = f"{printable(plan)} " if isinstance(plan, str) else ""
    message = f"the {which}usage limit of the ChatGPT {named}plan is used up"
    if seconds is not None:
        message += f"; it resets at {_local(now + seconds)} (in {_duration(seconds)}, {seconds:.0f} seconds)"
    else:
        message += "; 'rotom status' shows when it resets"
    return Problem(Kind.RATE_LIMITED, message, code="usage_limit_reached", retry_after=seconds, retry=False)


def _quota(fault: Fault) -> Problem:
    message = f"the account has no credit left: {fault.words or 'quota exceeded'}"
    return Problem(Kind.RATE_LIMITED, message, code="insufficient_quota", retry=False)


def _not_included(fault: Fault) -> Problem:
    message = (
        f"Codex is not part of this ChatGPT plan: {fault.words or 'usage not included'}. "
        "It needs a paid plan, or a login to another account: rotom login --provider openai"
    )
    return Problem(Kind.FORBIDDEN, message, code="usage_not_included", retry=False)


def _overloaded(fault: Fault) -> Problem:
    said = fault.words or "the model is at capacity"
    return Problem(
        Kind.OVERLOADED,
        f"the provider is overloaded: {said}",
        code="server_is_overloaded",
        retry_after=_retry_after(fault),
    )


def _rate_limited(fault: Fault) -> Problem:
    said = fault.words or "too many requests at once"
    return Problem(
        Kind.RATE_LIMITED,
        f"the provider slows us down: {said}",
        code=fault.code or "rate_limit_exceeded",
        retry_after=_retry_after(fault),
    )


def _context(fault: Fault) -> Problem:
    limit = None
    if match := _TOKENS.search(fault.words):
        allowed, actual = (int(number.replace(",", "")) for number in match.groups())
        limit = actual, allowed
    said = fault.words or "your input exceeds the context window of this model"
    return Problem(
        Kind.INVALID, said, code="context_length_exceeded", param=fault.param or "input", retry=False, limit=limit
    )


def _policy(fault: Fault) -> Problem:
    said = fault.words or "the request was flagged"
    return Problem(Kind.INVALID, f"the provider declined the request: {said}", code=fault.code, retry=False)


def _encrypted(fault: Fault) -> Problem:
    said = fault.words or "encrypted reasoning of an earlier turn could not be read"
    return Problem(Kind.INVALID, said, code="invalid_encrypted_content", param=fault.param, retry=False)


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


def _region(fault: Fault) -> Problem:
    message = f"{fault.words or 'the provider does not serve this country'} (it judges by the address you connect from)"
    return Problem(Kind.FORBIDDEN, message, code="unsupported_country_region_territory", retry=False)


def _cloudflare(status: int, headers: Mapping[str, str]) -> Problem:
    ray = headers.get("cf-ray")
    message = (
        f"the provider's gatekeeper (Cloudflare) turned this network away ({status}). It says nothing about your account "
        "or your request: wait some minutes, and leave VPN and data centre addresses"
        + (f" [cf-ray {printable(ray)}]" if ray else "")
    )
    return Problem(Kind.UPSTREAM, message, code="cloudflare", retry=False)


_BY_CODE: dict[str, Callable[[Fault], Problem]] = {
    "usage_limit_reached": _usage_limit,
    "usage_limit_exceeded": _usage_limit,
    "insufficient_quota": _quota,
    "usage_not_included": _not_included,
    "server_is_overloaded": _overloaded,
    "overloaded_error": _overloaded,
    "slow_down": _overloaded,
    "rate_limit_exceeded": _rate_limited,
    "context_length_exceeded": _context,
    "invalid_prompt": _policy,
    "cyber_policy": _policy,
    "bio_policy": _policy,
    "content_policy_violation": _policy,
    "invalid_encrypted_content": _encrypted,
    "model_not_found": _no_model,
    "unsupported_country_region_territory": _region,
    "token_expired": _token_refused,
    "token_invalidated": _token_refused,
    "token_revoked": _token_refused,
}

_BY_WORDS: tuple[tuple[str, Callable[[Fault], Problem]], ...] = (
    ("model is not supported when using codex", _unsupported_model),
    ("requires a newer version of codex", _newer_version),
    ("model not found", _no_model),
    ("exceeds the context window", _context),
    ("maximum context length", _context),
    ("usage limit has been reached", _usage_limit),
)


def _retry_after(fault: Fault) -> float | None:
    """From the header, else from the words ("Please try again in 1.898s")."""
    seconds = _number(fault.headers.get("retry-after"))
    if seconds is None and (milliseconds := _number(fault.headers.get("retry-after-ms"))) is not None:
        seconds = milliseconds / 1000
    if seconds is None and (match := _TRY_AGAIN.search(fault.words)):
        unit = (match[2] or "s").lower()
        seconds = _number(float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[unit])
    return seconds


def _length(minutes: int) -> str:
    if minutes == 10080:
        return "weekly"
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes}-minute"
    return f"{hours // 24}-day" if hours >= 48 and not hours % 24 else f"{hours}-hour"


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (0 if days else minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "1 min"


def _local(moment: float) -> str:
    then, now = time.localtime(moment), time.localtime()
    same_day = then[:3] == now[:3]
    return time.strftime("%H:%M" if same_day else "%a %d %b %H:%M", then)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e12 else None
