"""xAI's text to speech: its requests, made from allow lists.

The fields are those of xAI's SDK for TypeScript (2026-09), the frames those that programs exchange with its WebSocket
(2026); nothing of it was tried against the real service. Values are xAI's business: it has the words for those that are
wrong. A name that is not known is refused here, for it could be meant for another service, with something in it that is
nobody else's business.

What is not here: what an error of it means (grok_refusals.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from urllib.parse import quote, urlencode

from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Speech, Token
from rotom.sse import Json

Headers = tuple[tuple[str, str], ...]

FIELDS = (
    *("text", "voice_id", "language", "output_format", "speed", "replace", "text_normalization"),
    *("optimize_streaming_latency", "with_timestamps"),
)
FORMAT = ("codec", "sample_rate", "bit_rate")
QUERY = (
    *("voice", "language", "codec", "sample_rate", "bit_rate", "speed", "text_normalization"),
    *("optimize_streaming_latency", "with_timestamps"),
)
FRAMES: Mapping[str, tuple[str, ...]] = {
    "text.delta": ("delta",),
    "text.done": (),
    "text.clear": (),
    "session.update": ("replace",),
}
"""Type of a client's message -> its fields."""


def speech(base_url: str, identity: Callable[[Token], Headers]) -> Speech:
    """How the API at this address speaks.

    Arguments:
      base_url: of the API; the other origin has no speech.
      identity: the headers that say who asks, the bearer among them.
    """
    url = f"{base_url.rstrip('/')}/tts"

    def say(body: Json, token: Token) -> Outgoing:
        return Outgoing.json(url, _body(body), (*identity(token), ("accept", "*/*")))

    def voices(voice: str | None, token: Token) -> Outgoing:
        one = "" if voice is None else f"/{quote(voice, safe='')}"
        return Outgoing.get(f"{url}/voices{one}", (*identity(token), ("accept", "application/json")))

    def connect(query: Mapping[str, str], token: Token) -> Outgoing:
        _only(query, QUERY, "the query of /v1/tts")
        return Outgoing.get(f"{url}?{urlencode(query)}" if query else url, identity(token))

    return Speech(say, voices, connect, frame)


def _body(body: Json) -> Json:
    _only(body, FIELDS, "/v1/tts")
    text, form = body.get("text"), body.get("output_format")
    if not isinstance(text, str) or not text.strip():
        raise _bad("text must be the text to speak", "text")
    if form is not None:
        if not isinstance(form, dict):
            raise _bad(f"output_format must be an object with {_listed(FORMAT)}", "output_format")
        _only(form, FORMAT, "output_format", "output_format.")
    _check_replace(body.get("replace"))
    return {name: body[name] for name in FIELDS if body.get(name) is not None}


def frame(message: Json) -> Json:
    """The message to send for a client's.

    Raises:
      Problem: INVALID.
    """
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in FRAMES:
        raise _bad(f"type must be one of {_listed(FRAMES)}", "type")
    _only(message, ("type", *FRAMES[kind]), kind)
    if kind == "text.delta" and not isinstance(message.get("delta"), str):
        raise _bad("delta must be a text", "delta")
    if kind == "session.update":
        _check_replace(message.get("replace"), required=True)
    return {name: message[name] for name in ("type", *FRAMES[kind])}


def _check_replace(value: object, *, required: bool = False) -> None:
    if value is None and not required:
        return
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _bad("replace must be an object of texts, each for the words that are its name", "replace")


def _only(value: Collection[str], allowed: Collection[str], where: str, prefix: str = "") -> None:
    for name in value:
        if name not in allowed:
            known = f"; it takes {_listed(allowed)}" if allowed else ""
            message = f"{name[:100]!r} is not known to be taken by {where}{known}"
            raise Problem(Kind.INVALID, message, code="unknown_parameter", param=f"{prefix}{name[:100]}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _bad(message: str, param: str) -> Problem:
    return Problem(Kind.INVALID, message, code="invalid_value", param=param)
