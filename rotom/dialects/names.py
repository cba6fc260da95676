"""Names of tools and ids of calls that the provider takes, whatever the client calls them.

Every mapping here is a function of its argument alone: a name is shortened the same way whatever other tools there are,
so that the provider's prompt cache sees the same bytes in every turn and no memory is needed to map back.
"""

from __future__ import annotations

import hashlib
import re

_GOOD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ODD = re.compile(r"[^A-Za-z0-9_-]")


def short_name(name: str) -> str:
    """A tool name that Responses accepts: 64 characters of ``A-Za-z0-9_-``. MCP names of 73 were seen (2026-11)."""
    if _GOOD.fullmatch(name):
        return name
    return f"{_ODD.sub('_', name)[:55]}_{_digest(name)[:8]}"


def call_id(name: str) -> str:
    """An id that both sides accept; the same one for the call and its result."""
    return name if _GOOD.fullmatch(name) else f"call_{_digest(name)[:32]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
