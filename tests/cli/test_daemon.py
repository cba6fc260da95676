"""`rotom daemon` as a command: what it takes from options and the shell, and what it says. The service itself is tested
with a real systemd (tests/systemd) and with a stand-in for launchctl (tests/service).
"""

import io
import json
import os
import socket

import fake_systemd
import pytest

from rotom import cli, exits
from rotom.cli import daemon, daemon_install, usage
from rotom.config import SETTINGS, load
from rotom.service import systemd
from rotom.term import Terminal

KEY = "a-key-of-more-than-16"


class Shell:
    """Somebody's shell, with a systemd that is played."""

    def __init__(self, folder, monkeypatch, capfd):
        self.home = folder / "home"
        self._monkeypatch, self._capfd = monkeypatch, capfd
        for name in [
            name for name in os.environ if name.startswith(("ROTOM_", "SSL_")) or name.lower().endswith("_proxy")
        ]:
            monkeypatch.delenv(name)
        environ = {"PATH": os.environ["PATH"]}
        self._file = fake_systemd.install(folder, environ)
        for folder_, name in ((folder / "runtime", "XDG_RUNTIME_DIR"), (self.home, "HOME")):
            folder_.mkdir()
            environ[name] = str(folder_)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        self.booted = folder / "booted"
        self.booted.mkdir()
        monkeypatch.setattr(daemon, "manager_here", lambda environ: systemd.Systemd(environ, self.booted))
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.bind = f"127.0.0.1:{one.getsockname()[1]}"
        self.units = self.home / ".config/systemd/user"

    def has(self, **state):
        self._file.write_text(json.dumps(json.loads(self._file.read_text()) | state))

    @property
    def calls(self):
        return json.loads(self._file.read_text())["calls"]

    def __call__(self, *words, code=0):
        assert cli.main(["daemon", *words]) == code
        shown = self._capfd.readouterr()
        self.errors = shown.err
        return shown.out

    def install(self, *words, code=0):
        return self("install", "--bind", self.bind, *words, code=code)

    def config(self):
        return json.loads((self.home / ".rotom/config.json").read_text())

    def types(self, text):
        self._monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    return Shell(tmp_path, monkeypatch, capfd)


def test_it_takes_every_option_that_serve_has():
    flags = {setting.flag for setting in SETTINGS.values() if setting.flag}
    assert flags <= set(usage.options(daemon.__doc__))


def test_options_are_kept_in_the_configuration(shell):
    given = {
        "provider": "openai",
        "model_fallback": "gpt-5.5",
        "model_small": "gpt-6-luna",
        "allow_host": "box.lan",
        "allow_origin": "https://app.example.org",
        "max_body": "8M",
        "grace": "40",
        "idle_exit": "600",
        "log_format": "json",
        "log_level": "debug",
    }
    words = [word for name, value in given.items() for word in (SETTINGS[name].flag, value)]
    shell.install(*words, "--strict", "--auth-file", "logins/auth.json")
    config = shell.config()
    assert config.pop("auth_file") == str(os.path.abspath("logins/auth.json"))
    assert config.pop("version") == 1
    assert {name: str(value) for name, value in config.items()} == given | {"bind": shell.bind, "strict": "yes"}
    unit = (shell.units / "rotom.service").read_text()
    assert "serve\n" in unit
    assert "TimeoutStopSec=45\n" in unit
    assert "logins" in (shell.units / "rotom.service.d/10-sandbox.conf").read_text()
    shell.has(calls=[])
    shell.install(*words)
    assert not any(call[0] in ("stop", "restart") for call in shell.calls)
    shell.install("--log-level", "info")
    assert ["restart", "rotom.service"] in shell.calls
    assert shell.config()["log_level"] == "info"


def test_the_local_key_goes_to_a_file_of_its_own(shell):
    cli.main(["config", "set", "api_key", "an-older-key-0123456"])
    shell.types(f"{KEY}\n")
    said = shell.install("--api-key", "-")
    assert KEY not in said + shell.errors
    file = shell.home / ".rotom/api-key"
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{KEY}\n", 0o600)
    config = shell.config()
    assert config["api_key_file"] == "api-key"
    assert "api_key" not in config
    unit = (shell.units / "rotom.service").read_text()
    assert f"LoadCredential=api-key:{file}\n" in unit
    assert KEY not in unit
    assert load({}, os.environ).config.api_key_file == file
    assert "--api-key" not in unit


def test_a_key_file_of_one_s_own(shell, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    assert shell.install("--api-key-file", str(file), code=exits.CONFIG) == ""
    assert "chmod 600" in shell.errors
    assert not (shell.home / ".rotom").exists()
    file.chmod(0o600)
    shell.install("--api-key-file", str(file))
    assert f"LoadCredential=api-key:{file}\n" in (shell.units / "rotom.service").read_text()
    shell.install("--api-key", KEY, "--api-key-file", str(file), code=exits.USAGE)
    file.unlink()
    shell.has(calls=[])
    shell("restart", code=exits.CONFIG)
    assert f"the API key file {file} cannot be read" in shell.errors
    assert shell.calls == []


def test_other_machines_need_a_key_before_anything_is_written(shell):
    shell("install", "--bind", "0.0.0.0:14550", code=exits.CONFIG)
    assert "a local key of at least 16 characters" in shell.errors
    shell.install("--grace", "soon", code=exits.CONFIG)
    assert not (shell.home / ".rotom").exists()
    assert not shell.units.exists()


def test_a_path_that_no_unit_can_hold_is_refused_before_anything_is_written(shell):
    shell.install("--auth-file", str(shell.home / "a\nExecStartPre=/bin/evil"), code=exits.CONFIG)
    assert "control character" in shell.errors
    assert not list(shell.home.rglob("*.*"))


def test_what_the_service_does_not_see_is_told(shell, monkeypatch):
    monkeypatch.setenv("ROTOM_MODEL_FALLBACK", "gpt-5.4")
    monkeypatch.setenv("ROTOM_API_KEY", KEY)
    monkeypatch.setenv("ROTOM_GRACE", "25")
    monkeypatch.setenv("ROTOM_AUTH_FILE", "/home/me/logins.json")
    shell.install()
    assert "ROTOM_MODEL_FALLBACK is set in this shell, and the service does not see it" in shell.errors
    assert "to keep it: rotom config set api_key -\n" in shell.errors
    assert "ROTOM_GRACE" not in shell.errors  # it says what is so anyway
    assert KEY not in shell.errors
    assert shell.config()["auth_file"] == "/home/me/logins.json"


def test_proxies_are_kept(shell, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://me:hidden@proxy:3128")
    shell.install()
    file = shell.home / ".rotom/daemon.env"
    assert f"the service takes https_proxy from this shell; what it takes is kept in {file}" in shell.errors
    assert "hidden" not in shell.errors
    assert f"EnvironmentFile=-{file}\n" in (shell.units / "rotom.service").read_text()
    shell.install()
    assert shell.errors == ""


def test_no_socket_where_systemd_cannot_hold_one(shell):
    shell("install", "--bind", "127.0.0.1:0", "--idle-exit", "60")
    assert "without a socket unit, so that the address is closed while the service restarts" in shell.errors
    assert "idle_exit has no effect" in shell.errors
    assert not (shell.units / "rotom.socket").exists()


def test_no_sandbox_where_it_does_not_work(shell):
    shell.has(sandbox=226)
    shell.install()
    assert "without the sandbox, which does not work here: the sandbox cannot be made" in shell.errors
    assert not (shell.units / "rotom.service.d").exists()
    assert json.loads(shell("status", "--json"))["outdated"] is False


def test_reinstall_remembers_how_it_was_asked_for(shell):
    assert shell("reinstall", code=exits.UNAVAILABLE) == ""
    assert shell.errors == "rotom: the service is not installed\n       rotom daemon install\n"
    shell.install("--no-socket", "--no-sandbox")
    shell.has(calls=[])
    shell("reinstall")
    assert sorted(path.name for path in shell.units.iterdir()) == ["rotom.service"]
    assert ["restart", "rotom.service"] in shell.calls
    assert "'rotom daemon install --no-socket --no-sandbox'" in (shell.units / "rotom.service").read_text()


def test_a_port_that_somebody_has(shell):
    host, _, port = shell.bind.partition(":")
    with socket.socket() as other:
        other.bind((host, int(port)))
        other.listen()
        shell.install(code=exits.UNAVAILABLE)
        assert f"another program listens on {shell.bind}\n" in shell.errors
        note = {"addresses": [shell.bind], "auth_file": str(shell.home / ".rotom/auth.json"), "provider": None}
        file = shell.home / ".rotom/serve.json"
        file.write_text(json.dumps(note | {"pid": os.getpid()}))
        file.chmod(0o600)
        shell.install(code=exits.UNAVAILABLE)
    assert f"a rotom that was started by hand serves {shell.bind} (process {os.getpid()})" in shell.errors


def test_a_start_that_fails_shows_what_was_logged(shell):
    shell.has(
        start={"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "69"}, journal="first\nlast\x1b[m\n"
    )
    shell.install(code=exits.UNAVAILABLE)
    assert shell.errors.splitlines()[:2] == ["  | first", "  | last?[m"]
    assert "rotom: the service did not start: it ended with status 69" in shell.errors
    shell.has(start={"ActiveState": "active"})


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "reload", "logs"])
def test_nothing_without_an_installation(shell, verb):
    shell(verb, code=exits.UNAVAILABLE)
    assert shell.errors == "rotom: the service is not installed\n       rotom daemon install\n"
    assert shell("status", code=exits.NOT_INSTALLED) == "The service is not installed: rotom daemon install\n"
    assert shell("uninstall") == "The service is not installed; there is nothing to remove.\n"


def test_the_verbs(shell):
    shell.install()
    shell.has(calls=[])
    shell("reload")
    shell("stop")
    assert shell("status", code=exits.STOPPED).startswith("rotom is stopped\n")
    shell("start")
    shell("restart")
    assert [call for call in shell.calls if call[0] != "reset-failed"] == [
        ["reload", "rotom.service"],
        ["stop", "rotom.socket", "rotom.service"],
        ["start", "rotom.socket", "rotom.service"],
        ["start", "rotom.socket"],
        ["restart", "rotom.service"],
    ]


def test_options_of_other_verbs(shell):
    shell("install", "--json", code=exits.USAGE)
    shell("status", "--follow", code=exits.USAGE)
    shell("frob", code=exits.USAGE)
    shell.install()
    shell("logs", "-n", "few", code=exits.USAGE)


def test_logs_come_from_the_manager(shell):
    shell.install()
    shell.has(journal="a line\n")
    assert shell("logs") == "a line\n"


def test_a_configuration_that_is_wrong_stops_nothing_and_is_told(shell):
    shell.install()
    (shell.home / ".rotom/config.json").write_text('{"version": 1, "grace": "soon"}')
    shell.has(calls=[])
    shell("restart", code=exits.CONFIG)
    assert shell.calls == []
    assert "# the configuration is wrong: " in shell("status")


def test_another_version_that_runs(shell):
    shell.install()
    pid = os.getpid()
    shell.has(units={"rotom.service": {"ActiveState": "active", "MainPID": str(pid), "UnitFileState": "enabled"}})
    note = {"addresses": [shell.bind], "auth_file": str(shell.home / ".rotom/auth.json"), "provider": None, "pid": pid}
    file = shell.home / ".rotom/serve.json"
    file.write_text(json.dumps(note | {"version": "0.0.9", "started_at": 1.0}))
    file.chmod(0o600)
    said = shell("status")
    assert f"  process    {pid}, version 0.0.9\n" in said
    assert f"  address    http://{shell.bind}\n" in said
    assert "# version 0.0.9 runs and " in said
    assert said.endswith("  loginctl enable-linger $USER\n")
    document = json.loads(shell("status", "--json"))
    assert document["started_at"] == "1970-01-01T00:00:01+00:00"
    assert document["uptime_seconds"] > 0


def test_a_wide_terminal_is_not_needed(shell, monkeypatch):
    shell.install()
    said = shell("status")
    assert "\x1b" not in said
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert "\x1b[32mrunning\x1b[0m" in shell("status")
    assert Terminal(io.StringIO(), {}).colour is False


def test_next_steps(shell):
    said = shell.install()
    assert said.endswith("Nobody is logged in yet; the service will take a login up at once:\n  rotom login\n")
    config = load({}, os.environ).config
    (shell.home / ".rotom/auth.json").write_text("{}")
    assert daemon_install.next_steps(config)[0].startswith("The logins cannot be read")
