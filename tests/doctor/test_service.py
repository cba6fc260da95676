"""The service: what is said of each state, and that the manager is only asked."""

import os
import sys

import pytest
from surgery import verdicts

from rotom.doctor import service
from rotom.doctor.service import Service, judged

UP = Service("systemd", installed=True, enabled=True, state="active", linger=True)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Service(None), {"service": "skip"}),
        (Service("systemd"), {"service": "skip"}),
        (Service("systemd", installed=True, answers=False), {"service": "warn"}),
        (UP, {"service.state": "ok"}),
        (
            Service("systemd", installed=True, state="failed", linger=False),
            {"service.state": "fail", "service.enabled": "warn", "service.linger": "warn"},
        ),
        (Service("systemd", installed=True, enabled=True, state="socket"), {"service.state": "ok"}),
        (Service("launchd", installed=True, enabled=True, state="waiting"), {"service.state": "warn"}),
    ],
)
def test_what_is_said_of_a_service(found, said):
    assert verdicts(judged(found)) == said


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd")


def manager(tmp_path, text, code=0):
    """A systemctl that says this."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / "systemctl"
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> {tmp_path}/asked\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return f"{folder}:{os.defpath}"


def installed(tmp_path):
    folder = tmp_path / ".config" / "systemd" / "user"
    folder.mkdir(parents=True)
    (folder / "rotom.service").touch()


@linux
def test_systemd_is_asked_for_unit_and_socket(empty, tmp_path):
    installed(tmp_path)
    said = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nLoadState=not-found\nActiveState=inactive"
    found = service.look(empty(PATH=manager(tmp_path, said)))
    assert (found.installed, found.enabled, found.state, found.answers) == (True, True, "active", True)
    assert (tmp_path / "asked").read_text().split()[:2] == ["--user", "show"]
    said = "ActiveState=inactive\nUnitFileState=disabled\n\nActiveState=active\nUnitFileState=enabled"
    found = service.look(empty(PATH=manager(tmp_path, said)))
    assert (found.enabled, found.state) == (True, "socket")


@linux
def test_a_manager_that_does_not_answer_is_told(empty, tmp_path):
    installed(tmp_path)
    assert not service.look(empty(PATH=manager(tmp_path, "", 1))).answers


@linux
def test_what_is_not_installed_is_not_asked_for(empty, tmp_path):
    assert service.look(empty(PATH=manager(tmp_path, ""))) == Service("systemd")
    assert not (tmp_path / "asked").exists()
    assert service.look(empty(PATH="")) == Service(None)


def test_launchd_is_known_by_its_file(empty, tmp_path):
    assert service._launchd(empty()) == Service("launchd")
    folder = tmp_path / "Library" / "LaunchAgents"
    folder.mkdir(parents=True)
    (folder / "com.rotom.daemon.plist").touch()
    assert service._launchd(empty()).state == "not loaded"
