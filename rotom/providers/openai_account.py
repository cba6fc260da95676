"""The account's own calls of the Codex service, beside those of its models: what is used, and where its workspace is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil, isfinite
from typing import Any

from rotom.config import Config
from rotom.providers import Flow, Outgoing, Reply, Token, Usage, Window
from rotom.providers.loose import object_of
from rotom.providers.openai_identity import NO_CONSTRAINT, base_url, identity
from rotom.providers.openai_refusals import refusal
from rotom.sse import Json

ROUTING = ("workspace_backend_origin", "account_routing_override")


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
