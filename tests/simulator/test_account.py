"""Limits, and the measure of what a prompt shares with an earlier one."""

from rotom.simulator.account import PromptCache, Quota, accounts_check
from rotom.simulator.oauth_claims import Account


def test_the_windows_are_told_the_same_everywhere():
    quota, account, now = Quota(primary=12.5, secondary=40), Account(), 1_000_000.0
    headers = dict(quota.headers(account, now))
    event, usage = quota.event(account, now), quota.usage(account, now)
    assert headers["x-codex-primary-used-percent"] == "12.5"
    assert int(headers["x-codex-primary-reset-at"]) == event["rate_limits"]["primary"]["reset_at"]
    assert usage["rate_limit"]["primary_window"]["used_percent"] == 12
    assert usage["rate_limit"]["secondary_window"]["limit_window_seconds"] == 604_800
    quota.primary = 100
    assert quota.usage(account, now)["rate_limit"]["limit_reached"]


def test_questions_use_the_windows_up():
    quota = Quota(primary=99.95)
    quota.used()
    assert quota.primary == 100


def test_workspaces():
    value = accounts_check(Account(routing="us"))
    assert value["accounts"][0]["account_routing_override"] == "us"
    assert value["default_account_id"] == value["accounts"][0]["id"]


def test_only_a_shared_beginning_counts(kit):
    cache = PromptCache()
    first = kit.question("a" * 20_000, prompt_cache_key="k")
    tokens, cached = cache.measure(first)
    assert (tokens > 5000, cached) == (True, 0)
    longer = kit.question("a" * 20_000, "and more", prompt_cache_key="k")
    tokens, cached = cache.measure(longer)
    assert tokens - 256 < cached <= tokens
    assert cached % 128 == 0
    assert cache.measure({**longer, "prompt_cache_key": "other"})[1] == 0
    assert cache.measure({**longer, "instructions": "changed"})[1] == 0
    assert cache.measure({**longer, "tools": [{"type": "web_search"}]})[1] == 0


def test_short_prompts_and_those_without_a_key_are_not_cached(kit):
    cache = PromptCache()
    for body in (kit.question("hi", prompt_cache_key="k"), kit.question("a" * 20_000)):
        cache.measure(body)
        assert cache.measure(body)[1] == 0
