"""What Anthropic's clients are told."""

from __future__ import annotations

import pytest

from rotom.dialects.messages.problems import error_of, headers, problem, status
from rotom.dialects.messages.read import read
from rotom.problem import Kind, Problem


@pytest.mark.parametrize(
    ("kind", "number", "word"),
    [
        (Kind.INVALID, 400, "invalid_request_error"),
        (Kind.UNAUTHENTICATED, 401, "authentication_error"),
        (Kind.BILLING, 402, "billing_error"),
        (Kind.FORBIDDEN, 403, "permission_error"),
        (Kind.NOT_FOUND, 404, "not_found_error"),
        (Kind.SLOW_CLIENT, 408, "timeout_error"),
        (Kind.TOO_LARGE, 413, "request_too_large"),
        (Kind.MEDIA_TYPE, 415, "invalid_request_error"),
        (Kind.RATE_LIMITED, 429, "rate_limit_error"),
        (Kind.INTERNAL, 500, "api_error"),
        (Kind.UPSTREAM, 502, "api_error"),
        (Kind.TIMEOUT, 504, "timeout_error"),
        (Kind.OVERLOADED, 529, "overloaded_error"),
    ],
)
def test_kinds(kind: Kind, number: int, word: str) -> None:
    trouble = Problem(kind, "so it is")
    assert status(trouble) == number
    error = {"type": word, "message": "so it is"}
    assert problem(trouble, "req_1") == {"type": "error", "error": error, "request_id": "req_1"}
    assert error_of(trouble, None) == {"type": "error", "error": error}


@pytest.mark.parametrize("kind", [Kind.NOT_FOUND, Kind.UPSTREAM, Kind.INVALID])
@pytest.mark.parametrize("code", ["model_not_found", "model_not_supported", "context_length_exceeded"])
def test_what_the_request_caused_is_a_400(kind: Kind, code: str) -> None:
    trouble = Problem(kind, "x", code=code)
    assert status(trouble) == 400
    assert problem(trouble, "r")["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("limit", "message", "told"),
    [
        ((300000, 272000), "too much", "prompt is too long: 300000 tokens > 272000 maximum"),
        ((None, 272000), "too much", "prompt is too long: too much"),
        ((5, 272000), "too much", "prompt is too long: too much"),
        (
            None,
            "Your input exceeds the context window of this model.",
            "Your input exceeds the context window of this model.",
        ),
    ],
)
def test_an_overflow_is_told_in_words_that_make_clients_compact(
    limit: tuple[int, int], message: str, told: str
) -> None:
    trouble = Problem(Kind.INVALID, message, code="context_length_exceeded", limit=limit)
    assert problem(trouble, "r")["error"]["message"] == told


@pytest.mark.parametrize(("retry", "said"), [(None, []), (False, ["false"]), (True, ["true"])])
def test_should_retry(retry: bool | None, said: list[str]) -> None:
    assert headers(Problem(Kind.UPSTREAM, "x", retry=retry)) == [("x-should-retry", value) for value in said]


def test_a_plan_that_lacks_something_is_a_matter_of_billing() -> None:
    trouble = Problem(Kind.FORBIDDEN, "not in this plan", code="usage_not_included")
    assert status(trouble) == 402
    assert problem(trouble, "r")["error"] == {"type": "billing_error", "message": "not in this plan"}


@pytest.mark.parametrize("code", ["invalid_prompt", "cyber_policy", "bio_policy", "content_policy_violation"])
def test_what_was_flagged_is_told_in_words_that_keep_clients_from_repeating_it(code: str) -> None:
    trouble = Problem(Kind.INVALID, "it was flagged", code=code)
    assert status(trouble) == 400
    assert problem(trouble, "r")["error"]["message"] == "it was flagged (Output blocked by content filtering policy)"


def test_a_thread_that_is_not_kept_is_told_in_the_sdks_own_word() -> None:
    with pytest.raises(Problem) as caught:
        read({"model": "m", "max_tokens": 1, "messages": [], "thread": {"type": "continue"}}, {})
    assert status(caught.value) == 400
    assert problem(caught.value, "req_1")["error"]["details"] == {"error_code": "thread_not_found"}
