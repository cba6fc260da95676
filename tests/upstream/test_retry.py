"""What is tried again, and when."""

import pytest

from rotom.problem import Kind, Problem
from rotom.upstream.retry import BUDGET_SECONDS, delay


def problem(
    kind: Kind, code: str | None = None, retry_after: float | None = None, retry: bool | None = None
) -> Problem:
    return Problem(kind, "x", code=code, retry_after=retry_after, retry=retry)


@pytest.mark.parametrize(
    "again",
    [
        problem(Kind.INTERNAL),
        problem(Kind.UPSTREAM, "stream_truncated"),
        problem(Kind.UNAVAILABLE),
        problem(Kind.OVERLOADED, "server_is_overloaded"),
        problem(Kind.TIMEOUT, "connect_timeout"),
        problem(Kind.RATE_LIMITED, "rate_limit_exceeded", retry_after=1.5),
    ],
)
def test_what_may_pass_by_itself_is_tried_twice_more(again: Problem) -> None:
    assert delay(again, 1, 0.0, 0.5) is not None
    assert delay(again, 2, 0.0, 0.5) is not None
    assert delay(again, 3, 0.0, 0.5) is None
    assert delay(again, 1, BUDGET_SECONDS, 0.5) is None


@pytest.mark.parametrize(
    "never",
    [
        *(problem(kind) for kind in (Kind.INVALID, Kind.UNAUTHENTICATED, Kind.BILLING, Kind.FORBIDDEN, Kind.NOT_FOUND)),
        problem(Kind.TOO_LARGE),
        problem(Kind.TIMEOUT, "timeout"),
        problem(Kind.RATE_LIMITED),
        problem(Kind.RATE_LIMITED, "usage_limit_reached", retry_after=5.0, retry=False),
        problem(Kind.UPSTREAM, "cloudflare", retry=False),
        problem(Kind.OVERLOADED, retry_after=21.0),
    ],
)
def test_what_is_never_tried_again(never: Problem) -> None:
    assert delay(never, 1, 0.0, 0.5) is None


def test_waits_double_and_jitter_and_are_never_too_early() -> None:
    assert [delay(problem(Kind.UPSTREAM), attempt, 0.0, 0.5) for attempt in (1, 2)] == [0.2, 0.4]
    assert delay(problem(Kind.UPSTREAM), 1, 0.0, 0.0) == pytest.approx(0.15)
    assert delay(problem(Kind.UPSTREAM), 1, 0.0, 1.0) == pytest.approx(0.25)
    assert delay(problem(Kind.RATE_LIMITED, retry_after=1.5), 1, 0.0, 0.0) == 1.5
    assert delay(problem(Kind.OVERLOADED, retry_after=20.0), 1, 0.0, 1.0) == pytest.approx(20.1)
