"""``POST /v1/images/generations`` and ``/v1/images/edits``: read, draw, answer.

A client that wants a stream gets an event for each image as soon as it is drawn, and comments meanwhile; no provider behind
rotom tells of an image before it is whole, so there are no partial ones (the API allows for fewer than asked). The head of
the answer is held for the ping interval, so that an early refusal has its own status.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from rotom.accounts import facts
from rotom.dialects.images import NAME, answer
from rotom.dialects.images.read import read_edit, read_generation
from rotom.drawing import Drawing, decoded, encoded
from rotom.gateway import Gateway
from rotom.gateway.images import ImagePlan, draw, plan_images
from rotom.problem import Kind, Problem
from rotom.providers import Reply
from rotom.receipt import HEADER, Receipt
from rotom.routes.generate import EVENT_STREAM, LARGE, parse, repeats
from rotom.server.exchange import Exchange
from rotom.server.routing import FORM
from rotom.sse import Event, Json, encode

PULSE = encode([Event(":", raw=b"keep-alive")])


class Images:
    """The handlers, bound to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def generations(self, exchange: Exchange) -> None:
        """Images from words."""
        await self._answer(exchange, lambda body: read_generation(parse(body)))

    async def edits(self, exchange: Exchange) -> None:
        """Images from images, as JSON or as a form."""
        content_type = exchange.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() in FORM:
            from rotom.dialects.images import form  # seldom needed

            await self._answer(exchange, lambda body: read_edit(form.read_edit_form(content_type, body)))
        else:
            await self._answer(exchange, lambda body: read_edit(parse(body)))

    async def variations(self, exchange: Exchange) -> None:
        """Nothing: the API itself has retired this."""
        message = "images are not varied any more, by the real API neither; POST /v1/images/edits with a prompt"
        raise Problem(Kind.NOT_FOUND, message, code="not_found", retry=False)

    async def _answer(self, exchange: Exchange, read: Callable[[bytes], Drawing]) -> None:
        exchange.log["dialect"] = NAME
        body = await exchange.body()
        drawing = read(body) if len(body) <= LARGE else await trio.to_thread.run_sync(read, body)
        del body
        plan = await plan_images(self._gateway, drawing)
        exchange.log |= {
            "model": drawing.asked or plan.model.id,
            "served": plan.model.id,
            **facts(plan.login),
            "stream": drawing.stream,
            "dropped": plan.receipt.dropped,
        }
        if drawing.stream:
            await self._stream(exchange, plan)
        else:
            await self._whole(exchange, plan)

    async def _whole(self, exchange: Exchange, plan: ImagePlan) -> None:
        answers: list[Json] = []
        async with exchange.attended():
            async with draw(self._gateway, plan, once=repeats(exchange)) as replies:
                answers += [await trio.to_thread.run_sync(_read, plan, reply) async for reply in replies]
            out = answer.whole(plan.drawing, answers)
            _note(exchange, out)
            headers = [("content-type", "application/json"), *_told(plan, answers)]
            await exchange.answer(200, headers, await trio.to_thread.run_sync(encoded, out))

    async def _stream(self, exchange: Exchange, plan: ImagePlan) -> None:
        head = EVENT_STREAM + _told(plan, [])

        def pulse() -> bytes:
            if not exchange.started:
                exchange.start(200, head)
            return PULSE

        answers: list[Json] = []
        async with exchange.attended(pulse, self._gateway.config.ping_interval):
            try:
                async with draw(self._gateway, plan, once=repeats(exchange)) as replies:
                    async for reply in replies:
                        answers.append(await trio.to_thread.run_sync(_read, plan, reply))
                        for event in answer.completed(plan.drawing, answers[-1]):
                            raw = await trio.to_thread.run_sync(encoded, event.data)
                            if not exchange.started:
                                exchange.start(200, EVENT_STREAM + _told(plan, answers))
                            await exchange.send(encode([Event(event.type, raw=raw)]))
                _note(exchange, answer.whole(plan.drawing, answers))
                await exchange.finish()
            except Problem as problem:
                if not exchange.started:
                    raise
                exchange.log["code"] = problem.code or problem.kind.name.lower()
                await exchange.send(encode([answer.failed(problem)]))
                await exchange.finish()


def _read(plan: ImagePlan, reply: Reply) -> Json:
    value = decoded(reply.body)
    return answer.read_answer(plan.images.read(value) if isinstance(value, dict) else value)


def _told(plan: ImagePlan, answers: list[Json]) -> list[tuple[str, str]]:
    """The receipt, with what is seen to be drawn otherwise than asked."""
    differences = [pair for drawn in answers for pair in answer.differences(plan.drawing, drawn)]
    told = (plan.receipt + Receipt((), tuple(differences))).header()
    return [] if told is None else [(HEADER, told)]


def _note(exchange: Exchange, out: Json) -> None:
    """What the log line tells of the tokens."""
    usage = out.get("usage")
    if isinstance(usage, dict):
        exchange.log |= {"input": usage.get("input_tokens"), "output": usage.get("output_tokens")}
