"""The completions, asked in the shells themselves: what each offers is what the commands' usage texts say."""

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rotom import cli
from rotom.cli import usage
from rotom.cli.completion import FILES
from rotom.config import SETTINGS

FOLDER = Path(cli.__file__).parents[1] / "completions"
PROVIDERS = {"openai", "codex", "chatgpt", "grok", "xai"}

BASH = """
source "$1"
while IFS= read -r line; do
    # as readline cuts it: at spaces, and "=" is a word of its own
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
    _rotom
    echo "${COMPREPLY[*]}" | tr '\\n' ' '
    echo
done
"""

FISH = """
source $argv[1]
while read -l line
    echo (complete -C $line | string replace -r '\\t.*' '')
end
"""

ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'eval "$SETUP"'
zpty -r shell said '*ready*'
while IFS= read -r line; do
    zpty -w -n shell "$line"$'\t\x15'
    zpty -r shell said '*>>*'
    said=${said##*<<}
    print -r -- ${${said%%>>*}//[^[:print:]]/}
done
"""

# A shell with line editing, in which the tab key says what would be offered, instead of offering it.
ZSH_SETUP = r"""
PROMPT= RPROMPT= PS2=
stty -echo columns 4000
fpath=($FOLDER $fpath)
autoload -Uz compinit && compinit -u -D
zle -C offers complete-word offers
bindkey '^I' offers '^U' kill-whole-line
compadd() {
    [[ -n "${(M)@:#-[OAD]}" ]] && { builtin compadd "$@"; return }
    local -a hits
    builtin compadd -O hits "$@"
    print -rn -- "${hits[*]} "
    (( $#hits ))
}
offers() { print -n '<<'; _main_complete; print -n '>>'; compstate[insert]= compstate[list]= }
zle-line-init() { print ready } # not before: until then the terminal would take ^U for itself
zle -N zle-line-init
"""

SHELLS = {
    "bash": ["bash", "--norc", "-c", BASH, "bash"],
    "fish": ["fish", "--no-config", "-c", FISH],
    "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
}


def offered(shell, *lines, folder=None):
    """What is offered behind each line, as sets of words."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    done = subprocess.run(
        [*SHELLS[shell], FOLDER / FILES[shell]],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("TMPDIR", "/tmp"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "FOLDER": FOLDER,
            "SETUP": ZSH_SETUP,
        },
    )
    assert done.stderr == ""
    found = [set(line.split()) for line in done.stdout.split("\n")[:-1]]
    assert len(found) == len(lines)
    return [{word.rstrip("=") for word in words} for words in found]


def doc(command):
    return importlib.import_module(f"rotom.cli.{command}").__doc__ or ""


def verbs(command):
    return set(re.findall(rf"^\s+rotom {command} ([a-z][a-z-]*)", doc(command), re.MULTILINE))


def with_value(command):
    """The options of a command that take a value."""
    return re.findall(r"^\s+(?:-[a-z], )?(--[a-z-]+) [A-Z]+\b", doc(command), re.MULTILINE)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_commands(shell):
    (commands,) = offered(shell, "rotom ")
    assert commands == set(cli.COMMANDS)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_options_of_each_command_and_no_others(shell):
    found = offered(shell, *(f"rotom {command} --" for command in cli.COMMANDS))
    for command, options in zip(cli.COMMANDS, found, strict=True):
        assert {option for option in options if option.startswith("--")} == {
            option for option in usage.options(doc(command)) if option[1] == "-"
        }, command


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verbs_of_each_command(shell):
    having = [command for command in cli.COMMANDS if verbs(command)]
    found = offered(shell, *(f"rotom {command} " for command in having))
    for command, words in zip(having, found, strict=True):
        assert {word for word in words if not word.startswith("-")} == verbs(command), command


@pytest.mark.parametrize("shell", SHELLS)
def test_what_stands_behind_an_option_with_a_value_is_its_value(shell, tmp_path):
    (tmp_path / "a-file").touch()
    asked = [(command, option) for command in cli.COMMANDS for option in with_value(command)]
    found = offered(shell, *(f"rotom {command} {option} " for command, option in asked), folder=tmp_path)
    known = {
        "--provider": PROVIDERS,
        "--effort": {"low", "medium", "high", "xhigh", "max"},
        "--shell": {"sh", "bash", "zsh", "dash", "ksh", "fish", "powershell"},
        "--log-format": {"text", "json"},
        "--log-level": {"debug", "info", "notice", "warning", "error"},
    }
    for (command, option), words in zip(asked, found, strict=True):
        if option.endswith("-file") or option == "--import":
            assert words == {"a-file"}, (command, option)
        else:
            assert words == known.get(option, set()), (command, option)


@pytest.mark.parametrize("shell", SHELLS)
def test_words_are_found_behind_options_and_their_values(shell):
    settings = {name for name, setting in SETTINGS.items() if setting.filed}
    wanted = {
        "rotom config set ": settings,
        "rotom config reset --take-over gro": {name for name in settings if name.startswith("gro")},
        "rotom config show ": set(),
        "rotom key --auth-file x ro": {"rotate"},
        "rotom use ": PROVIDERS,
        "rotom use openai ": set(),
        "rotom help ": {"config", "api", *cli.COMMANDS},
        "rotom serve --bind 127.0.0.1:1 --provider=ch": {"chatgpt"},
        "rotom login --api-key --prov": {"--provider"},
        "rotom launch ": {"claude", "codex", "openai", "anthropic"},
        "rotom env --shell fish ": {"claude", "codex", "openai", "anthropic"},
        "rotom launch claude -- ": set(),
        "rotom daemon logs -n 5 ": set(),
        "rotom nonsense ": set(),
    }
    found = offered(shell, *wanted)
    for (line, words), seen in zip(wanted.items(), found, strict=True):
        # zsh offers options as well where no word is left to say
        given = (
            seen
            if line.endswith("prov")
            else {word.rpartition("=")[2] for word in seen if word[0] != "-" or "=" in word}
        )
        assert given == words, line


@pytest.mark.parametrize("shell", FILES)
def test_the_command_prints_the_file(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    assert capsys.readouterr().out == (FOLDER / FILES[shell]).read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", SHELLS)
def test_it_can_be_loaded_as_the_command_says(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    load = {
        "bash": 'eval "$(cat "$1")"; complete -p rotom',
        "zsh": 'autoload -Uz compinit && compinit -u -D; eval "$(cat "$1")"; print $_comps[rotom]',
        "fish": "source $argv[1]; complete -c rotom",
    }[shell]
    words = SHELLS[shell][: SHELLS[shell].index("-c") + 1]
    name = ["x"] if shell != "fish" else []
    done = subprocess.run([*words, load, *name, FOLDER / FILES[shell]], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "rotom" in done.stdout
