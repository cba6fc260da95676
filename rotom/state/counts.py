"""What providers reported of token counts: known beginnings of conversations, and how far estimates are off.

Theory of operation. After each answer the provider tells how many tokens it read and wrote. Both are kept under the key
that the chain of links (tokens/chain.py) has there: behind the input, and behind the answer as it will come back as
history. A request that goes on from there is then counted as what was reported and an estimate of the rest; where
nothing is left over the count is exact. Instructions and tools are no part of the chain. Where they changed since, the
difference of their estimates is added.

From each pair of an estimate and a report a ratio for the model is learned, which later estimates are multiplied by.

Plain synchronous code, in memory, bounded; a restart forgets it all, which costs accuracy for one turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from rotom.sse import Json
from rotom.tokens import head_tokens
from rotom.tokens.chain import Link, chain, head

How = Literal["exact", "learned", "estimated"]

KEPT = 20_000
"""Known beginnings: two a turn, some 200 bytes each."""
HEADS = 256
"""Sets of instructions and tools whose estimate is kept."""
BIG = 256_000
"""Characters beyond which nothing is estimated only to learn from it."""

_MOST = 10**9
"""A reported count beyond this is none."""

_LEAST = 200
"""Tokens that an estimate needs to be learned from: below it the frames are most of it."""
_PRIOR = 2000.0
"""Tokens that our own weights are trusted for: a ratio moves from 1 by what is reported beyond that."""
_FORGET = 0.95
_CLAMP = 0.5, 2.0


@dataclass(frozen=True, slots=True)
class Count:
    """A count: tokens, and how far they can be trusted."""

    tokens: int
    how: How


@dataclass(frozen=True, slots=True)
class Known:
    """What was reported for a beginning.

    Fields:
      tokens: without the reasoning of the answer it ends with; thought: that reasoning.
      head: the key of the instructions and tools then.
    """

    tokens: int
    thought: int
    head: int


@dataclass(slots=True)
class Look:
    """A request that was looked at: what of it is known, and what would have to be estimated.

    Fields:
      base: tokens that are known of it. rest: the links that are not.
      links: all of its links; head: the key of its instructions and tools; then: the one of the known beginning.
      new: whether the head was not estimated before. size: characters that an estimate would have to look at.
      weight, head_weight: the estimates of rest and head, once they were made.
    """

    model: str
    body: Json
    links: list[Link]
    head: int
    base: int = 0
    then: int | None = None
    rest: list[Link] = field(default_factory=list)
    new: bool = False
    size: int = 0
    weight: float | None = None
    head_weight: float | None = None

    def weigh(self) -> float:
        """The estimate of the rest. When `size` is large it is best made first in a thread; it touches nothing but this."""
        if self.weight is None:
            self.weight = sum(link.tokens() for link in self.rest)
            if self.new:
                self.head_weight = head_tokens(self.body)
        return self.weight


class Counts:
    """Counts requests and learns from what is reported of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._heads: OrderedDict[int, float] = OrderedDict()
        self._ratios: dict[str, tuple[float, float]] = {}  # model -> (tokens estimated, tokens reported)

    def look(self, model: str, body: Json) -> Look:
        """Find the longest known beginning of a request. Only hashes: some 0.1 ms for 100 kB. May be called in a thread."""
        links = chain(body.get("input") or (), hash(model))
        before = head(body)
        look = Look(model, body, links, before.key)
        look.rest = links
        for end in range(len(links), 0, -1):
            link = links[end - 1]
            if link.kind != "thought" and (known := self._known.get(link.key)) is not None:
                with suppress(KeyError):  # in a thread: it may be dropped at this moment
                    self._known.move_to_end(link.key)
                look.base = known.tokens + (known.thought if _thought(links, end) else 0)
                look.then, look.rest = known.head, links[end:]
                break
        look.size = sum(_size(link.content) for link in look.rest)
        look.new = look.then != look.head and look.head not in self._heads
        if look.new:
            look.size += before.size
        return look

    def count(self, look: Look) -> Count:
        """Count a request that was looked at."""
        if look.then == look.head and not look.rest:
            return Count(look.base, "exact")
        ratio = self.ratio(look.model)
        tokens = look.base + ratio * self._guess(look)
        learned = look.then is not None or look.model in self._ratios
        return Count(max(1, round(tokens)), "learned" if learned else "estimated")

    def learn(self, look: Look, usage: Json, output: Iterable[Any] = ()) -> None:
        """Keep what a provider reported.

        Arguments:
          usage: of the terminal event.
          output: the items of the answer, if it is whole.
        """
        read, wrote = _tokens(usage, "input_tokens"), _tokens(usage, "output_tokens")
        if not read or not look.links:
            return
        if look.size <= BIG:
            self._correct(look, read)
        key = look.links[-1].key
        self._keep(key, Known(read, 0, look.head))
        said = chain(output, key)
        details = usage.get("output_tokens_details")
        thought = min(wrote, _tokens(details, "reasoning_tokens") if isinstance(details, dict) else 0)
        if wrote and any(link.kind == "said" for link in said):
            self._keep(said[-1].key, Known(read + wrote - thought, thought, look.head))

    def ratio(self, model: str) -> float:
        """What estimates for a model are multiplied by."""
        estimated, reported = self._ratios.get(model, (0.0, 0.0))
        return min(max((reported + _PRIOR) / (estimated + _PRIOR), _CLAMP[0]), _CLAMP[1])

    def _guess(self, look: Look) -> float:
        """The estimate of what is not known of a request; where instructions or tools shrank it may be below zero."""
        guess = look.weigh()
        if look.then != look.head:
            head = self._head(look)
            guess += head
            if look.then is not None:
                guess -= self._heads.get(look.then, head)
        return guess

    def _head(self, look: Look) -> float:
        tokens = self._heads.get(look.head, look.head_weight)
        self._heads[look.head] = tokens = head_tokens(look.body) if tokens is None else tokens
        self._heads.move_to_end(look.head)
        while len(self._heads) > HEADS:
            self._heads.popitem(last=False)
        return tokens

    def _keep(self, key: int, known: Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _correct(self, look: Look, read: int) -> None:
        self._head(look)  # the one that a later request's is compared with
        guess, truth = self._guess(look), float(read - look.base)
        if guess < _LEAST or truth <= 0:
            return
        truth = min(max(truth, guess * _CLAMP[0]), guess * _CLAMP[1])
        estimated, reported = self._ratios.get(look.model, (0.0, 0.0))
        self._ratios[look.model] = estimated * _FORGET + guess, reported * _FORGET + truth


def _thought(links: list[Link], end: int) -> bool:
    """Whether the answer that ends before `end` came back with its reasoning."""
    for link in reversed(links[:end]):
        if link.kind == "given":
            return False
        if link.kind == "thought":
            return True
    return False


def _size(content: Any) -> int:
    """About how many characters an estimate of this would look at. What an image holds is not looked at."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        return sum(map(_size, content))
    if isinstance(content, dict):
        return sum(_size(value) for name, value in content.items() if name not in ("image_url", "encrypted_content"))
    return 0


def _tokens(usage: Json, name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST else 0
