"""xAI's Grok, reached with the login of a Grok or X account: the provider, and its calls beside the turns.

What is not here: the login (grok_login.py), the request of a turn (grok_dress.py), what refusals mean (grok_refusals.py),
its streams (grok_events.py), its two origins (grok_origins.py), and the models known by heart (grok_models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Reply, Token, grok_login
from rotom.providers.grok_dress import base_url, compact, dress, identity
from rotom.providers.grok_events import Reader
from rotom.providers.grok_images import images
from rotom.providers.grok_models import BUILTIN, PROVIDER, read_models
from rotom.providers.grok_origins import Origins
from rotom.providers.grok_receipt import receipt
from rotom.providers.grok_refusals import failure, refusal, windows
from rotom.providers.grok_speech import speech
from rotom.providers.grok_usage import usage
from rotom.providers.oauth import object_of
from rotom.sse import Event
from rotom.turn import Turn

PRIVATE = frozenset({"ping", "keepalive"})
"""Events that only keep a connection alive."""


def make(config: Config) -> Provider:
    """The provider as configured."""
    origins = Origins(config)

    def refused(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
        return origins.advised(refusal(status, headers, body))

    def failed(event: Event) -> Problem | None:
        problem = failure(event)
        return None if problem is None else origins.advised(problem)

    def dressed(turn: Turn, model: Model, token: Token) -> Outgoing:
        return dress(config, origins.of(token), turn, model, token)

    def compacted(turn: Turn, model: Model, token: Token) -> Outgoing:
        return compact(config, origins.of(token), turn, model, token)

    return Provider(
        name=PROVIDER,
        aliases=("xai",),
        title="Grok (xAI)",
        about="xAI's models, with a Grok or X account; the setting grok_origin says what pays for them",
        login=grok_login.login(config),
        login_device=grok_login.login_device(config),
        renew=grok_login.renew(config),
        revoke=grok_login.revoke,
        may_renew=grok_login.may_renew,
        models=models(config, origins),
        usage=usage(config),
        builtin=BUILTIN,
        dress=dressed,
        images=images(config, origins.of),
        compact=compacted,
        speech=speech(config.grok_base_url, lambda token: identity(config, "api", token)),
        refusal=refused,
        failure=failed,
        windows=windows,
        receipt=receipt,
        private=lambda kind: kind in PRIVATE,
        told=told,
        callback_ports=grok_login.CALLBACK_PORTS,
        callback_path=grok_login.CALLBACK_PATH,
        callback_origins=grok_login.CALLBACK_ORIGINS,
        reader=Reader,
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
            raise refusal(reply.status, reply.headers, reply.body)
        value = object_of(reply)
        entries = value.get("data") or value.get("models")
        if not isinstance(entries, list):
            raise Problem(Kind.UPSTREAM, "the provider's list of models could not be read", code="models_unreadable")
        return read_models(entries), reply.headers.get("etag")

    return flow
