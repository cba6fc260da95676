"""`rotom serve` as a process: what it says, which signals it obeys, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import rotom

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Starts Python with a socket as its first inherited one, as systemd does."""

ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|\[::1\]):\d+")


class Process:
    """A rotom that serves."""

    def __init__(self, folder: Path, *words: str, held: socket.socket | None = None, **environ: str) -> None:
        before = [] if held is None else ["-c", HAND_OVER, str(held.fileno())]
        base = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
        self.home = folder / "home"
        self._log = folder / "log"
        with self._log.open("w") as stderr:
            self.popen = subprocess.Popen(
                [sys.executable, *before, "-m", "rotom", "serve", "--bind", "127.0.0.1:0", *words],
                pass_fds=() if held is None else (held.fileno(),),
                env=base | {"ROTOM_HOME": str(self.home)} | environ,
                stderr=stderr,
            )
        self.base = ADDRESS.search(self.until("listening"))[0]  # type: ignore[index]

    @property
    def log(self) -> str:
        return self._log.read_text()

    def until(self, words: str) -> str:
        """Wait until the log says this; the whole log."""
        end = time.monotonic() + 20
        while words not in (log := self.log):
            assert self.popen.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.02)
        return log

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self, seconds: float = 10) -> int:
        return self.popen.wait(seconds)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts one; it is gone at the end of the test, whatever happens."""
    with contextlib.ExitStack() as stack:

        def begin(*words: str, **more: Any) -> Process:
            process = Process(tmp_path, *words, **more)
            stack.callback(process.popen.wait)
            stack.callback(process.popen.kill)
            return process

        yield begin


def stream(base: str, count: int, seen: list[str]) -> threading.Thread:
    """Read a demonstration's long answer in a thread, line by line; its end is noted as END or BROKEN."""
    body = {
        "model": "gpt-5.5",
        "max_tokens": 9,
        "stream": True,
        "messages": [{"role": "user", "content": f"demo:long rate=20 count={count}"}],
    }

    def read() -> None:
        try:
            with httpx.stream("POST", f"{base}/v1/messages", json=body, trust_env=False, timeout=30) as response:
                for line in response.iter_lines():
                    seen.append(line)  # noqa: PERF402 - read by the test while it grows
            seen.append("END")
        except httpx.TransportError:
            seen.append("BROKEN")

    thread = threading.Thread(target=read)
    thread.start()
    end = time.monotonic() + 10
    while not any("text_delta" in line for line in seen):
        assert time.monotonic() < end, seen
        time.sleep(0.01)
    return thread


def test_one_line_that_tells_the_port_chosen(start: Callable[..., Process]) -> None:
    process = start()
    lines = process.log.splitlines()
    assert "notice listening" in lines[0]
    assert "no provider is logged in" in lines[1]
    assert httpx.get(f"{process.base}/health", trust_env=False).json() == {"status": "ok"}
    process.signal(signal.SIGTERM)
    assert process.end() == 0
    assert process.log.splitlines()[-1].endswith("stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_answer_is_finished(start: Callable[..., Process], number: int) -> None:
    process, seen = start("--demo"), list[str]()
    thread = stream(process.base, 40, seen)
    process.signal(number)
    process.until("stopping")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{process.base}/health", trust_env=False)
    thread.join(15)
    assert seen[-1] == "END"
    assert any("message_stop" in line for line in seen)
    assert process.end() == 0


def test_the_grace_ends(start: Callable[..., Process]) -> None:
    process, seen = start("--demo", "--grace", "0.5"), list[str]()
    thread = stream(process.base, 4000, seen)
    process.signal(signal.SIGTERM)
    assert process.end(5) == 0
    thread.join(5)
    assert seen[-1] == "BROKEN"


def test_a_second_signal_ends_at_once(start: Callable[..., Process]) -> None:
    process, seen = start("--demo"), list[str]()
    thread = stream(process.base, 4000, seen)
    process.signal(signal.SIGTERM)
    process.until("stopping")
    process.signal(signal.SIGTERM)
    assert process.end(5) == 0
    thread.join(5)
    assert seen[-1] == "BROKEN"


def test_an_idle_connection_does_not_delay_the_end(start: Callable[..., Process]) -> None:
    process = start()
    with httpx.Client(trust_env=False) as client:
        client.get(f"{process.base}/health")
        process.signal(signal.SIGTERM)
        assert process.end(3) == 0


def test_sighup_reads_the_configuration_again(start: Callable[..., Process]) -> None:
    process = start()
    file = process.home / "config.json"
    process.home.mkdir(exist_ok=True)

    def reload(settings: dict[str, Any], says: str) -> None:
        seen = process.log.count(says)
        file.write_text(json.dumps({"version": 1} | settings))
        file.chmod(0o600)
        process.signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while process.log.count(says) == seen:
            assert time.monotonic() < end, process.log
            time.sleep(0.02)

    def status(**headers: str) -> int:
        return httpx.get(f"{process.base}/v1/models", headers=headers, trust_env=False).status_code

    assert status() == 200
    reload({"api_key": "a-brand-new-local-key"}, "reloaded")
    assert status() == 401
    assert status(authorization="Bearer a-brand-new-local-key") == 200
    reload({"no_such_setting": 1}, "the old one stays")
    assert status() == 401
    assert status(authorization="Bearer a-brand-new-local-key") == 200
    assert "a-brand-new-local-key" not in process.log


class Manager:
    """What a service manager hears."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(10)
        self.heard = list[str]()

    def until(self, word: str) -> str:
        """Read until this is said; the datagram that says it."""
        while True:
            self.heard.append(self.socket.recv(4096).decode())
            if word in self.heard[-1]:
                return self.heard[-1]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(tmp_path / "notify")
    yield one
    one.socket.close()


def test_the_service_manager_hears_how_it_goes(start: Callable[..., Process], manager: Manager) -> None:
    process = start("--demo", NOTIFY_SOCKET=str(manager.socket.getsockname()), WATCHDOG_USEC="200000")
    assert "\n" not in manager.until("READY=1")
    httpx.get(f"{process.base}/health", trust_env=False)
    status = manager.until("STATUS=").split("STATUS=")[1]
    while "1 requests answered" not in status:
        status = manager.until("STATUS=").split("STATUS=")[1]
    assert re.search(r"^\d+ accounts; 1 requests answered; on 127\.0\.0\.1:\d+$", status)
    process.signal(signal.SIGHUP)
    manager.until("RELOADING=1\nMONOTONIC_USEC=")
    manager.until("READY=1")
    seen = list[str]()
    thread = stream(process.base, 20, seen)
    process.signal(signal.SIGTERM)
    manager.until("STOPPING=1")
    manager.until("WATCHDOG=1")  # it is alive while it lets an answer end
    thread.join(15)
    assert seen[-1] == "END"
    assert process.end() == 0


def test_a_loop_that_is_stuck_gives_no_sign(start: Callable[..., Process], manager: Manager) -> None:
    process = start(NOTIFY_SOCKET=str(manager.socket.getsockname()), WATCHDOG_USEC="200000")
    manager.until("WATCHDOG=1")
    process.signal(signal.SIGSTOP)
    manager.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        manager.until("never")
    process.signal(signal.SIGCONT)
    manager.socket.settimeout(10)
    manager.until("WATCHDOG=1")


def test_a_socket_that_the_manager_holds_outlives_us(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        base = f"http://127.0.0.1:{held.getsockname()[1]}"
        first, seen = start("--demo", held=held), list[str]()
        assert first.base == base, "not the one of --bind"
        assert "has no effect: the service manager holds the sockets" in first.log
        thread = stream(base, 20, seen)
        first.signal(signal.SIGTERM)
        first.until("stopping")
        with httpx.Client(trust_env=False, timeout=20) as client:
            answers = list[int]()
            waiting = threading.Thread(target=lambda: answers.append(client.get(f"{base}/health").status_code))
            waiting.start()  # nobody accepts it now, and nobody refuses it
            thread.join(15)
            assert (seen[-1], first.end()) == ("END", 0)
            start("--demo", held=held)
            waiting.join(15)
            assert answers == [200]


def test_it_ends_when_idle_and_somebody_can_start_it_again(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        process, seen = start("--demo", "--idle-exit", "0.5", held=held), list[str]()
        thread = stream(process.base, 30, seen)  # longer than that
        thread.join(15)
        assert seen[-1] == "END"
        assert process.end() == 0
        assert "no client for 0.5 s" in process.log


def test_who_holds_the_sockets_itself_does_not_end(start: Callable[..., Process]) -> None:
    process = start("--idle-exit", "0.1")
    process.until("idle_exit has no effect")
    time.sleep(0.5)
    assert process.popen.poll() is None


def test_a_handed_over_socket_for_everybody_needs_a_key(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as held:  # a port of the system's choice, refused before it is served
        done = subprocess.run(
            [sys.executable, "-c", HAND_OVER, str(held.fileno()), "-m", "rotom", "serve"],
            pass_fds=(held.fileno(),),
            env=os.environ | {"ROTOM_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 78
    assert "at least 16 characters" in done.stderr


def test_files_that_an_upgrade_replaced_are_told_of_and_never_mixed(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    """What was in use goes on; what was not says what to do, in the client's own form."""
    copy = tmp_path / "site" / "rotom"
    shutil.copytree(Path(rotom.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    # The real service, not the demonstration, whose simulator has loaded most of it.
    process = start(PYTHONPATH=str(copy.parent), PYTHONSAFEPATH="1")
    hello = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}

    def ask(path: str) -> tuple[int, Any]:
        answer = httpx.post(f"{process.base}{path}", json=hello, trust_env=False)
        return answer.status_code, answer.json()

    assert ask("/v1/messages")[0] == 401
    for path in copy.rglob("*.py"):
        path.write_text("raise SystemExit('another version')\n")
    (copy / "__init__.py").write_text('__version__ = "99.0"\n')
    assert ask("/v1/messages")[0] == 401  # this was in use
    for path in ("/v1/chat/completions", "/v1/responses/input_tokens", "/v1/images/generations", "/v1/files"):
        status, said = ask(path)
        assert (status, said["error"]["code"]) == (503, "upgraded"), (path, said)
        assert "rotom daemon restart" in said["error"]["message"]
    assert httpx.get(f"{process.base}/health", trust_env=False).status_code == 200
    shutil.rmtree(copy)
    status, said = ask("/v1/chat/completions")
    assert (status, "its files are gone" in said["error"]["message"]) == (503, True)
    process.signal(signal.SIGTERM)
    assert process.end() == 0
    assert "internal error" not in process.log


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 75)], ids=["socket", "no socket"])
def test_a_service_makes_way_for_the_version_that_it_was_upgraded_to(
    start: Callable[..., Process], tmp_path: Path, manager: Manager, holds: bool, status: int
) -> None:
    """systemd starts the next one for the next client where it holds the socket, and else because of the status."""
    copy = tmp_path / "site" / "rotom"
    shutil.copytree(Path(rotom.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    hello = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}
    with socket.create_server(("127.0.0.1", 0)) as held:
        process = start(
            held=held if holds else None,
            PYTHONPATH=str(copy.parent),
            PYTHONSAFEPATH="1",
            NOTIFY_SOCKET=manager.socket.getsockname(),
        )
        manager.until("READY=1")
        (copy / "__init__.py").write_text('__version__ = "99.0"\n')
        answer = httpx.post(f"{process.base}/v1/chat/completions", json=hello, trust_env=False)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
        assert answer.json()["error"]["code"] == "upgraded"
        assert answer.headers["connection"] == "close", "the next request on it would be reset"
        manager.until("STOPPING=1")
        assert process.end() == status
    assert "the service manager starts the new version" in process.log


def test_a_second_one_says_that_the_first_one_runs(start: Callable[..., Process], tmp_path: Path) -> None:
    process = start()
    address = process.base.removeprefix("http://")
    done = subprocess.run(
        [sys.executable, "-m", "rotom", "serve", "--bind", address],
        env=os.environ | {"ROTOM_HOME": str(process.home)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 69
    assert done.stderr == (
        f"rotom: rotom serves on {address} already, as process {process.popen.pid}\n       rotom status\n"
    )


def test_the_demonstration_keeps_nothing_and_touches_no_home(start: Callable[..., Process]) -> None:
    process = start("--demo", TMPDIR=str(Path(os.environ.get("TMPDIR", "/tmp"))))
    assert httpx.get(f"{process.base}/v1/status", trust_env=False).json()["logged_in"] is True
    process.signal(signal.SIGTERM)
    assert process.end() == 0
    assert not process.home.exists()


def test_the_demonstration_may_be_of_one_provider(start: Callable[..., Process]) -> None:
    process = start("--demo", "--provider", "grok")
    assert "providers=grok " in process.log
    listed = httpx.get(f"{process.base}/v1/models", trust_env=False).json()["data"]
    assert {model["owned_by"] for model in listed} == {"grok"}
    body = {"model": "gpt-5.5", "input": "hi"}
    assert httpx.post(f"{process.base}/v1/responses", json=body, trust_env=False).status_code == 404


def test_on_a_terminal_there_is_something_to_paste(tmp_path: Path) -> None:
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
    environ |= {"ROTOM_HOME": str(tmp_path), "ROTOM_API_KEY": "a-key-that-is-secret"}
    process = subprocess.Popen(
        [sys.executable, "-m", "rotom", "serve", "--demo", "--bind", "127.0.0.1:0"], stderr=theirs, env=environ
    )
    os.close(theirs)
    text = ""
    while "\n  claude" not in text.replace("\r", ""):
        text += os.read(ours, 65536).decode()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    os.close(ours)
    assert re.search(r"export ANTHROPIC_BASE_URL=http://127\.0\.0\.1:\d+", text)
    assert 'export ANTHROPIC_AUTH_TOKEN="$ROTOM_API_KEY"' in text
    assert "export ANTHROPIC_MODEL=gpt-5.5" in text
    assert "export CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000" in text
    assert "DEMONSTRATION" in text
    assert "a-key-that-is-secret" not in text


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--bind", "0.0.0.0:0"], 78, "at least 16 characters"),
        (["--bind", "0.0.0.0:0", "--api-key", "short"], 78, "at least 16 characters"),
        (["--bind", "10.255.255.0/24:0"], 78, "no address in that range"),
        (["--bind", "nonsense:port"], 78, "port"),
        (["--bind", "127.0.0.1:0", "--provider", "nobody"], 78, "nobody"),
        (["--bind", "127.0.0.1:0", "--provider", "nobody", "--demo"], 78, "nobody"),
        (["--nonsense"], 64, "--nonsense"),
    ],
)
def test_what_cannot_be_served_is_told(tmp_path: Path, words: list[str], status: int, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rotom", "serve", *words],
        env=os.environ | {"ROTOM_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
