"""Something shown again and again: drawn anew in its place on a terminal, one after the other in a pipe.

On a terminal each picture is written in one piece over the last one, line by line, and the rest of each line is cleared
behind it: nothing flickers. What is longer than the window is cut.

What is not here: what is shown, and how often.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rotom.term import cut

CLEAR, HOME, REST_OF_LINE, REST = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Screen:
    """Where it is shown. Attributes: draws: pictures are drawn over one another."""

    def __init__(self, stream: TextIO, draws: bool) -> None:
        self.draws = draws
        self._stream = stream
        self._shown = 0

    def show(self, text: str) -> None:
        """Show this instead of what is shown; in a pipe, behind it."""
        if self.draws:
            size = shutil.get_terminal_size()
            lines = [cut(line, size.columns) for line in text.splitlines()[: max(1, size.lines - 1)]]
            begin = HOME if self._shown else CLEAR + HOME
            self._stream.write(begin + "".join(f"{line}{REST_OF_LINE}\n" for line in lines) + REST)
        else:
            self._stream.write(text + "\n")
        self._shown += 1
        self._stream.flush()


@contextmanager
def screen(stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> Iterator[Screen]:
    """A screen for a block; the cursor is hidden meanwhile."""
    stream = sys.stdout if stream is None else stream
    environ = os.environ if environ is None else environ
    moves = os.name == "posix" or "WT_SESSION" in environ or "TERM" in environ
    draws = stream.isatty() and moves and environ.get("TERM") != "dumb"
    if draws:
        stream.write(HIDE_CURSOR)
    try:
        yield Screen(stream, draws)
    finally:
        if draws:
            stream.write(SHOW_CURSOR)
            stream.flush()
