"""Text deltas from Responses to Messages without decoding them.

Nearly every event of a stream is ``response.output_text.delta``, and nearly all its cost is JSON: parsed, looked at,
written again. The text between the quotes is the same JSON string on both sides, escapes included, so it can be copied
from one frame into the other at a fraction of that.

Theory of operation: the first delta of a block takes the slow way, which tells the order of its keys and the constants of
its part (item, output and content index). From then on an event must begin with the bytes that stand before the first
value that changes, and the rest of it, to the closing brace, must match a regular expression made for that order of keys:
known keys only, each once, scalars only, a text with legal escapes. So a match proves that a parser would have found the
same text in the same place; anything else (another order, one more key, a nested object, white space, control characters)
takes the slow way. Expressions are kept by order of keys, of which providers have one or two.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rotom.sse import Json, dumps

_INTEGER = rb"(?:0|[1-9][0-9]{0,17}+)"
_PLAIN = rb'"[^"\\\x00-\x1f]*+"'
_TEXT = rb'"([^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+)"'

_CONSTANT = {"type": _PLAIN, "item_id": _PLAIN, "output_index": _INTEGER, "content_index": _INTEGER}
_CHANGING = {"delta": _TEXT, "sequence_number": _INTEGER, "logprobs": rb"\[\]", "obfuscation": _PLAIN}


@lru_cache(maxsize=64)
def _form(keys: tuple[str, ...]) -> tuple[int, int, re.Pattern[bytes]] | None:
    """For an order of keys: how many come before the first that changes, the group of the text in what follows, and the
    expression for what follows. None when something is missing or not known."""
    names = set(keys)
    if not names.issuperset((*_CONSTANT, "delta")) or not names.issubset(_CONSTANT | _CHANGING):
        return None
    fixed = next(index for index, key in enumerate(keys) if key in _CHANGING)
    parts = [b'"%b":%b' % (key.encode(), _CHANGING.get(key) or b"(%b)" % _CONSTANT[key]) for key in keys[fixed:]]
    text = [key for key in keys[fixed:] if key == "delta" or key in _CONSTANT].index("delta")
    return fixed, text, re.compile(b",".join(parts) + rb"\}")


class Copier:
    """Copies the text of one content part, from the second delta on."""

    __slots__ = ("_begin", "_groups", "_head", "_match", "_size", "_tail", "_text")

    def __init__(self, delta: Json, form: tuple[int, int, re.Pattern[bytes]], head: bytes, tail: bytes) -> None:
        fixed, self._text, pattern = form
        keys = list(delta)
        self._match = pattern.fullmatch
        self._begin = b"{" + b"".join(b'"%b":%b,' % (key.encode(), dumps(delta[key])) for key in keys[:fixed])
        self._size = len(self._begin)
        self._groups = [dumps(delta[key]) for key in keys[fixed:] if key in _CONSTANT]
        self._head = head
        self._tail = tail

    @classmethod
    def made_for(cls, delta: Json, head: bytes, tail: bytes) -> Copier | None:
        """A copier for the part that a delta belongs to, or None when its events have a form that is not known.

        Arguments:
          delta: the data of the first delta.
          head, tail: what stands before and after the text in the frames to make.
        """
        form = _form(tuple(delta))
        return cls(delta, form, head, tail) if form is not None else None

    def copy(self, raw: bytes) -> bytes | None:
        """The frame's data for one more delta of the same part, or None when it must take the slow way."""
        if not raw.startswith(self._begin) or (found := self._match(raw, self._size)) is None:
            return None
        if self._groups:
            groups = list(found.groups())
            text = groups.pop(self._text)
            if groups != self._groups:
                return None
        else:
            text = found[1]
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError:
                return None
        return self._head + text + self._tail
