"""Reading one long line from a person, so that it can be given up at any moment.

A login's answer is up to some 6,000 characters in one paste. A terminal in its usual mode cuts lines at 4,095 characters
(1,024 on macOS), and a thread that sits in `input` cannot be stopped. So the terminal is switched to hand over each
character, Trio waits for them, and this module does the little line editing that is needed: erase, start anew, end of
input. A terminal that wraps long lines may put line breaks into what is copied from it: a line break directly
followed by more characters does not end the line.

What is not here: what is made of the line (providers/oauth.py).
"""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import trio

LINGER = 0.1  # seconds in which more characters after a line break belong to the same paste
LONGEST = 64 << 10
ERASE, KILL, END = "\x08\x7f", "\x15", "\x04"


async def read_line(descriptor: int, echo: int | None = None) -> str | None:
    """One line, without its end; None at the end of input.

    Arguments:
      descriptor: usually 0. echo: where typed characters are shown, usually 1; None: nowhere.

    Cancellation: at any moment; the terminal is put back, and what was typed is gone.
    """
    if sys.platform == "win32":
        return await trio.to_thread.run_sync(_read_blocking, abandon_on_cancel=True)
    with _each_character(descriptor) as tty:
        line = _Line(echo if tty else None)
        while not line.ended:
            if line.broken:
                with trio.move_on_after(LINGER) as scope:
                    data = await _read(descriptor)
                if scope.cancelled_caught or not data:
                    break
            else:
                data = await _read(descriptor)
            if not data:
                line.ended = True
                break
            line.feed(data)
        line.show("\n")
        return line.text if line.text or line.broken else None


class _Line:
    """A line as it is typed. `broken`: it ends here unless more comes at once; `ended`: no more will come."""

    def __init__(self, echo: int | None) -> None:
        self.text = ""
        self.broken = self.ended = False
        self._echo = echo

    def feed(self, data: bytes) -> None:
        # Answers are ASCII; the keys and marks that terminals send as sequences are left out.
        for char in re.sub(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.)?", "", data.decode("ascii", "ignore")):
            if char in "\r\n":
                self.broken = True
            elif char in ERASE:
                if self.text:
                    self.text = self.text[:-1]
                    self.show("\b \b")
            elif char == KILL:
                self.show("\b \b" * len(self.text))
                self.text = ""
            elif char == END and not self.text:
                self.ended = True
                return
            elif char.isprintable() and len(self.text) < LONGEST:
                self.broken = False
                self.text += char
                self.show(char)

    def show(self, text: str) -> None:
        if self._echo is not None:
            os.write(self._echo, text.encode())


@contextmanager
def _each_character(descriptor: int) -> Iterator[bool]:
    """Have a terminal hand over each character, without showing it; whether it is a terminal. Ctrl-C goes on working."""
    if not os.isatty(descriptor):
        yield False
        return
    import termios

    before = termios.tcgetattr(descriptor)
    wanted = termios.tcgetattr(descriptor)
    wanted[3] &= ~(termios.ICANON | termios.ECHO)
    wanted[6][termios.VMIN], wanted[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSADRAIN, wanted)
    try:
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _read(descriptor: int) -> bytes:
    try:
        await trio.lowlevel.wait_readable(descriptor)
    except OSError:  # epoll takes no regular file, and kqueue of macOS takes not every terminal
        while not select.select([descriptor], [], [], 0)[0]:  # noqa: ASYNC110 - there is nobody to set an event
            await trio.sleep(0.05)
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the terminal is gone
        return b""


def _read_blocking() -> str | None:
    try:
        return input()
    except EOFError:
        return None
