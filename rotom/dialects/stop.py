"""Stop sequences, applied here because the providers do not know them.

A stop sequence may come in pieces, so the end of the text is held back for as long as it could be the beginning of one.
The provider of an answer that was stopped has not counted its tokens; `guess` makes up for that.
"""

from __future__ import annotations

from collections.abc import Sequence

from rotom.sse import dumps
from rotom.turn import Turn

_BYTES = 4
"""Of a token, about."""


class Stopper:
    """Cuts a text at the first stop sequence.

    Attributes:
      found: the stop sequence that was met, or None.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.found: str | None = None
        self._stops = stops
        self._held = ""

    def feed(self, text: str) -> str:
        """The text that is certain to stand before any stop sequence."""
        if self.found is not None:
            return ""
        text = self._held + text
        place, stop = min(
            ((place, stop) for stop in self._stops if (place := text.find(stop)) >= 0), default=(-1, None)
        )
        if stop is not None:
            self.found, self._held = stop, ""
            return text[:place]
        hold = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - hold :]
        return text[: len(text) - hold]

    def rest(self) -> str:
        """What was held back, at the end of a text."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are a beginning of `stop`."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)


def guess(turn: Turn, written: int) -> tuple[int, int]:
    """Tokens of a question and of its answer, of which `written` characters were told, where nobody has counted them."""
    asked = [turn.body.get("instructions"), turn.body.get("tools"), turn.body.get("input")]
    return turn.extra.get("input_tokens") or -(-len(dumps(asked)) // _BYTES), -(-written // _BYTES)
