"""How rotom was installed, told from what each installer leaves behind."""

import json
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from rotom import installation as subject
from rotom.installation import installation, of

PIP = (sys.executable, "-P", "-m", "pip")


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Lays out an installation and tells what is made of it."""
    monkeypatch.setattr(subject, "_pip_asks", lambda: PIP)
    monkeypatch.setattr(subject, "_uv_asks", lambda: ("uv", "pip"))
    monkeypatch.setattr(subject.sysconfig, "get_path", lambda name: str(tmp_path / "stdlib"))
    monkeypatch.setattr(subject, "_user_folder", lambda: tmp_path / "user")

    def make(installer="pip", origin=None, files=(), environment=True, place="env", owner=None, writable=True):
        prefix = tmp_path / "env"
        site = tmp_path / place / "lib" / "site-packages"
        info = site / "rotom_gateway-1.dist-info"
        info.mkdir(parents=True)
        if installer is not None:
            (info / "INSTALLER").write_text(f"{installer}\n")
        if origin is not None:
            (info / "direct_url.json").write_text(json.dumps(origin))
        prefix.mkdir(exist_ok=True)
        for name, text in dict(files).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(subject.os, "access", lambda path, mode: writable)
        return of(PathDistribution(info), prefix, in_environment=environment, owner=lambda file: owner)

    return make


FILE = {"url": "file:///tmp/rotom_gateway-1-py3-none-any.whl", "archive_info": {}}
FOLDER = {"url": "file:///src/my%20rotom", "dir_info": {}}
EDITABLE = {"url": "file:///src/rotom", "dir_info": {"editable": True}}
GIT = {"url": "https://git.example.org/rotom", "vcs_info": {"vcs": "git", "commit_id": "1"}}
PIPX = {"env/pipx_metadata.json": "{}"}
UV = {"env/uv-receipt.toml": '[tool]\nrequirements = [{ name = "rotom-gateway" }]\n'}
PINNED = {"env/uv-receipt.toml": '[tool]\nrequirements = [{ name = "rotom-gateway", specifier = "==1" }]\n'}
MANAGED = {"stdlib/EXTERNALLY-MANAGED": ""}
UPGRADE = (*PIP, "install", "--quiet", "--upgrade")


@pytest.mark.parametrize(
    ("how", "kind", "command", "asks"),
    [
        ({}, "pip", (*UPGRADE, "rotom-gateway"), PIP),
        ({"origin": FILE}, "pip", (*UPGRADE, "rotom-gateway"), PIP),
        ({"files": PIPX}, "pipx", ("pipx", "upgrade", "env"), PIP),
        ({"files": PIPX, "origin": GIT}, "pipx", ("pipx", "upgrade", "env"), ()),
        ({"files": UV, "installer": "uv"}, "uv tool", ("uv", "tool", "upgrade", "env"), ("uv", "pip")),
        ({"files": UV, "origin": GIT}, "uv tool", ("uv", "tool", "upgrade", "env"), ()),
        (
            {"installer": "uv"},
            "uv",
            ("uv", "pip", "install", "--python", sys.executable, "--upgrade", "rotom-gateway"),
            ("uv", "pip"),
        ),
        ({"environment": False}, "pip", (*UPGRADE, "rotom-gateway"), PIP),
        ({"environment": False, "place": "user"}, "pip", (*UPGRADE, "--user", "rotom-gateway"), PIP),
    ],
)
def test_what_a_tool_looks_after_is_updated_by_that_tool(made, how, kind, command, asks):
    found = made(**how)
    assert (found.kind, found.command, found.asks, found.advice) == (kind, command, asks, None)


@pytest.mark.parametrize(
    ("how", "kind", "about", "advice"),
    [
        ({"origin": EDITABLE}, "checkout", "as a checkout, /src/rotom", "git -C /src/rotom pull"),
        (
            {"origin": FOLDER},
            "sources",
            "from the sources in /src/my rotom",
            f"git -C '/src/my rotom' pull && {sys.executable} -m pip install '/src/my rotom'",
        ),
        (
            {"files": PIPX, "origin": FOLDER},
            "sources",
            "by pipx from the sources in /src/my rotom",
            "git -C '/src/my rotom' pull && pipx install --force '/src/my rotom'",
        ),
        (
            {"files": PIPX, "origin": FILE},
            "archive",
            "by pipx from the file rotom_gateway-1-py3-none-any.whl",
            "pipx install --force rotom-gateway",
        ),
        ({"files": UV, "origin": EDITABLE}, "checkout", "by uv as a checkout, /src/rotom", "git -C /src/rotom pull"),
        ({"files": UV, "origin": FILE}, "archive", "by uv from the file", "uv tool install --force rotom-gateway"),
        ({"files": PINNED}, "uv tool", "by 'uv tool install', held at ==1", "uv tool install rotom-gateway@latest"),
        (
            {"origin": GIT},
            "repository",
            "from https://git.example.org/rotom",
            f"{sys.executable} -m pip install --force-reinstall 'rotom-gateway @ git+https://git.example.org/rotom'",
        ),
        (
            {"installer": None, "environment": False, "owner": "sudo apt install rotom"},
            "package",
            "as a package of your system",
            "sudo apt install rotom",
        ),
        ({"installer": None, "environment": False}, "elsewhere", "in a way that leaves no trace", "update it the way"),
        ({"place": "nix/store/x-rotom"}, "package", "by Nix", "nix profile upgrade rotom"),
        ({"place": "opt/Cellar/rotom"}, "package", "by Homebrew", "brew upgrade rotom"),
        ({"installer": "conda"}, "elsewhere", "by conda", "update it the way that it was installed"),
        (
            {"environment": False, "files": MANAGED},
            "elsewhere",
            "by pip in the system's Python, which belongs to your system's package manager",
            "pipx install rotom-gateway",
        ),
        ({"environment": False, "writable": False}, "elsewhere", "by pip in the system's Python", "sudo "),
        # an environment that sees the system's packages: what lies there is not the environment's
        ({"installer": None, "place": "usr", "owner": "apt"}, "package", "as a package of your system", "apt"),
    ],
)
def test_what_is_not_ours_to_change_is_told(made, how, kind, about, advice):
    found = made(**how)
    assert (found.kind, found.command) == (kind, ())
    assert found.about.startswith(about)
    assert advice in found.advice


def test_a_secret_in_an_address_is_not_told(made):
    found = made(origin={"url": "https://user:planted@git.example.org/rotom", "vcs_info": {"vcs": "git"}})
    assert "planted" not in repr(found)


def test_without_pip_and_uv_the_way_out_is_told(made, monkeypatch):
    monkeypatch.setattr(subject, "_pip_asks", lambda: ())
    monkeypatch.setattr(subject, "_uv_asks", lambda: ())
    found = made()
    assert (found.kind, found.command, found.advice) == (
        "elsewhere",
        (),
        f"{sys.executable} -m ensurepip, then again: rotom update",
    )


@pytest.mark.skipif(not (Path(__file__).parents[1] / ".git").exists(), reason="this is no checkout")
def test_this_checkout_is_known_as_one():
    assert installation().kind == "checkout"


def test_what_is_not_installed_at_all_runs_from_a_checkout(monkeypatch):
    monkeypatch.setattr(subject, "distributions", lambda name: [])
    found = installation()
    assert found.kind == "checkout"
    assert found.advice.startswith("git -C ")


def test_notes_of_a_build_in_the_sources_are_none_of_an_installation(monkeypatch, tmp_path):
    (tmp_path / "rotom_gateway.egg-info").mkdir()
    (tmp_path / "rotom_gateway.egg-info" / "PKG-INFO").write_text("Name: rotom-gateway\nVersion: 0\n")
    installed = installation()
    monkeypatch.syspath_prepend(tmp_path)
    assert installation() == installed
    notes = next(one for one in subject.distributions(name=subject.DISTRIBUTION) if one.read_text("METADATA") is None)
    monkeypatch.setattr(subject, "distributions", lambda name: [notes])
    assert installation().about.startswith("not at all")


@pytest.mark.parametrize(
    ("program", "says", "advice"),
    [
        ("dpkg-query", "rotom: /usr/lib/python3/x", "sudo apt update && sudo apt install --only-upgrade rotom"),
        ("rpm", "rotom: ", "sudo dnf upgrade rotom"),
        ("pacman", "rotom", "sudo pacman --sync --refresh --sysupgrade rotom"),
    ],
)
def test_the_package_manager_is_asked_whose_the_file_is(monkeypatch, tmp_path, program, says, advice):
    monkeypatch.setenv("PATH", str(tmp_path))
    script = tmp_path / program
    script.write_text(f'#!/bin/sh\nfor last; do :; done\n[ "$last" = /ours ] && echo "{says}"\n')
    script.chmod(0o755)
    assert subject._owner("/ours") == advice
    assert subject._owner("/other") is None
