"""The one error of rotom.

A `Problem` says what went wrong in words for the person who can mend it. Foreign exceptions (httpx, h11, json, OSError)
become Problems at the seam where they arise and nowhere else; whoever faces the client renders them in the client's own
form (a dialect), and the command line prints them. Any other exception that surfaces is a bug: it is logged with its
traceback and the client sees only an id.

What is not here: how a Problem looks on the wire (dialects/), and what a provider's error means (providers/).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Kind(IntEnum):
    """What sort of problem it is; the value is the usual HTTP status."""

    INVALID = 400
    UNAUTHENTICATED = 401
    BILLING = 402
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD = 405
    SLOW_CLIENT = 408
    CONFLICT = 409
    TOO_LARGE = 413
    MEDIA_TYPE = 415
    UPGRADE_REQUIRED = 426
    RATE_LIMITED = 429
    HEAD_TOO_LARGE = 431
    INTERNAL = 500
    UPSTREAM = 502
    UNAVAILABLE = 503
    TIMEOUT = 504
    OVERLOADED = 529


class Problem(Exception):
    """Something went wrong that a client or a person must be told.

    Arguments:
      kind: its sort, and with it the HTTP status.
      message: a sentence or two for a person: what happened and what to do. Never holds a secret.
      code: a machine-readable word in the field's usual vocabulary, e.g. ``context_length_exceeded``,
        ``usage_limit_reached``, ``model_not_found``, ``invalid_api_key``. Renderers and retries decide by it.
      param: the request field at fault, e.g. ``input[3].content``.
      retry_after: seconds until trying again makes sense, where that is known.
      retry: whether the same request may succeed soon without anybody acting (`None`: the kind's usual meaning).
        False tells clients not to try by themselves (``x-should-retry: false``).
      limit: the two numbers of a limit that was passed, (actual, allowed), where known: tokens for
        ``context_length_exceeded``.
      hint: a second line for the command line only: the next command to type.
      words: the provider's own words alone, where the message has ours around them: some clients look for them.
      details: what else the provider said in numbers, for dialects whose clients read it (``resets_at``, ``plan_type``).
      told: headers of the provider's refusal that its own clients want to see (Provider.told).
      event: the provider's own event that told of it inside a stream, for a dialect that can pass it on as it is.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        retry: bool | None = None,
        limit: tuple[int | None, int | None] | None = None,
        hint: str | None = None,
        words: str | None = None,
        details: Mapping[str, object] | None = None,
        event: object = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.retry = retry
        self.limit = limit
        self.hint = hint
        self.words = words
        self.details = details or {}
        self.told: tuple[tuple[str, str], ...] = ()
        self.event = event

    def __repr__(self) -> str:
        return f"Problem({self.kind.name}, {self.message!r}, code={self.code!r})"
