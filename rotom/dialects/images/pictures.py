"""Pictures that a client sends along: that they are what they say, as far as that can be told without decoding them.

A data URL is checked to hold base64 of a PNG, JPEG or WebP image, by its first bytes and not by its label; what is behind
an https URL is the provider's affair. All of it works in steps, for a body may be 64 MiB long and other threads shall run.
"""

from __future__ import annotations

import base64
import binascii
import re

from rotom.problem import Kind, Problem

STEP = 3 << 18
"""Bytes that are encoded at once: whole groups of three."""
MOST_BYTES = 50 << 20
"""As much as the API takes of one image."""

_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_DATA = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


def media_type(head: bytes) -> str | None:
    """The media type of an image that begins like this; None where it is none that the API takes."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def data_url(data: bytes, param: str, *, png: bool = False) -> str:
    """The data URL of an image.

    Arguments:
      param: the field that it came in, for problems. png: nothing else will do.

    Raises:
      Problem: INVALID.
    """
    kind = _known(data[:16], len(data), param, png)
    pieces = (base64.b64encode(data[start : start + STEP]) for start in range(0, len(data), STEP))
    return f"data:{kind};base64," + b"".join(pieces).decode("ascii")


def checked_url(url: str, param: str, *, png: bool = False) -> str:
    """A client's own URL of an image, its media type set right.

    Raises:
      Problem: INVALID when it is no https or data URL, or holds no image.
    """
    if url[:8].lower() == "https://" or url[:7].lower() == "http://":
        return url
    match = _DATA.match(url)
    if match is None or not match[2].lower().endswith(";base64"):
        raise invalid(
            f"Invalid '{param}'. Expected a base64-encoded data URL with an image MIME type "
            "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), or an https URL.",
            "invalid_image_url",
            param,
        )
    start = match.end()
    if len(url) == start:
        raise _empty(param)
    padding = url.find("=", start)  # each step would take it for its end
    try:
        if 0 <= padding < len(url) - 2:
            raise binascii.Error
        head = binascii.a2b_base64(url[start : start + 24], strict_mode=True)
        for place in range(start + 24, len(url), STEP // 3 * 4):
            binascii.a2b_base64(url[place : place + STEP // 3 * 4], strict_mode=True)
    except (binascii.Error, ValueError):
        raise invalid(f"Invalid '{param}': the base64 in it is broken.", "invalid_base64_image", param) from None
    kind = _known(head, (len(url) - start) // 4 * 3, param, png)
    return url if match[1].lower() == kind else f"data:{kind};base64,{url[start:]}"


def _known(head: bytes, size: int, param: str, png: bool) -> str:
    if not head:
        raise _empty(param)
    if size > MOST_BYTES + 3:
        raise invalid(
            f"Invalid '{param}': the image has {size} bytes; there may be {MOST_BYTES}.", "image_file_too_large", param
        )
    kind = media_type(head)
    if kind is None or (png and kind != "image/png"):
        formats = "'image/png'" if png else "'image/jpeg', 'image/png', and 'image/webp'"
        raise invalid(
            f"Invalid '{param}': its bytes are {kind or 'no image that is known here'}. "
            f"Supported file formats are {formats}.",
            "unsupported_image_media_type",
            param,
        )
    return kind


def _empty(param: str) -> Problem:
    return invalid(f"Invalid '{param}': the image is empty.", "empty_image_file", param)


def invalid(message: str, code: str, param: str) -> Problem:
    """A field that is not as it must be."""
    return Problem(Kind.INVALID, message, code=code, param=param)
