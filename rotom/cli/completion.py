"""Print what completes rotom's command lines in a shell.

Usage:
  rotom completion bash
  rotom completion zsh
  rotom completion fish

Options:
  -h, --help  show this text

Packages put these where the shells look for them; this is for installations that do not, such as 'uv tool install'. Once,
for bash, and else, without the package bash-completion, in ~/.bashrc:

  mkdir -p ~/.local/share/bash-completion/completions
  rotom completion bash > ~/.local/share/bash-completion/completions/rotom

  eval "$(rotom completion bash)"

For zsh, with any FOLDER of $fpath, and else, behind compinit in ~/.zshrc:

  rotom completion zsh > FOLDER/_rotom

  eval "$(rotom completion zsh)"

For fish:

  rotom completion fish > ~/.config/fish/completions/rotom.fish
"""

from __future__ import annotations

import sys

from rotom.cli import usage

FILES = {"bash": "rotom", "zsh": "_rotom", "fish": "rotom.fish"}
"""Shell -> the file in rotom/completions, called as the shell wants it called."""


def run(argv: list[str]) -> int:
    """Print the one that is asked for."""
    given = usage.parse(__doc__ or "", argv)
    from importlib.resources import files

    (name,) = (file for shell, file in FILES.items() if given[shell])
    sys.stdout.write(files("rotom").joinpath("completions", name).read_text(encoding="utf-8"))
    return 0
