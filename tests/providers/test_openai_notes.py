"""What private events say, as the headers that say the same."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.providers.openai_notes import notes
from rotom.providers.openai_refusals import windows
from rotom.simulator.account import Quota
from rotom.simulator.oauth_claims import Account
from rotom.sse import Event, Json


def told(kind: str, **data: Any) -> dict[str, str]:
    return notes(Event(kind, data={"type": kind, **data}))


def test_limits_are_the_same_by_event_and_by_header() -> None:
    quota, account = Quota(primary=55.0, secondary=3.0), Account()
    event = notes(Event("codex.rate_limits", data=quota.event(account, 1000.0)))
    assert windows(event) == windows(dict(quota.headers(account, 1000.0)))
    assert event["x-codex-plan-type"] == account.plan
    assert event["x-codex-credits-has-credits"] == "False"
    assert set(event) < {name for name, _ in quota.headers(account, 1000.0)}


def test_a_window_that_is_not_there_is_not_told() -> None:
    assert told("codex.rate_limits", rate_limits={"primary": {"used_percent": 5}, "secondary": None}) == {
        "x-codex-primary-used-percent": "5"
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Models-Etag": "e", "openai-model": "gpt-5.5"}, {"x-models-etag": "e", "openai-model": "gpt-5.5"}),
        ({"x-codex-turn-state": "s", "x-codex-primary-used-percent": 7.5}, None),
        ({"set-cookie": "a=b", "connection": "close", "content-length": "5", "": "x"}, {}),
        ({"x-codex-a": "one\r\nx-evil: 1", "x-codex-b\r\n": "v", "x-codex-ü": "v", "x-codex-c": "ü"}, {}),
        ({"x-codex-a": None, "x-codex-b": ["x"], "x-codex-c": {}, "x-codex-d": ""}, {}),
    ],
)
def test_only_headers_of_the_service_and_only_what_a_header_can_hold(headers: Json, expected: Json | None) -> None:
    wanted = {name: str(value) for name, value in headers.items()} if expected is None else expected
    assert told("codex.response.metadata", headers=headers) == wanted


def test_an_error_has_headers_of_its_own() -> None:
    assert told("error", status=429, headers={"x-codex-primary-used-percent": "100.0", "content-type": "x"}) == {
        "x-codex-primary-used-percent": "100.0"
    }
    assert told("error", code="server_error", message="x") == {}


@pytest.mark.parametrize(
    "event",
    [
        Event("codex.rate_limits", data={"type": "codex.rate_limits"}),
        Event("codex.rate_limits", data={"rate_limits": [], "credits": 5}),
        Event("codex.response.metadata", data={"headers": "x"}),
        Event("codex.response.metadata", b"not json"),
        Event("codex.rate_limits", b"[]"),
        Event("responsesapi.websocket_timing", b"not json"),
        Event("keepalive", b""),
    ],
)
def test_what_cannot_be_read_says_nothing(event: Event) -> None:
    assert notes(event) == {}
