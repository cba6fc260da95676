"""What is said of a command line that is not right: the word at fault, and what would be right."""

import importlib

import pytest

from rotom import cli, exits
from rotom.problem import Problem

TEXT = """A thing.

Usage:
  rotom thing [options]
  rotom thing show [--json | --table] [<which>]
  rotom thing set <key> VALUE [--force]
  rotom thing run [options] <what> [--] [<more>...]

Options:
  --json       as JSON
  --table      as a table
  --force      all the same
  --file FILE  where
  -h, --help   this
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("shwo", "there is no 'rotom thing' command 'shwo'; did you mean 'show'?"),
        ("set", "<key> is missing: the usage is rotom thing set <key> VALUE [--force]"),
        ("set --force a", "VALUE is missing: the usage is rotom thing set <key> VALUE [--force]"),
        ("set a b c", "'c' is one word too many: the usage is rotom thing set <key> VALUE [--force]"),
        ("set a b --json", "the option --json does not go with 'rotom thing set': the usage is rotom thing set"),
        ("show --json --table", "--json and --table exclude each other"),
        ("show a b", "'b' is one word too many"),
        ("show --jsno", "there is no option '--jsno'; did you mean '--json'?"),
        ("run --file x", "<what> is missing"),
        ("run --file", "the option --file needs a value"),
        ("run it --file=a --fil b", "the option --file is given twice"),
        ("run -x", "there is no option '-x'"),
    ],
)
def test_a_command_line_that_is_not_right(words, said):
    from rotom.cli import usage

    with pytest.raises(Problem) as caught:
        usage.parse(TEXT, ["thing", *words.split()])
    assert caught.value.message.startswith(said)
    assert (caught.value.code, caught.value.hint) == ("usage", "rotom thing --help")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_names_what_is_wrong(capsys, name):
    """An option that is nearly one of its own, and words that are too many."""
    doc = importlib.import_module(f"rotom.cli.{name}").__doc__
    from rotom.cli import usage

    option = max((one for one in usage.options(doc) if one != "--help"), key=len, default="--help")
    if option.startswith("--"):
        wrong = option[:4] + "~" + option[4:]
        assert cli.main([name, wrong]) == exits.USAGE
        assert f"did you mean {option!r}?" in capsys.readouterr().err
    if "...]" in doc.partition("Options:")[0]:
        return  # it takes any number of words
    assert cli.main([name, *["zzz"] * 9]) == exits.USAGE
    said = capsys.readouterr().err
    assert "'zzz'" in said or "is missing" in said
    assert "do not fit" not in said


def test_an_option_before_the_command(capsys):
    assert cli.main(["--vresion"]) == exits.USAGE
    assert "did you mean '--version'?" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["models --provider gork", "login --provider Gork", "logout --provider gork"])
def test_a_provider_that_is_nearly_one(capsys, monkeypatch, tmp_path, words):
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path))
    assert cli.main(words.split()) in (exits.USAGE, exits.CONFIG)
    assert "did you mean 'grok'?" in capsys.readouterr().err
