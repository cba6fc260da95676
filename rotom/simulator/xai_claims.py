"""xAI's side of a login: whose account it is, and tokens about it that are really signed.

The claims are those seen in tokens of Grok's CLI 1.0.41 (2026-11). Unlike the Codex part, the signature is a true one,
because an OpenID client may check an ID token's against the issuer's keys (JWKS). Keys are made when first needed.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any, Final

from rotom.sse import Json, dumps

CLIENT_ID: Final = "b1a00492-073a-47ea-816f-4c329264a828"
ALGORITHMS: Final = ("ES256", "RS256")
ID_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class XaiAccount:
    """Who logs in.

    Fields:
      principal_id: the person; tokens call it ``sub`` as well.
      tier: the number in the access token, whose meaning nobody outside knows.
      subscription: what the account's page calls it; None: no subscription.
    """

    principal_id: str = "11111111-2222-4333-8444-555555555555"
    team_id: str = "99999999-2222-4333-8444-555555555555"
    email: str = "demo@example.com"
    first_name: str = "Demo"
    last_name: str = "Person"
    tier: int = 4
    subscription: str | None = "SuperGrok"


class Signer:
    """Signs tokens.

    Arguments:
      algorithm: ``ES256`` or ``RS256``.
    """

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self._keys: dict[str, Any] = {}

    def sign(self, claims: Json) -> str:
        """The claims as a JWT."""
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self._kid(self.algorithm)}
        signed = f"{_base64(dumps(head))}.{_base64(dumps(claims))}"
        return f"{signed}.{_base64(self._signature(signed.encode()))}"

    def keys(self) -> Json:
        """The public keys, as a JWKS."""
        number = self._key(self.algorithm).public_key().public_numbers()
        common = {"kid": self._kid(self.algorithm), "alg": self.algorithm, "use": "sig"}
        if self.algorithm == "ES256":
            size = 32
            key = {"kty": "EC", "crv": "P-256", "x": _number(number.x, size), "y": _number(number.y, size)}
        else:
            key = {"kty": "RSA", "n": _number(number.n), "e": _number(number.e)}
        return {"keys": [{**key, **common}]}

    def _kid(self, algorithm: str) -> str:
        return f"simulated-{algorithm.lower()}"

    def _key(self, algorithm: str) -> Any:
        if algorithm not in self._keys:
            from cryptography.hazmat.primitives.asymmetric import ec, rsa

            made = (
                ec.generate_private_key(ec.SECP256R1())
                if algorithm == "ES256"
                else rsa.generate_private_key(65537, 2048)
            )
            self._keys[algorithm] = made
        return self._keys[algorithm]

    def _signature(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

        key = self._key(self.algorithm)
        if self.algorithm == "RS256":
            signature: bytes = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            return signature
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def access_claims(account: XaiAccount, issuer: str, scope: str, now: float, seconds: float) -> Json:
    """What an access token says."""
    return {
        "iss": issuer,
        "sub": account.principal_id,
        "aud": CLIENT_ID,
        "client_id": CLIENT_ID,
        "scope": scope,
        "iat": int(now),
        "exp": int(now + seconds),
        "principal_type": "User",
        "principal_id": account.principal_id,
        "tier": account.tier,
        "team_id": account.team_id,
        "jti": str(uuid.uuid4()),
    }


def id_claims(account: XaiAccount, issuer: str, nonce: str | None, now: float) -> Json:
    """What an ID token says; it lives for an hour."""
    claims = {
        "iss": issuer,
        "sub": account.principal_id,
        "aud": CLIENT_ID,
        "iat": int(now),
        "exp": int(now) + ID_SECONDS,
        "email": account.email,
        "email_verified": True,
        "given_name": account.first_name,
        "family_name": account.last_name,
    }
    return claims if nonce is None else {**claims, "nonce": nonce}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, size: int | None = None) -> str:
    return _base64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
