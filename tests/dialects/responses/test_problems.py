"""What OpenAI's clients are told."""

from __future__ import annotations

import pytest

from rotom.dialects.responses.problems import headers, problem, status, vendor_status
from rotom.problem import Kind, Problem


@pytest.mark.parametrize(
    ("kind", "code", "number", "word"),
    [
        (Kind.INVALID, None, 400, "invalid_request_error"),
        (Kind.UNAUTHENTICATED, "invalid_api_key", 401, "authentication_error"),
        (Kind.FORBIDDEN, None, 403, "permission_error"),
        (Kind.NOT_FOUND, "model_not_found", 404, "invalid_request_error"),
        (Kind.RATE_LIMITED, "rate_limit_exceeded", 429, "rate_limit_error"),
        (Kind.RATE_LIMITED, "usage_limit_reached", 429, "usage_limit_reached"),
        (Kind.UPSTREAM, None, 502, "server_error"),
        (Kind.UPSTREAM, "context_length_exceeded", 400, "invalid_request_error"),
        (Kind.OVERLOADED, "server_is_overloaded", 503, "server_error"),
    ],
)
def test_kinds(kind: Kind, code: str | None, number: int, word: str) -> None:
    trouble = Problem(kind, "so it is", code=code, param="input")
    assert status(trouble) == number
    assert problem(trouble, "r") == {"error": {"message": "so it is", "type": word, "param": "input", "code": code}}


def test_a_usage_limit_says_when_it_ends() -> None:
    trouble = Problem(Kind.RATE_LIMITED, "x", code="usage_limit_reached", retry_after=90.4, retry=False)
    assert problem(trouble, "r")["error"]["resets_in_seconds"] == 90
    assert headers(trouble) == [("x-should-retry", "false")]
    trouble = Problem(Kind.RATE_LIMITED, "x", code="usage_limit_reached", retry_after=9, details={"plan_type": "plus"})
    assert problem(trouble, "r")["error"]["plan_type"] == "plus"


def test_the_providers_own_words_stand_alone() -> None:
    trouble = Problem(Kind.INVALID, "the provider refused (400): No.", code="invalid_request", words="No.")
    assert problem(trouble, "r")["error"] == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_a_plan_without_codex_is_told_to_codex_as_by_its_service() -> None:
    trouble = Problem(Kind.FORBIDDEN, "not in this plan", code="usage_not_included")
    assert (status(trouble), vendor_status(trouble)) == (403, 429)
    assert problem(trouble, "r")["error"]["type"] == "usage_not_included"
    assert vendor_status(Problem(Kind.FORBIDDEN, "no")) == 403
