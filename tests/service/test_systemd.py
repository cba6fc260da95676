"""The service under systemd, where a real one cannot be brought to do what is tested; tests/systemd has the real one."""

import json
import os

import fake_systemd
import pytest

from rotom import cli, exits
from rotom.problem import Problem
from rotom.service import Plan, units
from rotom.service.systemd import Systemd

PLAN = Plan(command=("/usr/bin/rotom",), streams=("127.0.0.1:14550",))


class Machine:
    """A manager that stands on the stand-in."""

    def __init__(self, folder):
        self.folder = folder
        self.booted, self.runtime = folder / "booted", folder / "runtime"
        self.booted.mkdir()
        self.runtime.mkdir()
        (folder / "home").mkdir()
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(self.runtime)}
        self._file = fake_systemd.install(folder, self.environ)
        self.units = folder / "home/.config/systemd/user"

    def has(self, **state):
        self._file.write_text(json.dumps(json.loads(self._file.read_text()) | state))

    @property
    def calls(self):
        return json.loads(self._file.read_text())["calls"]

    @property
    def manager(self):
        return Systemd(self.environ, self.booted)

    def written(self):
        return {str(path.relative_to(self.units)) for path in self.units.rglob("*") if path.is_file()}


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def refusal(machine):
    with pytest.raises(Problem) as caught:
        machine.manager.check()
    assert exits.status(caught.value) == exits.UNAVAILABLE
    return caught.value.message, caught.value.hint


def test_one_that_answers(machine):
    machine.manager.check()


def test_no_systemd(machine):
    machine.environ["PATH"] = "/nonexistent"
    assert refusal(machine)[0] == "there is no systemd on this machine"


def test_not_started_by_systemd(machine):
    machine.booted.rmdir()
    message, hint = refusal(machine)
    assert "it may be a container" in message
    assert "rotom serve" in hint
    machine.environ["WSL_DISTRO_NAME"] = "Debian"
    assert "/etc/wsl.conf" in refusal(machine)[1]


def test_a_shell_of_su(machine, tmp_path, monkeypatch):
    del machine.environ["XDG_RUNTIME_DIR"]
    monkeypatch.setattr("os.path.isdir", lambda path: False)
    assert "nobody is logged in as it" in refusal(machine)[0]
    monkeypatch.setattr("os.path.isdir", lambda path: True)
    message, hint = refusal(machine)
    assert message == "XDG_RUNTIME_DIR is not set, as after su or sudo, so that your systemd cannot be found"
    assert hint == f"export XDG_RUNTIME_DIR=/run/user/{os.getuid()}"


def test_the_folder_of_another_user(machine, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 4242)
    message, hint = refusal(machine)
    assert "is another user's" in message
    assert hint.endswith("machinectl shell 4242@")
    machine.environ["XDG_RUNTIME_DIR"] = str(machine.folder / "gone")
    assert "uid 4242" in refusal(machine)[0]


def test_sudo(machine, monkeypatch):
    machine.environ["SUDO_USER"] = "me"
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert refusal(machine)[1] == "do it without sudo"


def test_a_bus_that_is_not_there(machine):
    machine.has(bus="Failed to connect to bus: No such file or directory")
    assert refusal(machine)[0] == "your systemd does not answer: Failed to connect to bus: No such file or directory"


def test_a_config_folder_that_others_may_write_to_is_no_obstacle(machine):
    machine.units.mkdir(parents=True)
    machine.units.chmod(0o777)
    machine.manager.install(PLAN)
    assert (machine.units / "rotom.service").stat().st_mode & 0o777 == 0o644


def test_xdg_config_home(machine, tmp_path):
    machine.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    machine.manager.install(PLAN)
    assert (tmp_path / "config/systemd/user/rotom.service").exists()
    machine.manager.uninstall()
    assert not (tmp_path / "config").exists()


def test_only_what_changed_is_touched(machine):
    machine.manager.install(PLAN)
    assert machine.written() == {"rotom.service", "rotom.socket", "rotom.service.d/10-sandbox.conf"}
    assert ["start", "rotom.socket", "rotom.service"] in machine.calls
    machine.has(calls=[])
    machine.manager.install(PLAN)
    assert not any(call[0] in ("stop", "restart") for call in machine.calls)
    longer = Plan(command=("/usr/bin/rotom",), streams=PLAN.streams, grace=90)
    assert machine.manager.differs(longer)
    machine.manager.install(longer)
    assert ["restart", "rotom.service"] in machine.calls  # the socket stays open
    assert not any(call[0] == "stop" for call in machine.calls)
    machine.has(calls=[])
    machine.manager.install(Plan(command=("/usr/bin/rotom",), sandbox=False, options=("--no-socket", "--no-sandbox")))
    assert machine.written() == {"rotom.service"}
    assert ["stop", "rotom.service", "rotom.socket"] in machine.calls
    assert ["disable", "rotom.socket"] in machine.calls
    assert machine.manager.options() == ("--no-socket", "--no-sandbox")


def test_a_new_systemd_waits_for_reloads(machine):
    machine.has(version=257)
    machine.manager.install(PLAN)
    assert "Type=notify-reload\n" in (machine.units / "rotom.service").read_text()


@pytest.mark.parametrize("folder", ["usr/lib/systemd/user", "etc/systemd/user"])
def test_a_unit_that_is_there_already_gets_a_drop_in(machine, tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    machine.manager.install(PLAN)  # before the package came
    (tmp_path / folder / "rotom.service").write_text(units.service(units.DISTRIBUTION))
    machine.has(unit_path=[str(machine.units), str(machine.runtime / "systemd/user"), str(tmp_path / folder)])
    machine.manager.install(PLAN)
    assert machine.written() == {"rotom.socket", "rotom.service.d/rotom.conf", "rotom.service.d/10-sandbox.conf"}
    assert "ExecStart" not in (machine.units / "rotom.service.d/rotom.conf").read_text()
    assert not machine.manager.differs(PLAN)


def test_a_sandbox_that_does_not_work(machine):
    assert machine.manager.tries_sandbox(PLAN) is None
    (call,) = machine.calls
    assert call[0] == "systemd-run"
    assert call[-3:] == ["-", "0", "/usr/bin/rotom"]
    assert all(line in call for line in units.sandbox_lines(PLAN))
    machine.has(sandbox=226)
    assert machine.manager.tries_sandbox(PLAN) == "the sandbox cannot be made on this machine"
    machine.manager.install(Plan(command=PLAN.command, streams=PLAN.streams, sandbox=False))
    assert not machine.manager.differs(PLAN)  # it stays left out, and that is no news


@pytest.mark.parametrize(
    ("show", "why", "hint"),
    [
        (
            {"Result": "exit-code", "ExecMainStatus": "78"},
            "it ended with status 78: the configuration is wrong",
            "logs",
        ),
        ({"Result": "exit-code", "ExecMainStatus": "226"}, "the sandbox cannot be made", "reinstall --no-sandbox"),
        ({"Result": "exit-code", "ExecMainStatus": "203"}, "its program cannot be run", "reinstall"),
        ({"Result": "exit-code", "ExecMainStatus": "99"}, "it ended with status 99", "logs"),
        ({"Result": "signal", "ExecMainStatus": "11"}, "it was ended by SIGSEGV", "logs"),
        ({"Result": "signal", "ExecMainStatus": "99"}, "it was ended by signal 99", "logs"),
        ({"Result": "timeout"}, "it was not ready in time", "logs"),
        ({"Result": "condition"}, "systemd says: condition", "logs"),
        ({"Result": "success"}, "systemd does not start it", "logs"),
    ],
)
def test_a_start_that_fails_is_explained(machine, show, why, hint):
    machine.has(start={"ActiveState": "failed"} | show)
    with pytest.raises(Problem) as caught:
        machine.manager.install(PLAN)
    assert why in caught.value.message
    assert caught.value.hint == f"rotom daemon {hint}"
    assert exits.status(caught.value) == exits.UNAVAILABLE


@pytest.mark.parametrize(
    ("active", "sub", "phase"),
    [
        ("active", "running", "running"),
        ("reloading", "reload", "running"),
        ("activating", "start", "starting"),
        ("activating", "auto-restart", "retrying"),
        ("deactivating", "stop-sigterm", "stopping"),
        ("failed", "failed", "failed"),
        ("inactive", "dead", "stopped"),
    ],
)
def test_phases(machine, active, sub, phase):
    machine.has(units={"rotom.service": {"ActiveState": active, "SubState": sub, "NRestarts": "3"}})
    state = machine.manager.state()
    assert (state.phase, state.restarts) == (phase, 3)


@pytest.mark.parametrize(("said", "lingers"), [("yes", True), ("no", False)])
def test_lingering(machine, said, lingers):
    machine.has(linger=said)
    assert machine.manager.state().lingers is lingers


def test_a_drop_in_of_one_s_own_stays(machine):
    machine.manager.install(PLAN)
    mine = machine.units / "rotom.service.d/mine.conf"
    mine.write_text("[Service]\n")
    assert machine.manager.uninstall() == (mine,)
    assert machine.written() == {"rotom.service.d/mine.conf"}


def test_a_unit_that_somebody_else_wrote_is_kept(machine):
    machine.units.mkdir(parents=True)
    mine, aside = machine.units / "rotom.service", machine.units / "rotom.service.before"
    mine.write_bytes(b"[Service]\nExecStart=/bin/mine\nEnvironment=KEY=planted # \xe9\n")
    mine.chmod(0o600)
    (machine.units / "rotom.socket").symlink_to("/dev/null")
    assert machine.manager.install(PLAN) == (aside,)
    assert aside.read_bytes().endswith(b"KEY=planted # \xe9\n")
    assert aside.stat().st_mode & 0o777 == 0o600, "what was in it may be a secret"
    assert machine.manager.install(PLAN) == ()
    assert not (machine.units / "rotom.socket").is_symlink()

    elsewhere = machine.folder / "dotfiles.service"
    elsewhere.write_text("[Service]\nExecStart=/bin/second\n")
    mine.unlink()
    mine.symlink_to(elsewhere)
    assert machine.manager.install(PLAN) == (machine.units / "rotom.service.before2",)
    assert "second" in elsewhere.read_text(), "the file behind a link is left alone"
    assert b"mine" in aside.read_bytes(), "and so is what was put aside before"


def test_a_unit_that_somebody_else_wrote_is_not_removed(machine):
    machine.manager.install(PLAN)
    mine = machine.units / "rotom.service"
    mine.write_text("[Service]\nExecStart=/bin/mine\n")
    assert mine not in machine.manager.state().files
    assert machine.manager.uninstall() == (mine,)
    assert machine.written() == {"rotom.service"}


def test_what_stands_in_the_way_and_cannot_be_moved(machine, monkeypatch):
    (machine.units / "rotom.service").mkdir(parents=True)
    assert machine.manager.install(PLAN) == (machine.units / "rotom.service.before",)
    (machine.units / "rotom.service").write_text("mine")

    def refuse(*paths):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    with pytest.raises(Problem, match=r"cannot rename .*rotom.service: Permission denied"):
        machine.manager.install(PLAN)


def test_the_log_is_the_journal(machine):
    machine.has(journal="one\n\ntwo\n", units={"rotom.service": {"InvocationID": "abc"}})
    assert machine.manager.last_words() == ["one", "two"]
    command = machine.manager.log_command(7, True)
    assert command[0] == "journalctl"
    assert {"--user-unit=rotom.service", "--lines=7", "--follow"} <= set(command)


def test_windows_and_others_go_by_the_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["daemon", "status"]) == exits.UNAVAILABLE
    assert "there is no systemd on this machine" in capsys.readouterr().err
