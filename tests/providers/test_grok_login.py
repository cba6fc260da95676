"""The Grok login, its flows played by hand. The requests are those of xAI's client 1.0.41 (captured 2026-11), but for our
own name and what third programs have to say besides."""

import base64
import json
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode, Outgoing, Pause, Reply, Token, Verify, grok, grok_login

CONFIG = Config()
REDIRECT = "http://127.0.0.1:56121/callback"
KNOWN = {
    "issuer": "https://auth.x.ai",
    "authorization_endpoint": "https://auth.x.ai/oauth2/authorize",
    "token_endpoint": "https://auth.x.ai/oauth2/token",
    "device_authorization_endpoint": "https://auth.x.ai/oauth2/device/code",
}
EXTRA = {"token_endpoint": KNOWN["token_endpoint"], "principal_type": "User", "principal_id": "1111-2222", "tier": 4}
TOKEN = Token("access-old", "rt-old", 5.0, "1111-2222", "a@example.com", "SuperGrok", extra=EXTRA)


def jwt(claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


ACCESS = jwt(
    {
        "iss": "https://auth.x.ai",
        "sub": "subject",
        "aud": grok_login.CLIENT_ID,
        "exp": 2_000_000_000,
        "scope": "openid api:access",
        "principal_type": "User",
        "principal_id": "1111-2222",
        "team_id": "9999-2222",
        "tier": 1,
    }
)
ID = {"iss": "https://auth.x.ai", "aud": grok_login.CLIENT_ID, "exp": 2_000_000_000, "email": "user@example.com"}


def given(nonce=None, **changes):
    fields = {"access_token": ACCESS, "refresh_token": "rt-new", "token_type": "Bearer", "expires_in": 21600}
    return fields | {"id_token": jwt(ID | ({"nonce": nonce} if nonce else {}))} | changes


def answer(status, body=b"", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


PAGE = answer(403, b"<html>Just a moment</html>", content_type="text/html", cf_mitigated="challenge")


def ends(flow, *send):
    with pytest.raises(StopIteration) as stop:
        flow.send(*send)
    return stop.value.value


def form(outgoing):
    return dict(parse_qsl(outgoing.body.decode()))


def asked(config=CONFIG, **changes):
    """A browser login that asks the person now, and the query of its address."""
    flow = grok_login.login(config)(REDIRECT)
    discovery = next(flow)
    assert (discovery.method, discovery.url) == ("GET", f"{config.grok_issuer}/.well-known/openid-configuration")
    authorize = flow.send(answer(200, KNOWN | changes))
    assert isinstance(authorize, Authorize)
    return flow, authorize, dict(parse_qsl(urlsplit(authorize.url).query))


def test_the_browser_login():
    flow, authorize, query = asked()
    assert authorize.url.startswith("https://auth.x.ai/oauth2/authorize?response_type=code&client_id=b1a00492-073a-")
    assert list(query) == [
        *("response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "state"),
        *("nonce", "plan", "referrer"),
    ]
    assert (query["redirect_uri"], query["state"], query["referrer"], query["plan"]) == (
        *(REDIRECT, authorize.state),
        *("rotom", "generic"),
    )
    assert query["scope"] == "openid profile email offline_access grok-cli:access api:access"
    post = flow.send(f"{REDIRECT}?code=CODE-1&state={authorize.state}")
    assert (post.method, post.url) == ("POST", "https://auth.x.ai/oauth2/token")
    fields = form(post)
    assert list(fields) == ["grant_type", "code", "redirect_uri", "client_id", "code_verifier"]
    assert dict(post.headers)["user-agent"].startswith("rotom/")
    token = ends(flow, answer(200, given(query["nonce"])))
    assert (token.access, token.refresh, token.expires_at) == (ACCESS, "rt-new", 2_000_000_000)
    assert (token.account_id, token.email, token.plan) == ("1111-2222", "user@example.com", None)
    assert token.extra == {
        "token_endpoint": "https://auth.x.ai/oauth2/token",
        "principal_type": "User",
        "principal_id": "1111-2222",
        "team_id": "9999-2222",
        "tier": 1,
        "scope": "openid api:access",
    }


def test_a_bare_code_will_do_and_a_foreign_answer_will_not():
    flow, _, _ = asked()
    again = flow.send(f"{REDIRECT}?code=x&state=other")
    assert "another login attempt" in again.complaint
    post = flow.send("CODE-1-with-enough-letters")
    assert form(post)["code"] == "CODE-1-with-enough-letters"


@pytest.mark.parametrize("origin", ["proxy", "auto"])
def test_more_is_asked_for_where_the_proxy_may_be_used(origin):
    _, _, query = asked(Config(grok_origin=origin, grok_referrer="me", grok_plan="other"))
    assert query["scope"].endswith("api:access conversations:read conversations:write workspaces:read workspaces:write")
    assert (query["referrer"], query["plan"]) == ("me", "other")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "url",
    [
        "http://auth.x.ai/oauth2/token",
        "https://auth.x.ai.example.com/token",
        "https://evilx.ai/token",
        "https://me@auth.x.ai/token",
        "https://auth.x.ai@example.com/token",
        "https://auth.x.ai:8443/token",
        "https://example.com\\.x.ai/token",
        "https://[::1/token",
        "ftp://auth.x.ai/token",
        "",
        None,
        7,
    ],
)
def test_nothing_goes_to_an_address_that_is_not_pinned(name, url):
    flow = grok_login.login(CONFIG)(REDIRECT)
    next(flow)
    with pytest.raises(Problem, match=r"outside of x\.ai") as caught:
        flow.send(answer(200, KNOWN | {name: url}))
    assert (caught.value.code, caught.value.retry) == ("foreign_endpoint", False)


def test_other_hosts_of_xai_will_do():
    _, authorize, _ = asked(authorization_endpoint="https://accounts.x.ai:443/authorize")
    assert authorize.url.startswith("https://accounts.x.ai:443/authorize?")


def test_an_issuer_on_this_machine_is_pinned_to_its_own_origin():
    config = Config(grok_issuer="http://127.0.0.1:9999/xai")
    base = "http://127.0.0.1:9999/xai"
    known = {name: value.replace("https://auth.x.ai", base) for name, value in KNOWN.items()}
    flow = grok_login.login(config)(REDIRECT)
    next(flow)
    assert isinstance(flow.send(answer(200, known)), Authorize)
    for other in ("https://auth.x.ai/oauth2/token", "http://127.0.0.1:9998/token", "http://localhost:9999/token"):
        flow = grok_login.login(config)(REDIRECT)
        next(flow)
        with pytest.raises(Problem, match="outside"):
            flow.send(answer(200, known | {"token_endpoint": other}))


def test_an_issuer_by_another_name_is_refused():
    flow = grok_login.login(CONFIG)(REDIRECT)
    next(flow)
    with pytest.raises(Problem, match="another name") as caught:
        flow.send(answer(200, KNOWN | {"issuer": "https://other.x.ai"}))
    assert caught.value.code == "wrong_issuer"


def test_discovery_is_asked_thrice():
    flow = grok_login.login(CONFIG)(REDIRECT)
    next(flow)
    assert isinstance(flow.send(answer(503)), Pause)
    assert isinstance(flow.send(None), Outgoing)
    assert isinstance(flow.throw(Problem(Kind.UPSTREAM, "no network")), Pause)
    flow.send(None)
    with pytest.raises(Problem, match="not affected") as caught:
        flow.send(PAGE)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "cloudflare")


def exchanged(**known):
    """A browser login whose code was taken."""
    flow, authorize, query = asked(**known)
    flow.send(f"{REDIRECT}?code=CODE-1&state={authorize.state}")
    return flow, given(query["nonce"])


def test_the_signature_is_checked_where_there_are_keys():
    flow, fields = exchanged(jwks_uri="https://auth.x.ai/jwks")
    assert flow.send(answer(200, fields)).url == "https://auth.x.ai/jwks"
    step = flow.send(answer(200, {"keys": [{"kty": "RSA"}]}))
    assert step == Verify(fields["id_token"], {"keys": [{"kty": "RSA"}]}, "grok")
    assert "eyJ" not in repr(step)
    assert ends(flow, None).email == "user@example.com"
    flow, fields = exchanged(jwks_uri="https://auth.x.ai/jwks")
    flow.send(answer(200, fields))
    flow.send(answer(200, {"keys": []}))
    with pytest.raises(Problem, match="bad"):
        flow.throw(Problem(Kind.FORBIDDEN, "bad"))


def test_a_login_is_not_lost_to_keys_that_cannot_be_had():
    flow, fields = exchanged(jwks_uri="https://auth.x.ai/jwks")
    flow.send(answer(200, fields))
    assert ends(flow, answer(503)).email == "user@example.com"
    flow, fields = exchanged(jwks_uri="https://auth.x.ai/jwks")
    flow.send(answer(200, fields))
    with pytest.raises(StopIteration):
        flow.throw(Problem(Kind.UPSTREAM, "no network"))
    flow, fields = exchanged(jwks_uri="https://evil.example/jwks")
    assert ends(flow, answer(200, fields)).email == "user@example.com"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonce": "other"}, "another login"),
        ({"iss": "https://evil.example"}, "somebody else"),
        ({"aud": "other"}, "another program"),
        ({"aud": ["other"]}, "another program"),
        ({"exp": 5}, "clock"),
        ({"exp": None}, "clock"),
    ],
)
def test_an_id_token_must_be_for_this_login(changes, words):
    flow, authorize, query = asked()
    flow.send(f"{REDIRECT}?code=CODE-1&state={authorize.state}")
    bad = jwt(ID | {"nonce": query["nonce"]} | changes)
    with pytest.raises(Problem, match=words) as caught:
        flow.send(answer(200, given(id_token=bad)))
    assert (caught.value.kind, caught.value.code) == (Kind.FORBIDDEN, "id_token")


def test_an_id_token_that_is_none_or_missing():
    flow, fields = exchanged()
    with pytest.raises(Problem, match="cannot be read"):
        flow.send(answer(200, fields | {"id_token": "nonsense"}))
    flow, fields = exchanged()  # a team's login has none
    assert ends(flow, answer(200, fields | {"id_token": None})).email is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "refused in the browser: why"),
        ("invalid_scope", "does not grant"),
        ("odd", "ended .* odd: why"),
    ],
)
def test_a_refused_consent_says_so(error, words):
    flow, authorize, _ = asked()
    with pytest.raises(Problem, match=words) as caught:
        flow.send(f"{REDIRECT}?error={error}&error_description=why&state={authorize.state}")
    assert caught.value.kind is Kind.FORBIDDEN
    assert "rotom login --provider grok" in caught.value.hint


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            answer(400, {"error": "invalid_grant", "error_description": "Code expired."}),
            Kind.UNAUTHENTICATED,
            "expired",
        ),
        (PAGE, Kind.UNAVAILABLE, "not affected"),
        (answer(503, b"down"), Kind.UPSTREAM, "503"),
        (answer(429, retry_after="7"), Kind.RATE_LIMITED, "too many requests"),
        (answer(200, b"nonsense"), Kind.UPSTREAM, "answered 200"),
        (answer(200, {"access_token": ACCESS}), Kind.UPSTREAM, "no refresh token"),
    ],
)
def test_a_failed_exchange_is_told(reply, kind, words):
    flow, authorize, _ = asked()
    flow.send(f"CODE-planted#{authorize.state}")
    with pytest.raises(Problem, match=words) as caught:
        flow.send(reply)
    assert caught.value.kind is kind
    assert "planted" not in caught.value.message


# Device ----------------------------------------------------------------------------------------------------------------


STARTED = {
    "device_code": "DEV-1",
    "user_code": "ABCD-1234",
    "verification_uri": "https://accounts.x.ai/device",
    "expires_in": 600,
    "interval": 2,
}


def device(started=STARTED, config=CONFIG):
    """A device login that has shown its code; what it asked for it."""
    flow = grok_login.login_device(config)()
    next(flow)
    start = flow.send(answer(200, KNOWN))
    return flow, start, flow.send(answer(200, started))


def test_the_device_login_polls_until_the_code_was_typed():
    flow, start, shown = device()
    assert start.url == "https://auth.x.ai/oauth2/device/code"
    assert form(start) == {"client_id": grok_login.CLIENT_ID, "scope": grok_login.SCOPE, "referrer": "rotom"}
    assert shown == DeviceCode("https://accounts.x.ai/device", "ABCD-1234", 600.0)
    assert flow.send(None) == Pause(2.0)
    poll = flow.send(None)
    assert poll.url == "https://auth.x.ai/oauth2/token"
    assert form(poll) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "DEV-1",
        "client_id": grok_login.CLIENT_ID,
    }
    assert flow.send(answer(400, {"error": "authorization_pending"})) == Pause(2.0)
    flow.send(None)
    assert flow.send(answer(400, {"error": "slow_down"})) == Pause(7.0)
    flow.send(None)
    assert flow.throw(Problem(Kind.UPSTREAM, "no network")) == Pause(7.0)
    flow.send(None)
    assert flow.send(answer(503, b"down")) == Pause(7.0)
    flow.send(None)
    assert flow.send(PAGE) == Pause(7.0)
    flow.send(None)
    assert ends(flow, answer(200, given())).email == "user@example.com"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(400, {"error": "access_denied"}), "refused in the browser"),
        (answer(400, {"error": "authorization_denied"}), "refused in the browser"),
        (answer(400, {"error": "expired_token"}), "in time"),
        (answer(400, {"error": "invalid_grant", "error_description": "no"}), "answered 400 .*: no"),
    ],
)
def test_the_device_login_ends(reply, words):
    flow, _, _ = device()
    flow.send(None)
    flow.send(None)
    with pytest.raises(Problem, match=words):
        flow.send(reply)


def test_nobody_types_the_code():
    flow, _, _ = device(STARTED | {"expires_in": 3})
    pending = answer(400, {"error": "authorization_pending"})
    assert flow.send(None) == Pause(2.0)
    flow.send(None)
    assert flow.send(pending) == Pause(2.0)
    flow.send(None)
    with pytest.raises(Problem, match="in time") as caught:
        flow.send(pending)
    assert caught.value.kind is Kind.TIMEOUT


def test_the_address_to_type_it_at_is_pinned_too():
    with pytest.raises(Problem, match="verification_uri"):
        device(STARTED | {"verification_uri": "https://accounts.x.ai.example.com/device"})
    _, _, shown = device(STARTED | {"verification_uri_complete": "https://accounts.x.ai/device?user_code=ABCD-1234"})
    assert shown.url.endswith("?user_code=ABCD-1234")


def test_without_a_device_login_it_says_so():
    flow = grok_login.login_device(CONFIG)()
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(answer(200, {**KNOWN, "device_authorization_endpoint": None}))
    assert caught.value.code == "no_device_login"
    flow = grok_login.login_device(CONFIG)()
    next(flow)
    flow.send(answer(200, KNOWN))
    with pytest.raises(Problem) as caught:
        flow.send(answer(404, {}))
    assert caught.value.code == "no_device_login"


# Renewal ---------------------------------------------------------------------------------------------------------------


def test_a_renewal_rotates():
    flow = grok_login.renew(CONFIG)(TOKEN, "proactive_expiry")
    post = next(flow)
    assert post.url == "https://auth.x.ai/oauth2/token"
    assert list(form(post).items()) == [
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt-old"),
        ("client_id", grok_login.CLIENT_ID),
        ("principal_type", "User"),
        ("principal_id", "1111-2222"),
    ]
    token = ends(flow, answer(200, given()))
    assert (token.access, token.refresh, token.plan, token.extra["tier"]) == (ACCESS, "rt-new", "SuperGrok", 1)
    flow = grok_login.renew(CONFIG)(TOKEN, "asked")
    next(flow)
    kept = ends(flow, answer(200, {"access_token": "opaque", "expires_in": 900}))
    assert (kept.refresh, kept.email) == ("rt-old", "a@example.com")
    assert abs(kept.expires_at - time.time() - 900) < 60


@pytest.mark.parametrize("kept", ["https://evil.example/token", "http://auth.x.ai/oauth2/token", None, 5])
def test_a_kept_address_is_looked_at_again(kept):
    """A file that somebody changed must not send the refresh token elsewhere."""
    flow = grok_login.renew(CONFIG)(replace(TOKEN, extra={"token_endpoint": kept}), "asked")
    assert next(flow).url == "https://auth.x.ai/.well-known/openid-configuration"
    assert flow.send(answer(200, KNOWN)).url == "https://auth.x.ai/oauth2/token"


@pytest.mark.parametrize(
    ("reply", "kind", "code", "over"),
    [
        (
            answer(400, {"error": "invalid_grant", "error_description": "revoked"}),
            Kind.UNAUTHENTICATED,
            "invalid_grant",
            1,
        ),
        (answer(401, {"error": "invalid_client"}), Kind.UNAUTHENTICATED, "invalid_client", 1),
        (answer(403, {"error": "access_denied"}), Kind.FORBIDDEN, "tier_denied", 0),
        (answer(401, {}), Kind.UPSTREAM, None, 0),
        (answer(400, {"error": {"message": "odd"}}), Kind.UPSTREAM, None, 0),
        (answer(400, {"error": 5}), Kind.UPSTREAM, None, 0),
        (answer(400, b"nonsense"), Kind.UPSTREAM, None, 0),
        (answer(200, {"token_type": "Bearer"}), Kind.UPSTREAM, None, 0),
        (answer(503, {"error": "server_error"}), Kind.UPSTREAM, None, 0),
        (answer(429, retry_after="9"), Kind.RATE_LIMITED, None, 0),
        (PAGE, Kind.UNAVAILABLE, "cloudflare", 0),
        (answer(400, b'{"error": "invalid_grant"}', content_type="text/html"), Kind.UNAVAILABLE, "cloudflare", 0),
    ],
)
def test_only_two_answers_end_a_login(reply, kind, code, over):
    flow = grok_login.renew(CONFIG)(TOKEN, "asked")
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(reply)
    problem = caught.value
    assert (problem.kind, problem.code) == (kind, code)
    assert (problem.kind is Kind.UNAUTHENTICATED and problem.retry is False) == bool(over)
    assert "rt-old" not in problem.message


def test_a_lost_answer_is_not_asked_for_again():
    flow = grok_login.renew(CONFIG)(TOKEN, "asked")
    next(flow)
    with pytest.raises(Problem, match="lost"):
        flow.throw(Problem(Kind.UPSTREAM, "the connection was lost", code="connection_lost"))


def test_what_cannot_be_renewed_and_what_is_revoked():
    with pytest.raises(Problem, match="no refresh token"):
        next(grok_login.renew(CONFIG)(replace(TOKEN, refresh=None), "asked"))
    assert grok.make(CONFIG).may_renew(TOKEN, 0.0)
    assert not grok.make(CONFIG).may_renew(replace(TOKEN, refresh=None), 0.0)
    assert list(grok_login.revoke(TOKEN)) == []
