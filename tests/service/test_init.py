"""Which service manager a machine has."""

from pathlib import Path

import pytest

from rotom.exits import CONFIG, UNAVAILABLE, status
from rotom.problem import Problem
from rotom.service import FAILED, RETRYING, RUNNING, STARTING, STOPPED, STOPPING, WAITING, Plan, State, manager_here


@pytest.mark.parametrize(("platform", "name"), [("linux", "systemd"), ("darwin", "launchd")])
def test_the_one_of_the_system(platform, name):
    assert manager_here({"HOME": "/home/me"}, platform).name == name


@pytest.mark.parametrize(("platform", "hint"), [("win32", "WSL"), ("freebsd14", "rotom serve")])
def test_none_that_is_known(platform, hint):
    with pytest.raises(Problem) as caught:
        manager_here({}, platform)
    assert hint in caught.value.hint
    assert status(caught.value) == UNAVAILABLE


def test_up_means_that_somebody_answers():
    up = {
        phase
        for phase in (FAILED, RETRYING, RUNNING, STARTING, STOPPED, STOPPING, WAITING)
        if State(installed=True, phase=phase).up
    }
    assert up == {RUNNING, STARTING, WAITING}


@pytest.mark.parametrize(
    "told",
    [
        {"home": Path("/tmp/a\nExecStartPre=/bin/evil")},
        {"environment_file": Path("/tmp/a\rb/daemon.env")},
        {"credential": Path("/tmp/key\nUser=root")},
        {"writable": (Path("/fine"), Path("/tmp/\x00b"))},
        {"command": ("/opt/a\nb/rotom",)},
    ],
)
def test_a_path_that_would_be_a_line_of_its_own_is_refused(told):
    with pytest.raises(Problem, match="control character") as caught:
        Plan(**({"command": ("/usr/bin/rotom",)} | told))
    assert status(caught.value) == CONFIG
    assert "\n" not in caught.value.message
