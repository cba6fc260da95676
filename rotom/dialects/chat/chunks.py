"""The frames of a Chat Completions stream, chunk by chunk.

All chunks of an answer have the same id, time and model; the first one has the role, and is written before anything else.
Frames have no event name. Where the client asked for usage, every chunk but the last has ``"usage": null``, as the real API
writes it.
"""

from __future__ import annotations

import os
import time

from rotom.dialects.fast import Copier
from rotom.sse import Event, Json

DONE = b"[DONE]"


class Chunks:
    """Writes one answer.

    Arguments:
      model: the name that the client asked for.
      usage: whether the client wants the token counts at the end.

    Attributes:
      written: characters of text, thoughts and arguments that were told; those that were copied are not counted.
    """

    def __init__(self, model: str, usage: bool) -> None:
        self.written = 0
        self._usage = usage
        self._started = False
        self._around: tuple[bytes, bytes] | None = None  # what stands before and after the text in a frame
        self._common: Json = {
            "id": f"chatcmpl-{os.urandom(12).hex()}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": None,
        }

    def opening(self) -> list[Event]:
        """The chunk with the role, the first time."""
        if self._started:
            return []
        self._started = True
        return [self.chunk({"role": "assistant", "content": "", "refusal": None})]

    def chunk(self, delta: Json, finish: str | None = None, **more: object) -> Event:
        """One chunk; `more` are fields beside its choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        if self._usage:
            more["usage"] = None
        return Event("", data={**self._common, "choices": [choice], **more})

    def more(self, name: str, text: str) -> Event:
        """More of a text of the message: its ``content``, ``refusal`` or ``reasoning_content``."""
        self.written += len(text)
        return self.chunk({name: text})

    def end(self, finish: str, usage: Json, **more: object) -> list[Event]:
        """The last frames."""
        frames = [self.chunk({}, finish, **more)]
        if self._usage:
            frames.append(Event("", data={**self._common, "choices": [], **more, "usage": usage}))
        return [*frames, Event("", raw=DONE)]

    def copier(self, delta: Json) -> Copier | None:
        """What copies the text deltas that follow on `delta`, the data of one that was just written; None where that is
        not possible."""
        if self._around is None:
            mark = b'"delta":{"content":"'  # in no name of a model, where quotes are escaped
            head, _, tail = self.chunk({"content": ""}).raw.partition(mark)
            self._around = head + mark, tail
        return Copier.made_for(delta, *self._around)
