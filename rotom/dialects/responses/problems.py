"""Problems in OpenAI's form: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

from rotom.problem import Kind, Problem
from rotom.sse import Json

_TYPES = {
    Kind.UNAUTHENTICATED: "authentication_error",
    Kind.BILLING: "insufficient_quota",
    Kind.FORBIDDEN: "permission_error",
    Kind.RATE_LIMITED: "rate_limit_error",
}

# Codex CLI and others look for these words in `type`, where its backend has them.
_CODES_AS_TYPES = frozenset({"usage_limit_reached", "usage_not_included", "insufficient_quota"})

# What images are refused for has a type of its own (seen in the real Images API, 2026-10).
_IMAGE_CODES = frozenset({"moderation_blocked", "invalid_image_file"})

_REQUEST_CODES = frozenset({"context_length_exceeded", "context_too_large"})


def problem(problem: Problem, request_id: str) -> Json:
    """The error body. The request id travels in a header."""
    error: Json = {
        "message": problem.words or problem.message,
        "type": error_type(problem),
        "param": problem.param,
        "code": None if problem.code == "invalid_request" else problem.code,  # as where the provider gave none
    }
    if problem.code == "usage_limit_reached" and problem.retry_after is not None:
        error |= {**problem.details, "resets_in_seconds": round(problem.retry_after)}
    return {"error": error}


def error_type(problem: Problem) -> str:
    """The word for the sort of problem."""
    if problem.code in _CODES_AS_TYPES:
        return str(problem.code)
    if problem.code in _IMAGE_CODES:
        return "image_generation_user_error"
    if problem.kind >= 500 and problem.code not in _REQUEST_CODES:
        return "server_error"
    return _TYPES.get(problem.kind, "invalid_request_error")


def status(problem: Problem) -> int:
    """The HTTP status: an overload is a 503 here, and what the request itself causes a 400."""
    if problem.code in _REQUEST_CODES:
        return 400
    return 503 if problem.kind is Kind.OVERLOADED else int(problem.kind)


def vendor_status(problem: Problem) -> int:
    """The same for the vendor's own client: a plan without Codex is told as its service tells it. At a 403 Codex CLI 0.169
    asks five more times (seen 2026-11)."""
    return 429 if problem.code == "usage_not_included" else status(problem)


def headers(problem: Problem) -> list[tuple[str, str]]:
    """What tells OpenAI's clients not to try again by themselves."""
    return [] if problem.retry is None else [("x-should-retry", "true" if problem.retry else "false")]
