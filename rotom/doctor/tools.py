"""What checks need that talk to somebody: the one HTTP client, a gateway for the logins, and the server that runs.

What is not here: what is said with them (the checks).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from rotom.config import resolve_api_key
from rotom.doctor.case import Case
from rotom.gateway import Gateway
from rotom.problem import Kind, Problem
from rotom.running import Running, find, root_of
from rotom.serve import assemble
from rotom.sse import Json
from rotom.upstream.client import Client, make_client

LOCAL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What an examination works with.

    Fields:
      client: towards providers. gateway: None where none can be made, and why: trouble.
      running: the server of this home, as far as it is written down.
    """

    case: Case
    client: Client
    gateway: Gateway | None
    trouble: Problem | None
    running: Running | None

    def logins(self) -> dict[str, str]:
        """Provider -> its login in use, of the providers that are looked at and whose login opens."""
        if self.gateway is None:
            return {}
        good = self.case.opened.good()
        in_use = self.case.opened.in_use
        return {name: in_use[name] for name in self.gateway.providers if in_use.get(name) in good}


@asynccontextmanager
async def tools(case: Case) -> AsyncIterator[Tools]:
    """The tools, for a block."""
    async with make_client(case.config, case.environ) as client, AsyncExitStack() as stack:
        gateway, trouble = None, case.opened.problem
        if case.vault is not None and trouble is None:
            try:
                gateway = await stack.enter_async_context(assemble(case.config, case.environ, vault=case.vault))
            except Problem as problem:
                trouble = problem
        yield Tools(case, client, gateway, trouble, find(case.config))


@asynccontextmanager
async def local(seconds: float = LOCAL_SECONDS) -> AsyncIterator[httpx.AsyncClient]:
    """A client for servers on this machine."""
    async with httpx.AsyncClient(trust_env=False, timeout=seconds) as client:
        yield client


def key_header(case: Case) -> dict[str, str]:
    """The local key, for a server of ours and nobody else."""
    try:
        key = resolve_api_key(case.config, case.environ)
    except Problem:
        return {}
    return {} if key is None else {"authorization": f"Bearer {key}"}


async def served_status(tools: Tools) -> Json | None:
    """The status document of the server that runs; None where there is none, or it cannot be had."""
    if tools.running is None:
        return None
    async with local(20.0) as client:
        for address in tools.running.addresses:
            try:
                answer = await client.get(f"{root_of(address)}/v1/status", headers=key_header(tools.case))
                value = answer.json()
            except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                continue
            if answer.status_code == 200 and isinstance(value, dict):
                return value
    return None


def not_made(tools: Tools, otherwise: str) -> Problem:
    """Why there is nobody to ask. otherwise: where somebody is logged in all the same."""
    provider = tools.case.config.provider
    if provider is not None:
        message, hint = f"nobody is logged in to {provider}", f"rotom login --provider {provider}"
    else:
        message, hint = otherwise if tools.case.opened.good() else "nobody is logged in", "rotom login"
    return tools.trouble or Problem(Kind.UNAUTHENTICATED, message, hint=hint)
