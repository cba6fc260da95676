"""kill -9 at random moments while a batch runs: each request has one result, and what has one is never asked again.

The same for the batches of both APIs; OpenAI's are killed while their file is looked at, too. A short form runs with the
other tests. The long one, 50 kills in a batch of 200 requests, is `.ci/full`'s:
ROTOM_TEST_KILLS=50 pytest -s tests/batching/test_kills.py
"""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from rotom import simulator
from rotom.config import load
from rotom.plain import helpers
from rotom.providers.registry import all_providers
from rotom.simulator import Simulator
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

KILLS = int(os.environ.get("ROTOM_TEST_KILLS", "8"))
ITEMS = 4 * KILLS
SECONDS = 0.08
"""How long the simulator takes for one."""


pytestmark = [pytest.mark.skipif(os.name != "posix", reason="kill -9"), pytest.mark.timeout(60 + 10 * KILLS)]


class Rotom:
    """A rotom that is started and killed, again and again, in one home."""

    def __init__(self, folder: Path, simulated: Simulator) -> None:
        base = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
        self.home = folder / "home"
        self.log = folder / "log"
        self.environ = base | {
            "ROTOM_HOME": str(self.home),
            "ROTOM_OPENAI_BASE_URL": simulated.base_url,
            "ROTOM_OPENAI_ISSUER": simulated.issuer,
        }
        self._simulated = simulated

    async def log_in(self) -> None:
        config = load({}, self.environ).config
        provider = all_providers(config)["openai"]

        async def person(step: Any) -> str:
            return self._simulated.consent(step.url)

        async with make_client(config, self.environ) as client:
            token = await play(client, provider.login("http://127.0.0.1:1455/auth/callback"), person=person)
        vault = open_vault(config, self.environ)
        await trio.to_thread.run_sync(vault.save, "openai", token)

    async def start(self) -> trio.Process:
        with self.log.open("w") as stderr:
            return await trio.lowlevel.open_process(
                [sys.executable, "-m", "rotom", "serve", "--bind", "127.0.0.1:0"], env=self.environ, stderr=stderr
            )

    async def ready(self) -> str:
        """Its address, when it has one."""
        with trio.fail_after(60):
            while True:
                if found := re.search(r"addresses=(http://127\.0\.0\.1:\d+)", self.log.read_text()):
                    return found[1]
                await trio.sleep(0.01)

    def finished(self) -> dict[str, int]:
        """What has a result by now, and how many it has."""
        with closing(sqlite3.connect(self.home / "rotom.db")) as db:
            return dict(
                db.execute(
                    "SELECT custom_id, count(results.request) FROM requests "
                    "JOIN results ON results.request = requests.number GROUP BY custom_id"
                ).fetchall()
            )


def asked(simulated: Simulator) -> list[str]:
    """What the simulator was asked, in order."""
    texts = [json.dumps(received.body) for received in simulated.questions()]
    return [re.findall(r"item-\d+", text)[0] for text in texts]


def text(number: int) -> str:
    return f"item-{number} demo:slow seconds={SECONDS}"


class Anthropic:
    """How Anthropic's clients make a batch and read its results."""

    items = ITEMS

    async def create(self, client: httpx.AsyncClient, base: str) -> str:
        requests = [
            {
                "custom_id": f"item-{number}",
                "params": {
                    "model": "gpt-5.5",
                    "max_tokens": 10,
                    "messages": [{"role": "user", "content": text(number)}],
                },
            }
            for number in range(self.items)
        ]
        made = (await client.post(f"{base}/v1/messages/batches", json={"requests": requests})).json()
        return str(made["id"])

    async def results(self, client: httpx.AsyncClient, base: str, name: str) -> list[tuple[str, bool]] | None:
        """(custom_id, whether it was answered), when all is done."""
        batch = (await client.get(f"{base}/v1/messages/batches/{name}")).json()
        if batch["processing_status"] != "ended":
            return None
        assert batch["request_counts"]["succeeded"] == self.items
        lines = map(json.loads, (await client.get(batch["results_url"])).text.splitlines())
        return [(line["custom_id"], line["result"]["type"] == "succeeded") for line in lines]


class OpenAI:
    """How OpenAI's do."""

    items = ITEMS

    async def create(self, client: httpx.AsyncClient, base: str) -> str:
        file = "".join(
            json.dumps(
                {
                    "custom_id": f"item-{number}",
                    "method": "POST",
                    "url": "/v1/responses",
                    "body": {"model": "gpt-5.5", "input": text(number)},
                }
            )
            + "\n"
            for number in range(self.items)
        )
        form = {"data": {"purpose": "batch"}, "files": {"file": ("in.jsonl", file)}}
        uploaded = (await client.post(f"{base}/v1/files", **form)).json()
        body = {"input_file_id": uploaded["id"], "endpoint": "/v1/responses", "completion_window": "24h"}
        return str((await client.post(f"{base}/v1/batches", json=body)).json()["id"])

    async def results(self, client: httpx.AsyncClient, base: str, name: str) -> list[tuple[str, bool]] | None:
        batch = (await client.get(f"{base}/v1/batches/{name}")).json()
        if batch["status"] in ("validating", "in_progress"):
            return None
        assert (batch["status"], batch["error_file_id"]) == ("completed", None)
        assert batch["request_counts"] == {"total": self.items, "completed": self.items, "failed": 0}
        content = await client.get(f"{base}/v1/files/{batch['output_file_id']}/content")
        file = (await client.get(f"{base}/v1/files/{batch['output_file_id']}")).json()
        assert file["bytes"] == len(content.content)
        lines = map(json.loads, content.text.splitlines())
        return [(line["custom_id"], line["response"]["status_code"] == 200) for line in lines]


@pytest.mark.parametrize("api", [Anthropic(), OpenAI()], ids=["anthropic", "openai"])
async def test_each_request_has_one_result_whatever_is_killed(tmp_path: Path, api: Any) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    async with helpers() as nursery, httpx.AsyncClient(trust_env=False, timeout=30) as client:
        simulated = Simulator(pace=0, keep=1 << 20)
        await nursery.start(simulator.serve, simulated)
        rotom = Rotom(tmp_path, simulated)
        await rotom.log_in()
        process = await rotom.start()
        name = await api.create(client, await rotom.ready())
        again = in_startup = 0
        after_kills = list[tuple[int, set[str]]]()
        for count in range(KILLS):
            if not count:
                await trio.lowlevel.checkpoint()  # at once: a file may still have to be looked at
            elif dice.random() < 0.2:
                in_startup += 1
                await trio.sleep(dice.uniform(0, 0.3))
            else:
                await rotom.ready()
                await trio.sleep(dice.uniform(0, SECONDS * 5))
            process.kill()
            await process.wait()
            after_kills.append((len(simulated.questions()), set(rotom.finished())))
            process = await rotom.start()
        base = await rotom.ready()
        with trio.fail_after(120):
            while True:
                if (found := await api.results(client, base, name)) is not None:
                    break
                await trio.sleep(0.05)
        process.terminate()
        assert await process.wait() == 0
    results = Counter(custom_id for custom_id, _ in found)
    order = asked(simulated)
    again = len(order) - ITEMS
    for count, done in after_kills:
        assert not done & set(order[count:]), "what had a result was asked again"
    assert results == Counter(f"item-{number}" for number in range(ITEMS))
    assert all(answered for _, answered in found)
    assert set(rotom.finished().values()) == {1}
    unfinished = sum(len(done) < ITEMS for _, done in after_kills)
    assert 0 <= again <= 2 * KILLS
    assert unfinished >= KILLS // 2, "the kills came too late to show anything"
    print(
        f"{KILLS} kills ({in_startup} while starting, {unfinished} before the end), {ITEMS} requests: "
        f"{len(order)} asked, {again} in flight at a kill and asked again, {len(found)} results, "
        f"{sum(bool(done & set(order[count:])) for count, done in after_kills)} finished ones asked again"
    )
