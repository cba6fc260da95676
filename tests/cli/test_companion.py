"""A gateway that lives as long as its starter: found by nobody else, closed to everybody else, gone whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from rotom import running
from rotom.cli import companion
from rotom.config import load
from rotom.problem import Problem


@pytest.fixture
def environ(monkeypatch, tmp_path):
    """An environment with an empty home; logs go into a folder of their own."""
    folder = tmp_path / "logs"
    folder.mkdir()
    monkeypatch.setattr(companion.tempfile, "tempdir", str(folder))
    return {"PATH": os.environ["PATH"], "ROTOM_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}


def logs(tmp_path):
    return list((tmp_path / "logs").iterdir())


def gone(root):
    try:
        httpx.get(root, trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def test_it_serves_its_starter_alone_and_goes_with_the_block(environ, tmp_path):
    with companion.companion(["--demo"], environ) as server:
        assert server.ended() is None
        assert httpx.get(f"{server.root}/v1/models", trust_env=False).status_code == 401
        headers = {"authorization": f"Bearer {server.key}"}
        assert httpx.get(f"{server.root}/v1/models", headers=headers, trust_env=False).status_code == 200
        (log,) = logs(tmp_path)
        assert log == server.log
        assert log.stat().st_mode & 0o777 == 0o600
        assert server.key not in log.read_text()
    assert gone(server.root)
    assert logs(tmp_path) == []


def test_others_do_not_find_it(environ):
    with companion.companion([], environ) as server:
        assert httpx.get(f"{server.root}/health", trust_env=False).status_code == 200
        assert running.find(load({}, environ).config) is None


def test_code_in_the_working_folder_is_not_run(environ, tmp_path, monkeypatch):
    for name in ("h11", "trio", "json", "rotom", "docopt"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the working folder')")
    monkeypatch.chdir(tmp_path)
    with companion.companion(["--demo"], environ) as server:
        assert server.ended() is None


def test_what_keeps_it_from_starting_is_told_and_its_log_stays(environ, tmp_path):
    with pytest.raises(Problem) as caught, companion.companion(["--max-body", "much"], environ):
        pass
    assert caught.value.message.startswith("the gateway did not start: the option --max-body: max_body must be")
    (log,) = logs(tmp_path)
    assert caught.value.hint == f"its log: {log}"


def test_one_that_ended_by_itself_is_noticed(environ, tmp_path):
    with companion.companion(["--demo"], environ) as server:
        os.kill(server._process.pid, signal.SIGKILL)
        server._process.wait(10)
        assert server.ended() == -signal.SIGKILL
        assert server.last_words() is None
    assert logs(tmp_path) == [server.log]


def test_it_goes_when_its_starter_is_killed(environ):
    """Nobody is left to stop it then."""
    script = (
        "import json, os, time; from rotom.cli.companion import companion\n"
        "with companion(['--demo'], dict(os.environ)) as server:\n"
        "    print(json.dumps([server.root, server._process.pid]), flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], env=environ, stdout=-1)
    root, pid = json.loads(process.stdout.readline())
    assert not gone(root)
    process.kill()
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 20
    while not gone(root):
        assert time.monotonic() < until
    assert pid > 0
