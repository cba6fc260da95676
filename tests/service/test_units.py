"""systemd units as text."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from rotom import exits, supervisor
from rotom.service import Plan, units

CONTRIB = Path(__file__).parents[2] / "contrib/systemd"

PLAN = Plan(
    command=("/home/me/my bin/rotom",),
    home=Path("/home/me/100% mine"),
    environment_file=Path("/home/me/100% mine/daemon.env"),
    credential=Path("/home/me/100% mine/api-key"),
    writable=(Path("/home/me/100% mine"),),
    grace=61.5,
    streams=("127.0.0.1:14550", "[::1]:14550"),
    options=("--no-sandbox",),
)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("rotom.service", units.service(units.DISTRIBUTION)),
        ("rotom.socket", units.socket(units.DISTRIBUTION)),
        ("rotom.service.d/10-sandbox.conf", units.sandbox(units.DISTRIBUTION)),
    ],
)
def test_the_packaged_files_are_the_rendered_ones(file, text):
    assert (CONTRIB / file).read_text() == text


def test_one_that_ends_when_idle_is_never_started_too_often():
    text = units.service(PLAN)
    interval, burst = (
        int(text.partition(f"\n{name}=")[2].split("\n")[0]) for name in ("StartLimitIntervalSec", "StartLimitBurst")
    )
    assert supervisor.LEAST_SECONDS * burst > interval


def test_a_person_s_own():
    text = units.service(PLAN)
    assert 'ExecStart="/home/me/my bin/rotom" serve\n' in text
    assert 'Environment="ROTOM_HOME=/home/me/100%% mine"\n' in text
    assert "EnvironmentFile=-/home/me/100%% mine/daemon.env\n" in text
    assert "LoadCredential=api-key:/home/me/100%% mine/api-key\n" in text
    assert "TimeoutStopSec=67\n" in text
    assert "Sockets=rotom.socket\n" in text
    assert f"RestartPreventExitStatus={' '.join(map(str, exits.HOPELESS))}\n" in text
    assert 'ReadWritePaths="-/home/me/100%% mine"\n' in units.sandbox(PLAN)
    assert "ListenStream=127.0.0.1:14550\nListenStream=[::1]:14550\n" in units.socket(PLAN)


def test_what_was_asked_for_can_be_read_back():
    for text in (units.service(PLAN), units.drop_in(PLAN, "")):
        assert units.options(text) == ("--no-sandbox",)
        assert units.home(text) == PLAN.home
    plain = replace(PLAN, options=(), home=None)
    assert units.options(units.service(plain)) == ()
    assert units.home(units.service(plain)) is None
    assert units.options("[Unit]\n") == ()


def test_the_kind_of_reload_goes_by_the_release():
    assert "Type=notify\nExecReload=" in units.service(PLAN, 252)
    new = units.service(PLAN, 253)
    assert "Type=notify-reload\n" in new
    assert "ExecReload" not in new


def test_a_drop_in_says_only_what_differs():
    shipped = units.service(units.DISTRIBUTION)
    same = Plan(command=("/usr/bin/rotom",), grace=25.0)
    assert units.drop_in(same, shipped).splitlines()[2:] == ["[Service]"]
    lines = units.drop_in(PLAN, shipped).splitlines()
    assert lines[3:6] == ["ExecStart=", 'ExecStart="/home/me/my bin/rotom" serve', "TimeoutStopSec=67"]


@pytest.mark.parametrize(
    ("bind", "stream"),
    [
        ("127.0.0.1:14550", "127.0.0.1:14550"),
        ("127.0.0.1", "127.0.0.1:14550"),
        ("[::1]:80", "[::1]:80"),
        ("[::1]", "[::1]:14550"),
        ("::1", "[::1]:14550"),
        ("0.0.0.0:1", "0.0.0.0:1"),
    ],
)
def test_addresses_that_a_socket_can_hold(bind, stream):
    assert units.streams([bind, bind]) == (stream,)


@pytest.mark.parametrize(
    ("bind", "why"),
    [
        ("192.168.0.0/16:14550", "a range"),
        ("127.0.0.1:0", "lets the system choose"),
        ("localhost:14550", "a name"),
        ("[fe80::1%eth0]:14550", "one network device"),
    ],
)
def test_addresses_that_it_cannot(bind, why):
    with pytest.raises(ValueError, match=why):
        units.streams([bind])


@pytest.fixture
def written(tmp_path):
    """Both units and the sandbox, as a folder for systemd-analyze, with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    plan = replace(PLAN, command=("/bin/true",))
    (tmp_path / "rotom.service.d").mkdir()
    (tmp_path / "rotom.service").write_text(units.service(plan))
    (tmp_path / "rotom.socket").write_text(units.socket(plan))
    (tmp_path / "rotom.service.d/10-sandbox.conf").write_text(units.sandbox(plan))
    (tmp_path / "runtime").mkdir()
    return tmp_path


def analyze(folder, *words):
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "runtime"), "SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run(
        ["systemd-analyze", "--user", *words], env=environ, capture_output=True, text=True, check=False
    )


def test_systemd_finds_nothing_to_say(written):
    said = analyze(written, "verify", "--man=no", str(written / "rotom.service"), str(written / "rotom.socket"))
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_systemd_thinks_well_of_the_hardening(written):
    said = analyze(written, "security", "--no-pager", "--offline=yes", "--threshold=20", str(written / "rotom.service"))
    assert said.returncode == 0, said.stdout + said.stderr
    shutil.rmtree(written / "rotom.service.d")
    assert (
        analyze(written, "security", "--offline=yes", "--threshold=20", str(written / "rotom.service")).returncode == 1
    )
