"""The live lists: what is known at once, what makes a new fetch, and what stays on disk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import trio

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Token, openai
from rotom.upstream.keeper import Keeper
from rotom.upstream.models import FRESH_SECONDS, ModelLists, merged

NEW = Model("gpt-7", "openai", efforts=("low",), context=1)
OLD = Model("gpt-5.5", "openai", title="built in")


class World:
    """A provider whose list can be changed, and a keeper that knows one token or none."""

    def __init__(self, home: Path) -> None:
        self.models: list[Model] | Problem = [NEW]
        self.etag: str | None = '"1"'
        self.login: Token | None = Token("t", account_id="a")
        self.fetches = 0
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
        provider = openai.make(Config(home=home))
        self.provider: Provider = replace(provider, models=self.flow, builtin=(OLD,))
        self.lists = self.start(home)

    def start(self, home: Path) -> ModelLists:
        self.lists = ModelLists(Config(home=home), self.client, cast(Keeper, self), {"openai": self.provider})
        return self.lists

    async def token(self, name: str) -> Token:
        if self.login is None:
            raise Problem(Kind.UNAUTHENTICATED, "log in", code="not_logged_in")
        return self.login

    def flow(self, token: Token) -> Flow:
        self.fetches += 1
        yield Outgoing.get("https://provider.example/models")
        if isinstance(self.models, Problem):
            raise self.models
        return self.models, self.etag

    def ids(self) -> list[str]:
        return [model.id for model in self.lists.models("openai")]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async def at_once(call: Callable[..., Any], *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return call(*args)

    # A jumping clock does not wait for threads.
    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    world = World(tmp_path)
    yield world
    await world.client.aclose()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(world.lists.run)
        await settle()
        yield
        nursery.cancel_scope.cancel()


async def settle() -> None:
    # A moment of jumping time comes when nothing else runs.
    await trio.sleep(0.1)


async def test_the_built_in_list_answers_before_anything_is_fetched(world: World) -> None:
    assert world.lists.models("openai") == (OLD,)
    world.lists.saw_etag("openai", '"1"')
    assert world.fetches == 0


async def test_the_live_list_goes_first_and_the_rest_is_hidden(world: World, autojump_clock: object) -> None:
    async with running(world):
        assert world.lists.models("openai") == (NEW, replace(OLD, hidden=True))
        assert merged([NEW, OLD], [OLD]) == (NEW, OLD)


async def test_a_list_is_fetched_anew_when_used_and_old(world: World, autojump_clock: object) -> None:
    async with running(world):
        await trio.sleep(10 * FRESH_SECONDS)
        assert world.fetches == 1  # nobody asked
        world.models = [replace(NEW, id="gpt-8")]
        assert world.ids()[0] == "gpt-7"  # at once, with what is known
        await settle()
        assert world.fetches == 2
        assert world.ids()[0] == "gpt-8"
        await settle()
        assert world.fetches == 2


async def test_another_etag_makes_one_fetch(world: World, autojump_clock: object) -> None:
    async with running(world):
        world.lists.saw_etag("openai", '"1"')
        await settle()
        assert world.fetches == 1
        for _ in range(3):
            world.lists.saw_etag("openai", "never the same as the list's")
            await settle()
        assert world.fetches == 2


async def test_each_account_has_a_list_of_its_own(world: World, tmp_path: Path, autojump_clock: object) -> None:
    async with running(world):
        world.models = [replace(NEW, id="gpt-team")]
        assert world.lists.models("openai@work") == (OLD,), "what is known of it, at once"
        await settle()
        assert world.lists.models("openai@work")[0].id == "gpt-team"
        assert world.ids()[0] == "gpt-7"
        assert world.fetches == 2
        world.lists.saw_etag("openai@work", "another")
        await settle()
        assert world.fetches == 3
        assert world.ids()[0] == "gpt-7"
    world.start(tmp_path)
    world.models = Problem(Kind.UPSTREAM, "down")
    async with running(world):
        assert world.lists.models("openai@work")[0].id == "gpt-team"
        assert world.lists.models("openai@work")[0].provider == "openai"
        assert world.ids()[0] == "gpt-7"


async def test_failures_change_nothing_and_pause_longer_and_longer(world: World, autojump_clock: object) -> None:
    async with running(world):
        world.models = Problem(Kind.UPSTREAM, "down")
        for wait, fetches in ((FRESH_SECONDS, 2), (30, 2), (31, 3), (61, 3), (60, 4)):
            await trio.sleep(wait)
            assert "gpt-7" in world.ids()
            await settle()
            assert world.fetches == fetches
        world.models = []
        await trio.sleep(1000)
        world.ids()
        await settle()
        assert "gpt-7" in world.ids()  # an empty list is no list


async def test_a_login_is_noticed_soon(world: World, autojump_clock: object) -> None:
    world.login = None
    async with running(world):
        for _ in range(20):
            await trio.sleep(6)
            world.ids()
        assert world.fetches == 0
        world.login = Token("t")
        await trio.sleep(6)
        world.ids()
        await settle()
        assert world.ids()[0] == "gpt-7"


async def test_the_list_outlives_the_process(world: World, tmp_path: Path, autojump_clock: object) -> None:
    async with running(world):
        pass
    stored: dict[str, Any] = json.loads((tmp_path / "models.json").read_bytes())
    assert stored["version"] == 1
    assert (tmp_path / "models.json").stat().st_mode & 0o777 == 0o600
    world.start(tmp_path)
    world.models = Problem(Kind.UPSTREAM, "down")
    async with running(world):
        assert world.lists.models("openai") == (NEW, replace(OLD, hidden=True))


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{nonsense", b'{"version":1}', b'{"version":1,"providers":{"openai":{"models":[{"id":1}]}}}', b"7"],
)
async def test_a_file_that_cannot_be_read_is_ignored(
    world: World, tmp_path: Path, content: bytes, autojump_clock: object
) -> None:
    (tmp_path / "models.json").write_bytes(content)
    async with running(world):
        assert world.ids() == ["gpt-7", "gpt-5.5"]


async def test_a_newer_file_is_left_alone(world: World, tmp_path: Path, autojump_clock: object) -> None:
    newer = b'{"version":2,"providers":{}}'
    (tmp_path / "models.json").write_bytes(newer)
    async with running(world):
        assert world.ids()[0] == "gpt-7"
    assert (tmp_path / "models.json").read_bytes() == newer
