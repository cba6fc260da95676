"""A first estimate of the input tokens of a Messages request, without a tokenizer.

Counted per kind of content: text by its characters (an English or code token is about four, a Chinese or Japanese one about
one and a half), JSON a little denser, images and PDFs by their size. What the provider counted for the same conversation is
not looked at here.
"""

from __future__ import annotations

import json
from typing import Any

from rotom.sse import Json

_MESSAGE = 4  # tokens that frame a message
_TOOL = 8
_IMAGE = 1100  # an image of unknown size: about what a 1024 x 1024 one takes
_PDF_BYTES = 30  # bytes of a PDF that make one token, roughly


def estimate(body: Json) -> int:
    """About how many input tokens a request has."""
    total = _system(body.get("system"))
    messages = body.get("messages")
    for entry in messages if isinstance(messages, list) else []:
        if isinstance(entry, dict):
            total += _MESSAGE + _content(entry.get("content"))
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        total += _TOOL + _json(tool)
    return max(1, round(total))


def text_tokens(text: str) -> float:
    """About how many tokens a text has."""
    if text.isascii():
        return len(text) / 4
    wide = sum(1 for character in text if character >= "\u2e80")
    other = sum(1 for character in text if "\x80" <= character < "\u2e80")
    return (len(text) - wide - other) / 4 + wide / 1.4 + other / 2.5


def _system(system: Any) -> float:
    texts = system if isinstance(system, list) else [{"text": system}]
    found = [text["text"] for text in texts if isinstance(text, dict) and isinstance(text.get("text"), str)]
    return sum(text_tokens(text) for text in found if not text.startswith("x-anthropic-billing-header:"))


def _content(content: Any) -> float:
    if isinstance(content, str):
        return text_tokens(content)
    return sum(_block(block) for block in content if isinstance(block, dict)) if isinstance(content, list) else 0


def _block(block: Json) -> float:
    match block.get("type"):
        case "text":
            return text_tokens(str(block.get("text", "")))
        case "thinking":
            # The text, or if that was left out the reasoning itself, which travels in the signature as base64.
            return text_tokens(str(block.get("thinking") or "")) or len(str(block.get("signature") or "")) / 8
        case "image":
            return _IMAGE
        case "document":
            source = block.get("source")
            source = source if isinstance(source, dict) else {}
            if source.get("type") == "base64":
                return len(str(source.get("data", ""))) * 3 / 4 / _PDF_BYTES
            return text_tokens(str(source.get("data", ""))) + _content(source.get("content"))
        case "tool_use":
            return _TOOL + _json(block.get("input"))
        case "tool_result":
            return _TOOL + _content(block.get("content"))
        case _:
            return _json(block)


def _json(value: Any) -> float:
    return text_tokens(json.dumps(value, ensure_ascii=False)) * 1.1
