"""Claims of ID tokens."""

import base64
import json

import pytest

from rotom.problem import Kind, Problem
from rotom.providers.openid import checked

NOW = 1_000_000.0
GOOD = {"iss": "https://issuer", "aud": "me", "exp": NOW + 60, "nonce": "n", "sub": "s"}


def jwt(claims):
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def check(token, nonce="n"):
    return checked(token, issuer="https://issuer/", audience="me", nonce=nonce, now=NOW, provider="p")


@pytest.mark.parametrize("change", [{}, {"aud": ["x", "me"]}, {"exp": NOW - 200}, {"iss": "https://issuer/"}])
def test_good(change):
    assert check(jwt({**GOOD, **change}))["sub"] == "s"
    assert check(jwt({**GOOD, "nonce": "other"}), nonce=None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"aud": "x"}, "another program"),
        ({"aud": ["x"]}, "another program"),
        ({"aud": None}, "another program"),
        ({"iss": "https://issuer.evil"}, "somebody else"),
        ({"exp": NOW - 301}, "ended"),
        ({"exp": None}, "ended"),
        ({"nonce": "x"}, "another login"),
        ({"nonce": None}, "another login"),
    ],
)
def test_bad(change, why):
    with pytest.raises(Problem, match=why) as caught:
        check(jwt({**GOOD, **change}))
    assert (caught.value.kind, caught.value.retry) == (Kind.FORBIDDEN, False)
    assert "rotom login --provider p" in caught.value.hint


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", 7])
def test_nothing(token):
    with pytest.raises(Problem, match="cannot be read"):
        check(token)
