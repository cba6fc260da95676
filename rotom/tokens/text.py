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
    b"aaaaaaaa": 1.003,
    b"aaaaaaaaaaaa": 3.505,
    b" a": 0.779,
    b".a": 1.233,
    b"na": 0.560,
    b"nA": 1.033,
    b"0a": 0.864,
    b"aA": 1.136,
    b"A": 0.347,
    b"0": 0.478,
    b"a0": 0.417,
    b".0": 0.976,
    b" 0": 1.670,
    b".": 0.254,
    b" .": 0.831,
    b"n": 0.799,
    b"        ": 0.481,
    b"t": 0.867,
    b"Aa": 0.798,
}
"""Weights of patterns of classes, for every text."""

SCRIPT: dict[bytes, float] = {
    b"l": 1.440,
    b".p": 2.729,
    b"g": 0.150,
    b"g_g_g_g_": 1.511,
    b".c": 0.656,
    b"c_c_c_c_": 0.893,
    b"y": 0.319,
    b"h": 0.489,
    b".r": 0.243,
    b"r": 0.267,
    b"r_r_r_r_": 0.393,
    b"i__i__i__i__": 0.638,
    b"e__e__e__e__": 1.633,
    b"s": 0.822,
    b"k": 0.736,
    b"x": 0.843,
    b".x": 0.539,
    b"o": 0.136,
    b".o": 1.222,
    b"o__o__o__o__": 2.539,
    b"m": 2.583,
}
"""Weights of patterns of scripts, for texts that are not all ASCII."""

MARKS: dict[bytes, float] = {
    b"\xd1\x96": 1.417,  # Ukrainian, Belarusian
    b"\xd1\x94": 1.611,  # Ukrainian
    b"\xd1\x9e": 3.146,  # Belarusian
    b"\xd1\x8a": 4.267,  # Bulgarian
    b"\xd1\x98": 4.697,  # Serbian, Macedonian
    b"\xd1\x9b": 5.861,  # Serbian
    b"\xe0\xa5": 1.366,  # Devanagari
    b"\xe0\xa7": 1.349,  # Bengali
    b"\xe0\xab": 1.391,  # Gujarati
    b"\xe0\xae": 0.383,  # Tamil
    b"\xe0\xb1": 1.493,  # Telugu
    b"\xe0\xb8": 0.331,  # Thai
    b"\xe2\x9c": 2.833,  # check marks and their like
    b"\xe1\x9e": 0.324,  # Khmer
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
