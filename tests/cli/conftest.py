"""Commands against the simulator: true programs on a terminal (`person`), or called here with a simulator in a thread
(`simulator`, `logged_in`), since a command runs a Trio of its own.
"""

import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
import trio
from beside import simulator_beside

from rotom import simulator as simulation
from rotom.config import load
from rotom.plain import helpers
from rotom.providers.registry import all_providers
from rotom.simulator import Simulator
from rotom.state.keys import key_source
from rotom.state.vault import Vault, open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play


class Person:
    """Somebody at a machine with a rotom."""

    def __init__(self, home, simulated):
        self.home = home
        self.simulated = simulated
        self.environ = {
            "PATH": str(home.parent / "bin"),  # no text browser is found there
            "HOME": str(home.parent),
            "ROTOM_HOME": str(home),
            **simulated.environment(),
            "COLUMNS": "500",  # what is looked for is on one line
            "ROTOM_DEBUG": "",
        }
        self.shown = ""

    @property
    def vault(self):
        return Vault(self.home / "auth.json", key_source(self.home, {}))

    @asynccontextmanager
    async def types(self, *words):
        """A running command; `self.tty` is its terminal. What it shows is collected in `self.shown`."""
        self.tty, theirs = os.openpty()
        self.shown = ""
        command = [sys.executable, "-m", "rotom", *words]
        process = await trio.lowlevel.open_process(
            command, env=self.environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        try:
            with trio.fail_after(30):
                yield process
        finally:
            process.kill()
            await process.wait()
            os.close(self.tty)

    async def sees(self, pattern):
        """Wait until the terminal shows that; the match."""
        while not (match := re.search(pattern, self.shown)):
            await trio.lowlevel.wait_readable(self.tty)
            self._look()
        return match

    def _look(self):
        try:
            data = os.read(self.tty, 65536)
        except OSError:  # Linux: the other side is closed
            data = b""
        if not data:
            raise AssertionError(f"it ended: {self.shown}")
        self.shown += data.decode().replace("\r\n", "\n")

    async def ends(self, process):
        """Wait for its end; the exit status."""
        try:
            while True:
                await trio.lowlevel.wait_readable(self.tty)
                self._look()
        except AssertionError:
            return await process.wait()

    async def runs(self, *words, given=b""):
        """Run a command without a terminal; (exit status, output)."""
        done = await trio.run_process(
            [sys.executable, "-m", "rotom", *words],
            env=self.environ,
            stdin=given,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    async def address(self):
        """Where the login asks to consent."""
        return (await self.sees(r"(http://\S+/oauth2?/authorize\?\S+)\n"))[1]

    async def log_in(self):
        """Log in by pasting; the token."""
        async with self.types("login", "--no-browser", "--provider", "openai") as process:
            os.write(self.tty, f"{self.simulated.consent(await self.address())}\n".encode())
            assert await self.ends(process) == 0
        return self.vault.load("openai")


@pytest.fixture
async def person(tmp_path):
    async with helpers() as nursery:
        simulated = Simulator(pace=0)
        await nursery.start(simulation.serve, simulated)
        yield Person(tmp_path / "home", simulated)
    assert simulated.bugs == []


@pytest.fixture
def simulator(monkeypatch, tmp_path):
    """A simulator that the settings point to; the home folder is empty."""
    for name in [name for name in os.environ if name.startswith("ROTOM_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with simulator_beside() as simulated:
        monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
        for name, value in simulated.environment().items():
            monkeypatch.setenv(name, value)
        yield simulated


@pytest.fixture
def logged_in(simulator):
    """The simulator, with its account logged in through the real flow."""
    config = load({}, os.environ).config
    provider = all_providers(config)["openai"]

    async def person(step):
        return simulator.consent(step.url)

    async def log_in():
        async with make_client(config, os.environ) as client:
            redirect = f"http://127.0.0.1:{provider.callback_ports[0]}{provider.callback_path}"
            return await play(client, provider.login(redirect), person=person)

    open_vault(config, os.environ).save("openai", trio.run(log_in))
    return simulator
