"""Whether an attempt at a turn is repeated, and after how long. Pure.

Only what may pass by itself within seconds is repeated, and only by the gateway, before anything of an answer reached a
client. What is about the request, the login, the plan or a limit of hours is never repeated: that spends a person's quota,
looks like abuse to the provider, and makes the person wait for the same words.
"""

from __future__ import annotations

from rotom.problem import Kind, Problem

MAX_RETRIES = 2
BASE_SECONDS = 0.2
MAX_WAIT_SECONDS = 20.0
"""A provider that asks for more than this is told to the client instead: it waits better than we do."""
BUDGET_SECONDS = 120.0
"""No new attempt when the turn has already lasted this long."""

_KINDS = frozenset({Kind.INTERNAL, Kind.UPSTREAM, Kind.UNAVAILABLE, Kind.OVERLOADED})


def delay(problem: Problem, attempt: int, elapsed: float, jitter: float) -> float | None:
    """Seconds to wait before attempt number `attempt` + 1, or None when there should be none.

    Arguments:
      attempt: the number of the attempt that failed, from 1.
      elapsed: seconds since the first one began.
      jitter: a random number from 0 to 1, so that clients which failed together do not come back together.
    """
    if attempt > MAX_RETRIES or not _passes(problem):
        return None
    if problem.retry_after is not None:
        if problem.retry_after > MAX_WAIT_SECONDS:
            return None
        wait = max(0.0, problem.retry_after) + 0.1 * jitter  # never a moment too early
    else:
        wait = BASE_SECONDS * 2 ** (attempt - 1) * (0.75 + 0.5 * jitter)
    return wait if elapsed + wait <= BUDGET_SECONDS else None


def _passes(problem: Problem) -> bool:
    if problem.retry is False:
        return False
    match problem.kind:
        case Kind.TIMEOUT:  # after a whole first-byte limit nobody wants to wait for a second one
            return problem.code == "connect_timeout"
        case Kind.RATE_LIMITED:  # without a time the provider does not want it soon
            return problem.retry_after is not None
        case kind:
            return kind in _KINDS
