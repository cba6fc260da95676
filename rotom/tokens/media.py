"""How many tokens images and documents take, from the first bytes that tell their size. Nothing is decoded.

An image costs by its area: models of the GPT-5 and GPT-6 families see patches of 32 x 32 pixels, after shrinking what
has too many of them, and bill 1.2 tokens for each (sizes and tokens that others measured and published, 2026-11). A
page of a PDF is given to the model as its text and as an image.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from urllib.parse import unquote_to_bytes

from rotom.tokens.text import text_tokens

PATCH = 32
PER_PATCH = 1.2
MOST_PATCHES = {"low": 256, "high": 2500}
ALL_PATCHES = 10_000
"""The most patches of one image, where the request asks for no detail or for all of it."""

UNKNOWN_SIZE = (1024, 1024)
"""What an image is taken for whose size cannot be seen: one behind a URL, or of a format that we do not know."""

PAGE = 1500.0
"""Tokens of one page of a PDF: about 600 for its text and the rest for its image."""
PAGE_BYTES = 60_000
"""Bytes of a PDF that are taken for a page where pages cannot be counted: newer files compress the list of them."""

_HEAD = 96
_JPEG_HEAD = 1 << 20  # cameras put a preview and a profile before the size
_PDF_HEAD = 8 << 20
_PAGES = re.compile(rb"/Type\s*/Page\b(?!s)")


def image_tokens(url: object, detail: object = None) -> float:
    """About how many tokens an image takes.

    Arguments:
      url: of the image, often a data URL with the image itself.
      detail: of the request: low, high, or anything else for as it is.
    """
    width, height = (image_size(url) if isinstance(url, str) else None) or UNKNOWN_SIZE
    return math.ceil(patches(width, height, MOST_PATCHES.get(str(detail), ALL_PATCHES)) * PER_PATCH)


def patches(width: int, height: int, most: int) -> int:
    """How many patches cover an image, once it is shrunk to have at most `most` of them."""
    across, down = width / PATCH, height / PATCH
    if math.ceil(across) * math.ceil(down) > most:
        shrink = math.sqrt(most / (across * down))
        across, down = across * shrink, down * shrink
        # To whole patches in the direction that loses less; the other one then follows.
        shrink = min(max(1, math.floor(across)) / across, max(1, math.floor(down)) / down)
        across, down = across * shrink, down * shrink
    # What is a whole number but for rounding is that number.
    return min(most, max(1, math.ceil(across - 1e-9)) * max(1, math.ceil(down - 1e-9)))


def image_size(url: str) -> tuple[int, int] | None:
    """(width, height) of the PNG, GIF, WebP or JPEG image in a data URL; None where it cannot be seen."""
    raw = head(url, _HEAD)
    if raw.startswith(b"\xff\xd8"):
        size = _jpeg_size(raw) or _jpeg_size(head(url, _JPEG_HEAD))
    elif raw.startswith(b"\x89PNG\r\n\x1a\n") and len(raw) >= 24:
        size = int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    elif raw.startswith((b"GIF87a", b"GIF89a")) and len(raw) >= 10:
        size = int.from_bytes(raw[6:8], "little"), int.from_bytes(raw[8:10], "little")
    elif raw.startswith(b"RIFF") and raw[8:12] == b"WEBP" and len(raw) >= 30:
        size = _webp_size(raw)
    else:
        size = None
    return size if size is not None and min(size) > 0 else None


def _webp_size(raw: bytes) -> tuple[int, int] | None:
    match raw[12:16]:
        case b"VP8X":
            return int.from_bytes(raw[24:27], "little") + 1, int.from_bytes(raw[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(raw[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(raw[26:28], "little") & 0x3FFF, int.from_bytes(raw[28:30], "little") & 0x3FFF
        case _:
            return None


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(raw) and raw[place] == 0xFF:
        mark = raw[place + 1]
        if mark == 0xFF:  # filling
            place += 1
        elif 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):  # a frame begins
            return int.from_bytes(raw[place + 7 : place + 9], "big"), int.from_bytes(raw[place + 5 : place + 7], "big")
        else:
            place += 2 + int.from_bytes(raw[place + 2 : place + 4], "big")
    return None


def file_tokens(part: dict[str, object]) -> float:
    """About how many tokens an ``input_file`` part takes."""
    data = part.get("file_data")
    if not isinstance(data, str):
        return PAGE  # behind a URL, or an id: at least a page
    raw = head(data, _PDF_HEAD)
    if raw.startswith(b"%PDF"):
        size = len(data) * 3 // 4
        return PAGE * max(len(_PAGES.findall(raw)) or math.ceil(size / PAGE_BYTES), 1)
    return text_tokens(raw.decode("utf-8", "replace")) * max(1.0, len(data) * 0.75 / _PDF_HEAD)


def head(url: str, size: int) -> bytes:
    """The first `size` bytes or some more of what a data URL or a base64 text holds; none when that is broken."""
    start = 0
    if url.startswith("data:"):
        start = url.find(",", 0, 512) + 1
        if not start:
            return b""
        if not url[: start - 1].endswith(";base64"):
            return unquote_to_bytes(url[start : start + 3 * size])
    try:
        return base64.b64decode(url[start : start + -(-size // 3) * 4] + "==")
    except (binascii.Error, ValueError):
        return b""
