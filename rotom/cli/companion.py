"""A gateway that lives as long as one client: `rotom launch` starts it where no server runs, for that client alone.

Theory of operation: it is `rotom serve` as a child, on a free port of this machine and with a local key of its own, made up
for the occasion. Its standard output tells its starter where it listens, instead of the file by which others would find
it: whoever found it would lose it when the client ends. Its standard input is a pipe that only the starter holds: when the
starter ends, in whatever way, the pipe does, and the gateway goes. It is in a session of its own, so that a Ctrl-C that is
meant for the client does not reach it. Its log is a file, which is removed when all went well.

What is not here: which client, and what it is told (launch.py).
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rotom.config import Config
from rotom.problem import Kind, Problem

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
GRACE = "1"
TOLD = 2000
"""How much of the end of a log is looked at for what went wrong."""


class Companion:
    """A gateway of one's own.

    Attributes:
      root: its address; key: its local key; log: the file of its log.
    """

    def __init__(self, process: subprocess.Popen[bytes], key: str, log: Path) -> None:
        self._process = process
        self.key = key
        self.log = log
        self.root = ""

    def wait_ready(self) -> None:
        """Wait until it listens.

        Raises:
          Problem: it ended, or takes too long.
        """
        said: list[bytes] = []
        stream = self._process.stdout
        assert stream is not None
        reader = threading.Thread(target=lambda: said.append(stream.readline()), daemon=True)
        reader.start()
        reader.join(READY_SECONDS)
        self.root = said[0].decode().strip() if said else ""
        if not self.root:
            why = self.last_words() or ("it takes too long" if not said else "it ended")
            self.stop()
            raise Problem(Kind.UNAVAILABLE, f"the gateway did not start: {why}", hint=f"its log: {self.log}")

    def last_words(self) -> str | None:
        """The error that it ended with, as its log has it."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace")[-TOLD:].splitlines()
            errors = [line.removeprefix("rotom: ") for line in lines if line.startswith("rotom: ")]
            return errors[-1] if errors else None
        return None

    def ended(self) -> int | None:
        """The exit status, if it ended by itself; None: it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def forget_log(self) -> None:
        """Remove the log: nobody will ask for it."""
        with suppress(OSError):
            self.log.unlink()


@contextmanager
def companion(flags: Iterable[str], environ: Mapping[str, str]) -> Iterator[Companion]:
    """A gateway for a block.

    Arguments:
      flags: further options of `rotom serve`.

    Raises:
      Problem: it does not start.
    """
    number, name = tempfile.mkstemp(prefix="rotom-launch-", suffix=".log")
    key = secrets.token_urlsafe(24)
    command = [sys.executable, "-P", "-m", "rotom.cli.companion", "--bind", "127.0.0.1:0", "--grace", GRACE, *flags]
    with os.fdopen(number, "wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**environ, "ROTOM_API_KEY": key, "PYTHONPATH": _path()},
            start_new_session=True,
        )
    started = Companion(process, key, Path(name))
    try:
        started.wait_ready()
        yield started
    finally:
        lasted = started.ended() is None
        started.stop()
        if lasted:
            started.forget_log()


def _path() -> str:
    """Where this program finds its packages, for one that is to find the same, and none in the working folder: people start
    clients in folders full of code."""
    with suppress(OSError):
        here = os.getcwd()
        places = [place for place in sys.path if place not in ("", here)]
        return os.pathsep.join([*places, str(Path(__file__).parents[2])])
    return os.pathsep.join(place for place in sys.path if place)


@contextmanager
def _told(config: Config, addresses: Iterable[str]) -> Iterator[None]:
    """Tell the starter where it listens."""
    os.write(1, f"http://{next(iter(addresses))}\n".encode())
    yield


def _end_with_starter() -> None:
    """Wait until nobody holds the other end of standard input, and stop."""
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    signal.raise_signal(signal.SIGTERM)


def _serve() -> int:
    threading.Thread(target=_end_with_starter, daemon=True).start()
    from rotom.cli import serve, usage
    from rotom.config import load
    from rotom.serve import serve as run

    given = usage.parse(serve.__doc__ or "", ["serve", *sys.argv[1:]])
    return run(load(given, os.environ), bool(given["--demo"]), _told)


if __name__ == "__main__":
    from rotom.cli import guarded, leave

    os.umask(0o077)
    leave(guarded(_serve))
