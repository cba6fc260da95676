"""The parts of OAuth: what people paste, what providers say, what is in a JWT."""

import base64
import hashlib
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.providers import Authorize, Reply, oauth
from rotom.providers.oauth import read_callback

CODE, STATE = "ac_" + "x" * 40, "s" * 43
QUERY = urlencode({"code": CODE, "scope": "openid profile", "state": STATE})


def jwt(claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


def reply(status, body=b"", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_a_verifier_and_its_challenge():
    verifier = oauth.new_verifier()
    assert len(verifier) == 86
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64decode(oauth.challenge(verifier) + "=") == digest
    assert len(oauth.new_state()) == 43
    assert oauth.new_state() != oauth.new_state()


@pytest.mark.parametrize(
    "text",
    [
        f"http://localhost:1455/auth/callback?{QUERY}",
        f"http://127.0.0.1:1457/auth/callback?{QUERY}",
        f"  'http://localhost:1455/auth/callback?{QUERY}'\n",
        f'"http://localhost:1455/auth/callback?{QUERY}"',
        f"<http://localhost:1455/auth/callback?{QUERY}>",
        f"http://localhost:1455/auth/callback?{QUERY}".replace("?", r"\?").replace("&", r"\&").replace("=", r"\="),
        f"http://localhost:1455/auth/callback?{QUERY}".replace("&", "&amp;"),
        f"http://localhost:1455/auth/cal\nlback?{QUERY[:20]}\r\n{QUERY[20:]}",
        f"\x1b[200~http://localhost:1455/auth/callback?{QUERY}\x1b[201~",
        f"/auth/callback?{QUERY}",
        f"localhost:1455/auth/callback?{QUERY}",
        f"?{QUERY}",
        QUERY,
        f"http://localhost:1455/auth/callback#{QUERY}",
        f"{CODE}#{STATE}",
    ],
)
def test_every_form_of_an_answer_is_understood(text):
    callback = read_callback(text)
    assert (callback.code, callback.state, callback.error) == (CODE, STATE, None)
    assert CODE not in repr(callback)


def test_a_bare_code_has_no_state():
    assert read_callback(CODE) == oauth.Callback(code=CODE)


def test_six_thousand_characters_arrive():
    code = "c" * 6000
    assert read_callback(f"http://localhost:1455/auth/callback?code={code}&state={STATE}").code == code


def test_an_error_is_read_with_its_words():
    text = "http://localhost:1455/auth/callback?" + urlencode(
        {"error": "access_denied", "error_description": "No, thanks", "state": STATE}
    )
    callback = read_callback(text)
    assert (callback.code, callback.error, callback.description) == (None, "access_denied", "No, thanks")


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "http://[", "http://localhost:1455/", "what is this?", "what is it", "code=", "?state=x"],
)
def test_what_has_no_code_is_told(text):
    with pytest.raises(Problem) as caught:
        read_callback(text)
    assert caught.value.kind is Kind.INVALID


@given(st.text())
def test_garbage_never_surprises(text):
    try:
        callback = read_callback(text)
    except Problem:
        return
    assert callback.code or callback.error


@given(st.text(st.characters(codec="utf-8", exclude_characters="\"'<>`\\"), min_size=1).map(str.strip).filter(bool))
def test_a_quoted_code_survives(code):
    assert read_callback(f"http://localhost/cb?code={quote(code)}").code == code


def test_consent_asks_again_until_the_answer_is_ours():
    flow = oauth.consent("https://issuer/authorize", STATE)
    assert next(flow) == Authorize("https://issuer/authorize", STATE, None)
    assert "no code in that" in flow.send("http://localhost/").complaint
    assert "another login attempt" in flow.send(f"{CODE}#other").complaint
    assert "another login attempt" in flow.send("error=access_denied&state=other").complaint
    with pytest.raises(StopIteration) as stop:
        flow.send(f"{CODE}#{STATE}")
    assert stop.value.value == oauth.Callback(CODE, STATE)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"error": {"code": "Refresh_Token_Reused", "message": "used"}}, "refresh_token_reused", "used"),
        ({"error": "invalid_grant", "error_description": "bad\x1b[2J code"}, "invalid_grant", "bad [2J code"),
        ({"code": "token_expired", "message": "old"}, "token_expired", "old"),
        ({"detail": "Not Found"}, None, "Not Found"),
        ({"error": {"type": "server_error"}}, "server_error", ""),
        ([1], None, ""),
        (b"<html>", None, ""),
        ({"error": 7, "message": 7}, None, ""),
    ],
)
def test_errors_are_read_in_every_form(body, code, words):
    assert oauth.error_code(reply(401, body)) == code
    assert oauth.error_words(reply(401, body)) == words


def test_words_of_others_are_one_short_line():
    assert oauth.printable("a\n\x1b]0;b\x07" + "c" * 999) == "a ]0;b " + "c" * 292 + "…"


def test_pages_of_those_in_between_are_recognised():
    assert oauth.interposed(reply(403, b"<html>", content_type="text/html; charset=UTF-8"))
    assert oauth.interposed(reply(403, {"error": "x"}, cf_mitigated="challenge"))
    assert not oauth.interposed(reply(401, {"error": "x"}, content_type="application/json"))


@pytest.mark.parametrize("token", [None, 7, "", "a.b", "a.b.c", "a.!!!!.c", "a.eyJ.c", "a.W10.c", "é.é.é"])
def test_what_is_no_jwt_has_no_claims(token):
    assert oauth.claims(token) == {}


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_claims_come_back(claims):
    assert oauth.claims(jwt(claims)) == claims
    assert oauth.claims(claims) == claims
