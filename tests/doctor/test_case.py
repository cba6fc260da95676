"""The case: what is good of it, although the rest is broken; and what of it is masked."""

import json

import pytest
from surgery import environment_of

from rotom.doctor.case import masks_of, read_case
from rotom.problem import Problem


def written(tmp_path, text, mode=0o600):
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    path = home / "config.json"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_bad_setting_takes_no_other_with_it(empty, tmp_path):
    written(tmp_path, json.dumps({"version": 1, "bind": "nonsense:x", "log_level": "debug", "wrong_name": 1}))
    case = empty(ROTOM_GRACE="soon", ROTOM_STRICT="yes")
    assert case.config.log_level == "debug"
    assert case.config.strict is True
    assert case.config.bind == ("127.0.0.1:14550",)
    assert sorted(problem.param for problem in case.troubles) == ["bind", "grace", "wrong_name"]


@pytest.mark.parametrize("text", ["{", "[]", '{"token": "planted"}', '{"version": 99}'])
def test_a_broken_file_is_a_trouble_and_the_rest_goes_on(empty, tmp_path, text):
    written(tmp_path, text)
    case = empty(ROTOM_LOG_LEVEL="debug")
    assert len(case.troubles) == 1
    assert case.config.log_level == "debug"
    assert "planted" not in case.troubles[0].message


def test_a_secret_that_is_no_good_is_not_repeated(empty):
    case = empty(ROTOM_API_KEY="planted\x00ä")
    assert "planted" not in "".join(problem.message for problem in case.troubles)
    assert case.troubles


def test_another_name_of_a_provider_is_its_name(empty):
    assert empty({"--provider": "codex"}).config.provider == "openai"
    assert empty({"--provider": "codex"}).wanted("openai")
    assert not empty({"--provider": "codex"}).wanted("grok")


def test_a_home_that_cannot_be_is_a_trouble(empty):
    assert empty(ROTOM_HOME="~nobody-of-that-name/x").troubles


async def test_what_the_login_says_of_the_person_is_masked(house):
    case = read_case({}, environment_of(house))
    (token,) = case.opened.good().values()
    masks = masks_of(case)
    said = masks(f"{token.access} {token.refresh} {token.email} {token.account_id} {token.extra} {case.config.home}")
    for secret in (token.access, token.refresh, token.email, token.account_id, str(case.person)):
        assert secret not in said
    assert said.endswith("~/home")


async def test_a_login_without_its_key_is_told(house):
    (house.config.home / "key").unlink()
    case = read_case({}, environment_of(house))
    assert isinstance(case.opened.logins["openai"], Problem)
    assert case.opened.good() == {}


def test_secrets_of_the_surroundings_are_masked(empty, tmp_path):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": "planted-claude"}}))
    written(
        tmp_path,
        json.dumps({"version": 1, "api_key": "planted-local-key", "endpoints": ["lab=https://lab.planted.example/v1"]}),
    )
    case = empty(
        HTTPS_PROXY="http://planteduser:planted%2Bpass@proxy.planted.example:3128",
        GITHUB_TOKEN="planted-github",
        USER="plantedperson",
        ROTOM_OPENAI_BASE_URL="https://mirror.planted.example/x",
        SSH_AUTH_SOCK="/run/user/1000/agent",
        CLAUDE_CODE_MAX_CONTEXT_TOKENS="272000",
    )
    masks = masks_of(case)
    text = (
        "planted-claude planted-local-key lab.planted.example planteduser planted%2Bpass planted+pass "
        "proxy.planted.example planted-github plantedperson mirror.planted.example"
    )
    assert "planted" not in masks(text)
    assert masks("/run/user/1000/agent 272000") == "/run/user/1000/agent 272000"
