"""ID tokens: whether the claims in one belong to this login. Pure.

What is not here: the signature, which takes the issuer's keys and cryptography (upstream/signatures.py, asked by the step
`Verify`), and how tokens are asked for (each provider's login).
"""

from __future__ import annotations

from rotom.problem import Kind, Problem
from rotom.providers import oauth
from rotom.providers.loose import number
from rotom.sse import Json

LEEWAY = 300.0
"""Seconds by which this machine's clock may be off."""


def checked(token: object, *, issuer: str, audience: str, nonce: str | None, now: float, provider: str) -> Json:
    """The claims of an ID token that is for us, now, and in answer to this login.

    Arguments:
      token: as it came. audience: our client id.
      nonce: what the login sent; None: it sent none. now: unix seconds. provider: for what a person is told to do.

    Raises:
      Problem: FORBIDDEN when it is not. What came with it must not be kept then.
    """
    claims = oauth.claims(token)
    audiences = claims.get("aud")
    expires_at = number(claims.get("exp"))
    if not claims:
        raise bad("it cannot be read", provider)
    if str(claims.get("iss", "")).rstrip("/") != issuer.rstrip("/"):
        raise bad("somebody else issued it", provider)
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise bad("it is for another program", provider)
    if expires_at is None or expires_at < now - LEEWAY:
        raise bad("it has ended; is the clock of this machine right?", provider)
    if nonce is not None and claims.get("nonce") != nonce:
        raise bad("it answers another login", provider)
    return claims


def bad(why: str, provider: str) -> Problem:
    """The login was not taken."""
    return Problem(
        Kind.FORBIDDEN,
        f"the login was not taken, because the ID token that came with it is not good: {why}",
        code="id_token",
        retry=False,
        hint=f"run: rotom login --provider {provider}",
    )
