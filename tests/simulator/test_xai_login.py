"""The simulated issuer of xAI, without a network: consent, device codes, tokens, and every trouble it can make."""

import base64
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from rotom.problem import Problem
from rotom.simulator.play import Refused
from rotom.simulator.xai_claims import CLIENT_ID
from rotom.simulator.xai_login import DEVICE_GRANT, TROUBLES, XaiIssuer


class Clock:
    now = 1_795_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(clock):
    made = XaiIssuer(clock, clock)
    made.base = "http://127.0.0.1:1/xai"
    return made


def said(reply):
    return json.loads(reply.body)


def claims(token):
    return json.loads(unbase64(token.split(".")[1]))


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def log_in(issuer, kit):
    def run(**changes):
        redirected = issuer.consent(kit.xai_authorize_url(**changes))
        return said(issuer.token(kit.xai_exchange_form(redirected)))

    return run


def refresh(issuer, token, **more):
    return issuer.token({"grant_type": "refresh_token", "refresh_token": token, "client_id": CLIENT_ID, **more})


# Consent.


def test_what_a_login_gives(issuer, log_in):
    tokens = log_in()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 21600)
    assert claims(tokens["id_token"])["nonce"] == "n" * 43
    assert claims(tokens["id_token"])["aud"] == CLIENT_ID
    access = claims(tokens["access_token"])
    assert (access["iss"], access["principal_type"], access["tier"]) == (issuer.base, "User", 4)
    assert access["exp"] - access["iat"] == 21600
    account, scopes = issuer.check(f"Bearer {tokens['access_token']}")
    assert account.email == "demo@example.com"
    assert "conversations:read" in scopes


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_tokens_are_really_signed(issuer, log_in, algorithm):
    issuer.signer.algorithm = algorithm
    token = log_in()["id_token"]
    head, body, signature = token.split(".")
    (key,) = said(issuer.jwks())["keys"]
    assert json.loads(unbase64(head)) == {"alg": algorithm, "typ": "JWT", "kid": key["kid"]}
    numbers = {name: int.from_bytes(unbase64(key[name]), "big") for name in ("x", "y", "n", "e") if name in key}
    raw = unbase64(signature)
    if algorithm == "ES256":
        public = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], ec.SECP256R1()).public_key()
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        check = (der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    else:
        public = rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
        check = (raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    public.verify(*check)
    with pytest.raises(InvalidSignature):
        public.verify(check[0], b"something else", *check[2:])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "grok-cli"},
        {"redirect_uri": "http://localhost:56121/callback"},
        {"redirect_uri": "http://127.0.0.1:56121/auth/callback"},
        {"redirect_uri": "https://evil.example/callback"},
        {"referrer": None},
        {"plan": None},
    ],
)
def test_clients_that_are_not_let_in(issuer, kit, changes):
    with pytest.raises(Problem):
        issuer.consent(kit.xai_authorize_url(**changes))
    query = dict(parse_qsl(urlsplit(kit.xai_authorize_url(**changes)).query))
    assert issuer.authorize(query).status == 400


def test_any_port_of_the_loopback_will_do_and_the_clis_own_referrer_needs_no_plan(issuer, kit):
    url = kit.xai_authorize_url(redirect_uri="http://127.0.0.1:37221/callback", referrer="grok-build", plan=None)
    assert issuer.consent(url).startswith("http://127.0.0.1:37221/callback?code=")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"state": "short"}, "invalid_request"),
        ({"scope": "openid api:access team:read"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
    ],
)
def test_requests_that_end_in_an_error_at_the_callback(issuer, kit, changes, error):
    redirected = dict(parse_qsl(urlsplit(issuer.consent(kit.xai_authorize_url(**changes))).query))
    assert redirected["error"] == error
    assert redirected["error_description"]


def test_a_person_may_say_no(issuer, kit):
    assert "error=access_denied" in issuer.consent(kit.xai_authorize_url(), allow=False)
    issuer.refusing = ("server_error", "later")
    assert "error=server_error" in issuer.consent(kit.xai_authorize_url())
    assert issuer.consent_page({"page": "unknown"}).status == 400


def test_a_code_is_good_once_and_for_who_asked(issuer, kit, clock):
    form = kit.xai_exchange_form(issuer.consent(kit.xai_authorize_url()))
    for changes in ({"code_verifier": "w" * 43}, {"redirect_uri": "http://127.0.0.1:1/callback"}, {"code": "other"}):
        assert said(issuer.token({**form, **changes}))["error"] == "invalid_grant"
    assert said(issuer.token({**form, "client_id": "grok-cli"}))["error"] == "invalid_client"
    tokens = said(issuer.token(form))
    assert said(issuer.token(form))["error"] == "invalid_grant"
    with pytest.raises(Refused):  # who shows a code twice ends what came of it
        issuer.check(f"Bearer {tokens['access_token']}")
    late = kit.xai_exchange_form(issuer.consent(kit.xai_authorize_url()))
    clock.now += 601
    assert said(issuer.token(late))["error"] == "invalid_grant"


# Refreshing.


def test_a_refresh_rotates_and_late_reuse_ends_everything(issuer, log_in, clock):
    first = log_in()
    second = said(refresh(issuer, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    clock.now += 61
    reused = refresh(issuer, first["refresh_token"])
    assert (reused.status, said(reused)["error"]) == (400, "invalid_grant")
    assert said(reused)["error_description"] == "Refresh token has been revoked"
    assert said(refresh(issuer, second["refresh_token"]))["error"] == "invalid_grant"
    with pytest.raises(Refused) as refused:
        issuer.check(f"Bearer {second['access_token']}")
    assert refused.value.reply.status == 403


def test_reuse_within_the_grace_is_taken_for_a_lost_answer(issuer, log_in, clock):
    first = log_in()
    lost = said(refresh(issuer, first["refresh_token"]))
    clock.now += 59
    again = said(refresh(issuer, first["refresh_token"]))
    assert again["refresh_token"] not in (lost["refresh_token"], first["refresh_token"])
    assert said(refresh(issuer, again["refresh_token"]))["access_token"]
    issuer.grace = 0.0
    clock.now += 1
    assert said(refresh(issuer, again["refresh_token"]))["error"] == "invalid_grant"


def test_the_principal_may_be_told_and_must_be_right(issuer, log_in):
    token = log_in()["refresh_token"]
    whose = {"principal_type": "User", "principal_id": "11111111-2222-4333-8444-555555555555"}
    assert said(refresh(issuer, token, principal_type="Team", principal_id="x"))["error"] == "invalid_request"
    assert said(refresh(issuer, token, **whose))["access_token"]


def test_tokens_that_are_not_told_and_do_not_rotate(issuer, log_in):
    issuer.rotate = False
    first = log_in()
    assert said(refresh(issuer, first["refresh_token"]))["refresh_token"] == first["refresh_token"]
    issuer.withhold_refresh = True
    assert "refresh_token" not in said(refresh(issuer, first["refresh_token"]))
    assert "refresh_token" not in log_in()
    issuer.withhold_refresh = False
    assert "id_token" not in log_in(scope="offline_access api:access")
    assert "refresh_token" not in log_in(scope="openid api:access")


def test_short_lives_and_sudden_ends(issuer, log_in, clock):
    issuer.access_seconds = 900
    tokens = log_in()
    assert tokens["expires_in"] == 900
    clock.now += 901
    with pytest.raises(Refused):
        issuer.check(f"Bearer {tokens['access_token']}")
    assert said(refresh(issuer, tokens["refresh_token"]))["access_token"]
    issuer.end()
    assert said(refresh(issuer, tokens["refresh_token"]))["error"] == "invalid_grant"
    assert said(refresh(issuer, "never issued"))["error"] == "invalid_grant"
    assert said(issuer.token({"client_id": CLIENT_ID, "grant_type": "password"}))["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_stand_in_front_of_everything(issuer, log_in, name):
    token = log_in()["refresh_token"]
    issuer.trouble = name
    assert refresh(issuer, token) is TROUBLES[name]
    issuer.trouble = None
    assert said(refresh(issuer, token))["access_token"]


# Device codes.


def device(issuer, **changes):
    return issuer.device_start({"client_id": CLIENT_ID, "scope": "openid offline_access api:access", **changes})


def poll(issuer, code):
    return said(issuer.token({"grant_type": DEVICE_GRANT, "device_code": code, "client_id": CLIENT_ID}))


def test_a_device_waits_for_its_person(issuer, clock):
    start = said(device(issuer))
    code = start["device_code"]
    assert start["verification_uri_complete"].endswith(start["user_code"])
    clock.now += 5
    assert poll(issuer, code)["error"] == "authorization_pending"
    assert poll(issuer, code)["error"] == "slow_down"
    clock.now += 5
    assert poll(issuer, code)["error"] == "slow_down"  # it asked for ten seconds
    assert issuer.device_page({"user_code": start["user_code"].lower()}).status == 200
    clock.now += 15
    assert poll(issuer, code)["refresh_token"]
    assert poll(issuer, code)["error"] == "invalid_grant"


def test_a_device_code_may_be_denied_or_too_old(issuer, clock):
    start = said(device(issuer))
    assert issuer.approve(start["user_code"], allow=False)
    clock.now += 5
    assert poll(issuer, start["device_code"])["error"] == "access_denied"
    clock.now += 1800
    assert poll(issuer, start["device_code"])["error"] == "expired_token"
    assert not issuer.approve(start["user_code"])
    assert issuer.device_page({"user_code": "XXXX-XXXX"}).status == 400
    assert issuer.device_page({}).status == 200


def test_device_answers_that_a_test_wants(issuer, clock):
    start = said(device(issuer))
    issuer.device_answers.extend(["slow_down", "authorization_pending"])
    assert poll(issuer, start["device_code"])["error"] == "slow_down"
    assert poll(issuer, start["device_code"])["error"] == "authorization_pending"
    assert not issuer.device_answers


def test_device_codes_that_are_not_given(issuer):
    assert said(device(issuer, client_id="grok-cli"))["error"] == "invalid_client"
    assert said(device(issuer, scope="api:access org:read"))["error"] == "invalid_scope"
    issuer.device_interval = None
    assert "interval" not in said(device(issuer))
    issuer.device_enabled = False
    assert device(issuer).status == 404
