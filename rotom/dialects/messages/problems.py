"""Problems in the form of the Messages API.

What the user of Claude Code reads depends on status, type and wording (seen in Claude Code 2.1.330, 2026-11): a 404 loses
our message, a 401 or 403 is called a failed authentication, an overflow must be a 400 whose text it knows so that it
compacts and goes on, any other 400 is sent up to five times more with features stripped whatever we say, and a 5xx is
retried for minutes unless a header says that it is no use. tests/clients/ holds this against the real program.
"""

from __future__ import annotations

from rotom.problem import Kind, Problem
from rotom.sse import Json

_TYPES = {
    Kind.UNAUTHENTICATED: "authentication_error",
    Kind.BILLING: "billing_error",
    Kind.FORBIDDEN: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.SLOW_CLIENT: "timeout_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.RATE_LIMITED: "rate_limit_error",
    Kind.INTERNAL: "api_error",
    Kind.UPSTREAM: "api_error",
    Kind.UNAVAILABLE: "api_error",
    Kind.TIMEOUT: "timeout_error",
    Kind.OVERLOADED: "overloaded_error",
}

# Problems that the request itself causes, whatever status they came with.
_REQUEST_CODES = frozenset({"context_length_exceeded", "context_too_large", "model_not_found", "model_not_supported"})

_OVERFLOW_CODES = frozenset({"context_length_exceeded", "context_too_large"})

# A plan that lacks something is a matter of billing: as a 403 it would be told as a failed authentication.
_PLAN_CODES = frozenset({"usage_not_included", "entitlement", "subscription_sharing_user_not_eligible"})

# What was flagged must not be sent six times, which may cost the account. Claude Code stops at once when it reads these
# words of Anthropic's own filter anywhere in the message of a 400.
_FLAGGED_CODES = frozenset({"invalid_prompt", "cyber_policy", "bio_policy", "content_policy_violation"})
_FLAGGED = "Output blocked by content filtering policy"

# Phrases by which Claude Code knows an overflow.
_OVERFLOW_PHRASES = ("prompt is too long", "exceeds the context window", "maximum context length")


# Words that Anthropic's SDKs look for in the details of an error: on this one they send the whole conversation again
# (anthropic 2.12, lib/threads).
_DETAILS = frozenset({"thread_not_found"})


def problem(problem: Problem, request_id: str) -> Json:
    """The error body."""
    return error_of(problem, request_id)


def error_of(problem: Problem, request_id: str | None) -> Json:
    """The error object, in a body or in an ``error`` event."""
    error: Json = {"type": "error", "error": {"type": error_type(problem), "message": _message(problem)}}
    if problem.code in _DETAILS:
        error["error"]["details"] = {"error_code": problem.code}
    if request_id:
        error["request_id"] = request_id
    return error


def error_type(problem: Problem) -> str:
    """The word for the sort of problem."""
    if problem.code in _REQUEST_CODES:
        return "invalid_request_error"
    if problem.code in _PLAN_CODES:
        return "billing_error"
    return _TYPES.get(problem.kind, "invalid_request_error")


def status(problem: Problem) -> int:
    """The HTTP status. An unknown model is a 400: for a 404 Claude Code shows a text of its own."""
    if problem.code in _REQUEST_CODES:
        return 400
    return 402 if problem.code in _PLAN_CODES else int(problem.kind)


def headers(problem: Problem) -> list[tuple[str, str]]:
    """What tells Anthropic's clients not to try again by themselves."""
    return [] if problem.retry is None else [("x-should-retry", "true" if problem.retry else "false")]


def _message(problem: Problem) -> str:
    if problem.code in _FLAGGED_CODES:
        return f"{problem.message} ({_FLAGGED})"
    if problem.code not in _OVERFLOW_CODES:
        return problem.message
    actual, allowed = problem.limit or (None, None)
    if actual is not None and allowed is not None and actual > allowed:
        # Claude Code reads both numbers and cuts the right amount.
        return f"prompt is too long: {actual} tokens > {allowed} maximum"
    if any(phrase in problem.message for phrase in _OVERFLOW_PHRASES):
        return problem.message
    return f"prompt is too long: {problem.message}"
