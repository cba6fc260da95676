"""The simulated backend on a WebSocket: one question after the other, each as strict as over HTTP.

Theory of operation: a connection remembers its last good response, with everything that led to it, and nothing else; a
question may go on from that by ``previous_response_id``. So such a question is made whole first and then checked and
answered like any other. A question that fails takes the memory with it, as the vendor documents for its public API (2026).
Refusals that HTTP tells by a status are error events with that status, and the connection stays open; what no backend says
in an event (a page of HTML) ends the connection instead. While a question is answered the next one waits.

Facts: frames to and from Codex CLI 0.169 (2026-11). Guesses: that a refusal of the form ``{"detail": ...}`` has its text as
the error's message here, and that each answer begins with its metadata and ends with its timing.

What is not here: who may connect and what is answered (`Simulator`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from rotom.fold import TERMINAL
from rotom.plain import helpers
from rotom.server.exchange import Exchange
from rotom.server.websocket import Socket, websocket
from rotom.simulator.play import At, Cut, Framed, Open, Play, Received, Refused, Reply, Stall, Wait, error
from rotom.sse import Decoder, Event, Json

SOCKET: Final = "WEBSOCKET"
"""What stands for the method of a question on a WebSocket."""
LIFE_SECONDS: Final = 3600.0
WAITING: Final = 8
"""Questions that may wait for the one before."""
KEPT_BACK: Final = ("content-", "x-error-json")

Answer = Callable[[Received, Json], tuple[Play, list[Event]]]
"""(what was received, the whole question) -> (the steps of the answer, the events before it). Raises Refused."""


@dataclass(slots=True)
class Memory:
    """What a connection remembers: its last response, and all items up to it."""

    response: str | None = None
    items: list[Json] = field(default_factory=list)


class Ended(Exception):
    """The connection is to end; `rudely`: without a word."""

    def __init__(self, rudely: bool = False) -> None:
        super().__init__("rudely" if rudely else "politely")
        self.rudely = rudely


async def serve_socket(
    exchange: Exchange, head: list[tuple[str, str]], answer: Answer, note: Callable[[Received], None], pace: float
) -> None:
    """Answer the questions on a WebSocket until it ends.

    Arguments:
      head: headers of the handshake's answer.
      note: is told of each question when it came, and when it is over.
      pace: seconds before each delta, unless the scenario keeps the time itself.
    """
    async with websocket(exchange, head) as socket:
        try:
            async with helpers() as nursery:
                put, questions = trio.open_memory_channel[str | bytes](WAITING)
                nursery.start_soon(_listen, socket, put, nursery.cancel_scope)
                memory = Memory()
                with trio.move_on_after(LIFE_SECONDS):
                    async for message in questions:
                        received = Received(SOCKET, exchange.path, {}, dict(exchange.headers), trio.current_time())
                        note(received)
                        try:
                            await _question(socket, message, memory, received, answer, pace)
                        except trio.Cancelled:
                            received.gone = True
                            raise
                        finally:
                            received.ended_at = trio.current_time()
                            note(received)
                await _send(socket, _refusal(_LIMIT))
        except Ended as ended:
            if ended.rudely:
                await exchange._connection.stream.aclose()


async def _listen(socket: Socket, put: trio.MemorySendChannel[str | bytes], everything: trio.CancelScope) -> None:
    """Whoever works on a socket goes on reading it: that is how a hang-up is seen."""
    async for message in socket:
        await put.send(message)
    everything.cancel()


async def _question(
    socket: Socket, message: str | bytes, memory: Memory, received: Received, answer: Answer, pace: float
) -> None:
    """Answer one question, and remember it when that went well."""
    before, memory.response = memory.response, None
    try:
        received.body = body = _read(message)
        whole = {key: value for key, value in body.items() if key not in ("type", "previous_response_id", "generate")}
        if (wanted := body.get("previous_response_id")) is not None:
            if wanted != before or not isinstance(body.get("input"), list):
                raise Refused(_forgotten(wanted))
            whole["input"] = memory.items + body["input"]
        steps, first = answer(received, whole)
    except Refused as refused:
        received.status = refused.reply.status
        await _send(socket, _refusal(refused.reply))
        return
    received.status = 200
    await _send(socket, *first)
    items, last = await _perform(socket, steps, pace)
    if last is None:
        raise Ended
    if isinstance(last, Reply):
        received.status = last.status
    elif last.type == "response.completed":
        memory.response, memory.items = last.data["response"].get("id"), whole["input"] + items
        await _send(socket, Event("", data={"type": "responsesapi.websocket_timing", "timing": {}}))


async def _perform(socket: Socket, steps: Play, pace: float) -> tuple[list[Json], Event | Reply | None]:
    """Do the steps; the items that were told whole, and what ended the answer."""
    items: list[Json] = []
    begun: float | None = None
    for step in steps:
        match step:
            case Reply() if step.status != 200:
                await _send(socket, _refusal(step))
                return items, step
            case Wait():
                await trio.sleep(step.seconds)
            case At():
                begun = trio.current_time() if begun is None else begun
                await trio.sleep_until(begun + step.seconds)
            case Stall():
                await trio.sleep_forever()
            case Cut() | Framed():  # ready-made chunks exist over HTTP only
                raise Ended(rudely=True)
            case Open():
                continue
            case _:
                events = _events(step)
                if begun is None and pace and isinstance(step, Event) and step.type.endswith(".delta"):
                    await trio.sleep(pace)
                await _send(socket, *events)
                for event in events:
                    if event.type == "response.output_item.done":
                        items.append(event.data["item"])
                    if event.type in TERMINAL:
                        return items, event
    return items, None


def _events(step: Event | list[Event] | bytes | Reply) -> list[Event]:
    if isinstance(step, bytes | Reply):
        step = step.body if isinstance(step, Reply) else step
        return Decoder().feed(step)  # a piece of an event is nothing here: messages come whole or not at all
    return [event for event in (step if isinstance(step, list) else [step]) if event.type != ":"]


async def _send(socket: Socket, *events: Event) -> None:
    await socket.send(*(event.raw.decode() for event in events))


def _read(message: str | bytes) -> Json:
    try:
        value = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(error(400, "Invalid JSON in the message.", "invalid_json"))
    if value.get("type") != "response.create":
        raise Refused(error(400, f"Unknown message type: {value.get('type')!r}.", "invalid_value", "type"))
    return value


def _forgotten(wanted: object) -> Reply:
    message = f"Previous response with id '{wanted}' not found."
    return error(400, message, "previous_response_not_found", "previous_response_id")


_LIMIT: Final = error(
    400,
    "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.",
    "websocket_connection_limit_reached",
)


def _refusal(reply: Reply) -> Event:
    """A refusal as an event.

    Raises:
      Ended: for one that is not JSON.
    """
    try:
        value = json.loads(reply.body)
    except ValueError:
        raise Ended from None
    what = value.get("error")
    if not isinstance(what, dict):
        what = {"type": "invalid_request_error", "message": value.get("detail"), "code": None, "param": None}
    headers = {name: text for name, text in reply.headers if not name.startswith(KEPT_BACK)}
    return Event("error", data={"type": "error", "status": reply.status, "error": what, "headers": headers})
