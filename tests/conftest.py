"""A whole rotom in one process: the simulator, a login, the gateway, and the application on a real socket."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import trio
from trio.testing import MockClock

from rotom import simulator
from rotom.batching import Batching
from rotom.config import Config
from rotom.config import load as load_config
from rotom.gateway import Gateway
from rotom.log import Log
from rotom.plain import helpers
from rotom.routes import DIALECTS, Application
from rotom.routes.guard import Rules
from rotom.serve import assemble
from rotom.server import Limits, listen
from rotom.server.drain import Drain
from rotom.simulator import RESPONSES, Simulator
from rotom.simulator.oauth_claims import Account
from rotom.simulator.siwc import QUESTIONS as SIWC
from rotom.sse import Decoder, Event
from rotom.state.vault import Vault, open_vault
from rotom.upstream.flows import play

# A busy machine makes examples slow, which says nothing of what is tested; pytest-timeout stands over all of it.
hypothesis.settings.register_profile("rotom", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("rotom")

# Under nohup and in the background of a script these are ignored, by children too; tests send them to programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Commands set the umask of their process, which is the tests' own in many of them."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def quick_clock() -> MockClock:
    """Time jumps when nothing happens for a while. The while is for real sockets and threads, which trio cannot see."""
    return MockClock(autojump_threshold=0.1)


@dataclass
class House:
    """Everything that runs, and what a test wants to ask of it."""

    simulator: Simulator
    config: Config
    gateway: Gateway
    batching: Batching
    app: Application
    output: io.StringIO
    client: httpx.AsyncClient
    vault: Vault

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log, line by line."""
        return [json.loads(line) for line in self.output.getvalue().splitlines()]

    async def logged(self, path: str) -> dict[str, Any]:
        """The log line of the one exchange with `path`; it is written when the client has its answer already."""
        with trio.fail_after(5):
            while not (found := [line for line in self.log if line.get("path") == path]):
                await trio.lowlevel.checkpoint()
        (line,) = found
        return line

    async def log_in(self, login: str = "openai", account: Account | None = None) -> None:
        """Log in by that name, through the real code path, as the simulator's account there, or as another of OpenAI's."""
        provider = self.gateway.keeper.provider(login)
        if account is not None:
            self.simulator.issuer_state.account = account

        async def person(step: Any) -> str:
            return self.simulator.consent(step.url)

        flow = provider.login(f"http://127.0.0.1:{provider.callback_ports[0]}{provider.callback_path}")
        token = await play(self.gateway.client, flow, person=person)
        await trio.to_thread.run_sync(self.vault.save, login, token)

    def renewals(self) -> list[str]:
        """The paths of the requests for tokens, at every issuer, that were received."""
        return [one.path for one in self.simulator.requests if one.path.endswith("/token")]

    def asked(self, provider: str) -> list[Any]:
        """The questions to models that a provider received."""
        if provider == "grok":
            return self.simulator.xai.questions()
        path = SIWC if provider == "chatgpt" else RESPONSES
        return [one for one in self.simulator.requests if (one.method, one.path) == ("POST", path)]

    async def ask(self, text: str, *, path: str = "/v1/messages", **more: Any) -> httpx.Response:
        """One question in words."""
        body: dict[str, Any] = {"model": "gpt-5.5"}
        if path == "/v1/messages":
            body |= {"max_tokens": 100, "messages": [{"role": "user", "content": text}]}
        elif path == "/v1/chat/completions":
            body |= {"messages": [{"role": "user", "content": text}]}
        else:
            body |= {"input": text}
        return await self.client.post(path, json=body | more)


@asynccontextmanager
async def built(
    folder: Path,
    *,
    login: bool = True,
    rules: Rules | None = None,
    clock: Callable[[], float] = time.time,
    **settings: str,
) -> AsyncIterator[House]:
    """A house with these settings; `login`: as the simulator's account; `clock`: of the batches."""
    async with helpers() as nursery:
        simulated = Simulator(pace=0)
        await nursery.start(simulator.serve, simulated)
        environ = {"ROTOM_HOME": str(folder / "home"), **simulated.environment()} | {
            f"ROTOM_{name.upper()}": value for name, value in settings.items()
        }
        config = load_config({}, environ).config
        output = io.StringIO()
        async with (
            assemble(config, environ) as gateway,
            httpx.AsyncClient(trust_env=False, timeout=None) as client,
            helpers() as ours,
        ):
            log = Log(output, "json", "debug")
            batching = Batching(gateway, log, DIALECTS, clock)
            app = Application(gateway, batching, rules or Rules(), log)
            listeners = await listen.open_listeners(listen.addresses(["127.0.0.1:0"]))
            client.base_url = f"http://{listen.bound(listeners)[0]}"
            await ours.start(partial(listen.serve, listeners, app, Limits(body=config.max_body), Drain(), 0))
            await ours.start(batching.run, trio.sleep_forever, 0)
            house = House(simulated, config, gateway, batching, app, output, client, open_vault(config, environ))
            if login:
                await house.log_in()
            yield house
    assert simulated.bugs == []
    assert not any("bug" in line for line in house.log), output.getvalue()


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[House]]:
    """Builds a house for a test that wants settings of its own: ``async with build(idle_timeout="20") as house``."""
    return partial(built, tmp_path)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house as it comes."""
    async with built(tmp_path) as one:
        yield one


def events(response: httpx.Response) -> list[Event]:
    """The events of a streamed answer."""
    return Decoder().feed(response.content)
