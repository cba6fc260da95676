"""The frames of a Messages stream, written block by block.

Theory of operation: blocks are numbered, and one is open at a time. The open block is known by a key of the caller's, so
that *entering* it again does nothing and entering another one *leaves* it first. A text passes the stop sequences on its
way; what they hold back is written when its block is left.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rotom.dialects.fast import Copier
from rotom.dialects.stop import Stopper
from rotom.sse import Event, Json, dumps


def frame(kind: str, **fields: Any) -> Event:
    """One frame; its name is also its type."""
    return Event(kind, data={"type": kind, **fields})


class Writer:
    """Writes one message.

    Attributes:
      block: the key of the open block, or None.
      copier: copies the next text delta of the open block unread, where that is possible.
      written: characters of text and thinking that were told; those that were copied are not counted.
    """

    def __init__(self, model: str, input_tokens: int, stops: Sequence[str]) -> None:
        self.block: tuple[Any, ...] | None = None
        self.copier: Copier | None = None
        self.written = 0
        self._model = model
        self._input_tokens = input_tokens
        self._stopper = Stopper(stops) if stops else None
        self._started = False
        self._number = -1

    @property
    def stopped(self) -> str | None:
        """The stop sequence at which the message ended: nothing more of it may be written."""
        return self._stopper.found if self._stopper is not None else None

    def opening(self) -> list[Event]:
        """The beginning of the message, the first time."""
        if self._started:
            return []
        self._started = True
        usage = {
            "input_tokens": self._input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        }
        message: Json = {
            "id": f"msg_{os.urandom(12).hex()}",  # Claude Code merges messages that have the same id (seen 2026-11)
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return [frame("message_start", message=message)]

    def enter(self, key: tuple[Any, ...], block: Json) -> list[Event]:
        """Be in the block `key`, which begins as `block`."""
        if self.block == key:
            return []
        frames = self.leave()
        self.block = key
        self._number += 1
        return [*frames, frame("content_block_start", index=self._number, content_block=block)]

    def leave(self) -> list[Event]:
        """Be in no block."""
        if self.block is None:
            return []
        frames = []
        if self._stopper is not None and (rest := self._stopper.rest()):
            frames.append(self.delta("text_delta", text=rest))
        self.block = self.copier = None
        return [*frames, frame("content_block_stop", index=self._number)]

    def delta(self, kind: str, **fields: Any) -> Event:
        """More of the open block."""
        if kind != "signature_delta":
            self.written += sum(len(text) for text in fields.values() if isinstance(text, str))
        return frame("content_block_delta", index=self._number, delta={"type": kind, **fields})

    def text(self, key: tuple[Any, ...], text: str) -> list[Event]:
        """More text of the text block `key`."""
        frames = self.enter(key, {"type": "text", "text": ""})
        if self._stopper is not None:
            text = self._stopper.feed(text)
        return [*frames, self.delta("text_delta", text=text)] if text else frames

    def copy_on(self, data: Json) -> None:
        """Copy the next deltas of the text block that the delta `data` was just written to."""
        if self._stopper is None:
            head = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"' % self._number
            self.copier = Copier.made_for(data, head, b'"}}')

    def whole(self, block: Json) -> list[Event]:
        """A block that is complete from its start, but for the input of a tool: clients read that from deltas only."""
        key = ("whole", self._number)
        if "input" not in block:
            return [*self.enter(key, block), *self.leave()]
        frames = self.enter(key, {**block, "input": {}})
        frames.append(self.delta("input_json_delta", partial_json=dumps(block["input"]).decode()))
        return frames + self.leave()
