"""Masks: what must not stand in a report that people paste into an issue, and what stands in its place. Pure.

Theory of operation: checks are written so that they name no secret. They also repeat what others say (a provider, the
operating system), and that may hold anything; so every sentence passes here in the end. Known values are taken out first,
the longest ones first, then everything that has the form of a secret or tells of a person: mail addresses, tokens, ids.

What is not here: where the known values come from (case.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

SHORTEST = 6
"""A known value of fewer characters is none: it would take letters out of words. Nor is a number."""

SHORT_NAME = 4

OURS = frozenset(
    {
        *("rotom", "root", "user", "users", "home", "admin", "daemon", "localhost", "test", "demo", "model", "server"),
        *("claude", "codex", "grok", "openai", "chatgpt", "python"),
    }
)
"""Names of people and machines that are words of the report, too."""

PUBLIC = ("openai.com", "chatgpt.com", "x.ai", "grok.com")
"""Whose hosts may be named: those that everybody asks."""

_FORMS = (
    # (form, what stands in its place)
    (r"(?<=://)[^/\s@]+@", ""),
    (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", "(mail address)"),
    (r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){1,4}", "(token)"),
    (r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]{8,}", r"\1 (token)"),
    (r"\b(?:sk|rt|at|xai|pk|ac|ghp|oaiapp)[-_][A-Za-z0-9_-]{8,}", "(token)"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "(id)"),
    (r"\b(?:user|org|acc|acct|account|team|proj)[-_](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{6,}\b", "(id)"),
    (r"(?<![\w/.-])(?=[A-Za-z_-]*\d)(?=\d*[A-Za-z_-])[A-Za-z0-9_-]{40,}(?![\w-])", "(secret)"),
)
_COMPILED = tuple((re.compile(form), place) for form, place in _FORMS)


class Masks:
    """Takes out what must not be read.

    Arguments:
      known: value -> what stands in its place.
      folders: a path -> what stands in its place, such as "~".
      names: of persons and machines: taken out as whole words, short ones as folders only.
    """

    def __init__(
        self, known: Mapping[str, str], folders: Mapping[str, str] | None = None, names: Iterable[str] = ()
    ) -> None:
        values = {
            value: place
            for value, place in known.items()
            if len(value) >= SHORTEST and not value.isdigit() and value.lower() not in OURS
        }
        paths = {path.rstrip("/\\"): place for path, place in (folders or {}).items() if len(path.rstrip("/\\")) > 1}
        whose = sorted({name for name in names if len(name) > 1 and name.lower() not in OURS}, key=len, reverse=True)
        # Longest first, so that no value hides a longer one that holds it.
        self._steps = [(re.compile(re.escape(v)), place) for v, place in _longest_first(values)]
        self._steps += [
            (re.compile(re.escape(p) + r"(?=[/\\\s:;,'\")]|$)"), place) for p, place in _longest_first(paths)
        ]
        self._steps += [(_named(name), "(name)") for name in whose]

    def __call__(self, text: str) -> str:
        """The text without them."""
        for form, place in self._steps:
            text = form.sub(lambda _match, place=place: place, text)  # type: ignore[misc]
        for form, place in _COMPILED:
            text = form.sub(place, text)
        return text


def _named(name: str) -> re.Pattern[str]:
    """Where a name is meant by a name; a short one is a word of the language as likely as not, but not as a folder."""
    if len(name) < SHORT_NAME:
        return re.compile(rf"(?<=[/\\]){re.escape(name)}(?=[/\\\s]|$)")
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def _longest_first(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(values.items(), key=lambda pair: -len(pair[0]))


def is_public(host: str) -> bool:
    """Whether a host may be named: this machine, or a vendor's own."""
    name = host.lower().strip("[]").rstrip(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or any(name == known or name.endswith(f".{known}") for known in PUBLIC)
