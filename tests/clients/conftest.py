"""Real clients against a real ``rotom serve``: processes, sockets, nothing in between.

There are two sorts of rotom to drive. `demo` is ``rotom serve --demo``, as a person tries it. `watched` is ``rotom serve``
with a login to a simulator that runs in a thread of this process, so that a test can script what the provider does and
look at what reached it. Both log as JSON, so that a test can count the requests that a client made.

Programs and packages for node are installed by ``.ci/clients``, those for Python are the extra ``clients``. Where they are
missing these tests are skipped and say why; with ROTOM_TEST_CLIENTS=required, as in CI, missing is failing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from rotom.accounts import provider_of
from rotom.config import load
from rotom.providers.registry import all_providers
from rotom.simulator import RESPONSES, Ask, Received, Script, Simulator, serve
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import Play
from rotom.simulator.siwc import QUESTIONS as SIWC
from rotom.simulator.xai import BASES
from rotom.sse import Json, dumps
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

ROOT = Path(__file__).parents[2]
REQUIRED = os.environ.get("ROTOM_TEST_CLIENTS") == "required"
LIBRARIES = ("agents", "langchain_openai", "llm")

if REQUIRED and (absent := [name for name in LIBRARIES if importlib.util.find_spec(name) is None]):
    raise pytest.UsageError(f"not installed: {', '.join(absent)}; pip install -e '.[test,clients]'")


class Backend:
    """The simulator in a thread of its own."""

    def __init__(self) -> None:
        self.simulator = Simulator(pace=0, keep=256)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), name="simulator")

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, self.simulator)
            self._token, self._scope = trio.lowlevel.current_trio_token(), nursery.cancel_scope
            self._ready.set()
            await trio.sleep_forever()

    def __enter__(self) -> Backend:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *exc: object) -> None:
        self._here(self._scope.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _here(self, function: Callable[[], Any]) -> Any:
        return trio.from_thread.run_sync(function, trio_token=self._token)

    def reset(self) -> None:
        """Forget what came, and what was scripted and not played."""
        self._here(self.simulator.requests.clear)
        self._here(self.simulator._scripts.clear)

    def script(self, *what: Script) -> None:
        """Queue what the next questions get."""
        self._here(partial(self.simulator.script, *what))

    def questions(self) -> list[Received]:
        """What reached the model so far."""
        found: list[Received] = self._here(self.simulator.questions)
        return found

    def bodies(self) -> list[Json]:
        """The questions themselves."""
        return [received.body or {} for received in self.questions()]

    def until(self, holds: Callable[[], Any], seconds: float = 20) -> Any:
        """Wait until something holds; what it gave."""
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < end, f"not within {seconds} seconds"
            time.sleep(0.02)
        return found

    @staticmethod
    def calls(*wanted: tuple[str, Json]) -> Script:
        """An answer that is nothing but calls of these tools; a name may be the beginning of one."""

        def calling(ask: Ask) -> Play:
            known = [str(tool.get("name")) for tool in ask.body.get("tools") or []]
            yield from ask.pen.opening()
            for start, arguments in wanted:
                (name,) = [name for name in known if name == start] or [
                    name for name in known if name.startswith(start)
                ]
                yield from ask.pen.call(name, dumps(arguments).decode())
            yield ask.complete()

        return calling

    def asked(self, provider: str) -> list[Json]:
        """The questions that the models of a provider got."""
        path = {"openai": RESPONSES, "chatgpt": SIWC, "grok": f"{BASES['api']}/responses"}[provider]
        return [one.body or {} for one in self._here(lambda: [*self.simulator.requests]) if one.path == path]

    def renewals(self) -> int:
        """How often an issuer was asked for a token."""
        return sum(one.path.endswith("/token") for one in self._here(lambda: [*self.simulator.requests]))

    def log_in(self, environ: dict[str, str], login: str = "openai", account: Account | None = None) -> None:
        """Log in by that name, through the real code path, as the simulator's account there, or as another of OpenAI's."""
        usual = self.simulator.issuer_state.account
        self.simulator.issuer_state.account = account or usual
        config = load({}, environ).config
        provider = all_providers(config)[provider_of(login)]
        redirect = f"http://127.0.0.1:{provider.callback_ports[0]}{provider.callback_path}"

        async def person(step: Any) -> str:
            return self.simulator.consent(step.url)

        async def dialogue() -> Any:
            async with make_client(config, environ) as client:
                return await play(client, provider.login(redirect), person=person)

        open_vault(config, environ).save(login, trio.run(dialogue))
        self.simulator.issuer_state.account = usual


@dataclass(frozen=True)
class Served:
    """A rotom that runs."""

    base: str
    log: Path

    def lines(self, since: int = 0) -> list[Json]:
        """The log behind that many characters."""
        return [json.loads(line) for line in self.log.read_text()[since:].splitlines()]

    def asked(self, since: int = 0, path: str = "/v1/messages") -> list[Json]:
        """The exchanges with the Messages API, or at another path, that are over."""
        for _ in range(2):  # a client may be gone before its line is written; the loop that writes it is this one's too
            httpx.get(f"{self.base}/health", trust_env=False).raise_for_status()
        return [line for line in self.lines(since) if line.get("path") == path]


@contextmanager
def serving(log: Path, *flags: str, **environ: str) -> Iterator[Served]:
    """``rotom serve`` on a port of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
    command = [sys.executable, "-m", "rotom", "serve", *flags, "--bind", "127.0.0.1:0", "--grace", "1"]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env={**inherited, "ROTOM_LOG_FORMAT": "json", **environ})
    try:
        served, until = Served("", log), time.monotonic() + 30
        while not (found := [line for line in served.lines() if line["message"] == "listening"]):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield Served(found[0]["addresses"][0], log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, log.read_text()
    assert "bug" not in log.read_text()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``rotom serve --demo``."""
    with serving(tmp_path_factory.mktemp("demo") / "serve.log", "--demo") as served:
        yield served


@dataclass(frozen=True)
class Claude:
    """Claude Code in a home and a working folder of its own; `backend` is what it reaches through rotom, if it can be
    looked at."""

    program: str
    served: Served
    folder: Path
    backend: Backend = field(repr=False)
    since: int

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Start it."""
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
        return subprocess.Popen(
            [self.program, *words],
            cwd=work,
            env={**base, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, timeout: float = 90, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.start(*words, **environ) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    @property
    def work(self) -> Path:
        (self.folder / "work").mkdir(exist_ok=True)
        return self.folder / "work"

    def asked(self) -> list[Json]:
        """The requests that it made, as rotom logged them."""
        return self.served.asked(self.since)

    def outputs(self) -> list[Any]:
        """The results of tools in the last question that reached the model."""
        items = self.backend.bodies()[-1]["input"]
        return [item["output"] for item in items if item.get("type") == "function_call_output"]


@pytest.fixture(scope="session")
def node_modules() -> Callable[[str, str], Path]:
    """The path of something in node_modules: ``node_modules("Claude Code", ".bin/claude")``. Without it, or without node,
    the test is skipped."""

    def find(title: str, path: str) -> Path:
        found = ROOT / "node_modules" / path
        if not found.exists() or not shutil.which("node"):
            reason = f"{title} is not installed: run .ci/clients (it needs npm)"
            if REQUIRED:
                pytest.fail(reason)
            pytest.skip(reason)
        return found

    return find


@pytest.fixture(scope="session")
def program(node_modules: Callable[[str, str], Path]) -> str:
    """The real Claude Code."""
    return str(node_modules("Claude Code", ".bin/claude"))


@pytest.fixture
def claude(program: str, demo: Served, tmp_path: Path) -> Claude:
    """Claude Code on the demonstration."""
    return Claude(program, demo, tmp_path, Backend(), len(demo.log.read_text()))


@pytest.fixture(scope="session")
def backends() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend
    assert backend.simulator.bugs == []


@pytest.fixture
def backend(backends: Backend) -> Backend:
    """The simulator, with nothing scripted and nothing received."""
    backends.reset()
    return backends


def _environ(backend: Backend, home: Path) -> dict[str, str]:
    return {
        "ROTOM_HOME": str(home),
        "ROTOM_OPENAI_BASE_URL": backend.simulator.base_url,
        "ROTOM_OPENAI_ISSUER": backend.simulator.issuer,
    }


@pytest.fixture(scope="session")
def gateway(backends: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``rotom serve`` with a login to the simulator."""
    folder = tmp_path_factory.mktemp("gateway")
    environ = _environ(backends, folder / "home")
    backends.log_in(environ)
    with serving(folder / "serve.log", **environ) as served:
        yield served


@pytest.fixture
def watched(program: str, gateway: Served, backend: Backend, tmp_path: Path) -> Claude:
    """Claude Code on a rotom whose provider a test can see."""
    return Claude(program, gateway, tmp_path, backend, len(gateway.log.read_text()))


@pytest.fixture(scope="session")
def everywhere(backends: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``rotom serve`` with a login to each provider that is played."""
    folder = tmp_path_factory.mktemp("everywhere")
    environ = {"ROTOM_HOME": str(folder / "home"), **backends.simulator.environment()}
    for name in backends.simulator.plays:
        backends.log_in(environ, name)
    with serving(folder / "serve.log", **environ) as served:
        yield served


@pytest.fixture
def everything(program: str, everywhere: Served, backend: Backend, tmp_path: Path) -> Claude:
    """Claude Code on a rotom with every provider, all of which a test can see."""
    return Claude(program, everywhere, tmp_path, backend, len(everywhere.log.read_text()))


@pytest.fixture
def serve_watched(backend: Backend, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A rotom of its own for a test, with settings: ``serve_watched(idle_timeout="20")``; with ``login=False`` nobody is
    logged in."""
    with ExitStack() as stack:

        def make(*, login: bool = True, **settings: str) -> Served:
            environ = _environ(backend, tmp_path / "rotom")
            if login:
                backend.log_in(environ)
            environ |= {f"ROTOM_{name.upper()}": value for name, value in settings.items()}
            return stack.enter_context(serving(tmp_path / "serve.log", **environ))

        yield make


@pytest.fixture
def watch(
    program: str, backend: Backend, tmp_path: Path, serve_watched: Callable[..., Served]
) -> Callable[..., Claude]:
    """Claude Code on a rotom with settings of its own."""

    def make(**options: Any) -> Claude:
        served = serve_watched(**options)
        return Claude(program, served, tmp_path, backend, len(served.log.read_text()))

    return make
