"""`rotom login` to an endpoint of one's own, as a person types it, and what it serves then."""

import json
import os

import pytest
import trio

from rotom.config import load
from rotom.plain import helpers
from rotom.simulator.endpoint import Endpoint, serve

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")


async def test_a_new_endpoint_is_written_down_with_its_key(person):
    endpoint = Endpoint("sk-planted-key")
    async with helpers() as nursery:
        await nursery.start(serve, endpoint)
        new = ("login", "--provider", "Local", "--base-url", endpoint.base_url)
        status, output = await person.runs(*new, given=b"sk-planted-wrong\n")
        assert status != 0
        assert "local does not accept the API key" in output
        assert "planted" not in output
        assert not (person.home / "config.json").exists()

        async with person.types(*new) as process:
            await person.sees("API key of local")
            os.write(person.tty, b"sk-planted-key\n")
            assert await person.ends(process) == 0
        assert f"Logged in to local ({endpoint.base_url})" in person.shown
        assert "planted" not in person.shown
        assert load({}, person.environ).config.endpoints == (f"local={endpoint.base_url}",)
        assert b"planted" not in (person.home / "auth.json").read_bytes()

        status, output = await person.runs("models", "--json")
        groups = json.loads(output)["providers"]
        listed = {group["provider"]: [model["id"] for model in group["models"]] for group in groups}
        assert (status, listed["local"]) == (0, ["local-model"])
        status, output = await person.runs("status")
        assert status == 0
        assert "local" in output
        status, output = await person.runs("refresh", "--provider", "local")
        assert "cannot be renewed" in output
        status, output = await person.runs("logout", "--provider", "local")
        assert (status, person.vault.logins()) == (0, ())
        nursery.cancel_scope.cancel()


async def test_no_key_and_nobody_there(person):
    status, output = await person.runs(
        "login", "--provider", "local", "--base-url", "http://127.0.0.1:9/v1", given=b"\n"
    )
    assert status == 0
    assert "the key could not be tried" in output
    token = await trio.to_thread.run_sync(person.vault.load, "local")
    assert token.access == ""


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        (("--base-url", "http://127.0.0.1:9/v1"), b"", "say its name"),
        (("--provider", "openai", "--base-url", "http://127.0.0.1:9/v1"), b"", "no endpoint of yours"),
        (("--provider", "local", "--base-url", "http://example.com/v1"), b"", "must be https"),
        (("--provider", "lo cal", "--base-url", "https://example.com/v1"), b"", "NAME=URL"),
        (("--provider", "codex", "--api-key"), b"sk-1", "takes no API key"),
        (("--provider", "far", "--api-key"), b"sk-1", "there is no provider 'far'"),
        (("--provider", "local", "--base-url", "http://127.0.0.1:9/v1"), b"two words", "one word"),
    ],
)
async def test_what_cannot_be(person, words, given, message):
    status, output = await person.runs("login", *words, given=given)
    assert status != 0
    assert message in output
    assert "Traceback" not in output


async def test_an_endpoint_cannot_be_called_like_a_vendor(person):
    person.environ["ROTOM_ENDPOINTS"] = "codex=http://127.0.0.1:9/v1"
    status, output = await person.runs("models")
    assert status != 0
    assert "'codex' is the name of a provider" in output
