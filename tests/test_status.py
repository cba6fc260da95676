"""The status document: its promised fields, and that nothing secret is in it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rotom.providers import Token, Window
from rotom.status import LoginStatus, document, local_time, subscribed, window_name

NOW = datetime(2026, 5, 5, 3, 15, 7, tzinfo=UTC).timestamp()
ZONE = timezone(timedelta(hours=8))
TOKEN = Token(
    "planted-access", "planted-refresh", NOW + 3600.9, account_id="acc", email="user@example.com", plan="plus"
)


def test_the_flat_fields_are_the_first_logins():
    login = LoginStatus("openai", "ChatGPT", TOKEN, (Window(300, 37.0, NOW + 600),), NOW)
    other = LoginStatus("grok", "Grok", Token("planted", account_id="other"), problem="log in again", active=False)
    result = document([login, other], NOW, ZONE)
    assert result["account_id"] == "acc"
    assert result["token"] == {
        "expires_at": int(NOW + 3600),
        "expires_at_local": "2026-05-05 12:15:07 +08:00",
        "remaining_seconds": 3600,
    }
    assert result["account"] == {
        "name": "default",
        "email": "user@example.com",
        "plan": "plus",
        "has_active_subscription": True,
    }
    assert result["windows"] == [
        {
            "name": "5 hours",
            "limit": None,
            "minutes": 300,
            "used_percent": 37.0,
            "resets_at": int(NOW + 600),
            "resets_at_local": "2026-05-05 11:25:07 +08:00",
            "resets_in_seconds": 600,
        }
    ]
    assert [entry["provider"] for entry in result["providers"]] == ["openai", "grok"]
    assert result["providers"][1]["problem"] == "log in again"
    assert result["providers"][1]["windows"] is None
    assert "planted" not in json.dumps(result)


def test_without_a_login_the_fields_are_there_and_empty():
    result = document([], NOW)
    assert result["logged_in"] is False
    assert result["providers"] == []
    assert result["account_id"] is result["windows"] is result["token"]["remaining_seconds"] is None


def test_what_is_past_has_no_time_left():
    result = document([LoginStatus("openai", "", Token("x", expires_at=NOW - 5), (Window(300, 1, NOW - 9),))], NOW)
    assert result["token"]["remaining_seconds"] == 0
    assert result["windows"][0]["resets_in_seconds"] == 0


@pytest.mark.parametrize(
    ("plan", "until", "active"),
    [
        ("pro", None, True),
        ("free", None, False),
        ("Free_Workspace", None, False),
        ("something-new", None, True),
        (None, None, None),
        ("plus", "2026-05-01T00:00:00+00:00", False),
        ("plus", "2026-06-01T00:00:00Z", True),
        ("plus", NOW - 1, False),
        ("plus", "soon", True),
    ],
)
def test_a_subscription_is_what_the_plan_and_its_end_say(plan, until, active):
    assert subscribed(Token("x", plan=plan, extra={"subscription_active_until": until}), NOW) is active


@pytest.mark.parametrize(
    ("minutes", "limit", "name"),
    [
        (300, None, "5 hours"),
        (10080, "spark", "weekly (spark)"),
        (180, None, "3 hours"),
        (90, None, "90 min"),
        (2880, None, "2 days"),
    ],
)
def test_windows_have_names(minutes, limit, name):
    assert window_name(Window(minutes, 0, None, limit)) == name


def test_a_moment_that_is_none_is_unknown():
    assert local_time(1e30) == local_time(float("nan")) == "unknown"


@pytest.mark.parametrize("until", [10**400, float("inf"), float("nan"), "1e999", [1], {"a": 1}])
def test_an_end_that_is_no_time_breaks_nothing(until):
    token = Token("x", plan="plus", extra={"subscription_active_until": until})
    assert subscribed(token, NOW) in (True, False)
    assert document([LoginStatus("openai", "t", token)], NOW)["logged_in"]
