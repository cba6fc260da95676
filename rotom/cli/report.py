"""The status document for a command: from a server that runs, which knows what it has learned, else from the providers.

Theory of operation: a server of this home writes down where it listens (running.py). It is asked first, each time; when it
cannot be had, a gateway of our own is made, and kept for the next time, with what it has learned: providers are not asked
more often than a server would ask them.

What is not here: how the document looks (status.py).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx

from rotom import running
from rotom.cli.logins import our_vault
from rotom.config import Config, resolve_api_key
from rotom.gateway import Gateway
from rotom.gateway.standing import statuses
from rotom.problem import Problem
from rotom.providers.registry import all_providers
from rotom.serve import assemble
from rotom.sse import Json
from rotom.status import document, narrowed

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 40.0
"""For a server on this machine; it asks the providers in turn."""


class Reports:
    """Gives the document as often as it is wanted."""

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self._config = config
        self._stack = stack
        self._gateway: Gateway | None = None
        self._told = False

    async def next(self) -> Json:
        """The document as of now.

        Raises:
          Problem: the credentials cannot be read.
        """
        if (found := await self._served()) is not None:
            return found
        if self._gateway is None:
            vault = our_vault(self._config)
            vault.logins()  # a file that we must not touch is told, and not taken for an empty one
            self._gateway = await self._stack.enter_async_context(assemble(self._config, os.environ, vault=vault))
        return document(await statuses(self._gateway), time.time())

    async def _served(self) -> Json | None:
        """What a running server says; None when there is none that can be asked for all that is wanted."""
        here = running.find(self._config)
        wanted = self._config.provider
        if here is None or here.provider not in (None, wanted):
            return None
        for address in here.addresses:
            try:
                answer = await _get(address, self._config)
            except (httpx.HTTPError, httpx.InvalidURL, Problem):
                continue
            if answer.status_code == 401 and not self._told:
                self._told = True
                where = f"the server at {address} wants another local key than the one configured here"
                print(f"rotom: {where}, so the providers are asked instead", file=sys.stderr)
            with suppress(ValueError):
                if answer.status_code == 200 and _good(report := answer.json()):
                    return report if wanted is None else narrowed(report, _named(self._config, wanted))
        return None


@asynccontextmanager
async def reports(config: Config) -> AsyncIterator[Reports]:
    """Reports for a block."""
    async with AsyncExitStack() as stack:
        yield Reports(config, stack)


async def _get(address: str, config: Config) -> httpx.Response:
    key = resolve_api_key(config, os.environ)
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=timeout) as client:
        return await client.get(f"{running.root_of(address)}/v1/status", headers=headers)


def _good(report: Any) -> bool:
    """Whether it is a status document that this version understands."""
    entries = report.get("providers") if isinstance(report, dict) else None
    return isinstance(entries, list) and all(isinstance(one, dict) and "last_error" in one for one in entries)


def _named(config: Config, name: str) -> str:
    return next((one.name for one in all_providers(config).values() if name in (one.name, *one.aliases)), name)
