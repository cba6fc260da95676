"""Turn: one question to a model, as a Responses request.

The inside of rotom speaks the Responses API. A dialect's reader makes a Turn from a client's body, the gateway decides
which model and provider answer it, and the provider's dresser makes the exact HTTP request from it.

What is not here: how bodies of other APIs are read (dialects/), and what one provider accepts of a Turn (providers/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rotom.sse import Json


@dataclass(frozen=True, slots=True)
class Turn:
    """One question.

    Fields:
      body: a Responses request: ``model``, ``input`` (always a list of items), ``instructions``, ``tools``, ``reasoning``,
        ``text``, ``tool_choice`` and so on. It may hold more than a provider takes: dressers work from an allow list.
        ``body["model"]`` is what the client asked for until the gateway resolves it.
      asked: the model name as the client wrote it; the client sees this name again in its answer.
      stream: whether the client wants a stream.
      session: what ties the turns of one conversation together, from the client's own ids where it has any; the provider's
        prompt cache and account affinity hang on it. None: unknown.
      dropped: names of request fields that no provider can honour, in the order found (told to the client).
      mapped: (what was asked for, what the reader put in its place), told to the client too; see receipt.py.
      words: fields of `body` -> what the client calls them, where a provider says that it leaves them out; "" for one that
        is not worth telling.
      names: shortened tool name -> the client's own name, for the renderer to map back.
      hints: headers of the client that are for the provider, lower case; it takes those that it knows.
      previous: the id of an earlier answer that this goes on from (``previous_response_id``), as the client wrote it.
      keep: whether this answer may be kept, for others to go on from and to be fetched.
      extra: what a dialect's renderer wants to remember of the request; nobody else reads it.
    """

    body: Json
    asked: str
    stream: bool = False
    session: str | None = None
    dropped: tuple[str, ...] = ()
    mapped: tuple[tuple[str, str], ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    previous: str | None = None
    keep: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def with_body(self, **changes: Any) -> Turn:
        """The same turn with some fields of its body set anew."""
        return replace(self, body={**self.body, **changes})


def message(role: str, content: list[Json]) -> Json:
    """A message item. `role` is user, assistant or developer; `content` is a list of parts."""
    return {"type": "message", "role": role, "content": content}


def input_text(text: str) -> Json:
    """A text part of what a person or a program says."""
    return {"type": "input_text", "text": text}


def output_text(text: str) -> Json:
    """A text part of what the model said earlier."""
    return {"type": "output_text", "text": text, "annotations": []}
