"""The routes of text to speech, in the provider's own form: nothing of OpenAI's or Anthropic's is translated to it.

What is not here: who speaks and how (gateway/speech.py), and which fields there are (providers/).
"""

from __future__ import annotations

import trio

from rotom.gateway import Gateway
from rotom.gateway.speech import say, speaker, voices
from rotom.routes.generate import parse
from rotom.server.exchange import Exchange


class Speech:
    """The handlers of ``/v1/tts`` and what is under it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def say(self, exchange: Exchange) -> None:
        """POST: a text in; audio out as it comes, or audio and timestamps as JSON."""
        exchange.log["dialect"] = "speech"
        body = parse(await exchange.body())
        who = await speaker(self._gateway)
        exchange.log["provider"] = who.provider.name
        async with exchange.attended(), say(self._gateway, who, body) as sound:
            exchange.start(200, [("content-type", sound.headers["content-type"])])
            async for piece in sound:
                exchange.log.setdefault("first", trio.current_time() - exchange.begun_at)
                await exchange.send(piece)
            await exchange.finish()

    async def voices(self, exchange: Exchange) -> None:
        """GET: the voices that there are, or one of them."""
        exchange.log["dialect"] = "speech"
        who = await speaker(self._gateway)
        exchange.log["provider"] = who.provider.name
        async with exchange.attended():
            reply = await voices(self._gateway, who, exchange.params.get("voice"))
            await exchange.answer(200, [("content-type", "application/json")], reply.body)
