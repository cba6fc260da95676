"""Commands run a Trio of their own, so the simulator that they talk to lives in a thread."""

import os
import threading

import pytest
import trio

from rotom import simulator as simulation
from rotom.config import load
from rotom.providers.registry import all_providers
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play


@pytest.fixture
def simulator(monkeypatch, tmp_path):
    """A simulator that the settings point to; the home folder is empty."""
    for name in [name for name in os.environ if name.startswith("ROTOM_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    simulated = simulation.Simulator(pace=0)
    ready = threading.Event()
    stop = []

    async def run():
        async with trio.open_nursery() as nursery:
            await nursery.start(simulation.serve, simulated)
            token = trio.lowlevel.current_trio_token()
            stop.append(lambda: token.run_sync_soon(nursery.cancel_scope.cancel))
            ready.set()

    thread = threading.Thread(target=trio.run, args=(run,), daemon=True)
    thread.start()
    assert ready.wait(10)
    monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROTOM_OPENAI_BASE_URL", simulated.base_url)
    monkeypatch.setenv("ROTOM_OPENAI_ISSUER", simulated.issuer)
    yield simulated
    stop[0]()
    thread.join(10)
    assert not thread.is_alive()
    assert simulated.bugs == []


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
