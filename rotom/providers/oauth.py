"""OAuth as a dialogue without I/O: PKCE, the pasted or redirected callback, token answers, and what is in a JWT.

The parts here are the ones that every provider's login is made of; each provider's module puts them together as flows
(openai_login.py). Whoever plays a flow brings the network and the person.

What is not here: the loopback listener (cli/callback.py), and any one provider's addresses and error codes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from rotom.problem import Kind, Problem
from rotom.providers import Authorize, Reply, Step
from rotom.providers.loose import number, object_of
from rotom.sse import Json

LONGEST_PASTE = 64 << 10
LONGEST_WORDS = 16 << 10

SHORTEST_CODE = 16
"""A code that is pasted alone has at least so many characters: a stray word is not sent off, which would end the login."""

_TOKEN = re.compile(r"eyJ[\w-]{6,}(?:\.[\w-]*)*|\brt[._][\w.-]{16,}|(?<=[Bb]earer )[\w.~+/=-]{16,}")
"""JWTs, refresh tokens as OpenAI makes them, and whatever follows the word Bearer."""


def new_verifier() -> str:
    """A PKCE code verifier: 64 random bytes, as Codex CLI 0.169 makes it (seen 2026-11)."""
    return _base64url(secrets.token_bytes(64))


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def new_state() -> str:
    """A state: 32 random bytes."""
    return _base64url(secrets.token_bytes(32))


def authorize_url(endpoint: str, fields: Mapping[str, str]) -> str:
    """The address where a person consents; fields keep their order."""
    return f"{endpoint}?{urlencode(fields)}"


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """What a consent brought back: a code or an error; `client_id` where one was issued. Its repr shows no code."""

    code: str | None = None
    state: str | None = None
    error: str | None = None
    description: str | None = None
    client_id: str | None = None

    def __repr__(self) -> str:
        return f"Callback(error={self.error!r})"


def read_callback(text: str) -> Callback:
    """A callback from what a person pasted or a browser asked for.

    Taken are the whole redirected URL (any host: ``localhost`` and ``127.0.0.1`` both occur), its path and query or the
    query alone, ``code#state``, and a bare code; with quotes, angle brackets, shell escapes and line breaks in it.

    Raises:
      Problem: INVALID when no code can be found in it.
    """
    text = re.sub(r"\x1b\[20[01]~|[\s\"'<>`\\]+", "", text[:LONGEST_PASTE]).replace("&amp;", "&")
    if not text:
        raise Problem(Kind.INVALID, "nothing was pasted")
    found: dict[str, str] = {}
    if "://" in text or text.startswith("/"):
        parts = _split(text)
        found = dict(parse_qsl(parts[1])) | dict(parse_qsl(parts[0]))
    elif re.search(r"(^|[?&#])(code|error)=", text):
        found = dict(parse_qsl(text.replace("#", "&").rpartition("?")[2]))
    elif re.fullmatch(r"[\w.~+/=-]+(#[\w.~+/=-]*)?", text):
        code, _, state = text.partition("#")
        if state or len(code) >= SHORTEST_CODE:
            found = {"code": code, "state": state}
    if not found.get("code") and not found.get("error"):
        raise Problem(
            Kind.INVALID,
            "there is no code in that: the address is needed that the browser was sent to after the consent, "
            "the whole of it (it has code= and state= in it)",
        )
    return Callback(
        code=found.get("code") or None,
        state=found.get("state") or None,
        error=found.get("error") or None,
        description=found.get("error_description") or None,
        client_id=found.get("client_id") or None,
    )


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise Problem(Kind.INVALID, "that is not an address") from exc
    return parts.query, parts.fragment


def consent(url: str, state: str) -> Generator[Step, Any, Callback]:
    """Ask a person to consent until an answer comes that belongs to this question.

    Returns:
      A callback with a code, or with the error that the provider gave instead.
    """
    complaint: str | None = None
    while True:
        answer = yield Authorize(url, state, complaint)
        try:
            callback = read_callback(answer)
        except Problem as problem:
            complaint = problem.message
            continue
        # A bare code has no state to check: the person typed it here, and PKCE ties it to this login.
        if callback.state is None or secrets.compare_digest(callback.state.encode(), state.encode()):
            return callback
        complaint = (
            "that is the answer to another login attempt (its state is not ours): open the address shown here, "
            "consent, and paste what this one leads to"
        )


def error_code(reply: Reply) -> str | None:
    """The error code in an OAuth answer, lower case: ``error.code``, else ``error``, else ``code``."""
    value = object_of(reply)
    error = value.get("error")
    code = error.get("code") or error.get("type") if isinstance(error, dict) else error or value.get("code")
    return printable(code).lower() or None if isinstance(code, str) else None


def error_words(reply: Reply) -> str:
    """What a provider said in words, fit to be shown: short, one line, nothing else in it."""
    value = object_of(reply)
    error = value.get("error")
    words = (error.get("message") if isinstance(error, dict) else None) or value.get("error_description")
    words = words or value.get("message") or value.get("detail")
    return printable(words) if isinstance(words, str) else ""


def printable(words: str) -> str:
    """Words from elsewhere as one short line that cannot play with a terminal and gives no token back: a service may
    quote what it was sent."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words[:LONGEST_WORDS]).split())
    line = _TOKEN.sub("[token]", line)
    return line if len(line) <= 300 else line[:299] + "…"


def interposed(reply: Reply) -> bool:
    """Whether somebody in between answered with a page (Cloudflare's browser check, a proxy's notice): such an answer says
    nothing about a login, whatever its status."""
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return "cf-mitigated" in reply.headers or media in ("text/html", "application/xhtml+xml")


def trouble(reply: Reply, who: str, doing: str) -> Problem:
    """What a reply means that says nothing about the login itself: it may work later.

    Arguments:
      who: whose answer it is. doing: what was being done, as in "renewing the login".
    """
    after = number(reply.headers.get("retry-after"))
    if interposed(reply):
        return Problem(
            Kind.UNAVAILABLE,
            f"while {doing}, somebody between here and {who} answered with a web page (status {reply.status}): "
            "Cloudflare's browser check, or a proxy. The login itself is not affected",
            code="cloudflare",
            retry_after=after,
            retry=True,
        )
    if reply.status == 429:
        return Problem(Kind.RATE_LIMITED, f"{who} asks to wait: too many requests while {doing}", retry_after=after)
    words = error_words(reply) or error_code(reply) or "no reason given"
    return Problem(Kind.UPSTREAM, f"{who} answered {reply.status} while {doing}: {words}", retry_after=after)


def claims(token: object) -> Json:
    """The claims in a JWT, unverified: they come over TLS from who made them, and decide nothing but what is shown and
    sent back to the same party. Empty when it is no JWT. Claims given as an object stay as they are."""
    if isinstance(token, dict):
        return token
    if not isinstance(token, str) or token.count(".") != 2:
        return {}
    part = token.split(".")[1]
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
