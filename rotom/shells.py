"""How a shell is told to set a variable, to forget one, and to run a command with more words than were typed.

Three families: `sh` (bash, zsh, dash, ksh), fish and PowerShell. Values are quoted so that nothing in them is run.

What is not here: what is set (clients.py).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rotom.clients import NO_KEY
from rotom.config import Loaded

Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Shell:
    """One family.

    Fields:
      names: the programs of the family, its own name first.
      quote: a text -> the word for it.
      output: the words of a command -> a word that becomes what the command prints.
      variable: the form of a word that becomes a variable's value, with {name}.
      export, unset: forms with {name} and {value}.
      function, forget: forms of a command of the same name with more words, and of its end, with {name} and {words}.
      use: how the lines of `rotom env` are taken, with {command}.
    """

    names: tuple[str, ...]
    quote: Quote
    output: Callable[[Sequence[str]], str]
    variable: str
    export: str
    unset: str
    function: str
    forget: str
    use: str

    @property
    def name(self) -> str:
        """The family's name."""
        return self.names[0]


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(text: str) -> str:
    return "'" + re.sub(r"(['‘’‚‛])", r"\1\1", text) + "'"  # it takes the typographic ones for quotes, too


SHELLS = (
    Shell(
        names=("sh", "bash", "zsh", "dash", "ksh", "ash"),
        quote=shlex.quote,
        output=lambda words: '"$(' + shlex.join(words) + ')"',
        variable='"${name}"',
        export="export {name}={value}",
        unset="unset {name}",
        function='{name}() {{ command {name} {words} "$@"; }}',
        forget="unset -f {name}",
        use='eval "$({command})"',
    ),
    Shell(
        names=("fish",),
        quote=_fish,
        output=lambda words: "(" + " ".join(map(_fish, words)) + ")",
        variable='"${name}"',
        export="set -gx {name} {value}",
        unset="set -e {name}",
        function="function {name}; command {name} {words} $argv; end",
        forget="functions -e {name}",
        use="{command} | source",
    ),
    Shell(
        names=("powershell", "pwsh"),
        quote=_powershell,
        output=lambda words: "(& " + " ".join(map(_powershell, words)) + ")",
        variable="$env:{name}",
        export="$env:{name} = {value}",
        unset="Remove-Item Env:{name} -ErrorAction SilentlyContinue",
        function="function {name} {{ & (Get-Command {name} -CommandType Application)[0] {words} @args }}",
        forget="Remove-Item Function:{name} -ErrorAction SilentlyContinue",
        use="{command} | Out-String | Invoke-Expression",
    ),
)

NAMES: Mapping[str, Shell] = {name: shell for shell in SHELLS for name in shell.names}

GENERATIONS = 4
"""How far up it is looked for a shell: between it and us may stand what starts programs, such as a package runner."""


def in_use(environ: Mapping[str, str]) -> Shell:
    """The shell that this process was started from, as far as can be found out; else that of the login, else `sh`."""
    if os.name != "posix":
        return NAMES["powershell"]
    for name in [*_ancestors(), environ.get("SHELL", "")]:
        if (found := NAMES.get(os.path.basename(name).lstrip("-"))) is not None:
            return found
    return NAMES["sh"]


def _ancestors() -> Iterator[str]:
    """The names of the programs above this one, the nearest first."""
    pid = os.getppid()
    for _ in range(GENERATIONS):
        if pid <= 1 or (found := _process(pid)) is None:
            return
        name, pid = found
        yield name


def _process(pid: int) -> tuple[str, int] | None:
    """The name of a process, and its parent."""
    with suppress(OSError, ValueError, IndexError):
        head, _, rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")
        return head.partition("(")[2], int(rest.split()[1])
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        command = ["ps", "-o", "ppid=,comm=", "-p", str(pid)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout.split(None, 1)
        if len(said) == 2:
            return said[1].strip(), int(said[0])
    return None


def key_word(loaded: Loaded, shell: Shell, program: Sequence[str]) -> str:
    """A word that becomes the local key and does not show it.

    Arguments:
      program: the words that run this program.
    """
    source = loaded.sources.get("api_key", "default")
    if loaded.config.api_key is not None:
        if source.startswith("environment "):
            return shell.variable.format(name=source.removeprefix("environment "))
        return shell.output([*program, "env", "--key"])
    file = loaded.config.api_key_file
    return shell.quote(NO_KEY) if file is None else shell.output(["cat", str(file)])
