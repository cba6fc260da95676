"""The receipt: what of a request was not honoured as it was written. Pure.

A field is *dropped* when it was asked for to change the answer and cannot: the answer comes without it, and a client that
cannot live with that sets `strict`. Something is *mapped* when another thing stands in for it: a model for a name, an
effort for one that the model does not have. What has no effect by its nature (hints for a cache, who is billed, ceilings
that the API demands in each request) is neither; rotom-api(7) says of each field which it is.

Dialects say what their reader left out, providers what their dresser will; the gateway joins the two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import Json

HEADER = "x-rotom-receipt"
LONGEST = 1000
"""Characters of the header's value; what does not fit is counted."""

_LONGEST_WORD = 100
_ODD = re.compile(r"[^A-Za-z0-9._:/@+\[\]-]")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was not honoured.

    Fields:
      dropped: names of request fields, in the client's own words.
      mapped: (what was asked for, what stands in for it).
    """

    dropped: tuple[str, ...] = ()
    mapped: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            tuple(dict.fromkeys(self.dropped + other.dropped)), tuple(dict.fromkeys(self.mapped + other.mapped))
        )

    def header(self) -> str | None:
        """``dropped=temperature,top_k; mapped=claude-x>gpt-5.5``; None when all was honoured."""
        left = LONGEST
        lists = []
        for name, entries in (
            ("dropped", [safe(field) for field in self.dropped]),
            ("mapped", [f"{safe(asked)}>{safe(given)}" for asked, given in self.mapped]),
        ):
            shown: list[str] = []
            for entry in entries:
                if len(entry) > left:
                    break
                left -= len(entry) + 1
                shown.append(entry)
            if len(shown) < len(entries):
                shown.append(f"and-{len(entries) - len(shown)}-more")
            if shown:
                lists.append(f"{name}={','.join(shown)}")
        return "; ".join(lists) or None

    def problem(self) -> Problem | None:
        """What a client is told that wants all or nothing; None when nothing was dropped."""
        if not self.dropped:
            return None
        shown = ", ".join(safe(field) for field in self.dropped[:20])
        return Problem(
            Kind.INVALID,
            f"the provider cannot honour {shown}, and this server is set to refuse what it cannot honour (strict); "
            "leave it out, or switch strict off",
            code="not_honoured",
            param=self.dropped[0],
            retry=False,
        )


def left_out(
    asked: Json, known: Collection[str], nothing: Mapping[str, Collection[Any]] = MappingProxyType({})
) -> list[str]:
    """The fields that were asked for and go nowhere.

    Arguments:
      known: fields that are honoured, or have no effect by their nature.
      nothing: field -> values that are as good as none.
    """
    return [
        name
        for name, value in asked.items()
        if name not in known and value not in (None, [], {}, *nothing.get(name, ()))
    ]


def said(dropped: Iterable[str], words: Mapping[str, str]) -> tuple[str, ...]:
    """Names of fields in the client's own words; those that are not worth telling are left out."""
    return tuple(word for name in dropped if (word := words.get(name, name)))


def safe(text: str) -> str:
    """A word as it may stand in a header and in the receipt's lists."""
    return _ODD.sub("_", text)[:_LONGEST_WORD]
