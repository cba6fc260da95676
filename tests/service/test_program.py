"""Which words start this rotom again."""

import sys

import pytest

from rotom.service.program import command


@pytest.fixture
def place(tmp_path):
    """A rotom in a versioned folder, and a link to it on PATH."""
    real, link = tmp_path / "venvs/1.0/bin/rotom", tmp_path / "bin/rotom"
    for folder in (real.parent, link.parent):
        folder.mkdir(parents=True)
    real.write_text("#!/bin/sh\n")
    real.chmod(0o755)
    link.symlink_to(real)
    return tmp_path


def test_the_link_that_stays_is_better_than_what_it_leads_to(place):
    environ = {"PATH": f"/usr/bin:{place}/bin"}
    link = (f"{place}/bin/rotom",)
    assert command(environ, f"{place}/venvs/1.0/bin/rotom") == link
    assert command(environ, f"{place}/bin/rotom") == link
    assert command(environ, "rotom") == link


def test_another_rotom_on_the_path_is_not_this_one(place):
    other = place / "other/rotom"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert command({"PATH": str(other.parent)}, f"{place}/bin/rotom") == (f"{place}/bin/rotom",)


def test_a_relative_path_becomes_absolute(place, monkeypatch):
    monkeypatch.chdir(place / "venvs")
    assert command({"PATH": "/usr/bin"}, "1.0/bin/rotom") == (f"{place}/venvs/1.0/bin/rotom",)


@pytest.mark.parametrize("called", ["/usr/lib/python3/pytest", "/nowhere/rotom", "-c"])
def test_else_it_is_a_module(called):
    assert command({"PATH": "/usr/bin"}, called) == (sys.executable, "-P", "-m", "rotom")


def test_a_module_that_has_a_program_beside_it(tmp_path, monkeypatch):
    python, rotom = tmp_path / "python3", tmp_path / "rotom"
    monkeypatch.setattr(sys, "executable", str(python))
    assert command({"PATH": "/usr/bin"}, "/x/rotom/__main__.py") == (str(python), "-P", "-m", "rotom")
    rotom.write_text("#!/bin/sh\n")
    rotom.chmod(0o755)
    assert command({"PATH": "/usr/bin"}, "/x/rotom/__main__.py") == (str(rotom),)
