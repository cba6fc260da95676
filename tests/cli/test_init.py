"""The command line as a whole: what it prints, what it returns, and that nobody ever sees a traceback."""

import importlib
import io
import os
import subprocess
import sys

import pytest

from rotom import __version__, cli, exits
from rotom.problem import Kind, Problem


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    before = os.umask(0o022)
    for name in [name for name in os.environ if name.startswith("ROTOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
    yield
    os.umask(before)


def rotom(*argv, **options):
    return subprocess.run([sys.executable, "-m", "rotom", *argv], capture_output=True, text=True, timeout=60, **options)


def fails_with(monkeypatch, exc):
    def run(argv):
        raise exc

    from rotom.cli import config

    monkeypatch.setattr(config, "run", run)
    return cli.main(["config"])


def test_the_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rotom {__version__}\n"


def test_the_version_needs_nothing_heavy():
    script = "import sys; from rotom.cli import main; main(['--version']); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "'rotom.cli'" in out
    for heavy in ("docopt", "trio", "httpx", "rotom.config", "json", "difflib"):
        assert f"'{heavy}'" not in out


@pytest.mark.parametrize("cells", [40, 80])
@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_the_help_is_as_wide_as_the_terminal(monkeypatch, command, cells):
    monkeypatch.setattr("sys.stdout", shown := Tty())
    monkeypatch.setenv("COLUMNS", str(cells))
    assert cli.main([*([command] if command else []), "--help"]) == 0
    doc = cli.__doc__ if not command else importlib.import_module(f"rotom.cli.{command}").__doc__
    assert shown.getvalue().split() == doc.split()
    for line in shown.getvalue().splitlines():
        words = line.split()
        assert len(line) <= cells or len(words[-1]) > 20, line  # nothing but a long word is too long


def test_a_long_error_is_as_wide_as_the_terminal_and_its_hint_stays_whole(monkeypatch):
    monkeypatch.setattr("sys.stderr", shown := Tty())
    monkeypatch.setenv("COLUMNS", "24")
    fails_with(monkeypatch, Problem(Kind.INVALID, "one two three four five", hint="rotom a command to copy"))
    assert shown.getvalue() == "rotom: one two three\n       four five\n       rotom a command to copy\n"


def test_help_goes_to_stdout_and_nothing_at_all_is_a_usage_error(capsys):
    assert cli.main(["--help"]) == 0
    asked = capsys.readouterr()
    assert asked.out.startswith("rotom: use a ChatGPT/Codex login")
    assert cli.main([]) == exits.USAGE
    alone = capsys.readouterr()
    assert (alone.out, alone.err) == ("", asked.out)


def test_every_command_is_in_the_help_and_explains_itself(capsys):
    for name in cli.COMMANDS:
        assert f"\n  {name} " in (cli.__doc__ or "")
        assert cli.main([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert f"rotom {name}" in text
        assert "[default:" not in text, "a default hides whether the option was given"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["srve"], "there is no command 'srve'; did you mean 'serve'?"),
        (["--bind", "x"], "the command comes first, its options after it"),
        (["serve", "--bnd=1"], "there is no option '--bnd'; did you mean '--bind'?"),
        (["serve", "-x"], "there is no option '-x'"),
        (["serve", "--bind"], "the option --bind needs a value"),
        (["serve", "--demo=yes"], "the option --demo takes no value"),
        (["serve", "extra"], "'extra' is one word too many: the usage is rotom serve [options]"),
        (["config", "shwo"], "there is no 'rotom config' command 'shwo'; did you mean 'show'?"),
        (["config", "set", "bind"], "<value> is missing: the usage is rotom config set"),
        (["config"], "needs a terminal"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_sentence(capsys, monkeypatch, argv, said):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert cli.main(argv) == exits.USAGE
    err = capsys.readouterr().err
    assert err.startswith(f"rotom: {said}") or said in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("exc", "status", "said"),
    [
        (
            Problem(Kind.UNAUTHENTICATED, "no login", hint="rotom login"),
            exits.PERMISSION,
            "rotom: no login\n       rotom login\n",
        ),
        (Problem(Kind.INVALID, "bad", code="config"), exits.CONFIG, "rotom: bad\n"),
        (Problem(Kind.INVALID, "bad data"), exits.DATA, "rotom: bad data\n"),
        (Problem(Kind.CONFLICT, "held", retry=True), exits.TEMPORARY, "rotom: held\n"),
        (Problem(Kind.UPSTREAM, "down"), exits.UNAVAILABLE, "rotom: down\n"),
        (Problem(Kind.UPSTREAM, "\x1b[2J\x9b31m\u202egone"), exits.UNAVAILABLE, "rotom: ?[2J?31m?gone\n"),
        (ExceptionGroup("g", [ExceptionGroup("h", [Problem(Kind.TIMEOUT, "slow")])]), exits.TEMPORARY, "rotom: slow\n"),
        (PermissionError(13, "Permission denied", "/x/y"), exits.CANNOT_CREATE, "rotom: /x/y: Permission denied\n"),
        (KeyboardInterrupt(), exits.INTERRUPTED, ""),
        (BaseExceptionGroup("g", [KeyboardInterrupt(), ValueError()]), exits.INTERRUPTED, ""),
        (SystemExit(3), 3, ""),
        (SystemExit(), 0, ""),
    ],
)
def test_what_ends_a_command_is_told_and_has_its_status(capsys, monkeypatch, exc, status, said):
    assert fails_with(monkeypatch, exc) == status
    assert capsys.readouterr().err == said


def test_a_bug_shows_its_place_but_not_its_text(capsys, monkeypatch):
    group = ExceptionGroup("g", [Problem(Kind.UPSTREAM, "down"), ValueError("planted secret")])
    assert fails_with(monkeypatch, group) == exits.INTERNAL
    err = capsys.readouterr().err
    assert "internal error: ValueError" in err
    assert "ROTOM_DEBUG=1" in err
    assert "planted" not in err
    assert "Traceback" not in err


def test_a_bug_is_shown_whole_when_asked(monkeypatch):
    monkeypatch.setenv("ROTOM_DEBUG", "1")
    with pytest.raises(ValueError, match="the text"):
        fails_with(monkeypatch, ValueError("the text"))


def test_files_are_made_for_their_owner_only(tmp_path):
    assert cli.main(["config", "set", "grace", "1"]) == 0
    assert os.umask(0o022) == 0o077
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="pipes end differently on Windows")
def test_a_reader_that_goes_away_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "rotom", "config", "show"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (exits.PIPE, "")


def test_python_minus_m_does_the_same():
    process = rotom("nonsense")
    assert process.returncode == exits.USAGE
    assert process.stderr.startswith("rotom: there is no command 'nonsense'")


def test_every_status_has_a_meaning():
    constants = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert constants == set(exits.MEANINGS)
