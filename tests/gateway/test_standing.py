"""The state of the logins, asked side by side, and renewals of them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import trio

from rotom.gateway import Limits, standing
from rotom.gateway.standing import ordered, renewals, statuses
from rotom.providers import Outgoing, Token, Usage, Window
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import json_reply
from rotom.upstream import keeper

WORK = Account(account_id="work-1", user_id="user-work", email="me@work.example", plan="team")
USAGE = "/backend-api/wham/usage"


def altered(house: Any, **how: Any) -> None:
    """Another provider in the place of the vendor's."""
    provider = replace(house.gateway.providers["openai"], **how)
    house.gateway.providers["openai"] = house.gateway.keeper.providers["openai"] = provider


async def test_every_account_has_its_own(house: Any) -> None:
    await house.log_in("openai@work", WORK)
    one, two = await statuses(house.gateway)
    assert (one.login, one.in_use, two.login, two.in_use) == ("openai", True, "openai@work", False)
    assert two.token.email == "me@work.example"
    assert sum(received.path == USAGE for received in house.simulator.requests) == 2
    assert await statuses(house.gateway, ["openai@work", "nobody"]) == [two]
    assert sum(received.path == USAGE for received in house.simulator.requests) == 2, "not more often than needed"


async def test_a_provider_that_is_slow_does_not_hide_the_others(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "PATIENCE", 0.2)
    await house.log_in("openai@work", WORK)
    house.simulator.script("stall", path=USAGE)
    began = time.monotonic()
    found = await statuses(house.gateway)
    assert time.monotonic() - began < 5
    assert sorted(one.problem is None for one in found) == [False, True]
    (slow,) = (one for one in found if one.problem is not None)
    assert "did not tell of its limits" in slow.problem
    assert slow.active is True


async def test_a_renewal_that_is_slow_does_not_hide_the_others(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "PATIENCE", 0.2)
    monkeypatch.setattr(keeper, "RENEWAL_SECONDS", 1.0)
    token = house.vault.load("openai")
    await trio.to_thread.run_sync(house.vault.save, "openai@old", replace(token, expires_at=1.0, obtained_at=0.0))
    house.simulator.script("stall", path="/oauth/token")
    one, old = await statuses(house.gateway)
    assert (one.problem, one.active) == (None, True)
    assert "did not renew the token within" in old.problem
    assert old.active is True, "it may be renewed yet"


async def test_a_provider_that_fails_leaves_what_is_known(house: Any) -> None:
    window = Window(300, 12.0, None)
    house.gateway.limits["openai"] = Limits((window,), time.time() - 999, plan="pro", email="usage@example.com")
    house.simulator.script(json_reply(503, {"detail": "down"}), path=USAGE)
    (status,) = await statuses(house.gateway)
    assert status.problem is not None
    assert (status.windows, status.token.plan, status.active) == ((window,), "pro", True)


async def test_what_only_the_usage_tells_stays_known(house: Any) -> None:
    def usage(token: Token) -> Any:
        return Usage(plan="heavy", email="from@usage.example", windows=(Window(300, 1.0, None),))
        yield Outgoing.get("never")

    altered(house, usage=usage)
    await trio.to_thread.run_sync(house.vault.save, "openai", Token("x", "r", time.time() + 9999))
    for _ in range(2):
        (status,) = await statuses(house.gateway)
        assert (status.token.plan, status.token.email) == ("heavy", "from@usage.example")


async def test_the_origin_in_use_is_told(house: Any) -> None:
    altered(house, origin=lambda token: f"https://{token.plan}.example/v1")
    (status,) = await statuses(house.gateway)
    assert status.origin == "https://plus.example/v1"


async def test_a_renewal_that_failed_is_told_while_the_token_is_good(house: Any) -> None:
    house.simulator.script(json_reply(503, {"detail": "down"}), path="/oauth/token")
    (renewal,) = await renewals(house.gateway.keeper, ["openai"])
    assert renewal.failed
    (status,) = await statuses(house.gateway)
    assert status.active is True
    assert status.problem is not None
    assert status.windows


async def test_what_must_not_be_renewed_yet_is_no_failure(house: Any) -> None:
    altered(house, renewable_at=lambda _token: time.time() + 600)
    (renewal,) = await renewals(house.gateway.keeper, ["openai"])
    assert (renewal.failed, renewal.token, renewal.problem.code) == (False, None, "too_early")


async def test_a_login_that_nobody_can_renew_is_one(house: Any) -> None:
    await trio.to_thread.run_sync(house.vault.save, "openai@old", Token("x", None, time.time() + 60))
    good, bad = await renewals(house.gateway.keeper, ["openai", "openai@old"])
    assert (good.failed, bad.failed) == (False, True)
    assert "--account old" in bad.problem.message


def test_logins_are_in_the_order_of_the_providers() -> None:
    order: Any = dict.fromkeys(("openai", "local"))
    assert ordered(order, ["local", "x", "openai@b", "local@a", "openai"]) == ["openai@b", "openai", "local", "local@a"]
