"""The elements of one array in a JSON object, one by one, from a document that is too long to be held.

Theory of operation: a window slides over the text. The standard library's decoder reads one value at its begin; when
the window ends inside of a value, it is made twice as long and the value is read again, so that a value is read a few
times at most. What stands beside the array in the object is read and dropped.

What is not here: what an element must look like.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import DECODER

WINDOW = 1 << 20

_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its place in the array, its value, and where its text begins in the document and how long it is, in
    bytes."""

    index: int
    value: Any
    offset: int
    length: int


def elements(read: Callable[[int], bytes], name: str, longest: int) -> Iterator[Element]:
    """The elements of the array `name`.

    Arguments:
      read: gives at most so many bytes of the document, none at its end.
      longest: the longest element, in characters.

    Raises:
      Problem: INVALID where the document is not as described; TOO_LARGE for an element, both naming the place.
    """
    text = _Window(read, longest)
    text.expect("{", "it is no object" if text.peek() else "it is empty")
    found = False
    if text.peek() == "}":
        text.skip("}")
    else:
        while True:
            key = text.value("the body")
            if not isinstance(key, str):
                raise _broken("a name in the object is not a string")
            text.expect(":", "a ':' is missing behind a name")
            if key != name:
                text.value(key[:50])
            elif found:
                raise _broken(f"{name} is there twice")
            else:
                found = True
                yield from _array(text, name)
            if text.peek() == "}":
                text.skip("}")
                break
            text.expect(",", "a ',' or '}' is missing in the object")
    if text.peek():
        raise _broken("something follows the object")
    if not found:
        raise Problem(Kind.INVALID, f"{name}: Field required", param=name)


def _array(text: _Window, name: str) -> Iterator[Element]:
    if text.peek() != "[":
        raise Problem(Kind.INVALID, f"{name}: Input should be a valid list", param=name)
    text.skip("[")
    if text.peek() == "]":
        text.skip("]")
        return
    index = 0
    while True:
        text.peek()
        offset = text.offset
        value = text.value(f"{name}.{index}")
        yield Element(index, value, offset, text.offset - offset)
        index += 1
        if text.peek() == "]":
            text.skip("]")
            return
        text.expect(",", f"a ',' or ']' is missing behind {name}.{index - 1}")


class _Window:
    """The text from where we are. `offset`: how many bytes of the document lie before that."""

    def __init__(self, read: Callable[[int], bytes], longest: int) -> None:
        self._read = read
        self._longest = longest
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._ended = False
        self.offset = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self._pass(match.end())
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(WINDOW):
                return ""

    def skip(self, character: str) -> None:
        """Go behind that character, at which we are."""
        self._pass(self._at + len(character))

    def expect(self, character: str, complaint: str) -> None:
        """Go behind that character, or complain."""
        if self.peek() != character:
            raise _broken(complaint)
        self.skip(character)

    def value(self, where: str) -> Any:
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise _broken(f"{where} is nested too deeply") from None
            except ValueError as exc:
                if not self._grow(where):
                    raise _broken(f"{where}: {str(exc).partition(':')[0]}") from None
            else:
                # A number may go on behind the window: 12, 12. and 12e are where 12.5e3 may be cut.
                if self._text[end : end + 1] not in ("", ".", "e", "E") or not self._grow(where):
                    self._pass(end)
                    return value

    def _grow(self, where: str) -> bool:
        """Make the window twice as long; not at the end of the document."""
        held = len(self._text) - self._at
        if held > self._longest:
            raise Problem(
                Kind.TOO_LARGE,
                f"{where}: longer than {self._longest} characters",
                code="request_too_large",
                param=where,
            )
        return self._more(max(WINDOW, held))

    def _pass(self, end: int) -> None:
        passed = self._text[self._at : end]
        self.offset += len(passed) if passed.isascii() else len(passed.encode())
        self._at = end

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        data = self._read(size)
        self._ended = not data
        try:
            text = self._decode.decode(data, final=self._ended)
        except UnicodeDecodeError:
            raise Problem(Kind.INVALID, "the body is not UTF-8", code="invalid_json") from None
        self._text, self._at = self._text[self._at :] + text, 0
        return not self._ended


def _broken(what: str) -> Problem:
    return Problem(Kind.INVALID, f"the body is not JSON as it should be: {what}", code="invalid_json")
