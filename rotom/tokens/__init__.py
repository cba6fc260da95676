"""About how many input tokens a Responses request has, without a tokenizer, and how to know what was counted before.

Each kind of content is estimated in its own way: texts of any script (text.py), tools (tools.py), images and documents
(media.py), and the tokens that frame an item. chain.py names each beginning of a conversation by one number, so that
what a provider reported for it is found again.

What is not here: what was reported, and how estimates are corrected by it (state/counts.py).
"""

from __future__ import annotations

import json
from typing import Any

from rotom.sse import Json
from rotom.tokens.media import file_tokens, image_tokens
from rotom.tokens.text import text_tokens
from rotom.tokens.tools import tools_tokens

_BASE = 3
"""Tokens of a request without any content: the mark behind which the model answers."""
_INSTRUCTIONS = 5
_CALL = 12
_OUTPUT = 10
_MESSAGE = {"assistant": 6}
_OTHER_MESSAGE = 4
"""Tokens that frame an item, as the published format of OpenAI's open models has them."""

_BLOB_HEAD = 650
"""Bytes that encrypted reasoning has beside the reasoning, as Codex CLI 0.169 reckons (2026-11); the rest is text."""


def head_tokens(body: Json) -> float:
    """About how many tokens stand before the input: instructions, tools, and the form of the answer."""
    total = _BASE + tools_tokens(body.get("tools"))
    if isinstance(instructions := body.get("instructions"), str) and instructions:
        total += _INSTRUCTIONS + text_tokens(instructions)
    if form := answer_form(body):
        total += text_tokens(json.dumps(form, ensure_ascii=False))
    return total


def answer_form(body: Json) -> Any:
    """The schema that the answer must keep, or None."""
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return form.get("schema") if isinstance(form, dict) else None


def frame_tokens(item: Json) -> float:
    """How many tokens an item has beside its content."""
    match item.get("type", "message"):
        case "message":
            return _MESSAGE.get(str(item.get("role")), _OTHER_MESSAGE)
        case "function_call" | "custom_tool_call":
            return _CALL
        case "function_call_output" | "custom_tool_call_output":
            return _OUTPUT
        case _:
            return 0


def content_tokens(value: Any) -> float:
    """About how many tokens a content part has, an item without its frame, or a list of parts."""
    if isinstance(value, str):
        return text_tokens(value)
    if isinstance(value, list):
        return sum(map(content_tokens, value))
    if not isinstance(value, dict):
        return 0.0
    match value.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text":
            return text_tokens(_text(value, "text"))
        case "refusal":
            return text_tokens(_text(value, "refusal"))
        case "input_image":
            return image_tokens(value.get("image_url"), value.get("detail"))
        case "input_file":
            return file_tokens(value)
        case "function_call":
            return text_tokens(_text(value, "name")) + text_tokens(_text(value, "arguments"))
        case "custom_tool_call":
            return text_tokens(_text(value, "name")) + text_tokens(_text(value, "input"))
        case "function_call_output" | "custom_tool_call_output":
            return content_tokens(value.get("output"))
        case "reasoning" | "compaction" | "context_compaction":
            # Without the encrypted form the item stays here: a provider could not look it up.
            return max(0, len(_text(value, "encrypted_content")) * 3 // 4 - _BLOB_HEAD) / 4
        case "image_generation_call":
            return image_tokens(value.get("result"))
        case _:
            return text_tokens(json.dumps(value, ensure_ascii=False))


def estimate(body: Json) -> int:
    """About how many input tokens a request has, as far as it can be known from the request alone."""
    total = head_tokens(body)
    for item in body.get("input") or ():
        if isinstance(item, dict):
            content = item.get("content") if item.get("type", "message") == "message" else item
            total += frame_tokens(item) + content_tokens(content)
    return max(1, round(total))


def _text(value: Json, name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""
