"""What xAI's refusals mean: one row for each body that others met on the real service (2026), in all of its forms."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rotom.problem import Kind
from rotom.providers.grok_refusals import failure, refusal, windows
from rotom.sse import Event

NO_PERMISSION = "The caller does not have permission to execute the specified operation"
CREDITS = "You have run out of credits or need a Grok subscription. Add credits at https://grok.com/?_s=usage."
NO_PLAN = (
    "You have either run out of available resources or do not have an active Grok subscription. Manage at https://…"
)
FREE = (
    "You've used all the included free usage for model grok-4.5-build-free for now. Usage resets over a rolling 24-hour "
    "window — tokens (actual/limit): 1065387/1000000. Upgrade to a Grok subscription for higher limits"
)
DENIED = "Access to the chat endpoint is denied. Please ensure you're using the correct credentials."
OUTDATED = "Your Grok CLI version (none) is outdated. Please update to version 0.1.202 or later via `grok update`."
BAD = "unauthenticated:bad-credentials"
SPENT = "personal-team-blocked:spending-limit"
VALID = "The OAuth2 access token could not be validated."


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        # a token that has ended: renew once
        (401, {"code": BAD, "error": "…"}, Kind.UNAUTHENTICATED, "token_refused", "does not accept the login"),
        (401, {}, Kind.UNAUTHENTICATED, "token_refused", "no reason given"),
        (403, {"code": BAD, "error": VALID}, Kind.UNAUTHENTICATED, "token_refused", VALID),
        (403, {"code": NO_PERMISSION, "error": f"{VALID} [WKE={BAD}]"}, Kind.UNAUTHENTICATED, "token_refused", VALID),
        (403, {"code": NO_PERMISSION, "error": VALID}, Kind.UNAUTHENTICATED, "token_refused", VALID),
        (403, {"code": "unauthenticated:other", "error": "x"}, Kind.UNAUTHENTICATED, "token_refused", "x"),
        # the plan, or the credits
        (403, {"code": NO_PERMISSION, "error": NO_PLAN}, Kind.FORBIDDEN, "entitlement", "The login itself is good"),
        (403, {"code": SPENT, "error": CREDITS}, Kind.FORBIDDEN, "entitlement", "run out of credits"),
        (402, {"code": SPENT, "error": CREDITS}, Kind.FORBIDDEN, "entitlement", "https://grok.com/?_s=usage"),
        (402, {}, Kind.FORBIDDEN, "entitlement", "neither credits nor a subscription"),
        (
            429,
            {"code": 429, "error": f"You ran out of credits. [WKE={SPENT}]"},
            Kind.FORBIDDEN,
            "entitlement",
            "credits.",
        ),
        (
            403,
            {"error": {"message": "This requires a Grok subscription", "code": 403}},
            Kind.FORBIDDEN,
            "entitlement",
            "q",
        ),
        # the program
        (403, {"code": "permission-denied", "error": DENIED}, Kind.FORBIDDEN, "access_denied", "grok_token_auth"),
        (403, {"error": "Access denied"}, Kind.FORBIDDEN, "access_denied", "log in again"),
        (404, {"error": "Access denied"}, Kind.FORBIDDEN, "access_denied", "grok_client_version"),
        (426, {"error": OUTDATED}, Kind.INVALID, "client_version", "0.1.202"),
        (426, {}, Kind.INVALID, "client_version", "newer release"),
        # the account, a policy
        (403, {"code": "unauthorized:blocked-user", "error": "…"}, Kind.FORBIDDEN, "blocked_user", "blocked"),
        (
            403,
            {"code": NO_PERMISSION, "error": "Content violates usage guidelines."},
            Kind.INVALID,
            "content_policy_violation",
            "usage guidelines",
        ),
        (403, {"error": "Not for you."}, Kind.FORBIDDEN, "forbidden", "Not for you"),
        (403, {"code": "zdr:required", "error": "no"}, Kind.FORBIDDEN, "zdr:required", "refused (403): no"),
        # limits
        (
            429,
            {"code": "subscription:free-usage-exhausted", "error": FREE},
            *(Kind.RATE_LIMITED, "usage_limit_reached"),
            "1,065,387 of 1,000,000",
        ),
        (
            429,
            {"code": "rate_limit", "error": "too many requests"},
            Kind.RATE_LIMITED,
            "rate_limit_exceeded",
            "too many",
        ),
        (
            429,
            {"code": "…", "error": "Too many tokens for team x (actual/limit): 65605/16000."},
            *(Kind.RATE_LIMITED, "rate_limit_exceeded"),
            "65605",
        ),
        # the request
        (
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Model grok-build does not support parameter reasoningEffort.",
            },
            *(Kind.INVALID, "unsupported_effort"),
            "grok-build",
        ),
        (
            400,
            {"code": "invalid-argument", "error": "Invalid reasoning_effort: max"},
            Kind.INVALID,
            "unsupported_effort",
            "",
        ),
        (
            400,
            {"code": "400", "error": "Argument not supported: metadata"},
            Kind.INVALID,
            "invalid_request",
            "metadata",
        ),
        (400, {"error": "Could not decode encrypted_content"}, Kind.INVALID, "invalid_encrypted_content", "encrypted"),
        (400, {"error": "The prompt is too long for this model"}, Kind.INVALID, "context_length_exceeded", "too long"),
        (400, {"error": "Incorrect API key provided"}, Kind.INVALID, "invalid_request", "Incorrect API key"),
        (
            404,
            {"code": "Some requested entity was not found", "error": "The model grok-9 does not exist."},
            *(Kind.NOT_FOUND, "model_not_found"),
            "grok-9",
        ),
        (404, {"error": "Not Found"}, Kind.NOT_FOUND, "not_found", "grok_base_url"),
        (413, {}, Kind.TOO_LARGE, "request_too_large", "413"),
        # xAI itself
        (
            529,
            {"error": {"message": "Overloaded", "type": "overloaded_error"}},
            *(Kind.OVERLOADED, "server_is_overloaded"),
            "Overloaded",
        ),
        (529, {}, Kind.OVERLOADED, "server_is_overloaded", "overloaded"),
        (500, {"error": "oops"}, Kind.UPSTREAM, "oops", "oops"),
        (503, {}, Kind.UNAVAILABLE, "unavailable", "503"),
        (504, {}, Kind.UPSTREAM, "server_error", "504"),
    ],
)
def test_refusals(status: int, body: Any, kind: Kind, code: str, words: str) -> None:
    problem = refusal(status, {}, json.dumps(body).encode())
    assert (problem.kind, problem.code) == (kind, code)
    assert words in problem.message
    assert "[WKE" not in problem.message
    if kind in (Kind.FORBIDDEN, Kind.INVALID, Kind.NOT_FOUND, Kind.UNAUTHENTICATED):
        assert problem.retry is False
    if kind is Kind.FORBIDDEN:
        assert "rotom login" not in problem.message + (problem.hint or "")  # a new login would change nothing


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 526])
def test_pages_of_the_edge(status: int) -> None:
    problem = refusal(status, {"content-type": "text/html"}, b"<html>")
    assert (problem.kind, problem.code) == (Kind.UPSTREAM, "bad_gateway")
    assert problem.retry is (False if status >= 525 else None)


def test_what_xai_says_of_trying_again() -> None:
    assert refusal(503, {"x-should-retry": "false"}, b"").retry is False
    assert refusal(503, {"x-should-retry": "true"}, b"").retry is None
    assert refusal(429, {"retry-after": "7"}, b"{}").retry_after == 7
    assert refusal(403, {"cf-mitigated": "challenge"}, b"").code == "cloudflare"


def test_the_numbers_of_a_prompt_that_is_too_long() -> None:
    text = "This model's maximum prompt length is 256000 but the request contains 300000 tokens."
    assert refusal(400, {}, json.dumps({"code": "x", "error": text}).encode()).limit == (300_000, 256_000)


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        ({"type": "error", "message": "You do not have an active Grok subscription"}, Kind.FORBIDDEN, "entitlement"),
        (
            {"type": "error", "code": "subscription:free-usage-exhausted", "error": FREE},
            Kind.RATE_LIMITED,
            "usage_limit_reached",
        ),
        (
            {"type": "error", "error": "Service temporarily overloaded", "code": "overloaded_error"},
            Kind.OVERLOADED,
            "server_is_overloaded",
        ),
        (
            {"error": {"message": "overloaded", "type": "overloaded_error", "code": 503}},
            Kind.OVERLOADED,
            "server_is_overloaded",
        ),
        ({"type": "error", "error": f"{VALID} [WKE={BAD}]"}, Kind.UNAUTHENTICATED, "token_refused"),
        ({"type": "error"}, Kind.UPSTREAM, "server_error"),
    ],
)
def test_errors_in_a_stream(data: Any, kind: Kind, code: str) -> None:
    problem = failure(Event("error", data=data))
    assert problem is not None
    assert (problem.kind, problem.code) == (kind, code)
    if "error" in data or "message" in data:
        assert "no reason" not in problem.message


def test_a_failed_response_and_what_is_no_failure() -> None:
    data = {"type": "response.failed", "response": {"error": {"code": SPENT, "message": CREDITS}}}
    problem = failure(Event("response.failed", data=data))
    assert problem is not None
    assert problem.code == "entitlement"
    assert failure(Event("response.created", data={})) is None


def test_limits_of_pace() -> None:
    headers = {
        "x-ratelimit-limit-requests": "480",
        "x-ratelimit-remaining-requests": "120",
        "x-ratelimit-reset-requests": "30s",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1h30m",
    }
    requests, tokens = windows(headers)
    assert (requests.minutes, requests.used_percent, requests.limit) == (1, 75.0, "requests")
    assert (tokens.minutes, tokens.used_percent, tokens.limit) == (1440, 100.0, "tokens")
    assert requests.resets_at == pytest.approx(time.time() + 30, abs=5)
    assert tokens.resets_at == pytest.approx(time.time() + 5400, abs=5)


@pytest.mark.parametrize("reset", [None, "", "soon", "nan", "999999", "-5"])
def test_limits_of_pace_that_do_not_say_when_they_end(reset: str | None) -> None:
    headers = {"x-ratelimit-limit-requests": "480", "x-ratelimit-remaining-requests": "0"}
    if reset is not None:
        headers["x-ratelimit-reset-requests"] = reset
    assert windows(headers) == ()
    assert windows({}) == ()


def test_a_moment_will_do_as_well() -> None:
    headers = {"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "5"}
    (window,) = windows(headers | {"x-ratelimit-reset-tokens": str(time.time() + 1800)})
    assert (window.minutes, window.used_percent) == (60, 50.0)
