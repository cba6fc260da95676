"""Text deltas from Responses to Messages without decoding them.

Nearly every event of a stream is ``response.output_text.delta``, and nearly all its cost is JSON: parsed, looked at,
written again. The text between the quotes is the same JSON string on both sides, escapes included, so it can be copied
from one frame into the other at a fraction of that.

Theory of operation: the first delta of a block takes the slow way, which tells the order of its keys. A regular expression
made for that order then matches a whole event, byte for byte from brace to brace: known keys only, each once, scalars only,
a text with legal escapes. So a match proves that a parser would have found the same text in the same place; anything else
(another order, one more key, a nested object, white space, control characters) does not match and takes the slow way.
Expressions are kept by key order, of which providers have one or two.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rotom.sse import Json, dumps

_INTEGER = rb"(?:0|[1-9][0-9]{0,17})"
_PLAIN = rb'"[^"\\\x00-\x1f]*"'
_TEXT = rb'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*'

_VALUES = {
    "type": rb'"response\.output_text\.delta"',
    "item_id": rb"(?P<item>" + _PLAIN + rb")",
    "output_index": rb"(?P<output>" + _INTEGER + rb")",
    "content_index": rb"(?P<content>" + _INTEGER + rb")",
    "delta": rb'"(?P<delta>' + _TEXT + rb')"',
    "sequence_number": _INTEGER,
    "logprobs": rb"\[\]",
    "obfuscation": _PLAIN,
}
_NEEDED = {"type", "item_id", "output_index", "content_index", "delta"}


@lru_cache(maxsize=64)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[bytes] | None:
    if not _NEEDED.issubset(keys) or not set(keys).issubset(_VALUES):
        return None
    return re.compile(rb"\{" + b",".join(b'"%b":%b' % (key.encode(), _VALUES[key]) for key in keys) + rb"\}")


class Copier:
    """Copies the text of one content part, from the second delta on."""

    __slots__ = ("_head", "_match", "_part", "_tail")

    def __init__(self, pattern: re.Pattern[bytes], part: tuple[bytes, bytes, bytes], head: bytes, tail: bytes) -> None:
        self._match = pattern.fullmatch
        self._part = part
        self._head = head
        self._tail = tail

    @classmethod
    def made_for(cls, delta: Json, head: bytes, tail: bytes) -> Copier | None:
        """A copier for the part that a delta belongs to, or None when its events have a form that is not known.

        Arguments:
          delta: the data of the first delta.
          head, tail: what stands before and after the text in the frames to make.
        """
        pattern = _pattern(tuple(delta))
        if pattern is None:
            return None
        item, output, content = (dumps(delta[name]) for name in ("item_id", "output_index", "content_index"))
        return cls(pattern, (item, output, content), head, tail)

    def copy(self, raw: bytes) -> bytes | None:
        """The frame's data for one more delta of the same part, or None when it must take the slow way."""
        found = self._match(raw)
        if found is None:
            return None
        *part, text = found.group("item", "output", "content", "delta")
        if tuple(part) != self._part:
            return None
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError:
                return None
        return self._head + text + self._tail
