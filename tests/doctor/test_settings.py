"""Settings: what is wrong, and what surprises."""

import json

import pytest
from surgery import verdicts

from rotom.doctor import settings
from rotom.doctor.finding import Verdict
from rotom.exits import CONFIG


def written(tmp_path, **values):
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "config.json").write_text(json.dumps({"version": 1, **values}))
    (home / "config.json").chmod(0o600)


def one(case, check):
    (found,) = [one for one in settings.check(case) if one.check == check]
    return found


def test_nothing_set_is_all_right(empty):
    assert set(verdicts(settings.check(empty())).values()) == {"ok"}


def test_each_bad_setting_is_a_line(empty, tmp_path):
    written(tmp_path, bind="nonsense:x", grace=-1)
    found = [one for one in settings.check(empty()) if one.check == "settings.value"]
    assert [one.status for one in found] == [CONFIG, CONFIG]
    assert any("bind" in one.sentence for one in found)


def test_a_variable_that_overrules_the_file_is_told(empty, tmp_path):
    written(tmp_path, log_level="debug")
    found = one(empty(ROTOM_LOG_LEVEL="error"), "settings.override")
    assert found.sentence == "ROTOM_LOG_LEVEL overrules log_level in config.json"
    assert found.advice == "unset ROTOM_LOG_LEVEL, or: rotom config reset log_level"


def test_a_variable_that_means_nothing_is_told_with_the_nearest(empty):
    found = one(empty(ROTOM_BINDS="x", ROTOM_DEBUG="", ROTOM_TEST_CLIENTS="required"), "settings.unknown")
    assert "ROTOM_BINDS" in found.sentence
    assert found.advice == "perhaps ROTOM_BIND was meant"


def test_addresses_that_take_tokens_elsewhere_are_told_without_naming_them(empty):
    case = empty(ROTOM_GROK_ISSUER="https://planted.example", ROTOM_OPENAI_ISSUER="http://127.0.0.1:1")
    found = [one for one in settings.check(case) if one.check == "settings.address"]
    assert [one.sentence for one in found] == [
        "openai_issuer leads to this machine: tokens go there",
        "grok_issuer leads to another address than the provider's own: tokens go there",
    ]


def test_serving_others_without_a_key_is_a_failure(empty):
    found = one(empty(ROTOM_BIND="0.0.0.0:14550"), "settings.bind")
    assert (found.verdict, found.status) == (Verdict.FAIL, CONFIG)
    good = one(empty(ROTOM_BIND="0.0.0.0:14550", ROTOM_API_KEY="planted-0123456789"), "settings.bind")
    assert good.sentence == "serves other machines, too, with a local key"


def test_a_key_file_that_is_not_there_is_a_failure(empty):
    assert one(empty(ROTOM_API_KEY_FILE="/nowhere/key"), "settings.bind").verdict is Verdict.FAIL


@pytest.mark.parametrize(("name", "verdict"), [("nobody", Verdict.FAIL), ("grok", Verdict.SKIP)])
def test_the_only_provider_must_exist(empty, name, verdict):
    assert one(empty(ROTOM_PROVIDER=name), "settings.provider").verdict is verdict
