"""Logins are read from token answers and from the files of other programs."""

import base64
import json
import time

import pytest

from rotom.problem import Problem
from rotom.providers import Token
from rotom.providers.openai_token import AUTH_CLAIM as AUTH
from rotom.providers.openai_token import PROFILE_CLAIM, import_login, token_from


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


@pytest.mark.parametrize(
    "document",
    [
        {
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": None,
            "tokens": {**GIVEN, "account_id": None},
            "last_refresh": "2026",
        },
        GIVEN,
        {"openai": GIVEN, "grok": {"access_token": "wrong"}},
        {"providers": {"grok": {"access_token": "wrong"}, "codex": {"tokens": GIVEN}}},
        {"tokens": {**GIVEN, "id_token": json.loads(base64.urlsafe_b64decode(ID.split(".")[1] + "=="))}},
    ],
)
def test_logins_of_others_are_found(document):
    token = import_login(json.dumps(document).encode())
    assert (token.access, token.refresh, token.account_id, token.email) == (
        ACCESS,
        "rt_new",
        "acc-1",
        "user@example.com",
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not json", "not JSON"),
        (b"[]", "no login"),
        (b'{"OPENAI_API_KEY": "sk-planted"}', "an API key"),
        (b'{"tokens": {"access_token": null}}', "no login"),
        (b'{"grok": {"access_token": "x"}}', "no login"),
    ],
)
def test_files_without_a_login_are_told(data, words):
    with pytest.raises(Problem, match=words) as caught:
        import_login(data)
    assert "planted" not in caught.value.message


def test_nesting_without_end_is_no_login():
    document = b'{"tokens":' * 500 + b"1" + b"}" * 500
    with pytest.raises(Problem, match="no login"):
        import_login(document)


def test_the_access_token_speaks_where_there_is_no_id_token():
    claims = {"exp": 9, AUTH: {"chatgpt_account_id": "acc", "user_id": "u"}, PROFILE_CLAIM: {"email": "a@example.com"}}
    token = token_from({"access_token": jwt(claims)}, None)
    assert (token.account_id, token.email, token.expires_at, token.extra) == (
        "acc",
        "a@example.com",
        9,
        {"user_id": "u"},
    )


def test_claims_of_the_wrong_kind_are_left_out():
    claims = {"exp": "soon", AUTH: {"chatgpt_account_id": 7, "organizations": "x"}, PROFILE_CLAIM: ["x"]}
    token = token_from({"access_token": jwt(claims), "expires_in": "60", "account_id": "file"}, None)
    assert (token.account_id, token.email, token.extra) == ("file", None, {})
    assert abs(token.expires_at - time.time() - 60) < 30
    assert token_from({"access_token": "opaque"}, Token("other", expires_at=5.0)).expires_at is None
