"""The words and forms in which xAI refuses things, for everything in the xai modules.

xAI has two forms of error bodies, ``{"code": "...", "error": "text"}`` and OpenAI's ``{"error": {...}}``, and its edge a
third, HTML. Where a text is not known from a report it says so beside it ("a guess").
"""

from __future__ import annotations

from typing import Any, Final

from rotom.simulator.play import Refused, Reply, json_reply

INVALID: Final = "Client specified an invalid argument"
NOT_FOUND: Final = "Some requested entity was not found"
BAD_CREDENTIALS: Final = "unauthenticated:bad-credentials"
SPENDING_LIMIT: Final = "personal-team-blocked:spending-limit"
NO_CREDITS: Final = (
    "You have run out of credits or need a Grok subscription. Add credits at https://grok.com/?_s=usage or upgrade at "
    "https://grok.com/supergrok."
)
HTML: Final = ("content-type", "text/html; charset=UTF-8")
CLOUDFLARE: Final = Reply(
    403,
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>",
    (HTML, ("cf-mitigated", "challenge"), ("server", "cloudflare")),
)


def flat(status: int, code: object, text: str, *headers: tuple[str, str]) -> Reply:
    """A refusal in the first form; without a code where that is None."""
    body: dict[str, Any] = {"error": text} if code is None else {"code": code, "error": text}
    return json_reply(status, body, *headers)


def nested(status: int, message: str, type: str, code: object = None, *headers: tuple[str, str]) -> Reply:
    """A refusal in the second form."""
    inside = {"message": message, "type": type}
    return json_reply(status, {"error": inside if code is None else {**inside, "code": code}}, *headers)


def invalid(text: str) -> Refused:
    """A request that has something wrong in it."""
    return Refused(flat(400, INVALID, text))


def unsupported(name: str) -> Refused:
    """A field that xAI does not have (the words as reported for ``metadata``)."""
    return Refused(flat(400, "400", f"Argument not supported: {name}"))


def unreadable(what: str) -> Refused:
    """A body whose JSON is not what its fields want (the words of xAI's JSON reader, as reported)."""
    return Refused(flat(422, INVALID, f"Failed to deserialize the JSON body into the target type: {what}"))
