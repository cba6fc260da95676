"""The account that logs in, and what its tokens say. Pure.

The tokens have the shape and the claims of the real ones (as documented for Codex CLI 0.169, 2026-11); their signature is
noise, since nobody can check it.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rotom.sse import Json, dumps

CLIENT_ID: Final = "app_EMoamEEZ73f0CkXaXp7hrann"
SCOPES: Final = ("openid", "profile", "email", "offline_access")
AUTH: Final = "https://api.openai.com/auth"
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in.

    Fields:
      routing: an account routing override that requests must carry; ``NO_CONSTRAINT`` for none.
      fedramp: requests must say so in a header.
      subscribed_until: unix seconds; None: the token does not tell.
    """

    account_id: str = "11111111-2222-4333-8444-555555555555"
    user_id: str = "user-simulated0001"
    email: str = "demo@example.com"
    plan: str = "plus"
    name: str = "Personal"
    structure: str = "personal"
    fedramp: bool = False
    routing: str = "NO_CONSTRAINT"
    backend_origin: str = "NO_CONSTRAINT"
    subscribed_until: float | None = None


def access_token(account: Account, session: str, now: float, seconds: float) -> str:
    """A bearer token that says it lives for so many seconds."""
    return _jwt(
        {
            **_claims(account, now, seconds, ["https://api.openai.com/v1"]),
            "client_id": CLIENT_ID,
            "scp": list(SCOPES),
            "session_id": session,
            "pwd_auth_time": int(now * 1000),
            "https://api.openai.com/profile": {"email": account.email, "email_verified": True},
        }
    )


def id_token(account: Account, session: str, now: float) -> str:
    """A token about the person; it lives for an hour."""
    claims = _claims(account, now, 3600, [CLIENT_ID])
    auth = claims[AUTH]
    auth["organizations"] = [{"id": "org-simulated", "title": account.name, "role": "owner", "is_default": True}]
    auth["groups"] = []
    if account.subscribed_until is not None:
        auth["chatgpt_subscription_active_start"] = _iso(now - 30 * DAY)
        auth["chatgpt_subscription_active_until"] = _iso(account.subscribed_until)
        auth["chatgpt_subscription_last_checked"] = _iso(now)
    return _jwt({**claims, "email": account.email, "email_verified": True, "name": account.name, "sid": session})


def _claims(account: Account, now: float, seconds: float, audience: list[str]) -> Json:
    return {
        "iss": "https://auth.openai.com",
        "aud": audience,
        "sub": f"auth0|{account.user_id}",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now + seconds),
        "jti": str(uuid.uuid4()),
        AUTH: {
            "chatgpt_account_id": account.account_id,
            "chatgpt_plan_type": account.plan,
            "chatgpt_user_id": account.user_id,
            "user_id": account.user_id,
            "chatgpt_account_is_fedramp": account.fedramp,
            "chatgpt_compute_residency": "no_constraint",
        },
    }


def _jwt(claims: Json) -> str:
    parts = (dumps({"alg": "RS256", "kid": "simulated", "typ": "JWT"}), dumps(claims), secrets.token_bytes(256))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
