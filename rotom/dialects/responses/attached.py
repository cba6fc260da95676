"""Images and files that come within a message: that their base64 is none is told by its place in the client's own words.

A provider would say so too, but of a place in another request than the client made, and not each of them looks. What is
refused here no provider could take: white space, a missing padding and the letters of URLs are let pass, and so is every
address that is no data URL.

What is not here: images to be edited, of which more must be known (dialects/images/pictures.py).
"""

from __future__ import annotations

import re

from rotom.dialects.responses.refuse import refused
from rotom.problem import Problem

STEP = 1 << 20
"""Letters that are looked at without a pause; a body may be 64 MiB long, and other threads shall run."""

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_SILENT = b"=\r\n\t "
_DATA = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def is_base64(text: str, start: int = 0) -> bool:
    """Whether there is something from `start` on that can be read as base64."""
    count = 0
    for place in range(start, len(text), STEP):
        try:
            piece = text[place : place + STEP].encode("ascii").translate(None, _SILENT)
        except UnicodeEncodeError:
            return False
        if piece.translate(None, _LETTERS):
            return False
        count += len(piece)
    return count > 0 and count % 4 != 1  # one letter alone is not even a byte


def check_image(url: str, param: str) -> None:
    """Refuse the address of an image that cannot be one.

    Raises:
      Problem: INVALID.
    """
    if url[:5].lower() != "data:":
        if not _SCHEME.match(url):
            message = f"Invalid '{param}'. Expected a valid URL, but got a value with an invalid format."
            raise refused(message, "invalid_value", param)
        return
    match = _DATA.match(url)
    if match is None or not match[2].lower().endswith(";base64"):
        raise _no_image(param, "a data URL without base64")
    if not match[1].lower().startswith("image/"):
        raise _no_image(param, f"the MIME type '{match[1][:40]}'")
    if not is_base64(url, match.end()):
        raise _no_image(param, "bytes that are not base64")


def check_file(data: str, param: str) -> None:
    """Refuse the data of a file, as a data URL or as mere base64, that is broken.

    Raises:
      Problem: INVALID.
    """
    match = _DATA.match(data)
    if match is not None and not match[2].lower().endswith(";base64"):
        return
    if not is_base64(data, match.end() if match is not None else 0):
        message = (
            f"Invalid '{param}'. Expected a base64-encoded data URL (e.g. "
            "'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU='), but got bytes that are not base64."
        )
        raise refused(message, "invalid_value", param)


def _no_image(param: str, got: str) -> Problem:
    message = (
        f"Invalid '{param}'. Expected a base64-encoded data URL with an image MIME type "
        f"(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got {got}."
    )
    return refused(message, "invalid_value", param)
