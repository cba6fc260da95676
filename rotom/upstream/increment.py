"""What of a question need not be sent again on a connection whose other end remembers the answer before. Pure.

Theory of operation: on a WebSocket the provider keeps its last response in memory, and a question that goes on from it may
name it and hold the new items only. Clients of ours always ask with the whole conversation, so the whole body is compared
with what that end remembers: the items that were sent, then those that came back, and every other field. Only when all of
them are the same, and something is new, is the known part left out. Everything is compared by digests (`Trace` has one for
each beginning of the conversation, made in one pass), so a connection that waits for its next question holds no words.

An item that came from the provider returns from a client without its id and its status, a call's arguments may be spaced in
another way, an assistant's message may have lost its annotations on the way through another API: `_meant` is what has to be
the same. A client that leaves out reasoning has changed the conversation, so everything is sent.

What is not here: the connection (websocket.py), and what a provider accepts (providers/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from rotom.sse import Json

_EACH_TIME = frozenset({"input", "client_metadata"})
"""Fields that belong to one request and may differ: Codex CLI 0.169 (2026-11) writes the time into its client_metadata."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
"""Keys come back from clients in an order of their own."""

_SIZE = 20


@dataclass(frozen=True, slots=True)
class Memory:
    """What the other end remembers.

    Fields:
      response: the id of its last response.
      count: how many items led to that and came with it.
      items, rest: digests of those items, and of the question's other fields.
    """

    response: str
    count: int
    items: bytes
    rest: bytes


class Trace:
    """A whole question, in digests.

    Arguments:
      body: with its ``input``; read once.
    """

    def __init__(self, body: Json) -> None:
        rest = {key: value for key, value in body.items() if key not in _EACH_TIME}
        self._rest = blake2b(_ENCODER.encode(rest).encode("ascii"), digest_size=_SIZE).digest()
        self._running = blake2b(digest_size=_SIZE)
        self._marks = [self._running.digest()]  # [n]: of the first n items
        self._add(body["input"])

    def new(self, body: Json, memory: Memory) -> Json | None:
        """The same question with its new items only; None when it does not go on from what is remembered."""
        if len(self._marks) <= memory.count + 1 or (self._rest, self._marks[memory.count]) != (
            memory.rest,
            memory.items,
        ):
            return None
        return {**body, "previous_response_id": memory.response, "input": body["input"][memory.count :]}

    def answered(self, output: Iterable[Json], response: str) -> Memory:
        """What the other end remembers once it has answered with these items. To be asked once."""
        self._add(output)
        return Memory(response, len(self._marks) - 1, self._marks[-1], self._rest)

    def _add(self, items: Iterable[Json]) -> None:
        for item in items:
            self._running.update(_ENCODER.encode(_meant(item)).encode("ascii") + b"\n")
            self._marks.append(self._running.digest())


def _meant(item: Json) -> Any:
    """What of an item has to be the same."""
    match item.get("type"):
        case "message" if item.get("role") == "assistant":
            return ["assistant", _said(item.get("content"))]
        case "reasoning" if item.get("encrypted_content"):
            return ["reasoning", item["encrypted_content"]]
        case "function_call":
            return [
                "call",
                item.get("call_id"),
                item.get("namespace"),
                item.get("name"),
                _parsed(item.get("arguments")),
            ]
        case _:
            return {key: value for key, value in item.items() if key not in ("id", "status")}


def _said(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [
        [part.get("type"), part.get("text", part.get("refusal"))] if isinstance(part, dict) else part
        for part in content
    ]


def _parsed(arguments: Any) -> Any:
    try:
        return json.loads(arguments)
    except (TypeError, ValueError, RecursionError):
        return arguments
