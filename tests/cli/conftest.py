"""A person at a machine with a rotom, for the commands about logins: true programs against the simulator."""

import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
import trio

from rotom import simulator
from rotom.plain import helpers
from rotom.simulator import Simulator
from rotom.state.keys import key_source
from rotom.state.vault import Vault


class Person:
    """Somebody at a machine with a rotom."""

    def __init__(self, home, simulated):
        self.home = home
        self.simulated = simulated
        self.environ = {
            "PATH": str(home.parent / "bin"),  # no text browser is found there
            "HOME": str(home.parent),
            "ROTOM_HOME": str(home),
            "ROTOM_OPENAI_BASE_URL": simulated.base_url,
            "ROTOM_OPENAI_ISSUER": simulated.issuer,
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
        return (await self.sees(r"(http://\S+/oauth/authorize\?\S+)\n"))[1]

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
        await nursery.start(simulator.serve, simulated)
        yield Person(tmp_path / "home", simulated)
    assert simulated.bugs == []
