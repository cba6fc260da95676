"""Exit statuses: those of sysexits(3), so that scripts and service managers can tell what to do.

A supervisor should not start rotom again after USAGE, PERMISSION and CONFIG: nothing will have changed.
"""

from __future__ import annotations

from rotom.problem import Kind, Problem

OK = 0
USAGE = 64
DATA = 65
UNAVAILABLE = 69
INTERNAL = 70
CANNOT_CREATE = 73
TEMPORARY = 75
PROTOCOL = 76
PERMISSION = 77
CONFIG = 78
INTERRUPTED = 130
PIPE = 141

MEANINGS = {
    OK: "success",
    USAGE: "the command line is wrong",
    DATA: "data that was given, or a file, is not good",
    UNAVAILABLE: "something needed is not available: a provider, an address to listen on",
    INTERNAL: "a bug in rotom",
    CANNOT_CREATE: "a file cannot be written",
    TEMPORARY: "it may work later: a rate limit, a time limit, a lock held by another process",
    PROTOCOL: "a provider does not do what rotom assumes of it",
    PERMISSION: "not logged in, or not permitted",
    CONFIG: "the configuration is wrong",
    INTERRUPTED: "interrupted from the keyboard",
    PIPE: "the reader of the output went away",
}

_BY_CODE = {
    "usage": USAGE,
    "config": CONFIG,
    "bad_bind": CONFIG,
    "ca_file": CONFIG,
    "key_needed": CONFIG,
    "cannot_create": CANNOT_CREATE,
}

_BY_KIND = {
    Kind.UNAUTHENTICATED: PERMISSION,
    Kind.BILLING: PERMISSION,
    Kind.FORBIDDEN: PERMISSION,
    Kind.SLOW_CLIENT: TEMPORARY,
    Kind.RATE_LIMITED: TEMPORARY,
    Kind.INTERNAL: INTERNAL,
    Kind.UPSTREAM: UNAVAILABLE,
    Kind.UNAVAILABLE: UNAVAILABLE,
    Kind.TIMEOUT: TEMPORARY,
    Kind.OVERLOADED: TEMPORARY,
}


def status(exc: BaseException) -> int:
    """The exit status for what ended a command."""
    if isinstance(exc, Problem):
        return _BY_CODE.get(exc.code or "") or (TEMPORARY if exc.retry else _BY_KIND.get(exc.kind, DATA))
    return CANNOT_CREATE if isinstance(exc, OSError) else INTERNAL
