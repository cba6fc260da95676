"""``GET /v1/models`` and ``/v1/models/{id}``: in Anthropic's form with ``anthropic-version``, else in OpenAI's."""

from __future__ import annotations

from rotom.dialects.messages import models as anthropic
from rotom.dialects.responses import models as openai
from rotom.gateway import Gateway
from rotom.problem import Problem
from rotom.server.exchange import Exchange


class Models:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, exchange: Exchange) -> None:
        """The models that can be asked now, in the providers' own order."""
        listed = (await self._gateway.catalogue()).listed()
        if "anthropic-version" in exchange.headers:
            await exchange.json(200, anthropic.page(listed, exchange.query))
        else:
            await exchange.json(200, openai.listing(listed))

    async def one(self, exchange: Exchange) -> None:
        """One model, also by a name that stands for it."""
        try:
            model = (await self._gateway.catalogue()).resolve(exchange.params["id"])
        except Problem as problem:
            # Here the path names the model, so this is a 404 in every API; in a question it is a 400 for Anthropic's.
            raise Problem(problem.kind, problem.message, code="not_found") from problem
        if "anthropic-version" in exchange.headers:
            await exchange.json(200, anthropic.one(model))
        else:
            await exchange.json(200, openai.one(model))
