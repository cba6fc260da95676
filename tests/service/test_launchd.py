"""The service under launchd: its property list, and its life with a stand-in for launchctl that runs the real program."""

import io
import json
import plistlib
import socket
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import fake_launchctl
import httpx
import pytest

from rotom import cli, exits, service
from rotom.service import Plan, launchd

CONTRIB = Path(__file__).parents[2] / "contrib/launchd/com.rotom.daemon.plist"

TYPES = {
    "Label": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Umask": int,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}
"""What launchd.plist(5) says of the keys that are used."""


def test_the_list_is_one_that_launchd_understands(tmp_path):
    plan = Plan(command=("/opt/my rotom/bin/rotom",), home=tmp_path / "else<where", grace=40.5)
    found = plistlib.loads(launchd.rendered(plan, tmp_path))
    assert {name: type(value) for name, value in found.items()} == TYPES
    assert found["ProgramArguments"] == ["/opt/my rotom/bin/rotom", "serve"]
    assert found["ExitTimeOut"] == 46
    assert found["Umask"] == 0o77
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["EnvironmentVariables"]["ROTOM_HOME"] == str(tmp_path / "else<where")


def test_the_packaged_list_is_the_rendered_one():
    assert CONTRIB.read_bytes() == launchd.rendered(launchd.DISTRIBUTION, launchd.SOMEBODY)


class Mac:
    """Somebody at a Mac."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.plist = self.home / "Library/LaunchAgents/com.rotom.daemon.plist"
        self.log = self.home / "Library/Logs/rotom.log"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.base = f"http://127.0.0.1:{one.getsockname()[1]}"
        self.state = folder / "launchd"

    def rotom(self, *words, code=0):
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            assert cli.main(list(words)) == code, said.getvalue() + self.logged()
        return said.getvalue()

    def install(self, *words, code=0):
        return self.rotom("daemon", "install", "--bind", self.base.removeprefix("http://"), *words, code=code)

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""

    def status(self, code=0):
        return json.loads(self.rotom("daemon", "status", "--json", code=code))

    def healthy(self):
        return httpx.get(f"{self.base}/health", trust_env=False).status_code == 200

    def calls(self):
        return [json.loads(line) for line in (self.state / "calls.jsonl").read_text().splitlines()]


@pytest.fixture(params=["gui", "user"])
def mac(request, monkeypatch, tmp_path):
    """A Mac; at its screen, or reached by ssh alone."""
    import os

    for name in [name for name in os.environ if name.startswith(("ROTOM_", "SSL_")) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    environ = dict(os.environ)
    fake_launchctl.install(tmp_path, environ, domain=request.param)
    for name in ("PATH", "FAKE_LAUNCHCTL", "FAKE_LAUNCHCTL_DOMAIN"):
        monkeypatch.setenv(name, environ[name])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("rotom.cli.daemon.manager_here", lambda environ: service.manager_here(environ, "darwin"))
    one = Mac(tmp_path)
    yield one
    cli.main(["daemon", "uninstall"])


def test_from_nothing_to_nothing(mac):
    assert "not installed" in mac.rotom("daemon", "status", code=exits.NOT_INSTALLED)
    said = mac.install("--api-key", "a-key-that-nobody-sees")
    assert f"  address    {mac.base}\n" in said
    assert mac.healthy()
    status = mac.status()
    assert (status["manager"], status["state"], status["socket"], status["outdated"]) == (
        "launchd",
        "running",
        None,
        False,
    )
    assert status["files"] == [str(mac.plist)]
    assert mac.plist.stat().st_mode & 0o777 == 0o600
    assert b"nobody" not in mac.plist.read_bytes()
    assert httpx.get(f"{mac.base}/v1/models", trust_env=False).status_code == 401
    assert "listening" in mac.rotom("daemon", "logs", "-n", "5") or "listening" in mac.logged()

    mac.install()
    assert mac.status()["pid"] == status["pid"]
    mac.rotom("daemon", "restart")
    assert mac.status()["pid"] != status["pid"]
    assert "stopped" in mac.logged()  # it was asked to, and not killed
    assert not any("-k" in call for call in mac.calls())

    mac.rotom("daemon", "stop")
    assert mac.status(exits.STOPPED)["state"] == "stopped"
    assert mac.rotom("daemon", "reload", code=exits.UNAVAILABLE).startswith("rotom: the service cannot be told")
    mac.rotom("daemon", "start")
    assert mac.healthy()
    mac.rotom("daemon", "uninstall")
    assert not any(path.is_file() for path in (mac.home / "Library").rglob("*"))
    assert mac.status(exits.NOT_INSTALLED)["pid"] is None
    assert (mac.home / ".rotom/config.json").exists()


def test_a_wrong_configuration_ends_well_so_that_launchd_lets_it_be(mac):
    mac.install()
    mac.rotom("daemon", "stop")
    config = mac.home / ".rotom/config.json"
    good = config.read_text()
    config.write_text('{"version": 1, "model_fallback": 7}')
    assert "model_fallback must be" in mac.rotom("daemon", "start", code=exits.CONFIG)
    manager = service.manager_here(_environ(), "darwin")
    with pytest.raises(Exception, match="it ended at once"):
        manager.start()
    assert "model_fallback must be" in manager.last_words()[-1]
    assert (mac.state / "com.rotom.daemon.status").read_text() == "0"
    config.write_text(good)
    mac.rotom("daemon", "start")
    assert mac.healthy()


def _environ():
    import os

    return dict(os.environ)


def test_a_password_of_a_proxy_stays_out_of_the_list(mac, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.example")
    said = mac.install()
    assert "HTTPS_PROXY names a user" in said
    assert "hidden" not in said
    known = plistlib.loads(mac.plist.read_bytes())["EnvironmentVariables"]
    assert known["NO_PROXY"] == "localhost,.example"
    assert "HTTPS_PROXY" not in known
    assert "hidden" not in (mac.home / ".rotom/daemon.env").read_text()


def test_a_log_that_is_too_long_is_put_aside(tmp_path):
    log = tmp_path / "rotom.log"
    launchd.trim(log, 10)
    log.write_text("x" * 10)
    launchd.trim(log, 10)
    assert log.exists()
    log.write_text("x" * 11)
    launchd.trim(log, 10)
    assert not log.exists()
    assert (tmp_path / "rotom.log.1").read_text() == "x" * 11


def test_no_session_at_all(monkeypatch, tmp_path):
    import os

    environ = dict(os.environ) | {"HOME": str(tmp_path)}
    fake_launchctl.install(tmp_path, environ, domain="nothing")
    with pytest.raises(Exception, match="launchd has no session"):
        launchd.Launchd(environ).check()
    with pytest.raises(Exception, match="launchctl is not there"):
        launchd.Launchd({"PATH": "", "HOME": str(tmp_path)}).check()
