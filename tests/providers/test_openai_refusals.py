"""What the Codex service says when it does not answer. Bodies as seen by others on the real service in 2026, and as
Codex CLI 0.169 reacts to them."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.providers import Window
from rotom.providers.openai_refusals import failure, refusal, windows
from rotom.sse import Event
from rotom.upstream.retry import delay


def refused(status: int, value: object, **headers: str) -> Problem:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return refusal(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def failed(error: dict[str, Any]) -> Problem:
    event = Event("response.failed", data={"type": "response.failed", "response": {"status": "failed", "error": error}})
    problem = failure(event)
    assert problem is not None
    return problem


def error(message: str | None = None, code: str | None = None, type: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "code": code, "param": None, **rest}}


REGION = "unsupported_country_region_territory"

CASES = [
    (400, {"detail": "Unsupported parameter: temperature"}, Kind.INVALID, "invalid_request", "temperature"),
    (400, {"detail": "Store must be set to false"}, Kind.INVALID, "invalid_request", "Store must"),
    (
        400,
        {"detail": "The 'gpt-5.1' model is not supported when using Codex with a ChatGPT account."},
        Kind.INVALID,
        "model_not_supported",
        "rotom models",
    ),
    (
        400,
        {"detail": "The 'gpt-6-astra' model requires a newer version of Codex. Please upgrade."},
        Kind.INVALID,
        "client_version",
        "openai_client_version",
    ),
    (400, error("flagged", "cyber_policy"), Kind.INVALID, "cyber_policy", "flagged"),
    (400, error("bad blob", "invalid_encrypted_content"), Kind.INVALID, "invalid_encrypted_content", "bad blob"),
    (400, error("Invalid value", "invalid_value", param="input[0].image_url"), Kind.INVALID, "invalid_value", ""),
    (401, error("Could not parse", "unauthorized_unknown"), Kind.UNAUTHENTICATED, "token_refused", "parse"),
    (401, b"", Kind.UNAUTHENTICATED, "token_refused", "no reason"),
    (402, {"detail": "pay"}, Kind.BILLING, None, "pay"),
    (403, error("no", REGION), Kind.FORBIDDEN, REGION, "address"),
    (403, {"detail": {"message": "not yours", "code": "workspace"}}, Kind.FORBIDDEN, "workspace", "not yours"),
    (404, error("Model not found gpt-5.6-luna", type="invalid_request_error"), Kind.NOT_FOUND, "model_not_found", "luna"),
    (404, {"detail": "Not Found"}, Kind.UPSTREAM, "not_found", "openai_base_url"),
    (413, b"", Kind.TOO_LARGE, "request_too_large", "413"),
    (429, error("Codex is not included", type="usage_not_included"), Kind.FORBIDDEN, "usage_not_included", "plan"),
    (429, error("quota", "insufficient_quota"), Kind.RATE_LIMITED, "insufficient_quota", "credit"),
    (500, error("oops", "server_error"), Kind.UPSTREAM, "server_error", "oops"),
    (500, b"not json \xff", Kind.UPSTREAM, "server_error", "500"),
    (503, error("Overloaded", "server_is_overloaded"), Kind.OVERLOADED, "server_is_overloaded", "Overloaded"),
    (503, error("slow", "slow_down"), Kind.OVERLOADED, "server_is_overloaded", "slow"),
    (503, {"detail": "later"}, Kind.UNAVAILABLE, "unavailable", "later"),
    (307, b"", Kind.UPSTREAM, None, "307"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "code", "words"), CASES)
def test_refusals(status: int, body: object, kind: Kind, code: str | None, words: str) -> None:
    problem = refused(status, body)
    assert (problem.kind, problem.code) == (kind, code)
    assert words in problem.message


def test_validation_lists_name_the_field() -> None:
    problem = refused(
        422, {"detail": [{"loc": ["body", "input", 3], "msg": "bad"}, {"loc": ["body", "model"], "msg": "no"}]}
    )
    assert problem.kind is Kind.INVALID
    assert "input.3: bad; model: no" in problem.message
    assert problem.param == "input.3"


def test_the_usage_limit_tells_the_window_and_the_time() -> None:
    resets = int(time.time()) + 4851
    value = {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus",
                       "resets_at": resets, "resets_in_seconds": 4851}}  # fmt: skip
    full = {"x-codex-primary-used-percent": "100.0", "x-codex-primary-window-minutes": "300"}
    problem = refusal(429, full, json.dumps(value).encode())
    assert (problem.kind, problem.code, problem.retry) == (Kind.RATE_LIMITED, "usage_limit_reached", False)
    assert problem.retry_after == 4851
    assert problem.details == {"plan_type": "plus", "resets_at": resets}
    assert isinstance(problem.details["resets_at"], int)
    assert re.search(
        r"the 5-hour usage limit of the ChatGPT plus plan is used up; it resets at .*\d\d:\d\d \(in 1 h 21 min, 4851 s",
        problem.message,
    )
    assert delay(problem, 1, 0.0, 0.0) is None


def test_the_usage_limit_without_a_body_is_told_from_the_headers() -> None:
    now = int(time.time())
    headers = {
        "x-codex-primary-used-percent": "100",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": str(now + 60),
        "x-codex-secondary-used-percent": "100",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-reset-at": str(now + 3 * 86400),
    }
    problem = refusal(429, headers, b'{"error":{"type":"usage_limit_reached"}}')
    assert "the weekly usage limit" in problem.message
    assert problem.retry_after == pytest.approx(3 * 86400, abs=5)
    assert "(in 3 d" in problem.message
    assert "rotom status" in refused(429, {"error": {"type": "usage_limit_reached"}}).message


def test_bursts() -> None:
    assert refused(429, {"detail": "Too many"}).retry_after is None
    problem = refused(429, {"detail": "Too many"}, retry_after="7")
    assert (problem.kind, problem.code, problem.retry_after) == (Kind.RATE_LIMITED, "rate_limit_exceeded", 7.0)
    words = failed({"code": "rate_limit_exceeded", "message": "Rate limit reached. Please try again in 1.898s."})
    assert words.retry_after == 1.898
    assert failed({"code": "rate_limit_exceeded", "message": "try again in 250ms"}).retry_after == 0.25
    assert refused(429, {"detail": "x"}, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


@pytest.mark.parametrize(
    "answer",
    [
        (403, {"cf-mitigated": "challenge"}, b"<html>"),
        (403, {"content-type": "text/html; charset=UTF-8"}, b"<!DOCTYPE html>"),
        (429, {}, b"\n<html>1015"),
        (503, {"cf-mitigated": "challenge"}, b""),
    ],
)
def test_cloudflare_says_nothing_about_the_login(answer: tuple[int, dict[str, str], bytes]) -> None:
    problem = refusal(*answer)
    assert (problem.kind, problem.code, problem.retry) == (Kind.UPSTREAM, "cloudflare", False)
    assert "login" not in problem.message


def test_a_page_of_a_broken_gateway_may_be_tried_again() -> None:
    problem = refused(502, b"<html>Bad gateway</html>")
    assert (problem.kind, problem.code) == (Kind.UPSTREAM, "bad_gateway")
    assert delay(problem, 1, 0.0, 0.0) is not None


def test_too_long_an_input() -> None:
    said = "Your input exceeds the context window of this model. Please adjust your input and try again."
    for problem in (failed({"code": "context_length_exceeded", "message": said}), refused(400, {"detail": said})):
        assert (problem.kind, problem.code, problem.message) == (Kind.INVALID, "context_length_exceeded", said)
        assert problem.limit is None
    counted = "This model's maximum context length is 272,000 tokens. However, your messages resulted in 300123 tokens."
    assert refused(400, error(counted, "context_length_exceeded")).limit == (300123, 272000)


@pytest.mark.parametrize(
    ("code", "kind", "again"),
    [
        ("server_error", Kind.UPSTREAM, True),
        ("server_is_overloaded", Kind.OVERLOADED, True),
        ("slow_down", Kind.OVERLOADED, True),
        ("insufficient_quota", Kind.RATE_LIMITED, False),
        ("usage_not_included", Kind.FORBIDDEN, False),
        ("invalid_prompt", Kind.INVALID, False),
        ("bio_policy", Kind.INVALID, False),
        ("token_expired", Kind.UNAUTHENTICATED, False),
    ],
)
def test_failures_in_a_stream(code: str, kind: Kind, again: bool) -> None:
    problem = failed({"code": code, "message": "words"})
    assert problem.kind is kind
    assert "words" in problem.message
    assert (delay(problem, 1, 0.0, 0.0) is not None) is again


def test_error_events() -> None:
    plain = failure(Event("error", data={"type": "error", "code": "server_error", "message": "oops", "param": None}))
    assert plain is not None
    assert (plain.kind, plain.code) == (Kind.UPSTREAM, "server_error")
    nested = failure(
        Event(
            "error",
            data={
                "type": "error",
                "status": 429,
                "error": {"type": "usage_limit_reached", "resets_in_seconds": 60},
                "headers": {"X-Codex-Primary-Used-Percent": "100.0", "X-Codex-Primary-Window-Minutes": 10080},
            },
        )
    )
    assert nested is not None
    assert nested.code == "usage_limit_reached"
    assert "weekly" in nested.message
    bare = failure(Event("error", data={"type": "error"}))
    assert bare is not None
    assert (bare.kind, bare.code) == (Kind.UPSTREAM, "server_error")
    assert failure(Event("response.incomplete", data={"response": {}})) is None
    assert failure(Event("codex.rate_limits", data={"rate_limits": {"limit_reached": True}})) is None


def test_windows_are_known_by_their_length() -> None:
    headers = {
        "x-codex-primary-used-percent": "41.5",
        "x-codex-primary-window-minutes": "10080",
        "x-codex-primary-reset-at": "1795690000",
        "x-codex-secondary-used-percent": "13",
        "x-codex-secondary-window-minutes": "300",
        "x-codex-secondary-reset-after-seconds": "3600",
        "x-codex-bengalfox-primary-used-percent": "1",
        "x-codex-bengalfox-primary-window-minutes": "300",
        "x-other-primary-used-percent": "nonsense",
        "x-codex-plan-type": "plus",
    }
    five_hours, week, other = windows(headers)
    assert (five_hours.minutes, five_hours.used_percent, five_hours.limit) == (300, 13.0, None)
    assert five_hours.resets_at == pytest.approx(time.time() + 3600, abs=5)
    assert week == Window(10080, 41.5, 1795690000.0)
    assert other == Window(300, 1.0, None, "codex_bengalfox")
    assert windows({"x-codex-secondary-used-percent": "0", "x-codex-secondary-window-minutes": "0"}) == ()
    assert windows({}) == ()


KEYS = ["error", "detail", "message", "code", "type", "param", "loc", "msg", "resets_at", "response"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.integers(201, 599), json_values)
def test_every_body_means_something(status: int, value: object) -> None:
    problem = refusal(status, {"retry-after": "soon"}, json.dumps(value).encode())
    assert problem.message
    if isinstance(value, dict):
        assert failure(Event("response.failed", data=value)) is not None
        assert failure(Event("error", data=value)) is not None


@pytest.mark.parametrize(
    "error",
    [
        {"type": "usage_limit_reached", "resets_at": 10**400},
        {"type": "usage_limit_reached", "resets_in_seconds": 10**400},
        {"message": f"the usage limit has been reached, try again in {'9' * 240} m"},
        {"code": "server_is_overloaded", "message": f"try again in {'9' * 240} m"},
    ],
)
def test_numbers_that_cannot_be_counted_with_are_not_known(error: dict[str, Any]) -> None:
    assert refusal(429, {}, json.dumps({"error": error}).encode()).retry_after is None


def test_words_of_the_service_neither_play_with_a_terminal_nor_give_a_token_back() -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl"
    error = {
        "type": "usage_limit_reached",
        "plan_type": "\x1b[2Jplus",
        "message": f"\x9b31m no: {token}",
        "code": token,
    }
    for status in (401, 429, 400):
        said = refusal(status, {}, json.dumps({"error": error}).encode())
        assert (said.message + (said.code or "")).isprintable()
        assert "eyj" not in (said.message + (said.code or "")).lower()
    assert refusal(403, {"cf-mitigated": "x", "cf-ray": "\x9b31m"}, b"").message.isprintable()
