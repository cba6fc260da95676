"""The Codex login, its flows played by hand. The requests are those of the official client (captured 2026-11), but for
our own name and the smaller scope."""

import base64
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode, Outgoing, Pause, Reply, Token, openai, openai_login

CONFIG = Config()
REDIRECT = "http://127.0.0.1:1455/auth/callback"
AUTH = "https://api.openai.com/auth"
TOKEN = Token(
    "access-old", "rt_old", 5.0, "acc", "a@example.com", "plus", extra={"workspace_backend_origin": "https://x"}
)


def jwt(claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


ACCESS = jwt({"exp": 2_000_000_000, AUTH: {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "pro"}})
ID = jwt(
    {
        "email": "user@example.com",
        "exp": 1,
        AUTH: {
            "chatgpt_account_id": "acc-1",
            "chatgpt_plan_type": "pro",
            "chatgpt_user_id": "user-1",
            "chatgpt_account_is_fedramp": True,
            "chatgpt_subscription_active_until": "2027-01-01T00:00:00+00:00",
            "organizations": [{"title": "Other"}, {"title": "Personal", "is_default": True}],
        },
    }
)
GIVEN = {"id_token": ID, "access_token": ACCESS, "refresh_token": "rt_new", "expires_in": 864000}


def answer(status, body=b"", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


PAGE = answer(403, b"<html>Just a moment</html>", content_type="text/html", cf_mitigated="challenge")


def ends(flow, *send):
    """What the flow returns when it is sent that."""
    with pytest.raises(StopIteration) as stop:
        flow.send(*send)
    return stop.value.value


def form(outgoing):
    return parse_qsl(outgoing.body.decode())


def test_the_browser_login_asks_and_exchanges_as_the_official_client_does():
    flow = openai_login.login(CONFIG)(REDIRECT)
    asked = next(flow)
    assert isinstance(asked, Authorize)
    assert asked.url.startswith("https://auth.openai.com/oauth/authorize?response_type=code&client_id=app_EMoamEEZ")
    query = dict(parse_qsl(urlsplit(asked.url).query))
    assert list(query) == [
        "response_type",
        "client_id",
        "redirect_uri",
        "code_challenge",
        "code_challenge_method",
        "state",
        "scope",
        "id_token_add_organizations",
        "codex_cli_simplified_flow",
        "originator",
    ]
    assert (query["redirect_uri"], query["state"], query["originator"]) == (REDIRECT, asked.state, "rotom")
    post = flow.send(f"{REDIRECT}?code=ac_1&state={asked.state}")
    assert (post.method, post.url) == ("POST", "https://auth.openai.com/oauth/token")
    assert post.headers == (("content-type", "application/x-www-form-urlencoded"), ("accept", "*/*"))
    fields = dict(form(post))
    assert list(fields) == ["grant_type", "client_id", "code", "redirect_uri", "code_verifier"]
    assert (fields["grant_type"], fields["code"], fields["redirect_uri"]) == ("authorization_code", "ac_1", REDIRECT)
    token = ends(flow, answer(200, GIVEN))
    assert (token.access, token.refresh, token.expires_at) == (ACCESS, "rt_new", 2_000_000_000)
    assert (token.account_id, token.email, token.plan) == ("acc-1", "user@example.com", "pro")
    assert token.extra == {
        "user_id": "user-1",
        "fedramp": True,
        "subscription_active_until": "2027-01-01T00:00:00+00:00",
        "organization": "Personal",
    }
    assert abs(token.obtained_at - time.time()) < 60


@pytest.mark.parametrize(
    ("error", "description", "words"),
    [
        ("access_denied", "", "consent was refused"),
        ("access_denied", "missing_codex_entitlement", "Codex is not enabled for this workspace"),
        ("access_denied", "The workspace is not allowed.", "choose another one"),
        ("server_error", "Oops\x1b[2J", r"ended the login with server_error: Oops \[2J$"),
    ],
)
def test_a_refused_consent_says_what_to_do(error, description, words):
    flow = openai_login.login(CONFIG)(REDIRECT)
    state = next(flow).state
    with pytest.raises(Problem, match=words) as caught:
        flow.send(f"{REDIRECT}?error={error}&error_description={description}&state={state}")
    assert caught.value.kind is Kind.FORBIDDEN
    assert "rotom login" in caught.value.hint


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            answer(400, {"error": "invalid_grant", "error_description": "code expired"}),
            Kind.UNAUTHENTICATED,
            "code expired",
        ),
        (answer(403, {"error": {"message": "Country not supported"}}), Kind.UNAUTHENTICATED, "Country not supported"),
        (PAGE, Kind.UNAVAILABLE, "not affected"),
        (answer(503, b"down"), Kind.UPSTREAM, "503"),
        (answer(429, retry_after="7"), Kind.RATE_LIMITED, "too many requests"),
        (answer(200, {"access_token": ACCESS}), Kind.UPSTREAM, "no refresh token"),
        (answer(200, b"nonsense"), Kind.UPSTREAM, "answered 200"),
    ],
)
def test_a_failed_exchange_is_told(reply, kind, words):
    flow = openai_login.login(CONFIG)(REDIRECT)
    state = next(flow).state
    flow.send(f"ac_planted#{state}")
    with pytest.raises(Problem, match=words) as caught:
        flow.send(reply)
    assert caught.value.kind is kind
    assert "planted" not in caught.value.message


def test_the_device_login_polls_until_the_code_was_typed():
    flow = openai_login.login_device(CONFIG)()
    asked = next(flow)
    accounts = "https://auth.openai.com/api/accounts/deviceauth"
    assert asked == Outgoing.json(f"{accounts}/usercode", {"client_id": openai_login.CLIENT_ID})
    started = {"device_auth_id": "deviceauth_1", "user_code": "ABCD-12345", "interval": "5", "expires_at": "2026"}
    assert flow.send(answer(200, started)) == DeviceCode("https://auth.openai.com/codex/device", "ABCD-12345", 900.0)
    assert flow.send(None) == Pause(5.0)
    poll = Outgoing.json(f"{accounts}/token", {"device_auth_id": "deviceauth_1", "user_code": "ABCD-12345"})
    for reply in (answer(403), answer(404), PAGE, answer(503)):
        assert flow.send(None) == poll
        assert flow.send(reply) == Pause(5.0)
    assert flow.send(None) == poll
    assert flow.throw(Problem(Kind.UPSTREAM, "the network is gone")) == Pause(5.0)
    assert flow.send(None) == poll
    assert flow.send(answer(429)) == Pause(10.0)
    assert flow.send(None) == poll
    given = {"authorization_code": "ac_2", "code_challenge": "c", "code_verifier": "server-made"}
    fields = dict(form(flow.send(answer(200, given))))
    assert fields["redirect_uri"] == "https://auth.openai.com/deviceauth/callback"
    assert (fields["code"], fields["code_verifier"]) == ("ac_2", "server-made")
    assert ends(flow, answer(200, GIVEN)).refresh == "rt_new"


def test_the_device_login_ends_after_15_minutes_or_by_a_verdict():
    started = answer(200, {"device_auth_id": "d", "usercode": "ABCD", "interval": 60})
    flow = openai_login.login_device(CONFIG)()
    next(flow)
    flow.send(started)
    flow.send(None)
    for _ in range(14):
        flow.send(None)
        assert flow.send(answer(403)) == Pause(60.0)
    flow.send(None)
    with pytest.raises(Problem, match="15 minutes"):
        flow.send(answer(403))
    flow = openai_login.login_device(CONFIG)()
    next(flow)
    flow.send(started)
    flow.send(None)
    flow.send(None)
    with pytest.raises(Problem, match="410"):
        flow.send(answer(410, {"error": {"message": "expired"}}))


def test_a_disabled_device_login_has_its_own_code():
    flow = openai_login.login_device(CONFIG)()
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(answer(404, {"detail": "Not Found"}))
    assert caught.value.code == "no_device_login"


def test_a_renewal_is_what_the_official_client_sends():
    flow = openai_login.renew(CONFIG)(TOKEN, "unauthorized_recovery")
    post = next(flow)
    assert (post.method, post.url) == ("POST", "https://auth.openai.com/oauth/token")
    assert json.loads(post.body) == {
        "client_id": openai_login.CLIENT_ID,
        "grant_type": "refresh_token",
        "refresh_reason": "unauthorized_recovery",
        "refresh_token": "rt_old",
    }
    assert [name for name, _ in post.headers] == ["content-type", "originator", "user-agent", "accept"]
    assert "rt_old" not in repr(post)
    token = ends(flow, answer(200, GIVEN))
    assert (token.refresh, token.email) == ("rt_new", "user@example.com")
    assert token.extra["workspace_backend_origin"] == "https://x"
    assert json.loads(next(openai_login.renew(CONFIG)(TOKEN, "asked")).body)["refresh_reason"] == "proactive_expiry"


def test_what_a_renewal_leaves_out_stays():
    flow = openai_login.renew(CONFIG)(TOKEN, "proactive_expiry")
    next(flow)
    token = ends(flow, answer(200, {"access_token": "opaque", "expires_in": 60}))
    assert (token.access, token.refresh, token.account_id, token.email) == ("opaque", "rt_old", "acc", "a@example.com")
    assert abs(token.expires_at - time.time() - 60) < 60
    flow = openai_login.renew(CONFIG)(TOKEN, "proactive_expiry")
    next(flow)
    token = ends(flow, answer(200, {"refresh_token": "rt_only"}))
    assert (token.access, token.refresh, token.expires_at) == ("access-old", "rt_only", 5.0)


@pytest.mark.parametrize(
    ("reply", "final", "code"),
    [
        (answer(400, {"error": {"code": "refresh_token_reused"}}), True, "refresh_token_reused"),
        (answer(401, {"error": {"code": "refresh_token_expired"}}), True, "refresh_token_expired"),
        (answer(500, {"error": "REFRESH_TOKEN_INVALIDATED"}), True, "refresh_token_invalidated"),
        (answer(403, {"code": "account_deactivated"}), True, "account_deactivated"),
        (answer(401, {"error": "invalid_grant"}), True, "invalid_grant"),
        (answer(401, b""), True, "refresh_refused"),
        (PAGE, False, "cloudflare"),
        (answer(401, b"<html>", content_type="text/html"), False, "cloudflare"),
        (answer(400, {"error": "invalid_grant"}), False, None),
        (answer(429, retry_after="30"), False, None),
        (answer(502, b"bad gateway"), False, None),
        (answer(200, {}), False, None),
    ],
)
def test_verdicts_and_what_may_work_later(reply, final, code):
    flow = openai_login.renew(CONFIG)(TOKEN, "proactive_expiry")
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(reply)
    problem = caught.value
    assert (problem.kind is Kind.UNAUTHENTICATED and problem.retry is False) == final
    assert problem.code == code
    assert (problem.hint is not None) == final
    assert "rt_old" not in problem.message


def test_revoking_names_the_refresh_token_and_tells_a_failure():
    flow = openai_login.revoke(CONFIG)(TOKEN)
    post = next(flow)
    assert post.url == "https://auth.openai.com/oauth/revoke"
    assert json.loads(post.body) == {
        "token": "rt_old",
        "token_type_hint": "refresh_token",
        "client_id": openai_login.CLIENT_ID,
    }
    assert ends(flow, answer(200)) is None
    flow = openai_login.revoke(CONFIG)(Token("only-access"))
    assert json.loads(next(flow).body) == {"token": "only-access", "token_type_hint": "access_token"}
    with pytest.raises(Problem, match="answered 500"):
        flow.send(answer(500))


def test_what_can_be_renewed():
    assert openai.make(CONFIG).may_renew(TOKEN, 0)
    assert not openai.make(CONFIG).may_renew(Token("x"), 0)
    with pytest.raises(Problem, match="no refresh token"):
        next(openai_login.renew(CONFIG)(Token("x"), "asked"))
