"""multipart/form-data: the form that SDKs send files in (RFC 7578, on RFC 2046). Pure.

Theory of operation: `Parser` is fed bytes as they come and says what is in them: a `Part` begins, some of its data (bytes,
as often as there is some), `End.PART`. It holds back no more than what could be the beginning of a delimiter, or the
headers of one part, so that a file of any size passes through in the memory of one read; where the bytes are cut changes
nothing but where the data is cut. It is strict: what two readers could understand differently is refused (a preamble, bare
line feeds, folded headers, a boundary inside of data, two names for one part, a transfer encoding). There are limits on
everything that a part can be made of, except on the data of files: that is the limit of the body.

`read_form` is the same for a body that is in memory already.

What is not here: which fields there are and what they mean (dialects/, routes/), and who may send such a body at all
(routes/guard.py: a page in a browser can, without asking first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote_to_bytes

from rotom.problem import Kind, Problem

MOST_PARTS = 128
"""Parts of one body. Files beside some fields: the most that an API here takes is 16 images."""
HEAD_BYTES = 8 << 10
"""The headers of one part."""
FIELD_BYTES = 1 << 20
"""The data of a part that is no file."""

_PADDING = 1 << 10
"""White space behind a delimiter."""

_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # RFC 9110's word for it
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))')
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*(.*?)[ \t]*")


_CHARSETS = {"": "ascii", "us-ascii": "ascii", "utf-8": "utf-8", "iso-8859-1": "latin-1"}
"""What a coded file name may be written in (RFC 5987), and how Python calls it. It knows more, some of which give halves of
characters."""


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a part.

    Fields:
      name: of the form's field.
      filename: as the client calls the file, not a path to be trusted; None for a plain field.
      content_type: the media type that the client says it has, lower case, without parameters; None when it says nothing.
    """

    name: str
    filename: str | None = None
    content_type: str | None = None


class End(Enum):
    """Said behind the last data of a part."""

    PART = "part"


@dataclass(frozen=True, slots=True)
class Field:
    """A whole part."""

    part: Part
    data: bytes

    def text(self) -> str:
        """The data of a plain field.

        Raises:
          Problem: INVALID when it is not UTF-8.
        """
        try:
            return self.data.decode()
        except UnicodeDecodeError as exc:
            raise _bad(f"the field {self.part.name!r} is not UTF-8", self.part.name) from exc


class Parser:
    """Reads one body.

    Arguments:
      content_type: the request's content-type header, which names the boundary.
      most_parts, field_bytes: limits; see the constants.

    Attributes:
      complete: the closing delimiter was seen. What comes after it is not looked at.

    Raises:
      Problem: INVALID when the header names no boundary.
    """

    def __init__(self, content_type: str, *, most_parts: int = MOST_PARTS, field_bytes: int = FIELD_BYTES) -> None:
        self._delimiter = b"\r\n--" + boundary(content_type)
        self._buffer = bytearray(b"\r\n")  # the first delimiter may begin the body; then its line break is missing
        self._step = self._before
        self._left = most_parts
        self._field_bytes = field_bytes
        self._part = Part("")
        self._size = 0
        self.complete = False

    def feed(self, data: bytes) -> list[Part | bytes | End]:
        """What the next bytes bring.

        Raises:
          Problem: INVALID, saying what is wrong with them.
        """
        self._buffer += data
        out: list[Part | bytes | End] = []
        while not self.complete and self._step(out):
            pass
        if self.complete:
            self._buffer.clear()
        return out

    def close(self) -> None:
        """The body is over.

        Raises:
          Problem: INVALID when it is not whole.
        """
        if not self.complete:
            raise _bad("the multipart body ends before its closing delimiter")

    # The steps: each does what it can with the buffer and returns whether it came further.

    def _before(self, out: list[Part | bytes | End]) -> bool:
        """Nothing but a line break may stand before the first delimiter."""
        for start in (b"", b"\r\n"):
            want = start + self._delimiter
            if self._buffer.startswith(want):
                del self._buffer[: len(want)]
                self._step = self._behind
                return True
            if want.startswith(self._buffer):
                return False
        raise _bad("the multipart body does not begin with the boundary that content-type names")

    def _behind(self, out: list[Part | bytes | End]) -> bool:
        """Behind a delimiter: the end of its line, or of everything."""
        buffer = self._buffer
        if buffer.startswith(b"--"):
            self.complete = True
            return True
        line = buffer.find(b"\r\n", 0, _PADDING)
        if line < 0:
            if len(buffer) < _PADDING and bytes(buffer.strip(b" \t")) in (b"", b"\r", b"-"):
                return False
            raise _bad("the boundary of the multipart body occurs inside of a part")
        if buffer[:line].strip(b" \t"):
            raise _bad("the boundary of the multipart body occurs inside of a part")
        if self._left <= 0:
            raise _bad("the multipart body has too many parts")
        self._left -= 1
        del buffer[: line + 2]
        self._step = self._head
        return True

    def _head(self, out: list[Part | bytes | End]) -> bool:
        """The headers of a part."""
        end = self._buffer.find(b"\r\n\r\n", 0, HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= HEAD_BYTES:
                raise _bad("the headers of a part of the multipart body are too long")
            return False
        self._part, self._size = _part(bytes(self._buffer[:end])), 0
        del self._buffer[: end + 2]
        out.append(self._part)
        self._step = self._first
        return True

    def _first(self, out: list[Part | bytes | End]) -> bool:
        """The empty line behind the headers, unless it is that of a delimiter: a part may have no data at all."""
        if self._delimiter.startswith(self._buffer):
            return False
        if not self._buffer.startswith(self._delimiter):
            del self._buffer[:2]
        self._step = self._data
        return True

    def _data(self, out: list[Part | bytes | End]) -> bool:
        """Data, up to the next delimiter."""
        buffer = self._buffer
        end = buffer.find(self._delimiter)
        if end >= 0:
            self._hand_out(end, out)
            del buffer[: len(self._delimiter)]
            out.append(End.PART)
            self._step = self._behind
            return True
        sure = len(buffer) - len(self._delimiter) + 1
        if sure > 0:
            # Only from a carriage return on could it be a delimiter.
            possible = buffer.find(b"\r", sure)
            self._hand_out(len(buffer) if possible < 0 else possible, out)
        return False

    def _hand_out(self, size: int, out: list[Part | bytes | End]) -> None:
        if size <= 0:
            return
        self._size += size
        if self._part.filename is None and self._size > self._field_bytes:
            name = self._part.name
            raise _bad(f"the field {name[:100]!r} is longer than {self._field_bytes} bytes", name)
        with memoryview(self._buffer) as view:
            out.append(bytes(view[:size]))
        del self._buffer[:size]


def read_form(content_type: str, body: bytes | Iterable[bytes], *, most_parts: int = MOST_PARTS) -> list[Field]:
    """The fields of a whole body, in their order.

    Raises:
      Problem: INVALID, saying what is wrong with it.
    """
    parser = Parser(content_type, most_parts=most_parts)
    fields: list[Field] = []
    part, pieces = Part(""), list[bytes]()
    for data in (body,) if isinstance(body, bytes) else body:
        for event in parser.feed(data):
            if isinstance(event, Part):
                part, pieces = event, []
            elif isinstance(event, bytes):
                pieces.append(event)
            else:
                fields.append(Field(part, pieces[0] if len(pieces) == 1 else b"".join(pieces)))
    parser.close()
    return fields


def boundary(content_type: str) -> bytes:
    """The boundary that a content-type header names.

    Raises:
      Problem: INVALID when there is none that could be one.
    """
    kind, semicolon, rest = content_type.partition(";")
    found = _parameters(semicolon + rest) if kind.strip().lower() == "multipart/form-data" else None
    value = (found or {}).get("boundary", "")
    if not _BOUNDARY.fullmatch(value):
        raise _bad("content-type must be multipart/form-data with the boundary of its parts, and none is there")
    return value.encode("ascii")


def _part(head: bytes) -> Part:
    """What the headers of a part say."""
    try:
        text = head.decode()
    except UnicodeDecodeError as exc:
        raise _bad("the headers of a part of the multipart body are not UTF-8") from exc
    headers: dict[str, str] = {}
    for line in text.split("\r\n"):
        match = _HEADER.fullmatch(line)
        if match is None or not line.replace("\t", " ").isprintable():
            raise _bad("a part of the multipart body has a header that cannot be read")
        name = match[1].lower()
        if name in headers:
            raise _bad(f"a part of the multipart body has two {name[:100]} headers")
        headers[name] = match[2]
    if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        raise _bad("a part of the multipart body has a content-transfer-encoding; send its bytes as they are")
    kind, semicolon, rest = headers.get("content-disposition", "").partition(";")
    found = _parameters(semicolon + rest) if kind.strip().lower() == "form-data" else None
    if not found or not found.get("name"):
        raise _bad('a part of the multipart body has no content-disposition: form-data; name="..."')
    name = _plain(found["name"])
    filename = _plain(found["filename"]) if "filename" in found else None
    if "filename*" in found:  # not for forms, says RFC 7578, and yet sent
        charset, _, coded = found["filename*"].partition("'")
        try:
            filename = unquote_to_bytes(coded.partition("'")[2]).decode(_CHARSETS[charset.lower()])
        except (KeyError, UnicodeDecodeError) as exc:
            raise _bad(f"the file name of the part {name[:100]!r} cannot be read") from exc
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Part(name, filename, content_type or None)


def _parameters(text: str) -> dict[str, str] | None:
    """``; name=value; name="value"`` as a dict; None when it is anything else."""
    found: dict[str, str] = {}
    place = 0
    while match := _PARAMETER.match(text, place):
        name = match[1].lower()
        if name in found:
            return None
        found[name] = match[3] if match[2] is None else re.sub(r'\\(["\\])', r"\1", match[2])
        place = match.end()
    return found if not text[place:].strip(" \t;") else None


def _plain(name: str) -> str:
    """Without the escapes of browsers and of httpx: these three characters, and no other."""
    return re.sub("%(22|0D|0A)", lambda match: chr(int(match[1], 16)), name, flags=re.IGNORECASE)


def _bad(message: str, param: str | None = None) -> Problem:
    return Problem(Kind.INVALID, message, code="invalid_multipart", param=param and param[:100])
