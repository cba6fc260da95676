"""Where the server of a home is written down, and when that is not believed."""

import json
import os
import time

import pytest

import rotom
from rotom.config import load
from rotom.running import NAME, Running, find, noted, root_of


@pytest.fixture
def config(tmp_path):
    return load({}, {"ROTOM_HOME": str(tmp_path / "home")}).config


def test_it_is_there_while_it_serves(config, tmp_path):
    assert find(config) is None
    with noted(config, ["127.0.0.1:1", "[::1]:1"]):
        found = find(config)
        assert found == Running(
            ("127.0.0.1:1", "[::1]:1"),
            os.path.realpath(tmp_path / "home" / "auth.json"),
            None,
            os.getpid(),
            found.started_at,
            rotom.__version__,
        )
        assert 0 <= time.time() - found.started_at < 60
        assert (tmp_path / "home" / NAME).stat().st_mode & 0o777 == 0o600
        other = load({"--auth-file": "other.json"}, {"ROTOM_HOME": str(tmp_path / "home")}).config
        assert find(other) is None, "it serves other logins"
    assert find(config) is None
    assert not (tmp_path / "home" / NAME).exists()


def test_another_servers_note_stays(config, tmp_path):
    with noted(config, ["127.0.0.1:1"]):
        note = json.loads((tmp_path / "home" / NAME).read_bytes()) | {"pid": 1, "addresses": ["127.0.0.1:2"]}
        (tmp_path / "home" / NAME).write_text(json.dumps(note))
    assert find(config).addresses == ("127.0.0.1:2",)


@pytest.mark.parametrize("pid", [-1, 0, 2**22 + 12345, 10**30])
@pytest.mark.skipif(os.name != "posix", reason="elsewhere one cannot ask")
def test_a_dead_servers_note_is_not_believed(config, tmp_path, pid):
    with noted(config, ["127.0.0.1:1"]):
        note = json.loads((tmp_path / "home" / NAME).read_bytes()) | {"pid": pid}
        (tmp_path / "home" / NAME).write_text(json.dumps(note))
        assert find(config) is None


@pytest.mark.parametrize("content", ["", "null", "[]", "{", '{"addresses": 1}', '{"addresses": [], "pid": "x"}'])
def test_nonsense_is_not_believed(config, tmp_path, content):
    with noted(config, []):
        (tmp_path / "home" / NAME).write_text(content)
        assert find(config) is None


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_serve(tmp_path):
    config = load({}, {"ROTOM_HOME": str(tmp_path / "home")}).config
    (tmp_path / "home").write_text("")
    with noted(config, ["127.0.0.1:1"]):
        assert find(config) is None


def test_an_older_version_says_less(config, tmp_path):
    with noted(config, ["127.0.0.1:1"]):
        note = json.loads((tmp_path / "home" / NAME).read_bytes())
        del note["started_at"], note["version"]
        (tmp_path / "home" / NAME).write_text(json.dumps(note))
        assert (find(config).started_at, find(config).version) == (None, None)


def test_addresses_for_everybody_are_asked_on_this_machine():
    assert root_of("0.0.0.0:80") == "http://127.0.0.1:80"
    assert root_of("[::]:80") == "http://[::1]:80"
    assert root_of("[::1]:80") == "http://[::1]:80"


@pytest.mark.skipif(os.name != "posix", reason="there, no process is asked")
def test_a_process_of_somebody_else_is_no_server_of_ours(config, monkeypatch):
    with noted(config, ["127.0.0.1:1"]):

        def refuse(pid, number):
            raise PermissionError

        monkeypatch.setattr(os, "kill", refuse)
        assert find(config) is None, "who asks there sends the local key"
