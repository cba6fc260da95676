"""Signatures of ID tokens, with keys made here."""

import base64
import itertools
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from rotom.problem import Kind, Problem
from rotom.upstream.signatures import verify

RSA = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(**more):
    public = RSA.public_key().public_numbers()
    return {"kty": "RSA", "kid": "one", "n": number(public.n), "e": number(public.e), **more}


def point(**more):
    public = CURVE.public_key().public_numbers()
    x, y = (b64(value.to_bytes(32, "big")) for value in (public.x, public.y))
    return {"kty": "EC", "kid": "two", "crv": "P-256", "x": x, "y": y, **more}


def signed(algorithm="RS256", kid="one", claims=None):
    body = f"{b64(json.dumps({'alg': algorithm, 'kid': kid}).encode())}.{b64(json.dumps(claims or {}).encode())}"
    if algorithm == "ES256":
        r, s = utils.decode_dss_signature(CURVE.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        digest = hashes.SHA512() if algorithm.endswith("512") else hashes.SHA256()
        scheme = padding.PKCS1v15()
        if algorithm.startswith("PS"):
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
        raw = RSA.sign(body.encode(), scheme, digest)
    return f"{body}.{b64(raw)}"


@pytest.mark.parametrize(
    ("token", "keys"),
    [
        (signed(), [jwk()]),
        (signed(), [point(kid="one"), jwk()]),
        (signed("RS512"), [jwk()]),
        (signed("PS256"), [jwk(use="sig")]),
        (signed("ES256", "two"), [jwk(), point()]),
        (signed(kid=None), [point(), jwk()]),
    ],
    ids=itertools.count(),  # the tokens are other ones each time
)
def test_good(token, keys):
    verify(token, {"keys": keys}, "p")


HEAD, BODY, SIGNATURE = signed().split(".")
OTHER = signed(claims={"sub": "another"}).split(".")[1]
NONE = b64(b'{"alg":"none"}')


@pytest.mark.parametrize(
    ("token", "keys", "why"),
    [
        (f"{HEAD}.{OTHER}.{SIGNATURE}", [jwk()], "wrong"),
        (f"{NONE}.{BODY}.", [jwk()], "wrong"),
        (f"{b64(b'{}')}.{BODY}.{SIGNATURE}", [jwk()], "not signed"),
        (f"{b64(b'[]')}.{BODY}.{SIGNATURE}", [jwk()], "not signed"),
        (f"{b64(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{BODY}.{SIGNATURE}", [jwk()], "wrong"),
        (f"{b64(json.dumps({'alg': 5, 'kid': 'one'}).encode())}.{BODY}.{SIGNATURE}", [jwk()], "wrong"),
        ("nothing", [jwk()], "not signed"),
        (signed(kid="three"), [jwk()], "does not publish"),
        (signed(), [], "does not publish"),
        (signed(), "x", "does not publish"),
        (signed(), [jwk(use="enc")], "wrong"),
        (signed(), [jwk(alg="RS512")], "wrong"),
        (signed(), [jwk(n="AQAB")], "wrong"),
        (signed(), [{"kid": "one"}, jwk(kty="oct"), jwk(n=7)], "wrong"),
        (signed("ES256", "two"), [point(crv="P-384")], "wrong"),
    ],
    ids=itertools.count(),  # the tokens are other ones each time
)
def test_bad(token, keys, why):
    with pytest.raises(Problem, match=why) as caught:
        verify(token, {"keys": keys}, "p")
    assert (caught.value.kind, caught.value.code) == (Kind.FORBIDDEN, "id_token")
