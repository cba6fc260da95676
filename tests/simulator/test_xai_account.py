"""What simulated xAI tells of an account."""

from rotom.simulator.xai_account import Pool, settings, user
from rotom.simulator.xai_claims import XaiAccount

NOW = 1_795_000_000.0


def test_zeros_are_not_written():
    told = Pool(percent=0.0).credits(NOW)["config"]
    assert "creditUsagePercent" not in told
    assert told["onDemandCap"] == {}
    assert Pool(on_demand_cap=2500, prepaid=12).credits(NOW)["config"]["prepaidBalance"] == {"val": 12}


def test_the_period_ends_when_it_says():
    told = Pool(resets_in=60, period="monthly").credits(NOW)["config"]["currentPeriod"]
    assert told["type"] == "USAGE_PERIOD_TYPE_MONTHLY"
    assert (told["start"], told["end"]) == ("2026-11-11T11:07:40Z", "2026-11-18T11:07:40Z")


def test_use_is_counted_where_it_is_known():
    pool = Pool(percent=99.95, requests=(2, 1))
    pool.used()
    pool.used()
    assert pool.percent == 100
    assert dict(pool.headers())["x-ratelimit-remaining-requests"] == "0"
    silent = Pool(percent=None, requests=None)
    silent.used()
    assert silent.headers() == []
    assert "creditUsagePercent" not in silent.credits(NOW)["config"]


def test_an_account_without_a_subscription():
    nobody = XaiAccount(subscription=None)
    assert user(nobody, True)["subscriptionTier"] is None
    assert settings(nobody)["subscription_tier"] is None
