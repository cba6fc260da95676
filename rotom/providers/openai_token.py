"""What OpenAI's tokens say: a token answer, or the credentials file of the Codex CLI, as a `Token`.

The claims lie in two JWTs: the access token, whose ``exp`` is when the login must be renewed, and the ID token, which
names the person and ends within the hour, which does not matter (both seen with Codex CLI 0.169, 2026-11).

What is not here: how tokens are asked for (openai_login.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rotom.problem import Kind, Problem
from rotom.providers import Token, oauth
from rotom.providers.loose import number, object_in, text
from rotom.sse import Json

AUTH_CLAIM = "https://api.openai.com/auth"
PROFILE_CLAIM = "https://api.openai.com/profile"


def import_login(data: bytes) -> Token:
    """The login in the auth.json of the Codex CLI, or of another program with the same fields.

    Raises:
      Problem: INVALID when there is none in it.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise Problem(Kind.INVALID, "that file is not JSON") from exc
    for found in _places(document):
        access = found.get("access_token")
        if isinstance(access, str) and access:
            return token_from(found, None)
    if isinstance(document, dict) and document.get("OPENAI_API_KEY"):
        raise Problem(Kind.INVALID, "that file holds an API key and no ChatGPT login", hint="run `codex login` first")
    raise Problem(
        Kind.INVALID,
        "there is no login in that file. The Codex CLI may keep it in the keyring of the system instead",
        hint="run: rotom login --provider openai",
    )


def token_from(fields: Mapping[str, Any], old: Token | None) -> Token:
    """A token from a token answer (or a file with the same fields); what is missing in it stays as it was in `old`."""
    now = time.time()
    access = str(fields.get("access_token") or (old.access if old else ""))
    access_claims, id_claims = oauth.claims(access), oauth.claims(fields.get("id_token"))
    auth = {**object_in(access_claims.get(AUTH_CLAIM)), **object_in(id_claims.get(AUTH_CLAIM))}
    profile = {**object_in(access_claims.get(PROFILE_CLAIM)), **object_in(id_claims.get(PROFILE_CLAIM))}
    expires_at = number(access_claims.get("exp"))
    if expires_at is None and (lifetime := number(fields.get("expires_in"))) is not None:
        expires_at = now + lifetime
    if expires_at is None and old is not None and old.access == access:
        expires_at = old.expires_at
    extra = dict(old.extra) if old else {}
    for name, value in {
        "user_id": auth.get("chatgpt_user_id") or auth.get("user_id"),
        "fedramp": auth.get("chatgpt_account_is_fedramp"),
        "subscription_active_start": auth.get("chatgpt_subscription_active_start"),
        "subscription_active_until": auth.get("chatgpt_subscription_active_until"),
        "organization": _organization(auth),
    }.items():
        if value is not None:
            extra[name] = value
    refresh = fields.get("refresh_token") or (old.refresh if old else None)
    return Token(
        access=access,
        refresh=str(refresh) if refresh else None,
        expires_at=expires_at,
        account_id=text(auth.get("chatgpt_account_id"), fields.get("account_id"), old and old.account_id),
        email=text(id_claims.get("email"), profile.get("email"), old and old.email),
        plan=text(auth.get("chatgpt_plan_type"), old and old.plan),
        obtained_at=now,
        extra=extra,
    )


def _places(document: object, depth: int = 3) -> Iterator[Json]:
    """Where the tokens may be: in ``tokens`` (Codex CLI), at the top, or under the provider's name."""
    if not isinstance(document, dict) or not depth:
        return
    inner = [document.get(name) for name in ("tokens", "openai", "codex", "chatgpt", "providers", "accounts")]
    yield from (place for place in (document.get("tokens"), document) if isinstance(place, dict))
    for place in inner:
        if isinstance(place, dict) and place is not document:
            yield from _places(place, depth - 1)


def _organization(auth: Mapping[str, Any]) -> str | None:
    organizations = auth.get("organizations")
    if not isinstance(organizations, list):
        return None
    return text(*(one.get("title") for one in organizations if isinstance(one, dict) and one.get("is_default")))
