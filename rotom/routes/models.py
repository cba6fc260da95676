"""``GET /v1/models`` and ``/v1/models/{id}``: in Anthropic's form with ``anthropic-version``, in Codex CLI's with
``client_version``, else in OpenAI's."""

from __future__ import annotations

from collections.abc import Iterable

from rotom.catalogue import LONGEST, Model
from rotom.dialects.messages import models as anthropic
from rotom.dialects.responses import codex
from rotom.dialects.responses import models as openai
from rotom.gateway import Gateway
from rotom.problem import Problem
from rotom.server.exchange import Exchange
from rotom.sse import Json


class Models:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, exchange: Exchange) -> None:
        """The models that can be asked now, in the providers' own order."""
        listed = (await self._gateway.catalogue()).listed()
        version = exchange.query.get("client_version")
        if version is not None and "anthropic-version" not in exchange.headers:
            await self._vendor(exchange, version, listed)
        elif "anthropic-version" in exchange.headers:
            await exchange.json(200, anthropic.page(listed, exchange.query))
        else:
            await exchange.json(200, openai.listing(listed))

    async def _vendor(self, exchange: Exchange, version: str, listed: Iterable[Model]) -> None:
        """The list as Codex CLI wants it: the provider's own where it can be had, and the models of others behind it."""
        try:
            found = await self._gateway.vendor_models(version[:LONGEST])
        except Problem as problem:
            exchange.log["code"] = problem.code or problem.kind.name.lower()
            found = None
        if found is None:
            await self._sent(exchange, *codex.listing(listed))
        else:
            name, value, etag = found
            others = (model for model in listed if model.provider != name)
            await self._sent(exchange, codex.joined(value, others), etag)

    async def _sent(self, exchange: Exchange, value: Json, etag: str | None) -> None:
        await exchange.json(200, value, [("etag", etag)] if etag else [])

    async def one(self, exchange: Exchange) -> None:
        """One model, also by a name that stands for it."""
        try:
            model = (await self._gateway.catalogue()).resolve(exchange.params["id"])
        except Problem as problem:
            if "anthropic-version" not in exchange.headers:
                raise
            # Here the path names the model, so this is a 404 in every API; in a question it is a 400 for Anthropic's.
            raise Problem(problem.kind, problem.message, code="not_found") from problem
        if "anthropic-version" in exchange.headers:
            await exchange.json(200, anthropic.one(model))
        else:
            await exchange.json(200, openai.one(model))
