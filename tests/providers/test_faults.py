"""What any Responses service's refusals mean; what is one service's own is tested with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.problem import Kind, Problem
from rotom.providers import faults
from rotom.providers.faults import Fault, Triage
from rotom.sse import Event


def _out(fault: Fault) -> Problem:
    return Problem(Kind.UNAUTHENTICATED, f"out: {fault.words}", code="out", retry=False)


TRIAGE = Triage(
    _out,
    {"slow_down": faults.overloaded, "insufficient_quota": faults.quota},
    (("too long", faults.context),),
    "my_url",
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (401, {}, Kind.UNAUTHENTICATED, "out", "out"),
        (400, {"error": {"message": "no such knob", "code": "bad_knob"}}, Kind.INVALID, "bad_knob", "no such knob"),
        (400, {"code": "bad_knob", "error": "no such knob"}, Kind.INVALID, "bad_knob", "no such knob"),
        (400, {"error": "no such knob"}, Kind.INVALID, "invalid_request", "no such knob"),
        (400, {"error": {"message": "this is too long"}}, Kind.INVALID, "context_length_exceeded", "too long"),
        (422, {"detail": [{"loc": ["body", "a", 0], "msg": "is bad"}]}, Kind.INVALID, "invalid_request", "a.0: is bad"),
        (402, {"detail": "pay"}, Kind.BILLING, None, "pay"),
        (403, {"detail": {"error_code": "Nope", "message": "no"}}, Kind.FORBIDDEN, "nope", "no"),
        (404, {}, Kind.UPSTREAM, "not_found", "if my_url was changed"),
        (413, {}, Kind.TOO_LARGE, "request_too_large", "413"),
        (429, {}, Kind.RATE_LIMITED, "rate_limit_exceeded", "slows us down"),
        (429, {"error": {"type": "insufficient_quota"}}, Kind.RATE_LIMITED, "insufficient_quota", "no credit"),
        (418, {"error": {"code": "slow_down"}}, Kind.OVERLOADED, "server_is_overloaded", "capacity"),
        (503, {}, Kind.UNAVAILABLE, "unavailable", "503"),
        (500, {"error": {"message": "oops"}}, Kind.UPSTREAM, "server_error", "oops"),
        (302, {}, Kind.UPSTREAM, None, "302, which is no answer"),
    ],
)
def test_refusals(status: int, body: Any, kind: Kind, code: str | None, words: str) -> None:
    problem = TRIAGE.refusal(status, {}, json.dumps(body).encode())
    assert (problem.kind, problem.code) == (kind, code)
    assert words in problem.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 5000, b'{"error": [1], "detail": 3}', b"\xff"])
def test_bodies_that_say_nothing(body: bytes) -> None:
    assert TRIAGE.refusal(500, {}, body).code == "server_error"


def test_pages_of_somebody_in_between() -> None:
    assert TRIAGE.refusal(403, {}, b" <html>").code == "cloudflare"
    assert TRIAGE.refusal(401, {"cf-mitigated": "challenge"}, b"").code == "cloudflare"
    assert TRIAGE.refusal(502, {"content-type": "text/html"}, b"oh").code == "bad_gateway"


def test_failures_in_a_stream() -> None:
    failed = Event("response.failed", data={"response": {"error": {"code": "slow_down", "message": "later"}}})
    assert (problem := TRIAGE.failure(failed)) is not None
    assert problem.kind is Kind.OVERLOADED
    flat = Event("error", data={"code": "odd", "message": "broke"})
    assert (problem := TRIAGE.failure(flat)) is not None
    assert (problem.kind, problem.code, problem.message) == (Kind.UPSTREAM, "odd", "the provider failed: broke")
    nested = Event("error", data={"status": 401, "error": {"message": "who?"}})
    assert (problem := TRIAGE.failure(nested)) is not None
    assert problem.code == "out"
    assert TRIAGE.failure(Event("response.completed", data={})) is None


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after-ms": "250"}, "", 0.25),
        ({}, "Please try again in 2m.", 120.0),
        ({}, "try again in 500ms", 0.5),
        ({"retry-after": "nan"}, "", None),
        ({}, "soon", None),
    ],
)
def test_when_to_try_again(headers: dict[str, str], words: str, seconds: float | None) -> None:
    assert faults.retry_after(Fault(429, words=words, headers=headers)) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"), [(20, "1 min"), (300, "5 min"), (7500, "2 h 5 min"), (200000, "2 d 7 h"), (86400, "1 d")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert faults.duration(seconds) == words


@pytest.mark.parametrize(("minutes", "words"), [(300, "5-hour"), (10080, "weekly"), (90, "90-minute"), (4320, "3-day")])
def test_windows_in_words(minutes: int, words: str) -> None:
    assert faults.length(minutes) == words
