"""Python, packages, and which rotom it is."""

import configparser
import re
import sys
from importlib import metadata
from pathlib import Path

import h11
import pytest

from rotom.doctor import python
from rotom.doctor.finding import Verdict
from rotom.exits import CONFIG
from rotom.installation import Installation

ROOT = Path(__file__).parents[2]


def by_check(findings):
    return {one.check: one for one in findings}


def program(folder, text="#!/bin/sh\n"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rotom"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_here_all_is_well(empty):
    found = by_check(python.check(empty(PATH=str(Path(sys.executable).parent))))
    assert {one.verdict for one in found.values()} == {Verdict.OK}
    assert found["python.packages"].sentence.count(",") == 5


def test_the_floors_are_those_of_the_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = dict(re.findall(r"^([a-z0-9-]+) >= ([0-9.]+)", setup["options"]["install_requires"], re.MULTILINE))
    assert wanted == python.FLOORS
    assert set(python.floors()) == set(wanted)


def test_a_package_that_is_too_old_or_missing_is_told(empty, monkeypatch):
    real = metadata.version

    def version(name):
        if name == "trio-websocket":
            raise metadata.PackageNotFoundError(name)
        return "0.14.0" if name == "h11" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = by_check(python.check(empty()))
    assert found["python.h11"].sentence == "h11 0.14.0 is older than 0.16"
    assert found["python.trio-websocket"].status == CONFIG
    assert found["python.packages"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("have", "verdict"), [({"docopt": "0.6.2", "docopt-ng": None}, None), ({"docopt": "0.6.2"}, "warn")]
)
def test_the_former_docopt_will_do_but_not_beside_the_other(empty, monkeypatch, have, verdict):
    real = python._version
    monkeypatch.setattr(python, "_version", lambda name: have[name] if name in have else real(name))
    found = by_check(python.check(empty()))
    assert "docopt" in found["python.packages"].sentence
    assert "python.docopt-ng" not in found
    assert (found["python.docopt"].verdict.value if "python.docopt" in found else None) == verdict


def test_a_parser_that_takes_a_bad_chunk_is_told_by_what_it_does(empty, monkeypatch):
    class Lax(h11.Connection):
        """Takes any two bytes for the end of a chunk, as h11 did before 0.16."""

        def receive_data(self, data):
            super().receive_data(data.replace(b"abcXX", b"abc\r\n"))

    monkeypatch.setattr(h11, "Connection", Lax)
    found = by_check(python.check(empty()))["python.h11.chunks"]
    assert found.verdict is Verdict.FAIL
    assert "CVE-2025-43859" in found.sentence


@pytest.mark.parametrize(
    ("older", "newer"),
    [("0.9", "0.10"), ("0.28.1", "0.28.2"), ("0.16", "1"), ("2.1.330", "2.2.0"), ("0.16rc1", "0.16.1")],
)
def test_versions_are_compared_by_their_numbers(older, newer):
    assert python.numbers(older) < python.numbers(newer)
    assert python.numbers("43") == python.numbers("43.0.0")


def test_another_program_on_path_is_told(empty, tmp_path):
    other = program(tmp_path / "bin")
    ours = Path(sys.executable).parent
    first = by_check(python.check(empty(PATH=f"{other.parent}:{ours}")))["rotom.path"]
    assert first.verdict is Verdict.WARN
    assert str(other) in first.sentence
    behind = by_check(python.check(empty(PATH=f"{ours}:{other.parent}")))["rotom.path"]
    assert behind.verdict is Verdict.OK
    assert str(other) in behind.sentence
    assert by_check(python.check(empty(PATH="")))["rotom.path"].verdict is Verdict.WARN


def test_a_script_for_our_interpreter_is_ours(tmp_path):
    text = f"#!{sys.executable}\nfrom rotom.cli import main\nmain()\n"
    assert python.is_ours(program(tmp_path / "a", text))
    assert not python.is_ours(program(tmp_path / "b", text.replace(sys.executable, "/nowhere/bin/python")))
    assert not python.is_ours(program(tmp_path / "c", "\x7fELF"))


def test_the_other_project_of_that_name_is_told(empty, monkeypatch):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "3.1" if name == "rotom" else real(name))
    found = by_check(python.check(empty()))["rotom.foreign"]
    assert found.verdict is Verdict.FAIL
    assert "another project" in found.sentence


def test_how_it_was_installed_is_told(empty, monkeypatch):
    monkeypatch.setattr(python, "installation", lambda: Installation("pipx", "by pipx"))
    assert by_check(python.check(empty()))["rotom.version"].sentence.endswith(", installed by pipx")
    private = Installation("repository", "from https://git.example.org/mine")
    monkeypatch.setattr(python, "installation", lambda: private)
    assert by_check(python.check(empty()))["rotom.version"].sentence.endswith(", installed from a repository")
