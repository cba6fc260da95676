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
    ("l", b"\xc2\xc3"),  # letters with the accents of western Europe
    ("p", range(0xC4, 0xCE)),  # all others
    ("g", range(0xCE, 0xD0)),  # Greek
    ("c", range(0xD0, 0xD5)),  # Cyrillic
    ("y", b"\xd5\xd6"),  # Armenian
    ("h", b"\xd7"),  # Hebrew
    ("r", range(0xD8, 0xE0)),  # Arabic
    ("i", b"\xe0"),  # Indic, Thai, Lao
    ("e", b"\xe1"),  # Georgian, Ethiopic, Khmer, Latin with two accents
    ("s", b"\xe2\xee\xef"),  # symbols, wide forms
    ("k", b"\xe3"),  # kana
    ("x", range(0xE4, 0xEA)),  # Han
    ("o", range(0xEA, 0xEE)),  # Hangul
    ("m", range(0xF0, 0xF8)),  # emoji and rare letters
)

_LETTERS = bytes(byte for byte in range(128) if chr(byte).isalnum())
"""What need not be looked at for a script: an accent here and there shall not make a text slow."""

PLAIN: dict[bytes, float] = {
    b"aaaaaaaa": 0.837,
    b"aaaaaaaaaaaa": 2.998,
    b" a": 0.893,
    b".a": 1.338,
    b"na": 0.228,
    b"nA": 0.969,
    b"0a": 1.081,
    b"aA": 0.831,
    b"A": 0.350,
    b"0": 0.461,
    b"a0": 0.258,
    b".0": 1.109,
    b" 0": 1.524,
    b".": 0.197,
    b" .": 0.881,
    b"n": 0.817,
    b"        ": 0.408,
    b"t": 0.917,
    b"Aa": 1.070,
}
"""Weights of patterns of classes, for every text."""

SCRIPT: dict[bytes, float] = {
    b"l": 1.034,
    b".p": 2.597,
    b"g": 0.206,
    b"g_g_g_g_": 1.211,
    b".c": 0.828,
    b"c_c_c_c_": 0.824,
    b"y": 0.331,
    b"h": 0.471,
    b".r": 0.734,
    b"r": 0.006,
    b"r_r_r_r_": 1.287,
    b"i__i__i__i__": 0.581,
    b"e__e__e__e__": 1.680,
    b"s": 1.136,
    b"k": 0.717,
    b"x": 0.779,
    b".x": 0.520,
    b"o": 0.603,
    b".o": 0.465,
    b"m": 2.382,
}
"""Weights of patterns of scripts, for texts that are not all ASCII."""

MARKS: dict[bytes, float] = {
    b"\xd1\x96": 1.237,  # Ukrainian, Belarusian
    b"\xd1\x94": 2.046,  # Ukrainian
    b"\xd1\x9e": 2.684,  # Belarusian
    b"\xd1\x8a": 3.251,  # Bulgarian
    b"\xd1\x98": 4.064,  # Serbian, Macedonian
    b"\xd1\x9b": 2.266,  # Serbian
    b"\xe0\xa5": 1.435,  # Devanagari
    b"\xe0\xa7": 1.387,  # Bengali
    b"\xe0\xab": 1.499,  # Gujarati
    b"\xe0\xae": 0.392,  # Tamil
    b"\xe0\xb1": 1.566,  # Telugu
    b"\xe0\xb8": 0.317,  # Thai
    b"\xe2\x9c": 1.007,  # check marks and their like
    b"\xe1\x9e": 0.289,  # Khmer
}
"""Weights of letters, or of parts of a script, that tell one language from its neighbours."""

_WEIGHTS = (*PLAIN.values(), *SCRIPT.values(), *MARKS.values())


def counts(text: str) -> list[int]:
    """How often each pattern of `PLAIN`, and where the text needs them of `SCRIPT` and `MARKS`, is in the text."""
    raw = b"\n" + text.encode("utf-8", "surrogatepass")  # the first word is one too
    plain = raw.translate(_PLAIN)
    found = [plain.count(pattern) for pattern in PLAIN]
    if len(raw) != len(text) + 1:
        raw = raw.translate(None, _LETTERS)
        script = raw.translate(_SCRIPT)
        found += [script.count(pattern) for pattern in SCRIPT]
        found += [raw.count(pattern) for pattern in MARKS]
    return found


def text_tokens(text: str) -> float:
    """About how many tokens a text has."""
    if not text:
        return 0.0
    if len(text) > _PIECE:
        return sum(text_tokens(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))
    found: float = sum(map(mul, _WEIGHTS, counts(text)))
    return found
