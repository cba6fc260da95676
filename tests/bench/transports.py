"""The benchmark of the two ways to the provider: see README.rst beside it."""

import argparse
import io
import os
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
import trustme

from rotom import simulator
from rotom.config import load as load_config
from rotom.plain import helpers
from rotom.providers.registry import all_providers
from rotom.simulator import Simulator
from rotom.sse import Decoder
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

ROTOM = str(Path(sys.executable).with_name("rotom"))
WAYS = ("http", "websocket", "auto")


@dataclass
class Line:
    """A network between rotom and the provider: each direction takes its time, and the way up has a width.

    Fields:
      delay: seconds for one direction. width: bytes a second upwards.
      sent: bytes that went up; connections: how many there were.
    """

    delay: float
    width: float
    sent: int = 0
    connections: int = 0

    async def serve(self, port: int, stream: trio.SocketStream) -> None:
        self.connections += 1
        async with stream, await trio.open_tcp_stream("127.0.0.1", port) as there:
            with trio.CancelScope() as scope:
                async with helpers() as nursery:
                    nursery.start_soon(self.copy, stream, there, self.width, scope)
                    await self.copy(there, stream, float("inf"), scope)

    async def copy(
        self, source: trio.SocketStream, sink: trio.SocketStream, width: float, scope: trio.CancelScope
    ) -> None:
        put, take = trio.open_memory_channel[tuple[float, bytes]](100_000)

        async def deliver() -> None:
            async for due, data in take:
                await trio.sleep_until(due)
                await sink.send_all(data)
            scope.cancel()

        async with helpers() as nursery:
            nursery.start_soon(deliver)
            free = 0.0
            try:
                async with put:
                    async for data in source:
                        free = max(free, trio.current_time()) + len(data) / width
                        if width != float("inf"):
                            self.sent += len(data)
                        await put.send((free + self.delay, data))
                await trio.sleep_forever()
            except trio.BrokenResourceError:
                scope.cancel()


async def tls(context: ssl.SSLContext, port: int, stream: trio.SocketStream) -> None:
    """Ends TLS and hands on what was in it."""

    async def copy(source: Any, sink: Any, scope: trio.CancelScope) -> None:
        try:
            async for data in source:
                await sink.send_all(data)
        except trio.BrokenResourceError:
            pass
        scope.cancel()

    inner = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
    async with stream, await trio.open_tcp_stream("127.0.0.1", port) as there:
        with trio.CancelScope() as scope:
            async with helpers() as nursery:
                nursery.start_soon(copy, inner, there, scope)
                await copy(there, inner, scope)


@dataclass
class Session:
    """What one session of turns took: seconds to the first content of each turn, and bytes up."""

    firsts: list[float] = field(default_factory=list)
    sent: int = 0
    connections: int = 0


def step(ask: Any) -> Any:
    """One answer of a long loop of tool calls."""
    yield ask.pen.opening()
    yield list(ask.pen.reasoning("I look for something that I can do about it."))
    yield list(ask.pen.call("run", '{"command":"make test"}'))
    yield ask.complete()


async def talk(client: httpx.AsyncClient, line: Line, given: argparse.Namespace, name: str) -> Session:
    """A client that asks with the whole conversation each time, as they all do."""
    seen = Session()
    parameters = {"type": "object", "properties": {"command": {"type": "string", "description": "x" * given.tools}}}
    body: dict[str, Any] = {
        "model": "gpt-5.5",
        "stream": True,
        "store": False,
        "prompt_cache_key": name,
        "instructions": "y" * given.instructions,
        "tools": [{"type": "function", "name": "run", "parameters": parameters}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"go on {name}"}]}],
    }
    before, connections = line.sent, line.connections
    for number in range(given.turns):
        began, first, decoder = time.perf_counter(), None, Decoder()
        async with client.stream("POST", "/v1/responses", json=body) as response:
            assert response.status_code == 200, await response.aread()
            async for data in response.aiter_raw():
                for event in decoder.feed(data):
                    first = first or time.perf_counter() - began
                    if event.type == "response.output_item.done":
                        item = event.data["item"]
                        body["input"].append(item)
                        if item["type"] == "function_call":
                            output = f"{number} " + "z" * given.output
                            answer = {"type": "function_call_output", "call_id": item["call_id"], "output": output}
                            body["input"].append(answer)
                    assert event.type not in ("response.failed", "error"), event
        assert first is not None
        seen.firsts.append(first)
    seen.sent, seen.connections = line.sent - before, line.connections - connections
    return seen


@asynccontextmanager
async def rotom(environ: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([ROTOM, "serve"], env=environ, stderr=log)  # noqa: ASYNC220
        try:
            while "listening addresses=" not in (said := read(log)):
                assert process.poll() is None, said
                await trio.sleep(0.01)
            url = said.split("listening addresses=")[1].split()[0]
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=None) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            await trio.to_thread.run_sync(process.wait)


def read(log: io.TextIOWrapper) -> str:
    log.seek(0)
    return log.read()


async def listen(nursery: trio.Nursery, serve: Callable[..., Any]) -> int:
    (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    return listener.socket.getsockname()[1]


async def measure(given: argparse.Namespace, milliseconds: float, secure: bool, folder: Path) -> None:
    async with helpers() as nursery:
        simulated = Simulator(pace=0, keep=2)
        await nursery.start(simulator.serve, simulated)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
        environ |= {"ROTOM_HOME": str(folder), "ROTOM_BIND": "127.0.0.1:0", "ROTOM_OPENAI_ISSUER": simulated.issuer}
        line, port, scheme = Line(milliseconds / 2000, given.uplink * 125_000), simulated.port, "http"
        if secure:
            authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            authority.cert_pem.write_to_path(folder / "ca.pem")
            environ["ROTOM_CA_FILE"] = str(folder / "ca.pem")
            port, scheme = await listen(nursery, partial(tls, context, port)), "https"
        port = await listen(nursery, partial(line.serve, port))
        environ["ROTOM_OPENAI_BASE_URL"] = f"{scheme}://localhost:{port}/backend-api/codex"
        config = load_config({}, environ).config
        provider = all_providers(config)["openai"]

        async def person(asked: Any) -> str:
            return simulated.consent(asked.url)

        async with make_client(config, environ) as client:
            token = await play(client, provider.login("http://127.0.0.1:1455/auth/callback"), person=person)
        open_vault(config, environ).save("openai", token)
        found: dict[str, list[Session]] = {way: [] for way in WAYS}
        for number in range(given.rounds):
            for way in WAYS:
                async with rotom(environ | {"ROTOM_UPSTREAM_TRANSPORT": way}) as client:
                    simulated.script(*[step] * given.turns * 2)
                    await talk(client, line, argparse.Namespace(**{**vars(given), "turns": 2}), f"warm {way} {number}")
                    found[way].append(await talk(client, line, given, f"{way} {number}"))
                    simulated._scripts.clear()
        print(f"\n{milliseconds:g} ms round trip, {given.uplink:g} Mbit/s up, {'TLS' if secure else 'no TLS'}")
        base: tuple[float, float, float] | None = None
        for way, sessions in found.items():
            firsts = [statistics.median(session.firsts[1:]) for session in sessions]
            row = (
                statistics.median(firsts) * 1e3,
                statistics.median([sum(session.firsts) for session in sessions]) * 1e3,
                statistics.median([session.sent for session in sessions]) / 1e3,
            )
            base = base or row
            ratios = " / ".join(f"{ours / theirs:.2f}" for ours, theirs in zip(row, base, strict=True))
            print(
                f"  {way:10} first event {row[0]:7.1f} ms (turns 2 to {given.turns}), sum of all {row[1]:8.1f} ms, up "
                f"{row[2]:8.1f} kB, new connections {sessions[-1].connections}  = {ratios} x http"
            )
        nursery.cancel_scope.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-trip", type=float, action="append", help="milliseconds; may be repeated (0 and 30)")
    parser.add_argument("--uplink", type=float, default=20.0, help="Mbit/s")
    parser.add_argument("--instructions", type=int, default=15_000, help="bytes")
    parser.add_argument("--tools", type=int, default=25_000, help="bytes")
    parser.add_argument("--output", type=int, default=6_000, help="bytes of each tool's output")
    parser.add_argument("--tls", choices=["no", "yes", "both"], default="both")
    given = parser.parse_args()
    for secure in {"no": (False,), "yes": (True,), "both": (False, True)}[given.tls]:
        for milliseconds in given.round_trip or (0.0, 30.0):
            with tempfile.TemporaryDirectory() as folder:
                trio.run(measure, given, milliseconds, secure, Path(folder))


if __name__ == "__main__":
    main()
