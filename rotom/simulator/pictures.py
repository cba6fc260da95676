"""Pictures that the simulator draws: real PNG files of any size, and yet small. Pure.

A picture is a disc on a ground, in two colours that hang on the prompt, so that one can see that it is another one. One bit
a pixel and zlib make a few kilobytes of it.
"""

from __future__ import annotations

import base64
import hashlib
import math
import zlib
from functools import lru_cache
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


@lru_cache(16)
def png(width: int, height: int, seed: str, *, share: float = 1.0, transparent: bool = False) -> bytes:
    """A picture.

    Arguments:
      seed: what its colours hang on.
      share: how far it is, for partial images: the disc grows.
      transparent: whether nothing is where the ground would be.
    """
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).digest()
    radius = 0.4 * share * min(width, height)
    rows = []
    for y in range(height):
        half = math.isqrt(max(0, int(radius**2 - (y - height / 2) ** 2)))
        disc = ((1 << 2 * half) - 1) << (width // 2 - half)
        rows.append(b"\0" + (disc << -width % 8).to_bytes(-(-width // 8), "big"))
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 3, 0, 0, 0])  # one bit, of a palette
    chunks = [(b"IHDR", head), (b"PLTE", digest[:6])]
    if transparent:
        chunks.append((b"tRNS", b"\0"))
    chunks += [(b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def png_base64(width: int, height: int, seed: str, *, share: float = 1.0, transparent: bool = False) -> str:
    """The same as base64."""
    return base64.b64encode(png(width, height, seed, share=share, transparent=transparent)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
