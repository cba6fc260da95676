"""Where values come from, what is refused and how it is told."""

import json
import os
import re
from pathlib import Path

import pytest

from rotom import paths
from rotom.config import SETTINGS, Config, load, read_file, resolve_api_key
from rotom.problem import Kind, Problem


@pytest.fixture
def env(tmp_path):
    return {"ROTOM_HOME": str(tmp_path)}


def write(folder, settings, mode=0o600, version=1):
    file = folder / "config.json"
    file.write_text(json.dumps({"version": version, **settings}))
    file.chmod(mode)
    return file


def test_defaults_are_of_the_types_that_config_names(env, tmp_path):
    loaded = load({}, env)
    assert loaded.config == Config(home=tmp_path)
    assert loaded.config.auth_file == tmp_path / "auth.json"
    assert loaded.config.bind == ("127.0.0.1:14550",)
    assert loaded.config.max_body == 64 * 1024 * 1024
    assert loaded.config.openai_user_agent.startswith("rotom/")
    assert set(loaded.sources) == set(SETTINGS)
    assert {source for name, source in loaded.sources.items() if name != "home"} == {"default"}


def test_every_default_is_what_its_own_reader_gives():
    for setting in SETTINGS.values():
        if setting.default is not None and setting.name != "home":
            assert setting.read(setting.default) == setting.default, setting.name


def test_flag_wins_over_environment_over_file_over_default(env, tmp_path):
    file = write(tmp_path, {"grace": 3, "log_level": "debug", "model_fallback": "a"})
    env |= {"ROTOM_GRACE": "4", "ROTOM_LOG_LEVEL": "error"}
    loaded = load({"--grace": "5", "--demo": True, "--bind": None}, env)
    config, sources = loaded.config, loaded.sources
    assert (config.grace, sources["grace"]) == (5.0, "flag")
    assert (config.log_level, sources["log_level"]) == ("error", "environment ROTOM_LOG_LEVEL")
    assert (config.model_fallback, sources["model_fallback"]) == ("a", f"file {file}")
    assert sources["bind"] == "default"


def test_a_reload_keeps_the_flags(env, tmp_path):
    loaded = load({"--grace": "5"}, env)
    write(tmp_path, {"grace": 9, "idle_timeout": 7})
    again = loaded.again(env)
    assert (again.config.grace, again.config.idle_timeout) == (5.0, 7.0)


def test_empty_variables_and_null_are_not_set(env, tmp_path):
    write(tmp_path, {"provider": None})
    loaded = load({}, env | {"ROTOM_BIND": "", "ROTOM_API_KEY": ""})
    assert loaded.config == Config(home=tmp_path)


def test_relative_paths_lie_in_home_when_filed_and_here_when_typed(env, tmp_path):
    write(tmp_path, {"auth_file": "other.json", "ca_file": "~/ca.pem"})
    assert load({}, env).config.auth_file == tmp_path / "other.json"
    assert load({}, env).config.ca_file == Path("~/ca.pem").expanduser()
    assert load({"--auth-file": "typed.json"}, env).config.auth_file == Path.cwd() / "typed.json"


def test_ca_file_follows_ssl_cert_file_unless_it_has_its_own(env):
    loaded = load({}, env | {"SSL_CERT_FILE": "/a.pem"})
    assert (loaded.config.ca_file, loaded.sources["ca_file"]) == (Path("/a.pem"), "environment SSL_CERT_FILE")
    loaded = load({}, env | {"SSL_CERT_FILE": "/a.pem", "ROTOM_CA_FILE": "/b.pem"})
    assert loaded.config.ca_file == Path("/b.pem")


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        ({"--bind": "14550"}, {}, "the option --bind: bind must be HOST:PORT"),
        ({}, {"ROTOM_GRACE": "soon"}, "the environment variable ROTOM_GRACE: grace must be a number of seconds"),
        ({}, {"ROTOM_HOME": "~nobody-of-that-name"}, "ROTOM_HOME must be a path"),
        ({}, {"ROTOM_LOG_LEVEL": "loud"}, "log_level must be one of debug, info"),
        ({}, {"ROTOM_OPENAI_BASE_URL": "http://example.org"}, "plain http would show the login"),
    ],
)
def test_a_bad_value_names_its_source(env, flags, variables, said):
    with pytest.raises(Problem, match=re.escape(said)) as caught:
        load(flags, env | variables)
    assert caught.value.code == "config"


def test_a_secret_is_not_repeated_when_it_is_bad_nor_in_a_repr(env):
    with pytest.raises(Problem) as caught:
        load({}, env | {"ROTOM_API_KEY": "planted\nsecret"})
    assert "planted" not in str(caught.value)
    loaded = load({"--api-key": "planted-secret"}, env)
    assert "planted" not in repr(loaded) + repr(loaded.config)


def test_an_unknown_key_is_named_with_its_file_and_the_nearest(env, tmp_path):
    file = write(tmp_path, {"model_falback": "x"})
    with pytest.raises(
        Problem, match=re.escape(f"{file}: there is no setting 'model_falback'; did you mean 'model_fallback'?")
    ):
        load({}, env)


def test_home_cannot_be_filed(env, tmp_path):
    write(tmp_path, {"home": "/x"})
    with pytest.raises(Problem, match="home can only be set by ROTOM_HOME"):
        load({}, env)


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("{", Kind.INVALID, "is not JSON"),
        ("[]", Kind.INVALID, "must hold a JSON object"),
        ('{"version": 2, "bind": "127.0.0.1:1"}', Kind.CONFLICT, "newer rotom"),
        ('{"bind": "127.0.0.1:1"}', Kind.CONFLICT, "Rust program"),
        ('{"version": "0.3", "bind": "127.0.0.1:1"}', Kind.CONFLICT, "Rust program"),
        ('{"version": true}', Kind.CONFLICT, "Rust program"),
        ("[" * 100_000, Kind.INVALID, "is not JSON"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(env, tmp_path, content, kind, said):
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(Problem, match=said) as caught:
        load({}, env)
    assert caught.value.kind is kind
    assert file.read_text() == content


def test_a_file_with_a_key_in_it_must_be_private(env, tmp_path):
    write(tmp_path, {"grace": 1}, mode=0o644)
    assert load({}, env).config.grace == 1
    file = write(tmp_path, {"api_key": "k" * 16}, mode=0o640)
    with pytest.raises(Problem, match="can be read or changed by others") as caught:
        load({}, env)
    assert caught.value.hint == f"chmod 600 {file}"


def test_no_file_is_no_settings(tmp_path):
    assert read_file(tmp_path / "none.json") == {}


def test_home_follows_rotom_home_then_home(tmp_path):
    assert paths.home({"ROTOM_HOME": str(tmp_path)}) == tmp_path
    assert paths.home({"HOME": str(tmp_path)}) == tmp_path / ".rotom"
    assert paths.home({"ROTOM_HOME": "relative"}).is_absolute()


class TestApiKey:
    def test_there_may_be_none(self, env):
        assert resolve_api_key(load({}, env).config, env) is None

    def test_the_setting_comes_before_the_file(self, env, tmp_path):
        (tmp_path / "k").write_text("of-the-file\n")
        (tmp_path / "k").chmod(0o600)
        write(tmp_path, {"api_key_file": "k"})
        assert resolve_api_key(load({}, env).config, env) == "of-the-file"
        assert resolve_api_key(load({}, env | {"ROTOM_API_KEY": "set"}).config, env) == "set"

    def test_a_stronger_source_wins_whichever_of_the_two_it_names(self, env, tmp_path):
        (tmp_path / "k").write_text("of-the-file")
        (tmp_path / "k").chmod(0o600)
        env |= {"ROTOM_API_KEY": "of-the-environment"}
        assert resolve_api_key(load({"--api-key-file": str(tmp_path / "k")}, env).config, env) == "of-the-file"

    @pytest.mark.parametrize(("content", "mode"), [("key", 0o644), ("", 0o600), ("a\nb", 0o600), ("käse", 0o600)])
    def test_a_bad_file_is_refused(self, env, tmp_path, content, mode):
        file = tmp_path / "k"
        file.write_text(content)
        file.chmod(mode)
        with pytest.raises(Problem, match="API key file"):
            resolve_api_key(load({"--api-key-file": str(file)}, env).config, env)

    def test_a_missing_file_is_told(self, env, tmp_path):
        with pytest.raises(Problem, match="cannot be read: No such file"):
            resolve_api_key(load({"--api-key-file": str(tmp_path / "k")}, env).config, env)

    def test_the_credential_of_the_service_manager_comes_last(self, env, tmp_path):
        folder = tmp_path / "credentials"
        folder.mkdir()
        (folder / "api-key").write_text("of-the-credential\n")
        env |= {"CREDENTIALS_DIRECTORY": str(folder)}
        assert resolve_api_key(load({}, env).config, env) == "of-the-credential"
        assert resolve_api_key(load({"--api-key": "given"}, env).config, env) == "given"


@pytest.mark.skipif(os.name != "posix", reason="files have no owner to compare on Windows")
def test_a_file_of_another_user_is_refused_except_by_root(tmp_path, monkeypatch):
    file = tmp_path / "k"
    file.write_text("key")
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
        paths.check_private(file, "the API key file")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with pytest.raises(Problem, match="belongs to another user"):
        paths.check_private(file, "the API key file")


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_a_file_that_others_can_change_decides_nothing(tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"version": 1, "model_fallback": "gpt-5.5"}')
    file.chmod(0o666)
    with pytest.raises(Problem, match="can be changed by others") as caught:
        load({}, {"ROTOM_HOME": str(tmp_path)})
    assert caught.value.hint == f"chmod 600 {file}"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(Problem, match="is not a file"):
        load({}, {"ROTOM_HOME": str(tmp_path)})
