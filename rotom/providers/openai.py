"""OpenAI's Codex service, reached with a ChatGPT login: the provider, and its calls beside the turns.

What is not here: the login (openai_login.py), the account's own calls (openai_account.py), the request of a turn
(openai_dress.py), images (openai_images.py), what refusals mean (openai_refusals.py) and the models known by heart
(openai_models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Images, Outgoing, Provider, Reply, Token
from rotom.providers.loose import object_of
from rotom.providers.openai_identity import base_url, identity
from rotom.providers.openai_models import BUILTIN, IMAGES, PROVIDER, read_models
from rotom.seldom import Seldom
from rotom.sse import Json
from rotom.turn import Turn

if TYPE_CHECKING:
    from rotom.providers import (
        openai_account,
        openai_dress,
        openai_images,
        openai_login,
        openai_notes,
        openai_receipt,
        openai_refusals,
        openai_token,
    )
else:
    openai_account = Seldom("rotom.providers.openai_account")
    openai_dress = Seldom("rotom.providers.openai_dress")
    openai_images = Seldom("rotom.providers.openai_images")
    openai_login = Seldom("rotom.providers.openai_login")
    openai_notes = Seldom("rotom.providers.openai_notes")
    openai_receipt = Seldom("rotom.providers.openai_receipt")
    openai_refusals = Seldom("rotom.providers.openai_refusals")
    openai_token = Seldom("rotom.providers.openai_token")

TOLD = frozenset({"openai-model", "openai-processing-ms", "x-models-etag", "x-oai-request-id", "x-reasoning-included"})

PRIVATE = ("codex.", "responsesapi.", "keepalive")
"""Beginnings of event types that are for the vendor's own clients (seen in streams to Codex CLI 0.169)."""


def make(config: Config) -> Provider:
    """The provider as configured."""

    def dressed(turn: Turn, model: Model, token: Token) -> Outgoing:
        return openai_dress.dress(config, turn, model, token)

    def dressed_socket(turn: Turn, model: Model, token: Token) -> tuple[Outgoing, Json]:
        return openai_dress.dress_socket(config, turn, model, token)

    return Provider(
        name=PROVIDER,
        aliases=("codex",),
        title="ChatGPT (Codex)",
        about="the service of the Codex CLI: its models, images and limits, on any plan that has Codex",
        login=lambda redirect: openai_login.login(config)(redirect),
        login_device=lambda: openai_login.login_device(config)(),
        renew=lambda token, reason: openai_login.renew(config)(token, reason),
        revoke=lambda token: openai_login.revoke(config)(token),
        models=models(config),
        usage=lambda token: openai_account.usage(config)(token),
        builtin=BUILTIN,
        dress=dressed,
        refusal=lambda status, headers, body: openai_refusals.refusal(status, headers, body),
        failure=lambda event: openai_refusals.failure(event),
        windows=lambda headers: openai_refusals.windows(headers),
        import_login=lambda data: openai_token.import_login(data),
        settle=lambda token: openai_account.accounts_check(config)(token),
        images=Images(
            IMAGES,
            lambda drawing, model: openai_images.take(drawing, model),
            lambda body, edit, token: openai_images.dress(config, body, edit, token),
        ),
        receipt=lambda turn, model: openai_receipt.receipt(turn, model),
        told=told,
        vendor_models=vendor_models(config),
        dress_socket=dressed_socket,
        notes=lambda event: openai_notes.notes(event),
        private=lambda kind: kind.startswith(PRIVATE),
        callback_ports=(1455, 1457),
    )


def models(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns (models, etag). The list depends on the plan and on the client version that is sent."""

    def flow(token: Token) -> Flow:
        url = f"{base_url(config, token)}/models?client_version={config.openai_client_version}"
        reply: Reply = yield Outgoing.get(url, (*identity(config, token), ("accept", "*/*")))
        entries = _good(reply).get("models")
        if not isinstance(entries, list):
            raise Problem(Kind.UPSTREAM, "the provider's list of models could not be read", code="models_unreadable")
        return read_models(entries), reply.headers.get("etag")

    return flow


def vendor_models(config: Config) -> Callable[[str, Token], Flow]:
    """(client version, token) -> flow that returns (the list as Codex CLI gets it, etag)."""

    def flow(version: str, token: Token) -> Flow:
        query = urlencode({"client_version": version})
        reply: Reply = yield Outgoing.get(
            f"{base_url(config, token)}/models?{query}", (*identity(config, token), ("accept", "*/*"))
        )
        listing = _good(reply)
        if not isinstance(listing.get("models"), list):
            raise Problem(Kind.UPSTREAM, "the provider's list of models could not be read", code="models_unreadable")
        return {"models": listing["models"]}, reply.headers.get("etag")

    return flow


def told(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers of an answer that Codex CLI reads: limits, the model, where the turn goes on (0.169, 2026-11)."""
    return tuple(
        (name, value)
        for name, value in headers.items()
        if (name in TOLD or name.startswith("x-codex-")) and value.isascii() and value.isprintable()
    )


def _good(reply: Reply) -> Json:
    if reply.status != 200:
        raise openai_refusals.refusal(reply.status, reply.headers, reply.body)
    return object_of(reply)
