"""What a Responses service says when it does not answer: faults, read from any of their forms, and what they mean.

Theory of operation: refusals come as ``{"error": {...}}``, as ``{"detail": ...}`` or as a page of somebody in between;
failures as an event with an error in it. All of them become one `Fault`, and a `Triage` makes a `Problem` of it: by its
code, else by words that occur in it, else by its status. A code means the same in each of these places. The words of the
service are kept: they are addressed to the same person.

What is not here: what is one provider's own (openai_refusals.py and its neighbours), and whether anything is tried again
(upstream/retry.py reads kind, retry and retry_after).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rotom.problem import Kind, Problem
from rotom.providers.loose import number
from rotom.providers.oauth import printable
from rotom.sse import Event, Json

_TRY_AGAIN = re.compile(r"try again in\s*(\d+(?:\.\d+)?)\s*(ms|s|m)?", re.IGNORECASE)
_TOKENS = re.compile(r"(?:maximum context length is|limit of)\s*([\d,]+)\D+?([\d,]+) tokens", re.IGNORECASE)


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


Judge = Callable[[Fault], Problem]


@dataclass(frozen=True, slots=True)
class Triage:
    """What the faults of one service mean.

    Fields:
      token_refused: for any 401.
      by_code: code, lower case -> judge; one that ends in a colon stands for all that begin so. by_words: (what occurs in
        the words, lower case; judge), the first that fits. by_status: status -> judge, for what is left.
      address: the setting that says where the service is, for a 404 that names nothing else.
      mark: finds a code (its first group) in the words, which is better than the one beside them, and is cut out.
    """

    token_refused: Judge
    by_code: Mapping[str, Judge]
    by_words: tuple[tuple[str, Judge], ...] = ()
    address: str = "the provider's address"
    by_status: Mapping[int, Judge] = field(default_factory=dict)
    mark: re.Pattern[str] | None = None

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Problem:
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
        return self._judge(self._fault(status, value if isinstance(value, dict) else {}, headers))

    def failure(self, event: Event) -> Problem | None:
        """What an event inside a 200 means when it says that the answer failed; None for other events."""
        if event.type == "response.failed":
            response = event.data.get("response")
            return self._judge(self._fault(None, response if isinstance(response, dict) else {}, {}))
        if event.type == "error":
            # {"type":"error","code","message","param"}, or {"type":"error","error":{...},"status":429,"headers":{...}}
            data = event.data
            status = data.get("status") or data.get("status_code")
            headers = data.get("headers")
            known = (
                {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
            )
            value = data if isinstance(data.get("error"), dict) else {"error": data}
            return self._judge(self._fault(status if isinstance(status, int) else None, value, known))
        return None

    def _fault(self, status: int | None, value: Json, headers: Mapping[str, str]) -> Fault:
        error, detail = value.get("error"), value.get("detail")
        if isinstance(error, str):
            error = {"message": value.get("message") or error, "code": value.get("code") or error}  # xAI's is flat
        if not isinstance(error, dict):
            error = {}
        if isinstance(detail, dict):  # {"detail":{"error_code":...}}, {"detail":{"message":..., "code":...}}
            error = {"code": detail.get("error_code"), **detail, **error}
        words, param = error.get("message"), error.get("param")
        if not words and isinstance(error.get("error"), str):
            words = error["error"]  # an event of xAI's
        if not words and isinstance(detail, str):
            words = detail
        elif not words and isinstance(detail, list):  # FastAPI's validation: one entry a field
            entries = [entry for entry in detail if isinstance(entry, dict)]
            words = "; ".join(f"{_place(entry)}: {entry.get('msg')}" for entry in entries)
            param = param or (_place(entries[0]) if entries else None)
        code = _word(error.get("code"))
        if self._by_code(code) is None and self._by_code(kind := _word(error.get("type"))) is not None:
            code = kind  # usage limits come with a type only
        if self.mark is not None and isinstance(words, str) and (found := self.mark.search(words)):
            code, words = _word(found[1]), self.mark.sub("", words)
        return Fault(
            status,
            code,
            printable(words) if isinstance(words, str) else "",
            param if isinstance(param, str) else None,
            error,
            headers,
        )

    def _judge(self, fault: Fault) -> Problem:
        words = fault.words.lower()
        if fault.status == 401:
            return self.token_refused(fault)
        if (by_code := self._by_code(fault.code)) is not None:
            return by_code(fault)
        for part, judge in self.by_words:
            if part in words:
                return judge(fault)
        if fault.status is not None and (by_status := self.by_status.get(fault.status)) is not None:
            return by_status(fault)
        match fault.status:
            case None:
                words = fault.words or "it gave no reason"
                return Problem(Kind.UPSTREAM, f"the provider failed: {words}", code=fault.code or "server_error")
            case 402:
                return Problem(Kind.BILLING, said(fault), code=fault.code, retry=False)
            case 403:
                return Problem(Kind.FORBIDDEN, said(fault), code=fault.code or "forbidden", retry=False)
            case 404:
                message = f"{said(fault)}; if {self.address} was changed, check it"
                return Problem(Kind.UPSTREAM, message, code=fault.code or "not_found", retry=False)
            case 413:
                return Problem(Kind.TOO_LARGE, said(fault), code=fault.code or "request_too_large", retry=False)
            case 429:
                return rate_limited(fault)
            case 503:
                return Problem(
                    Kind.UNAVAILABLE, said(fault), code=fault.code or "unavailable", retry_after=retry_after(fault)
                )
            case status if status >= 500:
                return Problem(
                    Kind.UPSTREAM, said(fault), code=fault.code or "server_error", retry_after=retry_after(fault)
                )
            case status if status >= 400:
                return Problem(
                    Kind.INVALID,
                    said(fault),
                    code=fault.code or "invalid_request",
                    param=fault.param,
                    retry=False,
                    words=fault.words or None,
                )
            case status:
                return Problem(
                    Kind.UPSTREAM, f"the provider answered {status}, which is no answer to a question", retry=False
                )

    def _by_code(self, code: str | None) -> Judge | None:
        if code is None:
            return None
        begin, colon, _ = code.partition(":")
        return self.by_code.get(code) or (self.by_code.get(f"{begin}:") if colon else None)


def _word(value: object) -> str | None:
    """A code, lower case; whole sentences and bare numbers, which xAI has in its place, are none."""
    word = printable(value).lower() if isinstance(value, str) else ""
    return word if word and " " not in word and not word.isdecimal() else None


def _place(entry: Json) -> str:
    where = entry.get("loc")
    parts = [str(part) for part in where if part != "body"] if isinstance(where, list) else []
    return ".".join(parts) or "request"


def said(fault: Fault) -> str:
    """The status and the words of a refusal."""
    return (
        f"the provider refused ({fault.status}): {fault.words}"
        if fault.words
        else f"the provider answered {fault.status}"
    )


def quota(fault: Fault) -> Problem:
    """Nothing left to spend."""
    message = f"the account has no credit left: {fault.words or 'quota exceeded'}"
    return Problem(Kind.RATE_LIMITED, message, code="insufficient_quota", retry=False)


def overloaded(fault: Fault) -> Problem:
    """Too many people ask the service."""
    words = fault.words or "the model is at capacity"
    return Problem(
        Kind.OVERLOADED,
        f"the provider is overloaded: {words}",
        code="server_is_overloaded",
        retry_after=retry_after(fault),
    )


def rate_limited(fault: Fault) -> Problem:
    """We ask too often."""
    words = fault.words or "too many requests at once"
    return Problem(
        Kind.RATE_LIMITED,
        f"the provider slows us down: {words}",
        code=fault.code or "rate_limit_exceeded",
        retry_after=retry_after(fault),
    )


def context(fault: Fault) -> Problem:
    """More input than the model takes; the numbers are read from the words."""
    limit = None
    if match := _TOKENS.search(fault.words):
        allowed, actual = (int(digits.replace(",", "")) for digits in match.groups())
        limit = actual, allowed
    words = fault.words or "your input exceeds the context window of this model"
    return Problem(
        Kind.INVALID, words, code="context_length_exceeded", param=fault.param or "input", retry=False, limit=limit
    )


def policy(fault: Fault) -> Problem:
    """The service does not want to answer this."""
    words = fault.words or "the request was flagged"
    message = f"the provider declined the request: {words}"
    return Problem(Kind.INVALID, message, code=fault.code, retry=False, words=fault.words or None)


def encrypted(fault: Fault) -> Problem:
    """Reasoning of another account, model or time."""
    words = fault.words or "encrypted reasoning of an earlier turn could not be read"
    return Problem(Kind.INVALID, words, code="invalid_encrypted_content", param=fault.param, retry=False)


def region(fault: Fault) -> Problem:
    """Not in this country."""
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


def retry_after(fault: Fault) -> float | None:
    """From the header, else from the words ("Please try again in 1.898s")."""
    seconds = number(fault.headers.get("retry-after"))
    if seconds is None and (milliseconds := number(fault.headers.get("retry-after-ms"))) is not None:
        seconds = milliseconds / 1000
    if seconds is None and (match := _TRY_AGAIN.search(fault.words)):
        unit = (match[2] or "s").lower()
        seconds = number(float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[unit])
    return seconds


def length(minutes: int) -> str:
    """How people call a window of so many minutes: weekly, 5-hour."""
    if minutes == 10080:
        return "weekly"
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes}-minute"
    return f"{hours // 24}-day" if hours >= 48 and not hours % 24 else f"{hours}-hour"


def duration(seconds: float) -> str:
    """A time to wait in words: ``2 h 5 min``."""
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (0 if days else minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "1 min"


def local(moment: float) -> str:
    """A moment (unix seconds) in this machine's time, with its day when that is not today."""
    then, now = time.localtime(moment), time.localtime()
    same_day = then[:3] == now[:3]
    return time.strftime("%H:%M" if same_day else "%a %d %b %H:%M", then)
