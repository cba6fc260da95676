"""The live lists of models: on disk between runs, refreshed in the background, never in the way of a request.

Theory of operation: `ModelLists.models` answers at once from what is known: the live list, fetched in this run or an
earlier one, joined with the provider's built-in list. Asking is what marks a list as used; a task fetches lists anew at
the start, when one is used and older than five minutes, and when a turn's answer shows another etag than the list had.
A fetch that fails changes nothing and is tried again later, with growing pauses. The file is a cache: one that cannot be
read is ignored, and one that cannot be written is only missed at the next start. Lists belong to logins, by name, for what
there is depends on the account.

What is not here: how a list is fetched and read (providers/), and what names mean (catalogue.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import httpx
import trio

from rotom.accounts import provider_of
from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider
from rotom.sse import Json, dumps
from rotom.state import files
from rotom.upstream.flows import play
from rotom.upstream.keeper import Keeper

VERSION = 1
FRESH_SECONDS = 300.0
RETRY_SECONDS = 60.0
MAX_RETRY_SECONDS = 900.0
LOGIN_SECONDS = 5.0
"""Nothing goes over the network while there is no login, so one that is made is soon noticed."""
FETCH_SECONDS = 60.0


@dataclass(slots=True)
class _List:
    """What is known of one login's list. `etags` are those that need no new fetch: the list's own, and those that a
    fetch was already made for."""

    models: tuple[Model, ...] = ()
    merged: tuple[Model, ...] | None = None
    etag: str | None = None
    account_id: str | None = None
    etags: set[str] = field(default_factory=set)
    due: float = 0.0
    failures: int = 0
    wanted: bool = True


class ModelLists:
    """The lists of all logins.

    Arguments:
      keeper: gives the tokens; providers: by name.
    """

    def __init__(
        self, config: Config, client: httpx.AsyncClient, keeper: Keeper, providers: Mapping[str, Provider]
    ) -> None:
        self._path: Path = config.home / "models.json"
        self._client = client
        self._keeper = keeper
        self._providers = providers
        self._lists = {name: _List() for name in providers}
        self._ours = True
        self._wake: trio.Event | None = None

    def models(self, name: str) -> tuple[Model, ...]:
        """The models of a login, as far as they are known now: the very same tuple as long as nothing changes."""
        known = self._list(name)
        if self._wake is not None and not known.wanted and trio.current_time() >= known.due:
            known.wanted = True
            self._wake.set()
        return self._providers[provider_of(name)].builtin if known.merged is None else known.merged

    def _list(self, name: str) -> _List:
        if (known := self._lists.get(name)) is None:
            known = self._lists[name] = _List()
            if self._wake is not None:
                self._wake.set()
        return known

    def saw_etag(self, name: str, etag: str) -> None:
        """A turn's answer named the etag of the list that the login has now."""
        known = self._list(name)
        if self._wake is not None and etag not in known.etags:
            known.etags.add(etag)  # once for each, even when the fetched list never shows it
            known.wanted, known.due = True, 0.0
            self._wake.set()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the lists fresh. Started once what an earlier run left on disk is read."""
        await self._load()
        self._wake = trio.Event()
        task_status.started()
        while True:
            for name, known in list(self._lists.items()):
                if known.wanted:
                    known.wanted = False
                    await self._refresh(name)
            if not any(known.wanted for known in self._lists.values()):
                await self._wake.wait()
            self._wake = trio.Event()

    async def _refresh(self, name: str) -> None:
        known, provider = self._lists[name], self._providers[provider_of(name)]
        try:
            with trio.fail_after(FETCH_SECONDS):
                token = await self._keeper.token(name)
                models, etag = await play(self._client, provider.models(token))
            if not models:
                raise Problem(Kind.UPSTREAM, "the provider's list of models is empty")
        except (Problem, trio.TooSlowError) as exc:
            if isinstance(exc, Problem) and exc.code == "not_logged_in":
                pause = LOGIN_SECONDS
            else:
                pause = min(RETRY_SECONDS * 2**known.failures, MAX_RETRY_SECONDS)
                known.failures = min(known.failures + 1, 10)
            known.due = trio.current_time() + pause
            return
        if etag:
            known.etags = {etag} if len(known.etags) > 100 else known.etags | {etag}
        known.failures, known.due = 0, trio.current_time() + FRESH_SECONDS
        fresh = tuple(models), etag, token.account_id
        if fresh != (known.models, known.etag, known.account_id):
            known.models, known.etag, known.account_id = fresh
            known.merged = merged(known.models, provider.builtin)
            await self._save()

    async def _load(self) -> None:
        try:
            document = json.loads(await trio.to_thread.run_sync(self._path.read_bytes))
            version = document["version"]
            entries = document["providers"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return
        if version != VERSION:
            self._ours = False  # a newer rotom's: it stays as it is
            return
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            provider = self._providers.get(provider_of(name))
            if (
                provider is not None
                and isinstance(entry, dict)
                and (models := _read(entry.get("models"), provider.name))
            ):
                known = self._lists.setdefault(name, _List(wanted=False))  # fetched anew when it is used
                known.models, known.etag, known.account_id = models, entry.get("etag"), entry.get("account_id")
                known.merged = merged(models, provider.builtin)

    async def _save(self) -> None:
        if not self._ours:
            return
        entries = {
            name: {
                "etag": known.etag,
                "account_id": known.account_id,
                "models": [asdict(model) for model in known.models],
            }
            for name, known in self._lists.items()
            if known.models
        }
        data = dumps({"version": VERSION, "providers": entries})
        with suppress(Problem):
            await trio.to_thread.run_sync(files.write_atomic, self._path, data)


def merged(live: Iterable[Model], builtin: Iterable[Model]) -> tuple[Model, ...]:
    """The live list, and behind it what only the built-in one knows, hidden: a name in somebody's settings still reaches
    the provider, whose words say best why it is not there."""
    models = {model.id: model for model in live}
    for model in builtin:
        models.setdefault(model.id, replace(model, hidden=True))
    return tuple(models.values())


_FIELDS = {known.name for known in fields(Model)}


def _read(entries: Any, provider: str) -> tuple[Model, ...]:
    if not isinstance(entries, list):
        return ()
    found = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            return ()
        known: Json = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        known = {key: value for key, value in known.items() if key in _FIELDS}
        found.append(Model(**{**known, "provider": provider}))
    return tuple(found)
