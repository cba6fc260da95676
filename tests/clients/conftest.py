"""Real clients against a real ``rotom serve --demo``: processes, sockets, nothing in between.

The programs are installed by ``.ci/clients``. Where they are missing these tests are skipped and say why; with
ROTOM_TEST_CLIENTS=required, as in CI, missing is failing.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    """A demonstration that is running."""

    base: str
    log: Path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``rotom serve --demo`` on a port of its own."""
    log = tmp_path_factory.mktemp("demo") / "serve.log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "rotom", "serve", "--demo", "--bind", "127.0.0.1:0", "--grace", "1"],
            stderr=stderr,
            env=environ,
        )
    try:
        until = time.monotonic() + 30
        while not (found := re.search(r"addresses=(http://127\.0\.0\.1:\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield Served(found[1], log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, log.read_text()
    assert "bug" not in log.read_text()


@dataclass(frozen=True)
class Claude:
    """Claude Code in a home and a working folder of its own."""

    program: str
    served: Served
    folder: Path

    def __call__(self, *words: str, timeout: float = 90, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        home, work = self.folder / "home", self.folder / "work"
        home.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": self.served.base,
            "ANTHROPIC_AUTH_TOKEN": "rotom",
            "ANTHROPIC_MODEL": "gpt-5.5",
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "272000",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "2",
        }
        return subprocess.run(
            [self.program, *words],
            cwd=work,
            env={**base, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def work(self) -> Path:
        return self.folder / "work"


@pytest.fixture
def claude(demo: Served, tmp_path: Path) -> Claude:
    """The real Claude Code."""
    program = ROOT / "node_modules/.bin/claude"
    if not program.exists() or not shutil.which("node"):
        reason = "Claude Code is not installed: run .ci/clients (it needs npm)"
        if os.environ.get("ROTOM_TEST_CLIENTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return Claude(str(program), demo, tmp_path)
