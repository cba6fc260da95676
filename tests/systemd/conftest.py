"""A person with a real systemd of their own (private.sh), whose providers are a simulator in this process.

Where that cannot be made, for want of root, of cgroups or of Debian's packages, the tests are skipped with the reason; with
ROTOM_TEST_SYSTEMD=required, as in CI, they fail.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from beside import simulator_beside
from systemd_surroundings import PROGRAM, free_port, missing, surroundings

from rotom.simulator import Simulator

HERE = Path(__file__).parent
UID = 1000
HOME = Path("/home/person")


class Machine:
    """A private systemd, and the person whose it is."""

    def __init__(self, folder: Path) -> None:
        around = surroundings(folder)
        self._python = around["PYTHON"]
        environ = {**os.environ, **around}
        words = [str(HERE / "private.sh"), "--uid", str(UID), "--", "sh", "-c", "readlink /proc/self/ns/pid; cat"]
        self._popen = subprocess.Popen(
            words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._popen.stdout is not None
        space = self._popen.stdout.readline().strip()
        if not space:
            said = self._popen.communicate()[1]
            missing(f"{said.strip() or 'no private systemd'} (status {self._popen.returncode})")
        self._pid = _first_in(space)
        self.root = Path(f"/proc/{self._pid}/root")

    def end(self) -> None:
        """Let go of it; its namespaces end with it."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(30)
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()

    def command(self, *words: str) -> list[str]:
        """A command of the person's, as one of this machine."""
        enter = ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--cgroup", "--"]
        return [*enter, "/run/as-person", "sh", "-c", 'cd; exec "$@"', "-", *words]

    def path(self, path: Path | str) -> Path:
        """A file of the person's, as one of this machine."""
        return self.root / str(path).lstrip("/")

    def write(self, path: Path | str, text: str, mode: int = 0o644) -> None:
        """Make a file of the person's."""
        script = f'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod {mode:o} "$1"'
        subprocess.run(self.command("sh", "-c", script, "-", str(path)), input=text, text=True, check=True)

    def clear(self) -> None:
        """Take everything of the person's away, and give them a rotom."""
        stop = "systemctl --user stop rotom.socket rotom.service"
        again = "systemctl --user daemon-reload; systemctl --user reset-failed"
        script = f"{stop}; rm -rf ~/.[a-z]* ~/*; {again}"
        subprocess.run(self.command("sh", "-c", script), check=False, capture_output=True)
        for unit in self.path("/run/systemd/user").glob("rotom*"):
            unit.unlink()
        self.write(HOME / ".local/bin/rotom", PROGRAM.format(python=self._python), 0o755)


def _first_in(space: str) -> int:
    """The first process of a PID namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns/pid") == space:
                    found.append(int(entry.name))
            except OSError:
                continue
    return min(found)


class Person:
    """Somebody with a rotom of their own and a clean account."""

    def __init__(self, machine: Machine, simulated: Simulator) -> None:
        self.machine = machine
        self.simulated = simulated
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.base, trust_env=False, timeout=30)

    def runs(self, *words: str, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        variables = [f"{name}={value}" for name, value in environ.items()]
        command = self.machine.command("env", *variables, *words)
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=50, check=False)

    def rotom(self, *words: str, given: str = "", code: int = 0, **environ: str) -> str:
        """Run rotom and see how it ends; what it printed."""
        done = self.runs("rotom", *words, given=given, **environ)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"rotom {shlex.join(words)}: {done.returncode}\n{said}\n{self.journal()}"
        return said

    def install(self, *words: str, **more: Any) -> str:
        """Install the service at a free port."""
        return self.rotom("daemon", "install", "--bind", f"127.0.0.1:{self.port}", *words, **more)

    def status(self, code: int = 0) -> dict[str, Any]:
        """What `rotom daemon status` tells."""
        found: dict[str, Any] = json.loads(self.rotom("daemon", "status", "--json", code=code))
        return found

    def systemctl(self, *words: str) -> str:
        """What systemctl prints."""
        return self.runs("systemctl", "--user", *words).stdout

    def journal(self, *words: str) -> str:
        """The service's lines in the journal."""
        return self.runs("journalctl", "-q", "--user", "-u", "rotom.service", *words).stdout

    def log_in(self) -> None:
        """Log in at a terminal, by pasting."""
        for name, value in self.simulated.environment().items():
            self.rotom("config", "set", name.removeprefix("ROTOM_").lower(), value)
        ours, theirs = os.openpty()
        command = self.machine.command("rotom", "login", "--no-browser", "--provider", "openai")
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
            os.close(theirs)
            shown = ""
            while not (match := re.search(r"(http://\S+/oauth/authorize\?\S+)\r?\n", shown)):
                assert select.select([ours], [], [], 20)[0], shown
                shown += os.read(ours, 65536).decode()
            os.write(ours, f"{self.simulated.consent(match[1])}\n".encode())
            reader = threading.Thread(target=_drain, args=(ours,))
            reader.start()
            assert process.wait(20) == 0
            reader.join(10)
        os.close(ours)

    def ask(self, text: str, http: httpx.Client | None = None) -> httpx.Response:
        """One question; on a connection of its own, where a client for that is given."""
        if http is None:
            return self.http.post("/v1/messages", json=_question(text))
        with http:
            return http.post("/v1/messages", json=_question(text))

    def stream(self, text: str) -> Any:
        """One question, answered as a stream."""
        return self.http.stream("POST", "/v1/messages", json=_question(text) | {"stream": True})

    def until(self, what: Callable[[], Any], seconds: float = 20) -> Any:
        """Wait until something is so; what it is."""
        end = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < end, self.systemctl("status", "rotom.service") + self.journal("-n", "20")
            time.sleep(0.1)
        return found

    def until_it_runs_again(self, restarts: int = 1) -> None:
        """Wait until systemd has started it again by itself, so often."""
        words = ("show", "rotom.service", "-p", "NRestarts,ActiveState")
        wanted = {f"NRestarts={restarts}", "ActiveState=active"}
        self.until(lambda: set(self.systemctl(*words).split()) == wanted)

    def listed(self) -> set[str]:
        """Every file and folder in the person's home."""
        return set(self.runs("find", str(HOME)).stdout.split())


def _question(text: str) -> dict[str, Any]:
    return {"model": "gpt-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # the other side is closed


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    one = Machine(tmp_path_factory.mktemp("machine"))
    yield one
    one.end()


@pytest.fixture
def simulated() -> Iterator[Simulator]:
    with simulator_beside() as one:
        yield one


@pytest.fixture
def person(machine: Machine, simulated: Simulator) -> Iterator[Person]:
    machine.clear()
    one = Person(machine, simulated)
    yield one
    one.http.close()
    machine.clear()


@pytest.fixture
def served(person: Person) -> Person:
    """The service, installed and logged in."""
    person.log_in()
    person.install("--grace", "10")
    return person
