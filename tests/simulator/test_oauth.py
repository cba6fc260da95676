"""The login server, asked without a network."""

import base64
import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from rotom.problem import Problem
from rotom.simulator.oauth import Issuer
from rotom.simulator.oauth_claims import CLIENT_ID, Account
from rotom.simulator.play import Refused


class Clock:
    def __init__(self):
        self.now = 1_795_330_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(clock):
    return Issuer(clock)


@pytest.fixture
def tokens(issuer, kit):
    return body(issuer.token(kit.exchange_form(issuer.consent(kit.authorize_url()))))


def body(reply, status=200):
    assert reply.status == status, reply.body
    return json.loads(reply.body)


def query(url):
    return dict(parse_qsl(urlsplit(url).query))


def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def refresh(issuer, token):
    return issuer.token({"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": token})


def code_of(issuer, authorization):
    with pytest.raises(Refused) as refused:
        issuer.check(authorization)
    assert refused.value.reply.status == 401
    assert dict(refused.value.reply.headers)["x-openai-authorization-error"] == "401"
    return json.loads(refused.value.reply.body)["error"]["code"]


def test_a_code_becomes_tokens_with_the_claims_of_the_account(issuer, tokens, clock):
    assert tokens["refresh_token"].startswith("rt_")
    assert tokens["expires_in"] == 864_000
    access, ident = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert access["exp"] == clock.now + 864_000
    assert access["aud"] == ["https://api.openai.com/v1"]
    assert access["https://api.openai.com/profile"]["email"] == ident["email"] == "demo@example.com"
    for token in (access, ident):
        auth = token["https://api.openai.com/auth"]
        assert auth["chatgpt_account_id"] == issuer.account.account_id
        assert auth["chatgpt_plan_type"] == "plus"
    assert issuer.check("Bearer " + tokens["access_token"]) == issuer.account


def test_the_account_decides_the_claims(issuer, clock, kit):
    issuer.account = Account(plan="enterprise", fedramp=True, subscribed_until=clock.now + 86_400)
    made = body(issuer.token(kit.exchange_form(issuer.consent(kit.authorize_url()))))
    auth = claims(made["id_token"])["https://api.openai.com/auth"]
    assert auth["chatgpt_account_is_fedramp"] is True
    assert auth["chatgpt_plan_type"] == "enterprise"
    assert auth["chatgpt_subscription_active_until"].startswith("2026-11-23T")


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": None},
        {"state": "short"},
        {"scope": "openid"},
    ],
)
def test_a_bad_authorize_request_goes_back_with_an_error(issuer, kit, changes):
    answer = query(issuer.consent(kit.authorize_url(**changes)))
    assert answer["error"] == "invalid_request"
    assert "code" not in answer


@pytest.mark.parametrize(
    "changes", [{"client_id": "app_other"}, {"redirect_uri": "http://127.0.0.1:8080/auth/callback"}]
)
def test_a_foreign_client_or_redirect_is_never_redirected(issuer, kit, changes):
    url = kit.authorize_url(**changes)
    with pytest.raises(Problem):
        issuer.consent(url)
    page = issuer.authorize(query(url))
    assert page.status == 400
    assert "location" not in dict(page.headers)


def test_the_page_has_a_link_that_consents_and_one_that_does_not(issuer, kit):
    for word, expected in (("Continue", "code"), ("Cancel", "error")):
        page = issuer.authorize(query(kit.authorize_url()))
        link = re.search(rf'href="([^"]+)">{word}<', page.body.decode())[1].replace("&amp;", "&")
        answer = issuer.consent_page(query(link))
        assert answer.status == 302
        redirected = dict(answer.headers)["location"]
        assert expected in query(redirected)
        assert query(redirected)["state"] == "s" * 43
        assert issuer.consent_page(query(link)).status == 400


def test_auto_consents_at_once(issuer, kit):
    answer = issuer.authorize({**query(kit.authorize_url()), "auto": "1"})
    assert body(issuer.token(kit.exchange_form(dict(answer.headers)["location"])))["access_token"]


def test_a_denied_consent_says_why(issuer, kit):
    assert query(issuer.consent(kit.authorize_url(), allow=False))["error"] == "access_denied"
    issuer.refusing = ("access_denied", "missing_codex_entitlement")
    assert query(issuer.consent(kit.authorize_url()))["error_description"] == "missing_codex_entitlement"
    issuer.refusing = None
    other = kit.authorize_url(allowed_workspace_id="99999999-0000-4000-8000-000000000000")
    assert query(issuer.consent(other))["error"] == "access_denied"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code": "ac_unknown"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:1455/auth/callback"}, 400, "invalid_grant"),
        ({"code_verifier": "w" * 86}, 400, "invalid_grant"),
        ({"client_id": "app_other"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused(issuer, kit, changes, status, error):
    form = kit.exchange_form(issuer.consent(kit.authorize_url()), **changes)
    assert body(issuer.token(form), status)["error"] == error


def test_a_code_is_good_once_and_not_for_ever(issuer, kit, clock):
    form = kit.exchange_form(issuer.consent(kit.authorize_url()))
    made = body(issuer.token(form))
    assert body(issuer.token(form), 400)["error"] == "invalid_grant"
    assert code_of(issuer, "Bearer " + made["access_token"]) == "token_revoked"
    late = kit.exchange_form(issuer.consent(kit.authorize_url()))
    clock.now += 601
    assert body(issuer.token(late), 400)["error"] == "invalid_grant"


def test_a_refresh_rotates(issuer, tokens):
    second = body(refresh(issuer, tokens["refresh_token"]))
    assert second["refresh_token"] != tokens["refresh_token"]
    assert issuer.check("Bearer " + tokens["access_token"])  # the old one lives on until its end
    assert issuer.check("Bearer " + second["access_token"])


def test_a_refresh_token_that_comes_twice_ends_the_whole_family(issuer, tokens):
    second = body(refresh(issuer, tokens["refresh_token"]))
    assert body(refresh(issuer, tokens["refresh_token"]), 401)["error"]["code"] == "refresh_token_reused"
    assert code_of(issuer, "Bearer " + second["access_token"]) == "token_revoked"
    assert body(refresh(issuer, second["refresh_token"]), 401)["error"]["code"] == "refresh_token_invalidated"


def test_families_are_apart(issuer, tokens, kit):
    other = body(issuer.token(kit.exchange_form(issuer.consent(kit.authorize_url()))))
    refresh(issuer, tokens["refresh_token"])
    refresh(issuer, tokens["refresh_token"])
    assert issuer.check("Bearer " + other["access_token"])


def test_without_rotation_the_refresh_token_stays(issuer, tokens):
    issuer.rotate = False
    assert body(refresh(issuer, tokens["refresh_token"]))["refresh_token"] == tokens["refresh_token"]


def test_the_ways_a_login_ends(issuer, tokens, clock):
    bearer = "Bearer " + tokens["access_token"]
    assert code_of(issuer, None) == code_of(issuer, "Bearer nonsense") == "unauthorized_unknown"
    issuer.expire_access()
    assert code_of(issuer, bearer) == "token_expired"
    renewed = body(refresh(issuer, tokens["refresh_token"]))
    clock.now += 864_001
    assert code_of(issuer, "Bearer " + renewed["access_token"]) == "token_expired"
    issuer.end("refresh_token_expired")
    assert body(refresh(issuer, renewed["refresh_token"]), 401)["error"]["code"] == "refresh_token_expired"
    issuer.end()
    assert code_of(issuer, bearer) == "token_invalidated"


def test_revoking_ends_the_family(issuer, tokens):
    assert issuer.revoke({"token": tokens["refresh_token"], "token_type_hint": "refresh_token"}).status == 200
    assert code_of(issuer, "Bearer " + tokens["access_token"]) == "token_revoked"
    assert issuer.revoke({"token": "unknown"}).status == 200


def test_a_device_code_is_pending_until_it_is_typed(issuer, clock):
    issuer.base = "http://127.0.0.1:1"
    started = body(issuer.device_start({"client_id": CLIENT_ID}))
    assert started["interval"] == "5"
    poll = {"device_auth_id": started["device_auth_id"], "user_code": started["user_code"]}
    assert issuer.device_poll(poll).status == 403
    assert not issuer.approve("WRONG-00000")
    assert issuer.device_page({"user_code": started["user_code"].lower()}).status == 200
    made = body(issuer.device_poll(poll))
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": made["authorization_code"],
        "redirect_uri": "http://127.0.0.1:1/deviceauth/callback",
        "code_verifier": made["code_verifier"],
    }
    assert body(issuer.token(form))["access_token"]
    assert issuer.device_poll(poll).status == 404


def test_device_codes_expire_and_can_be_switched_off(issuer, clock):
    started = body(issuer.device_start({"client_id": CLIENT_ID}))
    clock.now += 901
    assert not issuer.approve(started["user_code"])
    assert issuer.device_poll(started).status == 410
    issuer.device_enabled = False
    assert issuer.device_start({"client_id": CLIENT_ID}).status == 404


def test_accounts_do_not_mix(issuer, tokens, kit):
    issuer.account = replace(issuer.account, account_id="22222222-2222-4333-8444-555555555555")
    other = body(issuer.token(kit.exchange_form(issuer.consent(kit.authorize_url()))))
    assert issuer.check("Bearer " + tokens["access_token"]) != issuer.check("Bearer " + other["access_token"])
