"""OpenAI's Codex service, reached with a ChatGPT login: the provider, and its calls beside the turns.

What is not here: the login (openai_login.py), the request of a turn (openai_dress.py), images (openai_images.py), what
refusals mean (openai_refusals.py) and the models known by heart (openai_models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import ceil, isfinite
from typing import Any
from urllib.parse import urlencode

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import (
    Flow,
    Images,
    Outgoing,
    Provider,
    Reply,
    Token,
    Usage,
    Window,
    openai_images,
    openai_login,
    openai_token,
)
from rotom.providers.oauth import object_of
from rotom.providers.openai_dress import NO_CONSTRAINT, base_url, dress, dress_socket, identity
from rotom.providers.openai_models import BUILTIN, PROVIDER, read_models
from rotom.providers.openai_notes import notes
from rotom.providers.openai_receipt import receipt
from rotom.providers.openai_refusals import failure, refusal, windows
from rotom.sse import Json
from rotom.turn import Turn

TOLD = frozenset({"openai-model", "openai-processing-ms", "x-models-etag", "x-oai-request-id", "x-reasoning-included"})

PRIVATE = ("codex.", "responsesapi.", "keepalive")
"""Beginnings of event types that are for the vendor's own clients (seen in streams to Codex CLI 0.169)."""


def make(config: Config) -> Provider:
    """The provider as configured."""

    def dressed(turn: Turn, model: Model, token: Token) -> Outgoing:
        return dress(config, turn, model, token)

    def dressed_socket(turn: Turn, model: Model, token: Token) -> tuple[Outgoing, Json]:
        return dress_socket(config, turn, model, token)

    return Provider(
        name=PROVIDER,
        aliases=("codex",),
        title="ChatGPT (Codex)",
        about="the service of the Codex CLI: its models, images and limits, on any plan that has Codex",
        login=openai_login.login(config),
        login_device=openai_login.login_device(config),
        renew=openai_login.renew(config),
        revoke=openai_login.revoke(config),
        may_renew=openai_login.may_renew,
        models=models(config),
        usage=usage(config),
        builtin=BUILTIN,
        dress=dressed,
        refusal=refusal,
        failure=failure,
        windows=windows,
        import_login=openai_token.import_login,
        settle=accounts_check(config),
        images=Images(openai_images.MODELS, openai_images.take, partial(openai_images.dress, config)),
        receipt=receipt,
        told=told,
        vendor_models=vendor_models(config),
        dress_socket=dressed_socket,
        notes=notes,
        private=lambda kind: kind.startswith(PRIVATE),
        callback_ports=openai_login.CALLBACK_PORTS,
        callback_path=openai_login.CALLBACK_PATH,
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


def usage(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns the account's Usage."""

    def flow(token: Token) -> Flow:
        reply: Reply = yield Outgoing.get(_wham(config, token, "usage"), _wham_headers(config, token))
        return _usage(_good(reply))

    return flow


def accounts_check(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns the token with what its workspace asks for: an origin of its own, a routing override.
    Personal accounts have neither."""

    def flow(token: Token) -> Flow:
        # The routing is being found out, so the default address is asked, as Codex CLI 0.169 does.
        plain = replace(token, extra={**token.extra, "workspace_backend_origin": NO_CONSTRAINT})
        reply: Reply = yield Outgoing.get(_wham(config, plain, "accounts/check"), _wham_headers(config, plain))
        accounts = _good(reply).get("accounts")
        extra = {key: value for key, value in token.extra.items() if key not in ROUTING}
        for account in accounts if isinstance(accounts, list) else ():
            if isinstance(account, dict) and account.get("id") == token.account_id:
                found = {key: account.get(key) for key in ROUTING}
                extra |= {key: value for key, value in found.items() if value not in (None, "", NO_CONSTRAINT)}
        return replace(token, extra=extra)

    return flow


ROUTING = ("workspace_backend_origin", "account_routing_override")


def _wham(config: Config, token: Token, name: str) -> str:
    # The account's own calls lie beside the Codex ones: .../backend-api/codex -> .../backend-api/wham/usage
    return f"{base_url(config, token).removesuffix('/codex')}/wham/{name}"


def _wham_headers(config: Config, token: Token) -> tuple[tuple[str, str], ...]:
    return (*identity(config, token), ("accept", "application/json"))


def _good(reply: Reply) -> Json:
    if reply.status != 200:
        raise refusal(reply.status, reply.headers, reply.body)
    return object_of(reply)


def _usage(value: Json) -> Usage:
    found = _windows(value.get("rate_limit"), None)
    found += _windows(value.get("code_review_rate_limit"), "code_review")
    more = value.get("additional_rate_limits")
    for entry in more if isinstance(more, list) else ():
        if isinstance(entry, dict):
            name = entry.get("limit_name") or entry.get("metered_feature")
            found += _windows(entry.get("rate_limit"), str(name))
    credit = value.get("credits")
    return Usage(
        plan=_text(value.get("plan_type")),
        email=_text(value.get("email")),
        account_id=_text(value.get("account_id")),
        windows=tuple(found),
        credits=credit if isinstance(credit, dict) else None,
    )


def _windows(value: Any, limit: str | None) -> list[Window]:
    if not isinstance(value, dict):
        return []
    found = []
    for name in ("primary_window", "secondary_window"):
        window = value.get(name)
        if not isinstance(window, dict):
            continue
        keys = ("limit_window_seconds", "used_percent", "reset_at")
        seconds, used, resets = (_finite(window.get(key)) for key in keys)
        if seconds is not None and used is not None and seconds > 0:
            found.append(Window(ceil(seconds / 60), used, resets, limit))
    return sorted(found, key=lambda window: window.minutes)


def _finite(value: object) -> float | None:
    """A number that can be counted with: JSON from elsewhere may hold NaN, Infinity, and whole numbers of any length."""
    try:
        number = float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None
    return number if number is not None and isfinite(number) and abs(number) < 1e12 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
