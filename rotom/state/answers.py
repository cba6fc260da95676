"""Answers: what ``previous_response_id`` and ``item_reference`` lead to, and what ``GET /v1/responses/{id}`` shows.

In memory, in this process, bounded by bytes, count and age; a restart forgets it all.

Theory of operation. An answer is kept as a node: what it was asked beyond its parent, what it answered, and a pointer to
that parent, so that a conversation of N turns takes N nodes and not N copies. Everything in a node is JSON text, and equal
texts are one object however many nodes have them (`_Pool`): tools and instructions that come with every turn, and the
whole history of clients that send it each time, are in memory once. Text is also what is counted: the bound means bytes
of memory.

Nodes are let go by least recent use. One that goes takes nothing from a conversation that went on from it: it stays, and
stays counted, for as long as a node that is kept descends from it, and so do its items.

A store may stand before another one, for answers that are not for everybody; then the bytes of the one behind are the bound
of both, and of all that stand before it: the node of least recent use goes first, whichever of them has it.

What is not here: which turns are kept and what is made of them (the gateway), and HTTP (routes/).
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rotom.sse import Json, dumps

NODE = 800
"""Bytes that a node takes beside its texts: the object, its places in the tables."""
TEXT = 320
"""Bytes that a text takes beside its letters: its place in the pool, and in the table of items."""
USE = 8
"""Bytes that one more use of a text in a node takes."""

_PLACE = re.compile(r"[0-9a-f]{1,8}")

_REPEATED = ("instructions", "tools", "text", "tool_choice", "reasoning", "metadata")
"""Fields of a Response object that mostly are what they were the turn before."""

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
    "image_generation_call": "ig",
    "web_search_call": "ws",
}
"""How ids of items begin, by type; as seen in requests of Codex CLI 0.169 (2026-11)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be kept: bytes, answers, and seconds since one was last of use."""

    bytes: int
    count: int
    age: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kept:
    """One answer that is kept.

    Fields:
      id: the response's id.
      parent: the answer that it went on from.
      provider, account: whose reasoning is in it; no other understands that.
      asked, answered: the items that the request had beyond its parent, and those of the answer; JSON texts.
      frame, repeated: the rest of the Response object in two JSON objects.
      total: bytes of this and everything before it, were each alone.
    """

    id: str
    parent: Kept | None
    provider: str
    account: str | None
    asked: tuple[bytes, ...]
    answered: tuple[bytes, ...]
    frame: bytes
    repeated: bytes
    total: int = 0

    @property
    def response(self) -> Json:
        """The Response object as the client got it."""
        value: Json = json.loads(self.frame)
        given: Json = json.loads(self.repeated)
        items = [json.loads(text) for text in self.answered]
        return {name: items if name == "output" else given.get(name, inner) for name, inner in value.items()}

    @property
    def input(self) -> list[Json]:
        """The items that the request had beyond its parent's. Each has an id: its own, or one that is made here."""
        return [self._named(number, json.loads(text)) for number, text in enumerate(self.asked)]

    @property
    def output(self) -> list[Json]:
        """The items of the answer. Each has an id, as above."""
        return [self._named(number, json.loads(text)) for number, text in enumerate(self.answered, len(self.asked))]

    def conversation(self) -> list[Json]:
        """Every item from the beginning up to this answer, the answer among them, for a turn that goes on from it.

        What is encrypted says whose it is, in keys of rotom's own. A call that was cut off is left out: nobody can answer.
        """
        return [
            _bound(item, node.provider, node.account)
            for node in self.line()
            for item in map(json.loads, (*node.asked, *node.answered))
            if not (item.get("status") == "incomplete" and "call_id" in item)
        ]

    def context(self) -> list[Json]:
        """Every item that this answer was given: the conversation before it, and its own input. Each has an id."""
        before = [item for node in self.line()[:-1] for item in (*node.input, *node.output)]
        return [*before, *self.input]

    def line(self) -> list[Kept]:
        """The answers from the first one to this."""
        nodes: list[Kept] = []
        node: Kept | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    def find(self, item_id: str) -> Json | None:
        """An item by the id that was made for it here."""
        place = item_id.rpartition("i")[2]
        texts = (*self.asked, *self.answered)
        if not _PLACE.fullmatch(place) or (number := int(place, 16)) >= len(texts):
            return None
        item = self._named(number, json.loads(texts[number]))
        return _bound(item, self.provider, self.account) if item["id"] == item_id else None

    def _named(self, number: int, item: Json) -> Json:
        # The id says where the item is, so that it need not be remembered.
        if isinstance(item.get("id"), str):
            return item
        prefix = _PREFIXES.get(str(item.get("type", "message")), "item")
        named = f"{prefix}_{self.id.partition('_')[2] or self.id}i{number:x}"
        return {"id": named, **{key: value for key, value in item.items() if key != "id"}}


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as texts, not kept yet. Made by `draft`, which takes time for long ones and may run in a thread."""

    id: str
    asked: tuple[bytes, ...]
    answered: tuple[bytes, ...]
    frame: bytes
    repeated: bytes


def draft(response: Json, asked: Iterable[Json]) -> Draft:
    """A final Response object, and the input items beyond its parent's, as texts."""
    output = response.get("output")
    return Draft(
        str(response.get("id")),
        tuple(_text(item) for item in asked),
        tuple(_text(item) for item in (output if isinstance(output, list) else ()) if isinstance(item, dict)),
        dumps({name: None if name in ("output", *_REPEATED) else value for name, value in response.items()}),
        dumps({name: response[name] for name in _REPEATED if name in response}),
    )


def _bound(item: Json, provider: str, account: str | None) -> Json:
    if item.get("type") not in ("reasoning", "compaction"):
        return item
    return {**item, "rotom_provider": provider, "rotom_account": account}


def _text(item: Json) -> bytes:
    return dumps({name: value for name, value in item.items() if not name.startswith("rotom_")})


class Answers:
    """The answers that are kept.

    Arguments:
      bounds: may be replaced while it is used.
      behind: where else to look, after here: answers that others keep. To be closed when it is used no more.
      clock: seconds that only grow.

    Attributes:
      bytes: the memory of all that is kept.
    """

    def __init__(
        self, bounds: Bounds, behind: Answers | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.bounds = bounds
        self.bytes = 0
        self._behind = behind
        self._before: list[Answers] = []
        if behind is not None:
            behind._before.append(self)
        self._clock = clock
        self._used: OrderedDict[str, tuple[Kept, float]] = OrderedDict()  # the latest use last
        self._nodes: dict[str, Kept] = {}  # those in memory, by id
        self._holders: dict[Kept, int] = {}  # children and places in `_used`
        self._pool: dict[bytes, tuple[bytes, int]] = {}  # text -> the one object of it, and how many nodes have it
        self._items: dict[str, tuple[bytes, str, str | None]] = {}  # id -> its text, and whose it is

    def __len__(self) -> int:
        return len(self._used)

    def get(self, id: str) -> Kept | None:
        """The answer of that id."""
        self.sweep()
        node = self._nodes.get(id)
        if node is None:
            return self._behind.get(id) if self._behind is not None else None
        if id in self._used:
            self._used[id] = node, self._clock()
            self._used.move_to_end(id)
        return node

    def item(self, id: str) -> Json | None:
        """An item of any answer or request, by its id. What is encrypted says in keys of rotom's own whose it is."""
        self.sweep()
        if (known := self._items.get(id)) is not None:
            text, provider, account = known
            return _bound(json.loads(text), provider, account)
        place = id.partition("_")[2].rpartition("i")[0]  # what Kept made of the response's id
        node = self._nodes.get(f"resp_{place}") or self._nodes.get(place)
        found = node.find(id) if node is not None else None
        if found is None and self._behind is not None:
            return self._behind.item(id)
        return found

    def keep(self, draft: Draft, parent: Kept | None, provider: str, account: str | None = None) -> Kept | None:
        """Keep an answer.

        Returns:
          None when its conversation alone is longer than everything may be: others do not have to go for that.
        """
        texts = [*draft.asked, *draft.answered, draft.frame]
        if parent is None or parent.repeated != draft.repeated:
            texts.append(draft.repeated)
        alone = NODE + TEXT + sum(len(text) + TEXT + USE for text in texts)
        total = alone + (parent.total if parent is not None else 0)
        if total > self.bounds.bytes:
            return None
        self._forget(draft.id)
        own: dict[bytes, bytes] = {}

        def shared(text: bytes) -> bytes:
            """The text as others have it already, in another answer or in this one."""
            return known[0] if (known := self._pool.get(text)) is not None else own.setdefault(text, text)

        node = Kept(
            draft.id,
            parent,
            provider,
            account,
            tuple(map(shared, draft.asked)),
            tuple(map(shared, draft.answered)),
            draft.frame,
            shared(draft.repeated),
            total,
        )
        self._nodes[node.id] = node
        self._hold(node)
        self._used[node.id] = node, self._clock()
        self.sweep()
        while len(self._used) > self.bounds.count or self.bytes > self.bounds.bytes:
            self._drop(next(iter(self._used)))
        (self if self._behind is None else self._behind)._fit()
        return node

    def close(self) -> None:
        """Forget everything, and let others have the room."""
        if self._behind is not None and self in self._behind._before:
            self._behind._before.remove(self)
        while self._used:
            self._drop(next(iter(self._used)))

    def _fit(self) -> None:
        """Let go what is too much for this store and those before it together."""
        stores = [self, *self._before]
        while sum(store.bytes for store in stores) > self.bounds.bytes:
            used = [(next(iter(store._used.values()))[1], number) for number, store in enumerate(stores) if store._used]
            if not used:
                return
            store = stores[min(used)[1]]
            store._drop(next(iter(store._used)))

    def delete(self, id: str) -> bool:
        """Forget an answer; those that went on from it are still whole. Returns whether it was there."""
        if self._forget(id):
            return True
        return self._behind is not None and self._behind.delete(id)

    def _forget(self, id: str) -> bool:
        known = self._nodes.pop(id, None) is not None
        self._drop(id)
        return known

    def sweep(self) -> None:
        """Let go what was of no use for too long."""
        oldest = self._clock() - self.bounds.age
        while self._used and next(iter(self._used.values()))[1] < oldest:
            self._drop(next(iter(self._used)))

    def _drop(self, id: str) -> None:
        node, _ = self._used.pop(id, (None, 0.0))
        self._release(node)

    def _hold(self, node: Kept | None) -> None:
        while node is not None:
            holders = self._holders.get(node, 0)
            self._holders[node] = holders + 1
            if holders:
                return
            self._enter(node)
            node = node.parent

    def _release(self, node: Kept | None) -> None:
        while node is not None:
            holders = self._holders[node] - 1
            self._holders[node] = holders
            if holders:
                return
            del self._holders[node]
            self._leave(node)
            node = node.parent

    def _enter(self, node: Kept) -> None:
        self.bytes += _size(node)
        for text in (*node.asked, *node.answered):
            if self._take(text) and (name := _name(text)) is not None:
                self.bytes += 0 if name in self._items else sys.getsizeof(name)
                self._items[name] = text, node.provider, node.account
        self._take(node.frame)
        self._take(node.repeated)

    def _leave(self, node: Kept) -> None:
        if self._nodes.get(node.id) is node:
            del self._nodes[node.id]
        self.bytes -= _size(node)
        for text in (*node.asked, *node.answered):
            if self._give_back(text) and (name := _name(text)) in self._items and self._items[name][0] == text:
                del self._items[name]
                self.bytes -= sys.getsizeof(name)
        self._give_back(node.frame)
        self._give_back(node.repeated)

    def _take(self, text: bytes) -> bool:
        """Count a use of a text; whether it is the first."""
        shared, uses = self._pool.get(text, (text, 0))
        self._pool[shared] = shared, uses + 1
        if not uses:
            self.bytes += len(text) + TEXT
        return not uses

    def _give_back(self, text: bytes) -> bool:
        """The opposite; whether it was the last."""
        shared, uses = self._pool[text]
        if uses > 1:
            self._pool[shared] = shared, uses - 1
            return False
        del self._pool[shared]
        self.bytes -= len(text) + TEXT
        return True


def _size(node: Kept) -> int:
    """Bytes that a node takes beside its texts."""
    return NODE + USE * (len(node.asked) + len(node.answered))


def _name(text: bytes) -> str | None:
    """The id that an item came with."""
    name = json.loads(text).get("id") if b'"id":' in text else None
    return name if isinstance(name, str) else None
