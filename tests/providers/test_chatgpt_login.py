"""Sign in with ChatGPT, its flows played by hand."""

import base64
import json
import time
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

import pytest

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, Earlier, Outgoing, Reply, Token, Verify, chatgpt, chatgpt_login

CONFIG = Config()
REDIRECT = "http://127.0.0.1:1455/auth/callback"
AUTH = "https://api.openai.com/auth"
KEYS = {"keys": [{"kid": "k"}]}


def jwt(claims):
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def reply(status, body, **headers):
    return Reply(status, headers, json.dumps(body).encode())


def given(nonce, audience="oaiapp_1", **more):
    now = time.time()
    person = {
        "iss": "https://auth.openai.com",
        "aud": audience,
        "exp": now + 3600,
        "nonce": nonce,
        "sub": "user-1",
        "email": "user@example.com",
        AUTH: {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "plus"},
    }
    return {
        "access_token": jwt({"exp": int(now) + 3600, "iat": int(now)}),
        "refresh_token": "rt-1",
        "id_token": jwt(person),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": chatgpt_login.SCOPE,
        "earliest_refresh_at": int(now) + 3240,
        **more,
    }


def begun(earlier=None):
    flow = chatgpt_login.login(CONFIG)(REDIRECT)
    assert isinstance(next(flow), Earlier)
    step = flow.send(earlier)
    assert isinstance(step, Authorize)
    return flow, step, dict(parse_qsl(urlsplit(step.url).query))


def test_the_first_login_registers_and_keeps_what_was_issued():
    flow, step, asked = begun()
    assert step.url.startswith("https://auth.openai.com/api/accounts/authorize?client_id=dynamic_agent_client&")
    assert asked["agent_name_hint"] == "rotom"
    assert asked["ext_agent_host_id"].startswith("urn:uuid:")
    assert asked["resource"] == "https://api.openai.com/v1"
    assert "chatgpt.tokens.use.direct" in asked["scope"]
    exchange = flow.send(f"{REDIRECT}?code=co-1&state={step.state}&client_id=oaiapp_1")
    assert isinstance(exchange, Outgoing)
    assert exchange.url == "https://auth.openai.com/api/accounts/oauth/token"
    sent = dict(parse_qsl(exchange.body.decode()))
    assert sent["client_id"] == "oaiapp_1"
    assert sent["redirect_uri"] == REDIRECT
    keys = flow.send(reply(200, given(asked["nonce"])))
    assert keys.url == "https://auth.openai.com/.well-known/jwks.json"
    verify = flow.send(reply(200, KEYS))
    assert isinstance(verify, Verify)
    assert verify.keys == KEYS
    assert "eyJ" not in repr(verify)
    with pytest.raises(StopIteration) as stop:
        flow.send(None)
    token = stop.value.value
    assert (token.email, token.plan, token.account_id, token.refresh) == ("user@example.com", "plus", "acc-1", "rt-1")
    assert token.extra["client_id"] == "oaiapp_1"
    assert chatgpt.renewable_at(token) == pytest.approx(time.time() + 3240, abs=5)

    _, _, again = begun(token)
    assert again["client_id"] == "oaiapp_1"
    assert "agent_name_hint" not in again
    assert again["id_token_hint"] == token.extra["id_token"]
    assert again["login_hint"] == "user@example.com"
    assert again["ext_agent_host_id"] == asked["ext_agent_host_id"]
    assert again["nonce"] != asked["nonce"]


@pytest.mark.parametrize(
    ("known", "client", "words"),
    [
        (None, "", "no client id of its own"),
        (None, "&client_id=dynamic_agent_client", "no client id of its own"),
        ("oaiapp_1", "&client_id=oaiapp_2", "another client id"),
        ("oaiapp_1", "&client_id=dynamic_agent_client", "no client id of its own"),
    ],
)
def test_a_client_id_that_is_not_ours_ends_it(known, client, words):
    earlier = Token("a", extra={"client_id": known, "host_id": "urn:uuid:1"}) if known else None
    flow, step, _ = begun(earlier)
    with pytest.raises(Problem, match=words):
        flow.send(f"{REDIRECT}?code=co-1&state={step.state}{client}")


def test_a_known_client_may_come_back_unnamed():
    flow, step, asked = begun(Token("a", extra={"client_id": "oaiapp_1", "host_id": "urn:uuid:1"}))
    assert asked["prompt"] == "consent"  # the plan was not granted then
    exchange = flow.send(f"{REDIRECT}?code=co-1&state={step.state}")
    assert dict(parse_qsl(exchange.body.decode()))["client_id"] == "oaiapp_1"


def test_without_the_plan_nothing_is_kept():
    flow, step, asked = begun()
    flow.send(f"{REDIRECT}?code=co-1&state={step.state}&client_id=oaiapp_1")
    flow.send(reply(200, given(asked["nonce"], scope="openid email")))
    flow.send(reply(200, KEYS))
    with pytest.raises(Problem, match="without the permission") as caught:
        flow.send(None)
    assert caught.value.kind is Kind.FORBIDDEN


def test_an_id_token_of_another_login_ends_it():
    flow, step, asked = begun()
    flow.send(f"{REDIRECT}?code=co-1&state={step.state}&client_id=oaiapp_1")
    with pytest.raises(Problem, match="another login"):
        flow.send(reply(200, given("replayed")))
    flow, step, asked = begun()
    flow.send(f"{REDIRECT}?code=co-1&state={step.state}&client_id=oaiapp_1")
    flow.send(reply(200, given(asked["nonce"])))
    flow.send(reply(200, KEYS))
    with pytest.raises(Problem, match="wrong"):
        flow.throw(Problem(Kind.FORBIDDEN, "its signature is wrong"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("error=access_denied&error_description=No+thanks", "refused in the browser: No thanks"),
        ("error=invalid_client", "ended the login with invalid_client"),
    ],
)
def test_the_consent_may_be_refused(query, words):
    flow, step, _ = begun()
    with pytest.raises(Problem, match=words):
        flow.send(f"{REDIRECT}?{query}&state={step.state}")


@pytest.mark.parametrize("answer", [reply(400, {"error": "invalid_grant"}), reply(200, {}), reply(503, {})])
def test_an_exchange_that_fails(answer):
    flow, step, _ = begun()
    flow.send(f"{REDIRECT}?code=co-1&state={step.state}&client_id=oaiapp_1")
    with pytest.raises(Problem, match="while exchanging the code"):
        flow.send(answer)


OLD = Token("a-old", "rt-old", 5.0, "acc-1", "u@e", "plus", extra={"client_id": "oaiapp_1", "host_id": "h"})


def renewed(answer):
    flow = chatgpt_login.renew(CONFIG)(OLD, "proactive_expiry")
    asked = next(flow)
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "refresh_token",
        "client_id": "oaiapp_1",
        "refresh_token": "rt-old",
        "resource": "https://api.openai.com/v1",
    }
    with pytest.raises(StopIteration) as stop:
        flow.send(answer)
    return stop.value.value


@pytest.mark.parametrize("moment", [lambda s: int(s), lambda s: s * 1000, lambda s: f"{formatted(s)}"])
def test_a_renewal_keeps_what_is_not_told_and_takes_moments_by_the_issuers_clock(moment):
    there = time.time() - 600  # this machine is ten minutes ahead
    answer = {"access_token": "a-new", "expires_in": 3600, "earliest_refresh_at": moment(there + 3240)}
    token = renewed(reply(200, answer, date=formatdate(there, usegmt=True)))
    assert (token.access, token.refresh, token.email, token.extra["client_id"]) == (
        "a-new",
        "rt-old",
        "u@e",
        "oaiapp_1",
    )
    assert chatgpt.renewable_at(token) == pytest.approx(time.time() + 3240, abs=5)
    assert token.expires_at == pytest.approx(time.time() + 3600, abs=5)


def formatted(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))


@pytest.mark.parametrize("told", [None, "soon", True, "x" * 9 + "T", []])
def test_no_moment_is_no_limit(told):
    token = renewed(reply(200, {"access_token": "a", "earliest_refresh_at": told}))
    assert chatgpt.renewable_at(token) == 0.0


@pytest.mark.parametrize(
    ("answer", "kind", "retry"),
    [
        (reply(400, {"error": "invalid_grant", "error_description": "spent"}), Kind.UNAUTHENTICATED, False),
        (reply(401, {"error": "invalid_client"}), Kind.UNAUTHENTICATED, False),
        (reply(200, {"access_token": "a", "scope": "openid"}), Kind.UNAUTHENTICATED, False),
        (reply(500, {}), Kind.UPSTREAM, None),
        (reply(429, {}, **{"retry-after": "7"}), Kind.RATE_LIMITED, None),
        (Reply(400, {"content-type": "text/html"}, b"<html>"), Kind.UNAVAILABLE, True),
    ],
)
def test_renewals_that_fail(answer, kind, retry):
    flow = chatgpt_login.renew(CONFIG)(OLD, "asked")
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(answer)
    assert (caught.value.kind, caught.value.retry) == (kind, retry)
    assert "rt-old" not in str(caught.value)


def test_revoking():
    flow = chatgpt_login.revoke(CONFIG)(OLD)
    asked = next(flow)
    assert asked.url == "https://auth.openai.com/api/accounts/oauth/revoke"
    with pytest.raises(StopIteration):
        flow.send(reply(200, {}))
    flow = chatgpt_login.revoke(CONFIG)(OLD)
    next(flow)
    with pytest.raises(Problem):
        flow.send(reply(500, {}))


def test_nothing_to_renew_with():
    token = Token("a")
    assert not chatgpt.make(CONFIG).may_renew(token, 0.0)
    with pytest.raises(Problem, match="no refresh token"):
        next(chatgpt_login.renew(CONFIG)(token, "asked"))
