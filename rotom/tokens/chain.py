"""The prefix hash chain: one number for each beginning of a conversation.

Theory of operation. A conversation is a list of links: each content part of a message, each call, each output. The key
of a link is a hash of the key before it and of what the model sees of the link, so that two conversations share keys
exactly as far as they begin alike. Clients give an answer back in other clothes than it was given in: split into other
items, with other ids, without its phase, with the arguments of calls written anew. So nothing of that goes into a key.
Reasoning does not either, as clients leave it out at will; it is a link with the key of the one before.

Keys hold within one process only, as hashes of Python do.

What is not here: instructions and tools. They change while a conversation goes on (tools are loaded, a date passes),
and are known by a key of their own.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable
from typing import Any, NamedTuple

from rotom.sse import Json
from rotom.tokens import answer_form, content_tokens, frame_tokens

_UNSEEN = frozenset(
    {"id", "status", "phase", "cache_control", "prompt_cache_breakpoint", "internal_chat_message_metadata"}
)
_MARSHAL = 2  # the last version in which equal values always have equal bytes


class Link(NamedTuple):
    """One link.

    Fields:
      key: of everything up to here.
      kind: ``said`` or ``thought`` by the model, or ``given`` to it.
      frame: tokens of the item that begins here. content: what is to be counted of it.
    """

    key: int
    kind: str
    frame: float
    content: Any

    def tokens(self) -> float:
        """About how many tokens it has."""
        return self.frame + content_tokens(self.content)


def chain(items: Iterable[Any], key: int) -> list[Link]:
    """The links of some items, the first of which follows on `key`."""
    links: list[Link] = []
    for item in items:
        if not isinstance(item, dict):
            continue
        frame = frame_tokens(item)
        match item.get("type", "message"):
            case "message":
                role = "developer" if item.get("role") == "system" else item.get("role")
                kind = "said" if role == "assistant" else "given"
                content = item.get("content")
                for part in content if isinstance(content, list) else [content]:
                    key = hash((key, str(role), _seen(part, kind)))
                    links.append(Link(key, kind, frame, part))
                    frame = 0.0
            case "reasoning":
                links.append(Link(key, "thought", frame, item))
            case "function_call" | "custom_tool_call":
                key = hash((key, str(item.get("name")), _arguments(item.get("arguments", item.get("input")))))
                links.append(Link(key, "said", frame, item))
            case "function_call_output" | "custom_tool_call_output":
                output = item.get("output")
                parts = output if isinstance(output, list) else [output]
                key = hash((key, "output", *[_seen(part, "given") for part in parts]))
                links.append(Link(key, "given", frame, item))
            case _:
                key = hash((key, _whole(item)))
                links.append(Link(key, "said", frame, item))
    return links


class Head(NamedTuple):
    """Instructions, tools and the form of the answer: a number for them, and about how many characters they have."""

    key: int
    size: int


def head(body: Json) -> Head:
    """What stands before the input."""
    parts = [_frozen(part) for part in (body.get("instructions"), body.get("tools"), answer_form(body))]
    return Head(hash(tuple(parts)), sum(map(len, parts)))


def _frozen(value: Any) -> bytes:
    try:
        return marshal.dumps(value, _MARSHAL) if value else b""
    except ValueError:  # nested too deeply
        return b"?"


def _seen(part: Any, kind: str) -> object:
    """What the model sees of a content part. Clients trim what the model said."""
    if isinstance(part, dict):
        if isinstance(text := part.get("text"), str):
            return text.strip() if kind == "said" else text
        if isinstance(url := part.get("image_url"), str):
            return url
        return _whole(part)
    return part if isinstance(part, str | None) else _whole({"": part})


def _arguments(value: Any) -> object:
    """Arguments of a call without spaces: models write them after commas and colons, clients do not."""
    return "".join(value.split()) or "{}" if isinstance(value, str) else None


def _whole(value: Json) -> str:
    seen = {name: inner for name, inner in value.items() if name not in _UNSEEN and not name.startswith("rotom_")}
    return json.dumps(seen, sort_keys=True)
