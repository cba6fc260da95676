"""The simulator with four logins saved in the home that is given, for the benchmark; prints the settings that use it."""

import sys

import trio

from rotom import simulator
from rotom.config import load
from rotom.providers.registry import all_providers
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

LOGINS = ("openai", "openai@work", "chatgpt", "grok")


async def main(home: str) -> None:
    simulated = simulator.Simulator()

    async def person(step) -> str:
        return simulated.consent(step.url)

    async with trio.open_nursery() as nursery:
        await nursery.start(simulator.serve, simulated)
        environ = {"ROTOM_HOME": home, **simulated.environment()}
        config = load({}, environ).config
        vault = open_vault(config, environ)
        async with make_client(config, environ) as client:
            for login in LOGINS:
                provider = all_providers(config)[login.partition("@")[0]]
                redirect = f"http://127.0.0.1:{provider.callback_ports[0]}{provider.callback_path}"
                vault.save(login, await play(client, provider.login(redirect), person=person))
        print(*(f"{name}={value}" for name, value in environ.items()), flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
