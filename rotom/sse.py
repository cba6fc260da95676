"""Server-sent events: bytes in, events out, and back.

An `Event` is a type and the bytes of its data; the JSON in them is parsed only when somebody asks for `Event.data`, so
that a text delta can pass through rotom without ever being decoded. The same class is the *frame* that a dialect sends
to its client. `Decoder` is incremental: any cut of the bytes gives the same events.

Theory of operation: providers write ``event: TYPE\\ndata: JSON\\n\\n``, one data line, LF only. That form is recognised
by its first line, once its type was met, without a loop over lines; every other legal form (CRLF, several data lines,
comments, id and retry fields, no event field) goes through the slow path, which follows the WHATWG rules. A frame ends at
an empty line whatever the line ends are, so CRs are made LFs first, where there are any.

What is not here: what an event means. ``[DONE]`` is an ordinary event of type ``message`` with that data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from rotom.problem import Kind, Problem

Json = dict[str, Any]
"""A JSON object. Objects stay plain dicts everywhere, so that unknown fields pass through."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def dumps(value: object) -> bytes:
    """`value` as compact UTF-8 JSON. Lone surrogates, which JSON may carry as escapes, are escaped again."""
    text = _ENCODER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def loads(data: bytes) -> Any:
    """The value of a client's JSON: UTF-8, and no number that is none in JSON (``NaN``, ``Infinity``) or gets to be one by
    being read (``1e999``), for it could not be written down again.

    Raises:
      ValueError: it is something else.
      RecursionError: it is nested too deeply.
    """
    return DECODER.decode(data.decode())  # json itself would guess how it is encoded


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
"""Reads the JSON of clients, as `loads` tells."""

_REMEMBERED = 256  # types of events that are kept ready as bytes; there are about 60
_TYPES: dict[bytes, str] = {}


class Event:
    """One server-sent event: `type`, `raw` (the bytes of its data) and `data` (those bytes as JSON, parsed at first use).

    Made from either form: ``Event(type, raw=b"...")`` or ``Event(type, data={...})``.
    """

    __slots__ = ("_data", "_raw", "type")

    def __init__(self, type: str, raw: bytes | None = None, data: Json | None = None) -> None:
        self.type = type
        self._raw = raw
        self._data = data

    @property
    def raw(self) -> bytes:
        """The data as it is or will be on the wire."""
        if self._raw is None:
            self._raw = dumps(self._data)
        return self._raw

    @property
    def data(self) -> Json:
        """The data as a JSON object.

        Raises:
          Problem: UPSTREAM when the data is not a JSON object: nobody's client should get half a stream for that.
        """
        if self._data is None:
            try:
                value = json.loads(self._raw or b"")
            except (ValueError, RecursionError) as exc:
                raise Problem(Kind.UPSTREAM, f"the provider sent a {self.type!r} event that is not JSON") from exc
            if not isinstance(value, dict):
                raise Problem(Kind.UPSTREAM, f"the provider sent a {self.type!r} event that is not a JSON object")
            self._data = value
        return self._data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.type == other.type and self.raw == other.raw

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Event({self.type!r}, {self.raw[:120]!r})"


_OPENINGS: dict[str, bytes] = {"": b"data: ", ":": b": "}


def encode(frames: Iterable[Event]) -> bytes:
    """The frames as bytes to send. One of type ``""`` is written without an event field, one of type ``:`` as a comment."""
    out: list[bytes] = []
    for frame in frames:
        opening, raw = _OPENINGS.get(frame.type), frame.raw
        if opening is None:
            opening = b"event: %b\ndata: " % frame.type.encode()
            if len(_OPENINGS) < _REMEMBERED:
                _OPENINGS[frame.type] = opening
        if b"\n" in raw:  # came on several data lines, and goes so again
            raw = raw.replace(b"\n", b"\ndata: ")
        out += (opening, raw, b"\n\n")
    return b"".join(out)


class Decoder:
    """Bytes of an event stream in, events out.

    Arguments:
      limit: the longest event in bytes; a provider that passes it is broken, and is told apart from a slow one.
    """

    def __init__(self, limit: int = 64 << 20) -> None:
        self._pending: list[bytes] = []  # pieces of an event whose end has not come; joined once, when it has
        self._size = 0
        self._limit = limit
        self._crs = False
        self._cr = b""
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events completed by `data`, in order.

        Raises:
          Problem: UPSTREAM when an event grows over the limit.
        """
        if self._crs or b"\r" in data:
            data = self._plain(data)
        if self._pending:
            if b"\n\n" not in data and not (data[:1] == b"\n" == self._pending[-1][-1:]) and not self._first:
                return self._hold(data)
            data = b"".join((*self._pending, data))
            self._pending, self._size = [], 0
        if self._first and data:
            if data[:3] == b"\xef\xbb\xbf":  # a byte order mark is allowed once, at the start
                data = data[3:]
            elif b"\xef\xbb\xbf".startswith(data[:3]):
                return self._hold(data)
            self._first = False
        end = data.rfind(b"\n\n")
        if end < 0:
            return self._hold(data)
        self._hold(data[end + 2 :])
        whole, events = data[:end], []
        if not whole.isascii():
            whole = _utf8(whole)
        for block in whole.split(b"\n\n"):
            first, mark, raw = block.partition(b"\ndata: ")
            kind = _TYPES.get(first)
            if kind is not None and mark and b"\n" not in raw:
                events.append(Event(kind, raw))
            elif (event := _event(block)) is not None:
                events.append(event)
        return events

    def _hold(self, data: bytes) -> list[Event]:
        """Keep what is no whole event yet."""
        if data:
            self._pending.append(data)
            self._size += len(data)
            if self._size > self._limit:
                raise Problem(Kind.UPSTREAM, "the provider sent an event that is too long")
        return []

    def _plain(self, data: bytes) -> bytes:
        """Line ends as LF. A CR at the very end may be half a CRLF: it waits until more comes."""
        self._crs, data, self._cr = True, self._cr + data, b""
        if data.endswith(b"\r"):
            data, self._cr = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _utf8(data: bytes) -> bytes:
    """What is not UTF-8 becomes U+FFFD, as the event stream's rules say: some clients end at such bytes."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace").encode()
    return data


def _event(block: bytes) -> Event | None:
    """One event from its lines, or None for a block without data (comments, a lone id)."""
    kind, data = b"", []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value
    if not data:
        return None
    word = kind.decode("utf-8", "replace") or "message"
    if kind and len(_TYPES) < _REMEMBERED and len(kind) < 80:
        _TYPES[b"event: " + kind] = word
    return Event(word, b"\n".join(data))
