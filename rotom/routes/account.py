"""Routes about the logins that are served: status, refresh."""

from __future__ import annotations

import time

from rotom.accounts import select
from rotom.gateway import Gateway, not_logged_in
from rotom.gateway.standing import ordered, renewals, statuses
from rotom.problem import Kind, Problem
from rotom.routes.generate import parse
from rotom.server.exchange import Exchange
from rotom.sse import Json
from rotom.status import document, renewal_document


class Account:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def status(self, exchange: Exchange) -> None:
        """``GET /v1/status``: the logins, their tokens' life and their limits."""
        async with exchange.attended():
            logins = await statuses(self._gateway)
            await exchange.json(200, document(logins, time.time()))

    async def refresh(self, exchange: Exchange) -> None:
        """``POST /v1/auth/refresh``: renew the logins now, all or those that the body names. One that fails does not hide
        the others."""
        body = await exchange.body()
        wanted = await self._wanted(parse(body) if body.strip() else {})
        async with exchange.attended():
            report = renewal_document(await renewals(self._gateway.keeper, wanted), time.time())
            await exchange.json(200 if report["refreshed"] else 502, report)

    async def _wanted(self, body: Json) -> list[str]:
        """The logins that are meant.

        Raises:
          Problem: INVALID for what names none; UNAUTHENTICATED without any login.
        """
        everyone = self._gateway.providers
        logins = ordered(everyone, await self._gateway.keeper.logins())
        if not logins:
            raise not_logged_in()
        for field in ("provider", "account"):
            if not isinstance(body.get(field, ""), str | None):
                raise Problem(Kind.INVALID, f"{field} must be a text", param=field, retry=False)
        provider, account = body.get("provider"), body.get("account")
        named = next((name for name, one in everyone.items() if provider in (name, *one.aliases)), provider)
        wanted = select(logins, named, account)
        if not wanted:
            message = f"there is no such login; there is {', '.join(logins)}"
            raise Problem(Kind.INVALID, message, param="account" if account else "provider", retry=False)
        return wanted
