"""Logins: the key, each token's life, and what went wrong last."""

import time
from dataclasses import replace

import pytest
from surgery import environment_of, kit, one, verdicts

from rotom.doctor import logins
from rotom.doctor.case import Opened, read_case
from rotom.doctor.finding import Verdict
from rotom.doctor.logins import _logins, _troubles
from rotom.exits import PERMISSION
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.running import noted


async def test_a_good_login_is_told_with_its_life(house):
    async with kit(house) as tools:
        found = await logins.check(tools)
    assert verdicts(found) == {"logins.key": "ok", "logins.openai": "ok"}
    assert one(found, "logins.openai").sentence.startswith("openai, plan plus: its token lasts 9 days")
    assert "demo@example.com" not in str(found)


def test_nobody_is_logged_in(empty):
    found = one(_logins(empty()), "logins.none")
    assert (found.verdict, found.advice, found.status) == (Verdict.FAIL, "rotom login", PERMISSION)


async def test_a_login_that_does_not_open_is_told_with_what_to_do(house):
    (house.config.home / "key").unlink()
    async with kit(house) as tools:
        found = one(await logins.check(tools), "logins.openai")
    assert found.verdict is Verdict.FAIL
    assert "rotom login" in found.advice


async def test_a_vault_of_another_program_is_told(house):
    house.config.auth_file.write_text('{"access_token": "planted"}')
    async with kit(house) as tools:
        found = one(await logins.check(tools), "logins.file")
    assert found.verdict is Verdict.FAIL
    assert "planted" not in found.sentence


async def test_a_vault_under_a_passphrase_is_no_good_for_a_server(house):
    house.vault.set_passphrase("correct horse")
    async with kit(house) as tools:
        found = await logins.check(tools)
    assert one(found, "logins.key").verdict is Verdict.WARN
    assert one(found, "logins.openai").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("left", "refresh", "verdict"),
    [(-5, "r", Verdict.WARN), (-5, None, Verdict.FAIL), (60, None, Verdict.WARN), (9000, None, Verdict.OK)],
)
def test_tokens_that_are_over_are_told(empty, left, refresh, verdict):
    token = Token("x", refresh, time.time() + left)
    case = replace(empty(), opened=Opened({"openai": token}, {"openai": "openai"}))
    assert one(_logins(case), "logins.openai").verdict is verdict


def test_a_token_from_the_future_makes_the_clock_doubtful(empty):
    token = Token("x", "r", time.time() + 9000, obtained_at=time.time() + 3600)
    case = replace(empty(), opened=Opened({"openai@work": token}, {"openai": "openai@work"}))
    assert one(_logins(case), "logins.clock").advice == "set the clock: timedatectl set-ntp true"


def test_a_login_that_no_setting_names_is_told(empty):
    case = replace(empty(), opened=Opened({"lab": Token("x")}, {"lab": "lab"}))
    assert one(_logins(case), "logins.unknown").verdict is Verdict.WARN


def test_only_the_provider_that_is_wanted_is_looked_at(empty):
    opened = Opened({"openai": Problem(Kind.INVALID, "no")}, {"openai": "openai"})
    found = list(_logins(replace(empty({"--provider": "grok"}), opened=opened)))
    assert verdicts(found) == {"logins.none": "fail"}
    assert found[0].advice == "rotom login --provider grok"


async def test_a_renewal_that_was_cut_off_is_told(house):
    token = house.vault.load("openai")
    house.vault.begin_renewal("openai", token)
    found = one(_logins(read_case({}, environment_of(house))), "logins.openai")
    assert "cut off" in found.sentence


async def test_the_last_trouble_of_a_server_that_runs_is_told(house):
    house.simulator.script("usage_limit")
    await house.ask("x")
    with noted(house.config, [str(house.client.base_url).removeprefix("http://").rstrip("/")]):
        async with kit(house) as tools:
            found = one(await logins.check(tools), "logins.last")
    assert found.verdict is Verdict.SKIP
    assert "usage limit" in found.sentence


def test_a_status_of_another_form_tells_nothing(empty):
    for report in (None, {}, {"providers": 1}, {"providers": [1, {"login": "a"}]}):
        assert list(_troubles(empty(), report)) == []
