"""Routes about rotom itself and the logins it serves: health, status, refresh."""

from __future__ import annotations

import time

from rotom import __version__
from rotom.gateway import Gateway, not_logged_in
from rotom.problem import Problem
from rotom.server.exchange import Exchange
from rotom.sse import Json
from rotom.status import document, local_time


class Account:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def health(self, exchange: Exchange) -> None:
        """``GET /health``: the process answers. Needs no key, so it tells nothing else."""
        await exchange.json(200, {"status": "ok"})

    async def root(self, exchange: Exchange) -> None:
        """``GET /``: what this is. Clients probe it with HEAD."""
        await exchange.json(200, {"name": "rotom", "version": __version__, "documentation": "man rotom-api"})

    async def status(self, exchange: Exchange) -> None:
        """``GET /v1/status``: the logins, their tokens' life and their limits."""
        async with exchange.attended():
            logins = await self._gateway.logins()
            await exchange.json(200, document(logins, time.time()))

    async def refresh(self, exchange: Exchange) -> None:
        """``POST /v1/auth/refresh``: renew every login now. One that fails does not hide the others."""
        await exchange.body()
        async with exchange.attended():
            results = [await self._renew(name) for name in await self._gateway.served()]
            if not results:
                raise not_logged_in()
            good = all(result["refreshed"] for result in results)
            await exchange.json(200 if good else 502, {"refreshed": good, "providers": results})

    async def _renew(self, name: str) -> Json:
        try:
            token = await self._gateway.renew(name)
        except Problem as problem:
            return {"provider": name, "refreshed": False, "code": problem.code, "message": problem.message}
        at = token.expires_at
        return {"provider": name, "refreshed": True, "expires_at_local": None if at is None else local_time(at)}
