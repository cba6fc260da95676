"""What a terminal can show: colour, width, bars, tables and long lines, with the standard library alone.

Colour follows the usual agreements: NO_COLOR (not empty) switches it off, CLICOLOR_FORCE on, otherwise it is used on a
terminal that is not "dumb". Where the stream cannot encode block characters, bars are made of ASCII. Whatever came over
the network is cleaned of control characters before it is shown.

What is not here: what is shown (the commands under cli/).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TextIO

_PIECES = re.compile(r" *(?:\(?'rotom [^']*'\S*|(?<=: )rotom [^;.]*$|\S+)")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Terminal:
    """What can be shown on one stream.

    Attributes:
      tty: a person reads it; colour: it takes colours; unicode: it takes block characters; columns: its width.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.tty = stream.isatty()
        self.colour = _colour(stream, environ)
        self.unicode = _encodes(stream, "█▏░·")
        self.columns = shutil.get_terminal_size().columns if self.tty else 100

    def paint(self, style: str, text: str) -> str:
        """`text` in a style: bold, dim, red, green, yellow or cyan."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text

    def bar(self, fraction: float, cells: int = 20) -> str:
        """A bar that is full by `fraction`; always `cells` wide."""
        fraction = min(max(fraction, 0.0), 1.0)
        if not self.unicode:
            full = round(fraction * (cells - 2))
            return "[" + "#" * full + "-" * (cells - 2 - full) + "]"
        full, part = divmod(round(fraction * cells * 8), 8)
        return ("█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(cells, "░")

    def table(self, rows: Sequence[Sequence[str]], indent: str = "") -> str:
        """Rows as aligned columns, two spaces apart; what is longer than the terminal is wide is cut, which is shown."""
        if not rows:
            return ""
        widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = []
        for row in rows:
            line = indent + "  ".join(pad(cell, cells) for cell, cells in zip(row, widths, strict=True)).rstrip()
            if self.tty and width(line) > self.columns:
                line = cut(line, self.columns - 1) + ("…" if self.unicode else ">")
            lines.append(line)
        return "\n".join(lines)

    def fold(self, text: str, hang: int | None = None) -> str:
        """Lines for a person, broken between words where they are longer than the terminal is wide; in a pipe, as they are.

        Arguments:
          hang: see `folded`.
        """
        return "\n".join(folded(line, self.columns, hang) for line in text.split("\n")) if self.tty else text


def _colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if not stream.isatty() or environ.get("TERM") == "dumb":
        return False
    return os.name == "posix" or "WT_SESSION" in environ or "TERM" in environ


def _encodes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def clean(text: object) -> str:
    """A foreign value, safe to show: one line, no control or formatting characters."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def width(text: str) -> int:
    """How many cells `text` takes; colours take none."""
    cells, skipping = 0, False
    for char in text:
        if skipping:
            skipping = char != "m"
        elif char == "\x1b":
            skipping = True
        elif not unicodedata.combining(char):
            cells += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return cells


def pad(text: str, cells: int) -> str:
    """`text` filled up with spaces."""
    return text + " " * (cells - width(text))


def cut(text: str, cells: int) -> str:
    """`text`, cut where it would not fit; a colour that was begun is ended."""
    if width(text) <= cells:
        return text
    result, used, skipping = "", 0, False
    for char in text:
        if skipping or char == "\x1b":
            skipping = char != "m"
        else:
            used += width(char)
            if used > cells:
                break
        result += char
    return result + ("\x1b[0m" if "\x1b" in result else "")


def folded(line: str, cells: int, hang: int | None = None) -> str:
    """A line, broken between words where it would not fit. What may be copied stays whole: addresses, paths, and our own
    commands, in quotes or behind a colon at the end.

    Arguments:
      hang: how far in it goes on; by default, as far as its second column begins, which is behind two spaces or more.
    """
    if width(line) <= cells:
        return line
    if hang is None:
        begin = len(line) - len(line.lstrip(" "))
        column = re.match(r" *\S+(?: \S+)*  +(?=\S)", line)
        hang = width(column[0]) if column else begin + 2 if begin else 0
        if hang > cells // 2:
            hang = begin + 4
    lines, now = [], ""
    for piece in _PIECES.findall(line):
        if width(now) > hang and width(now + piece) > cells:
            lines.append(now)
            now = " " * hang + piece.lstrip(" ")
        else:
            now += piece
    return "\n".join([*lines, now])


def say(text: str, stream: TextIO | None = None, hang: int | None = None) -> None:
    """Print for a person, in the width of the terminal; `hang` as in `folded`."""
    stream = sys.stdout if stream is None else stream
    print(Terminal(stream).fold(text, hang), file=stream, flush=True)


def words(seconds: float) -> str:
    """A span of time for people: "2 h 10 min", "3 days 4 h", "45 s"."""
    left = max(0, int(seconds))
    days, left = divmod(left, 86400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    if days:
        text = f"{days} day{'s' if days > 1 else ''}"
        return f"{text} {hours} h" if hours else text
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{left} s"
