"""Drawing: one request for images, as a request of OpenAI's Images API in its JSON form.

What a Turn is to questions, a Drawing is to images: a dialect's reader makes it from a client's body, the gateway decides
which provider draws, and the provider's own native call makes the exact HTTP request from it. It is not a Turn: no model
talks, nothing streams from the provider, and one request may become several calls.

What is not here: how bodies are read and answers written (dialects/images/), and what one provider takes (providers/).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from rotom.sse import Json, dumps

LONG = 1 << 16
"""Characters from which on a text is put into JSON as it is, if it may."""
STEP = 1 << 20
"""Characters that are looked at without giving other threads a chance."""

_SPECIAL = re.compile(r"[^ !#-\[\]-~]")


@dataclass(frozen=True, slots=True)
class Drawing:
    """One request for images.

    Fields:
      body: the request: ``prompt``, ``size``, ``quality`` and so on; for an edit ``images`` and perhaps ``mask``, each with
        an ``image_url``. Types are right, and what is not set is not there; it may hold more than a provider takes.
      edit: whether images are given that shall be changed.
      count: how many images are asked for.
      stream: whether the client wants events.
      dropped: names of fields that nobody can honour, in the order found (told to the client).
    """

    body: Json
    edit: bool = False
    count: int = 1
    stream: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def asked(self) -> str | None:
        """The model that the client names."""
        model = self.body.get("model")
        return model if isinstance(model, str) else None


def encoded(value: Json) -> bytes:
    """`value` as JSON, quickly where it is mostly base64.

    JSON's own encoder looks at each character of a text while nothing else in the process runs, 6 ms for each MiB
    (measured 2026-11). Base64 needs no escapes, so long texts of it are put in as they are. For threads: it may take
    long all the same.
    """
    long: list[bytes] = []

    def short(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: short(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [short(inner) for inner in part]
        if isinstance(part, str) and len(part) >= LONG and _is_plain(part):
            long.append(part.encode("ascii"))
            return f"{mark}{len(long) - 1}{mark}"
        return part

    mark = "\ufdd0rotom\ufdd0"  # a noncharacter: what a client wrote of it itself is found out below
    pieces = dumps(short(value)).split(mark.encode())
    if len(pieces) != 2 * len(long) + 1:
        return dumps(value)
    return b"".join(long[int(piece)] if index % 2 else piece for index, piece in enumerate(pieces))


def decoded(data: bytes) -> Any:
    """What `data` holds as JSON; None when it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _is_plain(text: str) -> bool:
    """Whether JSON has `text` as it is."""
    return text.isascii() and not any(_SPECIAL.search(text, start, start + STEP) for start in range(0, len(text), STEP))
