"""What xAI's tokens say: a token answer as a `Token`.

The access token is a JWT of some six hours whose claims name the account (``principal_id``, ``team_id``, ``tier``); the
ID token names the person. What the numbers of ``tier`` mean is not published, so the number is kept and nothing hangs on
it.

What is not here: how tokens are asked for (grok_login.py), and whether an ID token is good (openid.py).
"""

from __future__ import annotations

import time
from typing import Any

from rotom.providers import Token, oauth
from rotom.providers.loose import number, text
from rotom.sse import Json

KEPT = {
    "principal_type": ("principal_type", "principalType"),
    "principal_id": ("principal_id", "principalId"),
    "team_id": ("team_id",),
    "tier": ("tier",),
    "scope": ("scope",),
}
"""What is kept of the access token's claims -> the names that it has there."""


def token_from(fields: Json, old: Token | None, token_endpoint: str) -> Token:
    """A token from a token answer; what is missing in it stays as it was in `old`."""
    now = time.time()
    access = str(fields.get("access_token"))
    claims, person = oauth.claims(access), oauth.claims(fields.get("id_token"))
    expires_at = number(claims.get("exp"))
    if expires_at is None and (lifetime := number(fields.get("expires_in"))) is not None:
        expires_at = now + lifetime
    extra: dict[str, Any] = dict(old.extra) if old else {}
    extra["token_endpoint"] = token_endpoint
    for name, spellings in KEPT.items():
        value = next((claims[spelling] for spelling in spellings if spelling in claims), None)
        if isinstance(value, str | int) and not isinstance(value, bool):
            extra[name] = value
    refresh = fields.get("refresh_token") or (old.refresh if old else None)
    return Token(
        access=access,
        refresh=str(refresh) if refresh else None,
        expires_at=expires_at,
        account_id=text(extra.get("principal_id"), claims.get("sub"), person.get("sub"), old and old.account_id),
        email=text(person.get("email"), old and old.email),
        plan=old.plan if old else None,
        obtained_at=now,
        extra=extra,
    )
