"""Where the manual pages are found, and what shows them."""

import gzip
import os
import pty
import sys
from importlib.metadata import PackageNotFoundError, PathDistribution
from pathlib import Path

import pytest

from rotom import manual
from rotom.term import Terminal

PAGE = ".Dd May 1, 2026\n.Dt ROTOM 1\n.Os\n.Sh NAME\n.Nm rotom\n.Nd a page\n"


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """An installation without a page yet, in a folder of its own."""
    package = tmp_path / "lib" / "python3" / "rotom"
    package.mkdir(parents=True)
    monkeypatch.setattr(manual, "__file__", str(package / "manual.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(manual, "distribution", absent)
    return tmp_path


def test_in_a_checkout_it_is_the_checkouts():
    for name in ("rotom", "rotom-config", "rotom-api"):
        assert manual.find(name).parent == Path(__file__).parents[1] / "man"
    assert manual.find("rotom-nothing") is None


def test_what_is_not_installed_is_not_found(elsewhere):
    assert manual.find("rotom") is None


def test_the_installers_list_tells(elsewhere, monkeypatch):
    info = elsewhere / "lib" / "python3" / "rotom_gateway-1.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("../../other/man/man5/rotom-config.5,,\nrotom/rotom-config.5,,\nrotom/__init__.py,,\n")
    monkeypatch.setattr(manual, "distribution", lambda name: PathDistribution(info))
    page = elsewhere / "other" / "man" / "man5" / "rotom-config.5"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    assert os.path.samefile(manual.find("rotom-config"), page)
    assert manual.find("rotom") is None


def test_a_distributions_page_is_packed(elsewhere):
    page = elsewhere / "share" / "man" / "man1" / "rotom.1.gz"
    page.parent.mkdir(parents=True)
    page.write_bytes(gzip.compress(PAGE.encode()))
    assert manual.find("rotom") == page
    assert manual.read(page) == PAGE


def shown(monkeypatch, page, path, keyboard=True, **options):
    """What `show` brings to a terminal, when only the programs in `path` exist."""
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("TERM", "dumb")  # the pager of pydoc prints
    monkeypatch.setenv("PAGER", "")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: keyboard, raising=False)
    ours, theirs = pty.openpty()
    saved = os.dup(1)
    try:
        os.dup2(theirs, 1)
        with open(theirs, "w", encoding="utf-8") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            manual.show(page, Terminal(stream, {}), **options)
            stream.flush()
            os.dup2(saved, 1)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # Linux: the other side is closed
        pass
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize(
    ("programs", "plain", "seen"),
    [
        ({"man": "echo man $1; exit 0", "mandoc": "echo mandoc $2"}, False, "man PAGE\n"),
        ({"man": "echo no >&2; exit 1", "mandoc": "echo mandoc $2"}, False, "mandoc PAGE\n"),
        ({"man": "exit 1"}, False, "NAME\n     rotom – a page\n"),
        ({}, False, "NAME\n     rotom – a page\n"),
        ({"man": "echo man"}, True, "NAME\n     rotom – a page\n"),
    ],
)
def test_it_is_shown_by_the_first_program_that_can_and_else_as_plain_text(monkeypatch, tmp_path, programs, plain, seen):
    for name, script in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    page = tmp_path / "rotom.1"
    page.write_text(PAGE)
    assert shown(monkeypatch, page, tmp_path, plain=plain).strip() == seen.replace("PAGE", str(page)).strip()


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_without_a_keyboard_there_is_no_pager_to_be_caught_in(monkeypatch, tmp_path):
    program = tmp_path / "man"
    program.write_text("#!/bin/sh\necho man\n")
    program.chmod(0o755)
    page = tmp_path / "rotom.1"
    page.write_text(PAGE)
    assert shown(monkeypatch, page, tmp_path, keyboard=False).startswith("NAME\n")
