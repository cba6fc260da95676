"""How many tokens a text has, without a tokenizer.

Theory of operation. A byte pair tokenizer first cuts a text into words, numbers, runs of punctuation and line ends, and
then cuts what is long or rare among them into pieces. So the number of tokens is nearly a sum over small patterns: a
word that begins behind a space costs about one token, each eight letters in a row some more, a capital inside a word
one more, and so on. Each byte is replaced by a letter for its class, the patterns are counted in that, and each count
has a weight. Bytes outside of ASCII are classed once more by script, which the first byte of a character tells in
UTF-8.

The weights were fitted to o200k_base by tests/bench/tokens.py, which also measures them. None is negative and each
count can only grow while a text grows: the estimate of a text is never less than that of its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import mul

_PIECE = 1 << 20
"""Characters that are looked at in one go, so that other work comes in between when a thread counts a large text."""


def _classes(other: str, *classes: tuple[str, Iterable[int]]) -> bytes:
    table = bytearray(other.encode() * 256)
    for letter, members in classes:
        for member in members:
            table[member] = ord(letter)
    return bytes(table)


_PLAIN = _classes(
    ".",
    ("a", range(ord("a"), ord("z") + 1)),
    ("A", range(ord("A"), ord("Z") + 1)),
    ("0", range(ord("0"), ord("9") + 1)),
    (" ", b" "),
    ("n", b"\r\n"),
    ("t", b"\t"),
    ("u", range(128, 256)),
)
_SCRIPT = _classes(
    ".",
    ("_", range(0x80, 0xC0)),  # what follows the first byte of a character
    ("l", range(0xC2, 0xCE)),  # Latin letters with accents
    ("g", range(0xCE, 0xD0)),  # Greek
    ("c", range(0xD0, 0xD5)),  # Cyrillic
    ("h", range(0xD5, 0xD8)),  # Hebrew, Armenian
    ("r", range(0xD8, 0xE0)),  # Arabic
    ("i", b"\xe0"),  # Indic, Thai, Lao
    ("e", b"\xe1"),  # Georgian, Ethiopic, Khmer, Latin with two accents
    ("s", b"\xe2\xee\xef"),  # symbols, wide forms
    ("k", b"\xe3"),  # kana
    ("x", range(0xE4, 0xEA)),  # Han
    ("o", range(0xEA, 0xEE)),  # Hangul
    ("m", range(0xF0, 0xF8)),  # emoji and rare letters
)

PLAIN: dict[bytes, float] = {
    b"aaaaaaaa": 1.008,
    b"aaaaaaaaaaaa": 3.054,
    b" a": 0.749,
    b".a": 1.134,
    b"na": 1.125,
    b"nA": 0.999,
    b"0a": 0.916,
    b"aA": 1.023,
    b"A": 0.347,
    b"0": 0.484,
    b"a0": 0.329,
    b".0": 0.914,
    b" 0": 1.783,
    b".": 0.307,
    b" .": 0.794,
    b"n": 0.633,
    b"        ": 0.609,
    b"t": 0.874,
    b"Aa": 0.906,
}
"""Weights of patterns of classes, for every text."""

SCRIPT: dict[bytes, float] = {
    b"l": 1.603,
    b"g": 0.060,
    b"g_g_g_g_": 2.030,
    b".c": 1.091,
    b"c_c_c_c_": 1.069,
    b".h": 1.285,
    b"h": 0.224,
    b"r": 0.170,
    b"r_r_r_r_": 1.301,
    b".i": 0.744,
    b"i__i__i__i__": 1.818,
    b"e__e__e__e__": 2.090,
    b"s": 1.805,
    b"k": 0.682,
    b"x": 0.728,
    b".x": 0.924,
    b"o": 0.681,
    b"o__o__o__o__": 1.322,
    b"m": 0.385,
}
"""Weights of patterns of scripts, for texts that are not all ASCII."""

_WEIGHTS = (*PLAIN.values(), *SCRIPT.values())


def counts(text: str) -> list[int]:
    """How often each pattern of `PLAIN`, and where the text needs it of `SCRIPT`, is in the text."""
    raw = b"\n" + text.encode("utf-8", "surrogatepass")  # the first word is one too
    plain = raw.translate(_PLAIN)
    found = [plain.count(pattern) for pattern in PLAIN]
    if len(raw) != len(text) + 1:
        script = raw.translate(_SCRIPT)
        found += [script.count(pattern) for pattern in SCRIPT]
    return found


def text_tokens(text: str) -> float:
    """About how many tokens a text has."""
    if not text:
        return 0.0
    if len(text) > _PIECE:
        return sum(text_tokens(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))
    found: float = sum(map(mul, _WEIGHTS, counts(text)))
    return found
