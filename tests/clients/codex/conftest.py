"""The real Codex CLI in its three ways to a rotom, each in a home and a working folder of its own.

`http` and `websocket` are a provider of the person's own, as the README has it; `builtin` is the CLI's own provider
``openai`` with an API key and another base URL. The program is run with nothing of this process's environment.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
VERSION = "0.169.0"
WAYS = ("http", "websocket", "builtin")

OWN = """\
model = "gpt-5.5"
model_provider = "rotom"
check_for_update_on_startup = false
{more}
[model_providers.rotom]
name = "rotom"
base_url = "{base}/v1"
env_key = "ROTOM_API_KEY"
wire_api = "responses"
supports_websockets = {sockets}
"""
BUILTIN = """\
model = "gpt-5.5"
openai_base_url = "{base}/v1"
check_for_update_on_startup = false
{more}
"""


@dataclass(frozen=True)
class Run:
    """What became of a run of ``codex exec --json``."""

    status: int
    events: list[dict[str, Any]]
    errors: str
    seconds: float

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The completed items of a type."""
        return [
            event["item"]
            for event in self.events
            if event["type"] == "item.completed" and event["item"]["type"] == kind
        ]

    @property
    def text(self) -> str:
        """What the model said last."""
        return str(self.items("agent_message")[-1]["text"])

    @property
    def usage(self) -> dict[str, int]:
        (usage,) = [event["usage"] for event in self.events if event["type"] == "turn.completed"]
        return usage

    @property
    def told(self) -> str:
        """The errors that the person is shown."""
        lines = [event.get("message") or event.get("error", {}).get("message", "") for event in self.events]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class Codex:
    """Codex CLI on a rotom. `backend` is what it reaches through it, if that can be looked at."""

    program: str
    way: str
    served: Any
    folder: Path
    backend: Any = field(repr=False)
    since: int

    @property
    def work(self) -> Path:
        (self.folder / "work").mkdir(exist_ok=True)
        return self.folder / "work"

    @property
    def home(self) -> Path:
        return self.folder / "codex"

    def configure(self, more: str = "") -> None:
        """Write config.toml, with `more` at its top level, and log in where that is the way."""
        self.home.mkdir(exist_ok=True)
        form = BUILTIN if self.way == "builtin" else OWN
        text = form.format(base=self.served.base, more=more, sockets=str(self.way == "websocket").lower())
        (self.home / "config.toml").write_text(text)
        if self.way == "builtin":
            login = [self.program, "login", "--with-api-key"]
            subprocess.run(login, env=self._environ(), input="rotom\n", text=True, check=True, capture_output=True)

    def _environ(self) -> dict[str, str]:
        (self.folder / "home").mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "CODEX_HOME": str(self.home),
            "ROTOM_API_KEY": "rotom",
            "SHELL": "/bin/sh",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``codex exec``."""
        if not (self.home / "config.toml").exists():
            self.configure()
        flags = ("--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
        head = ("resume", "--last") if words[0] == "resume" else ()
        return subprocess.Popen(
            [self.program, "exec", *head, *flags, *words[bool(head) :]],
            cwd=self.work,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # the program is a child of a script: `kill` means both
        )

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """End it at once, and what it has started."""
        os.killpg(process.pid, signal.SIGKILL)

    def __call__(self, *words: str, timeout: float = 90) -> Run:
        """Run it to its end. ``codex("resume", ...)`` goes on from the last run."""
        began = time.monotonic()
        with self.start(*words) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                self.kill(process)
                raise
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return Run(process.returncode, events, err, time.monotonic() - began)

    def asked(self) -> list[dict[str, Any]]:
        """The answers that rotom logged, those on sockets as well; not the sockets themselves."""
        return [line for line in self.served.asked(self.since, "/v1/responses") if line["method"] != "GET"]

    def sockets(self) -> list[dict[str, Any]]:
        """The handshakes and sockets that rotom logged."""
        return [line for line in self.served.asked(self.since, "/v1/responses") if line["method"] == "GET"]

    def session(self) -> list[dict[str, Any]]:
        """What the CLI wrote down of its session: the newest of its rollout files."""
        files = sorted(self.home.glob("sessions/**/rollout-*.jsonl"), key=lambda path: path.stat().st_mtime)
        return [json.loads(line) for line in files[-1].read_text().splitlines()]


@pytest.fixture(scope="session")
def codex_program(node_modules: Callable[[str, str], Path]) -> str:
    """The real Codex CLI."""
    path = node_modules("the Codex CLI", ".bin/codex")
    found = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    assert re.search(rf"\b{re.escape(VERSION)}\b", found), found
    return str(path)


@pytest.fixture(params=WAYS)
def codex(request: pytest.FixtureRequest, codex_program: str, gateway: Any, backend: Any, tmp_path: Path) -> Codex:
    """Codex CLI, in each of its ways, on a rotom whose provider a test can see."""
    return Codex(codex_program, request.param, gateway, tmp_path, backend, len(gateway.log.read_text()))


@pytest.fixture
def codex_on(codex_program: str, backend: Any, tmp_path: Path) -> Callable[..., Codex]:
    """Codex CLI in one way on a rotom of one's own: ``codex_on("websocket", serve_watched(websocket="no"))``."""

    def make(way: str, served: Any) -> Codex:
        return Codex(codex_program, way, served, tmp_path, backend, len(served.log.read_text()))

    return make
