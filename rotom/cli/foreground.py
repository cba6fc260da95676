"""Running another program on this terminal as if it had been typed there.

Theory of operation: where nothing is left to do after it, the program takes the place of this process. Otherwise this
process stands between the shell and the program, and must not be noticed: Ctrl-C and Ctrl-\\ reach both, and only the
program acts on them; what a shell or a supervisor sends to this process is passed on; when the program stops (Ctrl-Z),
this process stops as well, so that the shell gets its terminal back, and `fg` wakes both. The status is the program's.

What is not here: what is run (launch.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from rotom.problem import Kind, Problem

POSIX = os.name == "posix"


def become(command: Sequence[str], environ: Mapping[str, str], umask: int) -> int:
    """Let a program take the place of this process; it returns only where that cannot be (Windows), with its status.

    Raises:
      Problem: it cannot be run.
    """
    if not POSIX:
        return run(command, environ, umask)
    sys.stdout.flush()
    sys.stderr.flush()
    os.umask(umask)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ"):  # Python ignores them, and what is ignored stays so
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(command[0], list(command), dict(environ))  # noqa: S606 - no shell is wanted
    except OSError as exc:
        raise _cannot(command, exc) from exc


def run(command: Sequence[str], environ: Mapping[str, str], umask: int) -> int:
    """Run a program to its end; its exit status, 128 and more for a signal.

    Raises:
      Problem: it cannot be run.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    started: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if started:
            with suppress(OSError):
                started[0].send_signal(number)

    with _signals(pass_on):
        try:
            started.append(subprocess.Popen(list(command), env=dict(environ), umask=umask if POSIX else -1))
        except OSError as exc:
            raise _cannot(command, exc) from exc
        status = _wait(started[0]) if POSIX else started[0].wait()
    return 128 - status if status < 0 else status


@contextmanager
def _signals(pass_on: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Leave the keyboard's signals to the program, which starts with all signals as they usually are, since handlers do
    not outlive the start of another program; what is meant for this process is passed on."""
    keyboard = [getattr(signal, name, None) for name in ("SIGINT", "SIGQUIT", "SIGTSTP")]
    others = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")]
    table = {number: _nothing for number in keyboard if number is not None}
    table |= {number: pass_on for number in others if number is not None}
    before = {number: signal.signal(number, handler) for number, handler in table.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler that leaves it to the program."""


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for its end, and stop and go on with it."""
    while True:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
        except ChildProcessError:
            return process.wait()
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(OSError):
            process.send_signal(signal.SIGCONT)


def _cannot(command: Sequence[str], exc: OSError) -> Problem:
    return Problem(Kind.UNAVAILABLE, f"{command[0]} cannot be run: {exc.strerror}")
