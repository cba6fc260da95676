"""Seal: ``encrypted_content`` that looks like the provider's and that only its maker knows again."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable

MAC = 32


class Seal:
    """The key to one simulator's blobs.

    Arguments:
      clock: unix time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def make(self, owner: str = "") -> str:
        """A fresh blob; it holds nothing. `owner`: the account that it is for."""
        content = b"\x80" + int(self._clock()).to_bytes(8, "big") + secrets.token_bytes(80)
        return base64.urlsafe_b64encode(content + self._mac(content, owner)).decode()

    def good(self, text: str, owner: str = "") -> bool:
        """Whether it is one of ours for that account, unchanged."""
        try:
            raw = base64.urlsafe_b64decode(text)
        except ValueError:
            return False
        return self._right(raw, owner)

    def _right(self, raw: bytes, owner: str) -> bool:
        return hmac.compare_digest(raw[-MAC:], self._mac(raw[:-MAC], owner))

    def _mac(self, content: bytes, owner: str) -> bytes:
        return hmac.digest(self._key, content + owner.encode(), "sha256")


class BareSeal(Seal):
    """The same for blobs of xAI's form: standard base64 of what looks random, without padding (seen by others)."""

    def make(self, owner: str = "") -> str:
        """A fresh blob; it holds nothing. `owner`: the account that it is for."""
        content = secrets.token_bytes(66)
        return base64.b64encode(content + self._mac(content, owner)).rstrip(b"=").decode()

    def good(self, text: str, owner: str = "") -> bool:
        """Whether it is one of ours for that account, unchanged."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            return False
        return self._right(raw, owner)
