"""What a server holds while nobody asks it anything: it runs on people's machines all day."""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import trio

LINUX = sys.platform == "linux"

SERVE = """
import atexit, sys
from rotom.cli import main
atexit.register(lambda: print(*sys.modules))
sys.exit(main(["serve"]))
"""
LIBRARIES = """
import h11, httpx, logging, ssl, trio, docopt
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
AESGCM(bytes(32)).encrypt(bytes(12), b"x", b"")
try:
    print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:")))
except FileNotFoundError:
    print("0")
import sys
print(*sys.modules)
"""
"""What the libraries load; httpx also loads click and rich where they are installed, for a command of its own."""


HELD = {
    "batching": (),
    "cli": ("complaints", "serve", "usage"),
    "dialects": ("chat", "images", "messages", "responses"),
    "gateway": (),
    "providers": (
        *("registry", "loose", "openai", "openai_identity", "openai_models", "chatgpt", "custom_models"),
        *("grok", "grok_identity", "grok_models", "grok_origins"),
    ),
    "routes": ("guard", "health", "later"),
    "server": ("body", "connection", "drain", "exchange", "interfaces", "listen", "routing"),
    "state": ("database", "files", "keys", "sealed", "vault"),
    "upstream": ("client", "flows", "keeper", "logins", "models", "proxies", "transport"),
}
"""Package -> the modules of it that a server needs although nobody asks it anything. Modules beside the packages are left
to their importers. A new word here is memory on every machine for as long as it runs: see rotom/seldom.py."""

SELDOM = {
    "sqlite3",
    "trio_websocket",
    "wsproto",
    "uuid",
    "email.mime",
    "argparse",
    "asyncio",
    "rotom.status",
    "rotom.fold",
}

OURS = 5 << 10
"""The most KiB that a server with four logins takes beyond what the libraries do that it cannot do without."""


@pytest.fixture
async def idle(house: Any, tmp_path: Path) -> Any:
    """Serve from a home, once its lists are fetched: (the modules that were loaded, resident KiB)."""

    async def serve(home: Path, *wanted: str) -> tuple[set[str], int]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
        environ |= {"ROTOM_HOME": str(home), "ROTOM_BIND": "127.0.0.1:0", **house.simulator.environment()}
        run = partial(trio.run_process, [sys.executable, "-c", SERVE], env=environ, stdout=PIPE, stderr=PIPE)
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                process = await nursery.start(run)
                async with process.stdout, process.stderr:
                    said = b""
                    while b"listening" not in said:
                        said += await process.stderr.receive_some()
                        assert process.poll() is None, said.decode()
                    while not _listed(home).issuperset(wanted):
                        await trio.lowlevel.checkpoint()
                    size = _resident(f"/proc/{process.pid}/status") if LINUX else 0
                    process.send_signal(signal.SIGTERM)
                    loaded = b"".join([part async for part in process.stdout]).decode().split()
        assert "rotom.serve" in loaded
        return set(loaded), size

    return serve


def _listed(home: Path) -> set[str]:
    """The logins whose lists of models are fetched by now."""
    try:
        return set(json.loads((home / "models.json").read_bytes())["providers"])
    except FileNotFoundError:
        return set()


def _resident(status: str) -> int:
    """The KiB of a process that are in memory."""
    (line,) = (line for line in Path(status).read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


async def test_four_logins_hold_little(house: Any, idle: Any) -> None:
    for login in ("openai@work", "chatgpt", "grok"):
        await house.log_in(login)
    loaded, size = await idle(house.config.home, "openai", "chatgpt", "grok")
    for name in loaded:
        top, _, rest = name.partition(".")
        package, _, module = rest.partition(".")
        if top == "rotom" and package in HELD and module:
            assert module in HELD[package], f"{name} is loaded although nobody asks for anything"
    assert not any(name.startswith("rotom.simulator") for name in loaded)
    alone = await trio.run_process([sys.executable, "-c", LIBRARIES], capture_stdout=True)
    theirs, modules = alone.stdout.decode().splitlines()
    assert SELDOM & loaded - set(modules.split()) == set()
    if LINUX:
        assert size - int(theirs) < OURS


async def test_without_a_login_there_is_no_cryptography(idle: Any, tmp_path: Path) -> None:
    loaded, _ = await idle(tmp_path / "elsewhere")
    assert not [name for name in loaded if name.partition(".")[0] in ("cryptography", "_cffi_backend")]
