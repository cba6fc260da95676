"""Exit statuses: those of sysexits(3), so that scripts and service managers can tell what to do.

A supervisor should not start rotom again after one of `HOPELESS`: nothing will have changed. The two small ones are what
'rotom daemon status' tells, as the init scripts of old do.
"""

from __future__ import annotations

from rotom.problem import Kind, Problem

OK = 0
STOPPED = 3
NOT_INSTALLED = 4
NEWER = 10
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

HOPELESS = (USAGE, DATA, PERMISSION, CONFIG)

MEANINGS = {
    OK: "success",
    STOPPED: "the service is stopped, as 'rotom daemon status' says",
    NOT_INSTALLED: "the service is not installed, as 'rotom daemon status' says",
    NEWER: "there is a newer version",
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
