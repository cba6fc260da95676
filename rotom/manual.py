"""The manual pages of this installation: where they lie, and how they are shown.

Installers put them in different places, and only some of these are where man(1) looks: a virtual environment of pip, pipx
or uv has a ``share/man`` of its own, a distribution has the system's, a checkout has ``man/``. The list of files that an
installer leaves behind tells; distributions remove that list, but they have one place only.

What is not here: what the pages are asked for by (cli/help.py), plain text (mdoc.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from rotom.installation import DISTRIBUTION
from rotom.mdoc import text
from rotom.term import Terminal


def find(name: str) -> Path | None:
    """The page of this name, such as ``rotom-config``; None: it is not installed."""
    return next((path for path in _candidates(name) if path.is_file()), None)


def _candidates(name: str) -> Iterator[Path]:
    sources = Path(__file__).parents[1]
    if (sources / "setup.cfg").is_file():
        yield from (sources / "man").glob(f"{name}.[1-8]")
    try:
        installed = distribution(DISTRIBUTION).files or ()
    except PackageNotFoundError:
        installed = ()
    for file in installed:
        if file.name.rpartition(".")[0] == name and file.parent.name.startswith("man"):
            yield Path(os.fspath(file.locate()))
    for share in (Path(sys.prefix, "share"), *(folder / "share" for folder in sources.parents[1:3])):
        yield from share.glob(f"man/man[1-8]/{name}.[1-8]*")


def show(path: Path, terminal: Terminal, *, plain: bool = False) -> None:
    """Show a page: in man(1) or mandoc(1) to a person at a terminal, else as plain text."""
    person = terminal.tty and sys.stdin.isatty()  # without a keyboard, nobody could leave a pager
    if person and not plain:
        for viewer in _viewers(path):
            if (
                shutil.which(viewer[0])
                and subprocess.run(viewer, check=False, stderr=subprocess.DEVNULL).returncode == 0
            ):
                return
    shown = text(read(path), min(terminal.columns, 80))
    if person and not plain:
        import pydoc

        pydoc.pager(shown)
    else:
        sys.stdout.write(shown)


def _viewers(path: Path) -> tuple[list[str], ...]:
    """What could show a page, the best first; one that cannot says so by its exit status."""
    # macOS's and the BSDs' man have no -l; they take a name with a slash for a file, as man-db does.
    return ["man", str(path)], ["mandoc", "-a", str(path)]


def read(path: Path) -> str:
    """A page's source; distributions pack them."""
    if path.suffix == ".gz":
        import gzip

        return gzip.decompress(path.read_bytes()).decode()
    return path.read_text(encoding="utf-8")
