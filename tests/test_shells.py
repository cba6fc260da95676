"""Shells: the real ones must make of the lines what was meant, whatever is in a value."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rotom import shells
from rotom.config import load

NASTY = "a b'c\"d $HOME `id` $(id) \\n ! * ; # é"
PROGRAMS = ("sh", "bash", "dash", "zsh", "fish")


def ran(program: str, lines: list[str], environ: dict[str, str] | None = None) -> str:
    """What a script prints."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    flags = {"fish": ["--no-config"], "zsh": ["-f"]}.get(program, [])
    done = subprocess.run(
        [path, *flags, "-c", "\n".join(lines)],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_value_arrives_as_it_is_and_goes_again(program: str) -> None:
    shell = shells.NAMES[program]
    lines = [shell.export.format(name="X", value=shell.quote(NASTY)), "env"]
    assert f"X={NASTY}\n" in ran(program, lines)
    assert "X=" not in ran(program, [*lines[:1], shell.unset.format(name="X"), "env"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_command_gets_more_words(program: str, tmp_path: Path) -> None:
    shell = shells.NAMES[program]
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n")
    tool.chmod(0o755)
    function = shell.function.format(name="tool", words=shell.quote(NASTY))
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert ran(program, [function, "tool 'last one'"], environ) == f"{[NASTY, 'last one']}\n"
    forgotten = [function, shell.forget.format(name="tool"), "tool x"]
    assert ran(program, forgotten, environ) == "['x']\n"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_key_is_fetched_when_the_lines_are_run(program: str, tmp_path: Path) -> None:
    shell = shells.NAMES[program]
    key = tmp_path / "the key's"
    key.write_text("planted-key-in-a-file\n")
    home = {"ROTOM_HOME": str(tmp_path)}
    program_words = [sys.executable, "-m", "rotom"]

    def shown(flags: dict[str, str], environ: dict[str, str]) -> tuple[str, str]:
        word = shells.key_word(load(flags, environ | home), shell, program_words)
        line = shell.export.format(name="X", value=word)
        said = ran(program, [line, "env"], environ | home)
        return line, next(part for part in said.splitlines() if part.startswith("X="))

    line, value = shown({"--api-key-file": str(key)}, {})
    assert ("planted" in line, value) == (False, "X=planted-key-in-a-file")
    line, value = shown({}, {"ROTOM_API_KEY": "planted-key-of-a-variable"})
    assert ("planted" in line, value) == (False, "X=planted-key-of-a-variable")
    assert shown({}, {})[1] == "X=rotom"
    config = tmp_path / "config.json"
    config.write_text('{"version": 1, "api_key": "planted-key-of-settings"}')
    config.chmod(0o600)
    line, value = shown({}, {})
    assert ("planted" in line, value) == (False, "X=planted-key-of-settings")


def test_powershell_is_quoted_by_its_own_rules() -> None:
    shell = shells.NAMES["pwsh"]
    assert shell.quote("a'b’c $x") == "'a''b’’c $x'"
    assert shell.export.format(name="X", value=shell.quote("1")) == "$env:X = '1'"


@pytest.mark.parametrize("program", ["bash", "fish", "dash", "zsh"])
def test_the_shell_in_use_is_the_one_above(program: str) -> None:
    script = "import os; from rotom import shells; print(shells.in_use(os.environ).name)"
    # `true` behind it keeps the shell from being replaced by its last command.
    said = ran(program, [f"{sys.executable} -c '{script}'; true"], {"SHELL": "/bin/nu"})
    assert said.strip() == shells.NAMES[program].name


def test_without_a_shell_above_it_is_the_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_ancestors", lambda: iter(["pytest", "make"]))
    assert shells.in_use({"SHELL": "/usr/bin/fish"}).name == "fish"
    assert shells.in_use({"SHELL": "/usr/bin/nu"}).name == "sh"
    assert shells.in_use({}).name == "sh"


def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ps = tmp_path / "ps"
    ps.write_text("#!/bin/sh\necho '  1 -fish'\n")
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(shells, "Path", lambda name: Path("/nonexistent"))
    assert shells.in_use({}).name == "fish"
