"""xAI's Grok, reached with the login of a Grok or X account: the provider, and its calls beside the turns.

What is not here: the login (grok_login.py), the request of a turn (grok_dress.py), what refusals mean (grok_refusals.py),
its streams (grok_events.py), its two origins (grok_origins.py), and the models known by heart (grok_models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Images, Outgoing, Provider, Reply, Speech, Token
from rotom.providers.grok_identity import API, base_url, identity
from rotom.providers.grok_models import BUILTIN, IMAGES, PROVIDER, read_models
from rotom.providers.grok_origins import Origins
from rotom.providers.loose import object_of
from rotom.seldom import Seldom
from rotom.sse import Event, Json
from rotom.turn import Turn

if TYPE_CHECKING:
    from rotom.providers import (
        grok_dress,
        grok_events,
        grok_images,
        grok_login,
        grok_receipt,
        grok_refusals,
        grok_speech,
        grok_usage,
    )
else:
    grok_dress = Seldom("rotom.providers.grok_dress")
    grok_events = Seldom("rotom.providers.grok_events")
    grok_images = Seldom("rotom.providers.grok_images")
    grok_login = Seldom("rotom.providers.grok_login")
    grok_receipt = Seldom("rotom.providers.grok_receipt")
    grok_refusals = Seldom("rotom.providers.grok_refusals")
    grok_speech = Seldom("rotom.providers.grok_speech")
    grok_usage = Seldom("rotom.providers.grok_usage")

CALLBACK_ORIGINS = ("https://accounts.x.ai", "https://auth.x.ai")
"""The consent page calls the loopback address by a script (seen in the official client's CORS answers, 2026-08)."""

PRIVATE = frozenset({"ping", "keepalive"})
"""Events that only keep a connection alive."""


def make(config: Config) -> Provider:
    """The provider as configured."""
    origins = Origins(config)

    def refused(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
        return origins.advised(grok_refusals.refusal(status, headers, body))

    def failed(event: Event) -> Problem | None:
        problem = grok_refusals.failure(event)
        return None if problem is None else origins.advised(problem)

    def dressed(turn: Turn, model: Model, token: Token) -> Outgoing:
        return grok_dress.dress(config, origins.of(token), turn, model, token)

    def compacted(turn: Turn, model: Model, token: Token) -> Outgoing:
        return grok_dress.compact(config, origins.of(token), turn, model, token)

    def drawn(body: Json, edit: bool, token: Token) -> Outgoing:
        return grok_images.dress(config, origins.of(token), body, edit, token)

    def speech() -> Speech:
        return grok_speech.speech(config.grok_base_url, lambda token: identity(config, API, token))

    return Provider(
        name=PROVIDER,
        aliases=("xai",),
        title="Grok (xAI)",
        about="xAI's models, with a Grok or X account; the setting grok_origin says what pays for them",
        login=lambda redirect: grok_login.login(config)(redirect),
        login_device=lambda: grok_login.login_device(config)(),
        renew=lambda token, reason: grok_login.renew(config)(token, reason),
        revoke=lambda token: grok_login.revoke(token),
        models=models(config, origins),
        usage=lambda token: grok_usage.usage(config)(token),
        builtin=BUILTIN,
        dress=dressed,
        images=Images(
            IMAGES,
            lambda drawing, model: grok_images.take(drawing, model),
            drawn,
            lambda answer: grok_images.read(answer),
        ),
        compact=compacted,
        speech=Speech(
            lambda body, token: speech().say(body, token),
            lambda voice, token: speech().voices(voice, token),
            lambda query, token: speech().connect(query, token),
            lambda message: speech().frame(message),
        ),
        refusal=refused,
        failure=failed,
        windows=lambda headers: grok_refusals.windows(headers),
        receipt=lambda turn, model: grok_receipt.receipt(turn, model),
        private=lambda kind: kind in PRIVATE,
        told=told,
        callback_ports=(56121,),
        callback_path="/callback",
        callback_origins=CALLBACK_ORIGINS,
        reader=lambda turn: grok_events.Reader(turn),
        origin=origins.address,
        detour=origins.detour,
    )


def told(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The limits of pace, as OpenAI's clients know them."""
    return tuple(
        (name, value)
        for name, value in headers.items()
        if name.startswith("x-ratelimit-") and value.isascii() and value.isprintable()
    )


def models(config: Config, origins: Origins) -> Callable[[Token], Flow]:
    """token -> flow that returns (models, etag), as the origin in use has them."""

    def flow(token: Token) -> Flow:
        origin = origins.of(token)
        headers = (*identity(config, origin, token), ("accept", "application/json"))
        reply: Reply = yield Outgoing.get(f"{base_url(config, origin)}/models", headers)
        if reply.status != 200:
            raise grok_refusals.refusal(reply.status, reply.headers, reply.body)
        value = object_of(reply)
        entries = value.get("data") or value.get("models")
        if not isinstance(entries, list):
            raise Problem(Kind.UPSTREAM, "the provider's list of models could not be read", code="models_unreadable")
        return read_models(entries), reply.headers.get("etag")

    return flow
