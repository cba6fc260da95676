"""Where the status comes from: the server that runs, or the providers."""

import json
import os
import re
from contextlib import asynccontextmanager

import httpx
import pytest

from rotom.cli import report
from rotom.running import NAME

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")

KEY = "a-local-key-of-sixteen"


@asynccontextmanager
async def server(person, *words):
    """A server that runs with the person's logins; its address."""
    async with person.types("serve", "--bind", "127.0.0.1:0", *words) as process:
        found = await person.sees(r"http://(127\.0\.0\.1:\d+)")
        yield found[1]
        process.terminate()
        await person.ends(process)


async def ask(address, text, key=None):
    body = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"x-api-key": key} if key else {}
        return await client.post(f"http://{address}/v1/messages", json=body, headers=headers)


async def test_a_server_is_asked_for_what_it_has_learned(person):
    await person.log_in()
    async with server(person) as address:
        person.simulated.script("usage_limit")
        assert (await ask(address, "x")).status_code == 429
        status, output = await person.runs("status", "--json")
        (entry,) = json.loads(output)["providers"]
        assert entry["last_error"]["code"] == "usage_limit_reached"
        assert status == 0
        _, output = await person.runs("status", "--provider", "codex")
        assert re.search(r"last error \d+ s ago: .*usage limit", output)
    assert not (person.home / NAME).exists()
    _, output = await person.runs("status", "--json")
    assert json.loads(output)["providers"][0]["last_error"] is None


async def test_the_key_is_the_configured_one(person):
    await person.log_in()
    person.environ["ROTOM_API_KEY"] = KEY
    async with server(person) as address:
        person.simulated.script("usage_limit")
        assert (await ask(address, "x", KEY)).status_code == 429
        _, output = await person.runs("status", "--json")
        assert json.loads(output)["providers"][0]["last_error"] is not None
        person.environ["ROTOM_API_KEY"] = "another-local-key-of-sixteen"
        status, output = await person.runs("status")
        assert status == 0
        assert f"rotom: the server at {address} wants another local key" in output
        assert "demo@example.com" in output
        assert "of-sixteen" not in output


async def test_one_account_of_several_providers_is_shown(person):
    await person.log_in()
    person.environ["ROTOM_ENDPOINTS"] = "local=http://127.0.0.1:9/v1"
    status, output = await person.runs("login", "--provider", "local", given=b"sk-planted\n")
    assert status == 0, output
    async with server(person):
        _, output = await person.runs("status", "--json", "--provider", "local")
        whole = json.loads(output)
        assert [one["login"] for one in whole["providers"]] == ["local"]
        assert whole["account_id"] is None
        _, output = await person.runs("status", "--json")
        assert [one["login"] for one in json.loads(output)["providers"]] == ["openai", "local"]
    async with server(person, "--provider", "local"):
        _, output = await person.runs("status", "--json")
        assert len(json.loads(output)["providers"]) == 2, "that server does not know of all that is wanted"


@pytest.mark.parametrize("addresses", [["127.0.0.1:9"], [], ["nonsense"], ["127.0.0.1:9", "0.0.0.0:9"]])
async def test_a_note_that_leads_nowhere_is_no_trouble(person, addresses):
    await person.log_in()
    note = {"addresses": addresses, "auth_file": str(person.home / "auth.json"), "provider": None, "pid": os.getpid()}
    (person.home / NAME).write_text(json.dumps(note))
    (person.home / NAME).chmod(0o600)
    status, output = await person.runs("status")
    assert (status, "demo@example.com" in output) == (0, True), output


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"providers": 1}, {"providers": [1]}, {"providers": [{"provider": "x"}]}]
)
def test_what_is_no_status_is_not_shown(answer):
    assert not report._good(answer)
