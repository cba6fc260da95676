"""The signature of a JWT, checked against its issuer's keys (a JWKS).

What is not here: what the token says and for whom it is (providers/openid.py). Only the algorithms that OpenID providers
sign with are known; ``none`` and the symmetric ones are refused, whatever the token's own head says.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from rotom.providers.openid import bad
from rotom.sse import Json

_CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48)}
_SMALLEST_RSA = 2048


def verify(token: str, keys: Json, provider: str) -> None:
    """Whether one of the keys signed the token.

    Arguments:
      keys: the JWKS, as it came. provider: for what a person is told to do.

    Raises:
      Problem: FORBIDDEN when none did.
    """
    from cryptography.exceptions import InvalidSignature

    head, _, _ = token.partition(".")
    signed, _, signature = token.rpartition(".")
    try:
        header = json.loads(_decoded(head))
        algorithm, kid = header["alg"], header.get("kid")
        raw = _decoded(signature)
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise bad("it is not signed", provider) from exc
    entries = keys.get("keys")
    found = [key for key in entries if isinstance(key, dict)] if isinstance(entries, list) else []
    matching = [key for key in found if kid is None or key.get("kid") == kid]
    if not matching:
        raise bad("it is signed with a key that its issuer does not publish", provider)
    for key in matching:
        try:
            _check(algorithm, key, raw, signed.encode())
        except (InvalidSignature, ValueError, TypeError, KeyError):
            continue
        return
    raise bad("its signature is wrong", provider)


def _check(algorithm: str, key: Json, signature: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    digests: dict[str, hashes.HashAlgorithm] = {
        "256": hashes.SHA256(),
        "384": hashes.SHA384(),
        "512": hashes.SHA512(),
    }
    digest = digests[algorithm[2:]]
    if key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
        raise ValueError("the key is for something else")
    if algorithm[:2] in ("RS", "PS") and key["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        if public.key_size < _SMALLEST_RSA:
            raise ValueError("the key is too small")
        scheme: Any = padding.PKCS1v15()
        if algorithm[:2] == "PS":
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public.verify(signature, data, scheme, digest)
    elif algorithm in _CURVES and key["kty"] == "EC":
        name, size = _CURVES[algorithm]
        if key["crv"] != name or len(signature) != 2 * size:
            raise ValueError("another curve")
        curve: ec.EllipticCurve = ec.SECP256R1() if name == "P-256" else ec.SECP384R1()
        point = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), curve).public_key()
        halves = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
        point.verify(utils.encode_dss_signature(*halves), data, ec.ECDSA(digest))
    else:
        raise ValueError("no algorithm for that key")


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as exc:
        raise ValueError("not base64url") from exc
