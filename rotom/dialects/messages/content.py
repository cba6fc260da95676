"""Content blocks of the Messages API -> content parts of the Responses API.

What a person or a program says: text, images, documents, search results. A block whose content cannot be carried over is
refused with a sentence that says which; a block that carries nothing (an empty text) gives no part.

What is not here: blocks that are items of their own in Responses (thinking, tool calls, tool results): history.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rotom.dialects.responses.attached import is_base64
from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.turn import input_text


def bad(where: str, what: str) -> Problem:
    """The request is wrong at `where`, in the wording of the Messages API: ``messages.3.content.0: ...``."""
    return Problem(Kind.INVALID, f"{where}: {what}", param=where)


def field(block: Json, name: str, where: str) -> str:
    """A string that a block must have."""
    value = block.get(name)
    if not isinstance(value, str):
        raise bad(f"{where}.{name}", "Field required" if value is None else "Input should be a valid string")
    return value


def blocks(content: object, where: str) -> list[tuple[str, Json]]:
    """Content as (place, block) pairs; a string is one text block."""
    if isinstance(content, str):
        return [(where, {"type": "text", "text": content})]
    if not isinstance(content, list):
        raise bad(where, "Input should be a string or a list of content blocks")
    for index, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise bad(f"{where}.{index}", "Input should be a content block with a type")
    return [(f"{where}.{index}", block) for index, block in enumerate(content)]


def read_parts(content: object, where: str) -> list[Json]:
    """What a user, a system message or a tool result says, as input parts."""
    return [part for place, block in blocks(content, where) for part in read_part(block, place)]


def read_part(block: Json, where: str) -> list[Json]:
    """One block as input parts: often one, none when it carries nothing.

    Raises:
      Problem: INVALID for a block whose content would be lost.
    """
    reader = _READERS.get(block["type"])
    if reader is None:
        raise bad(f"{where}.type", f"content blocks of type {block['type']!r} cannot be passed on to this model")
    return reader(block, where)


def plain_text(value: Any) -> str:
    """Any JSON as text for the model, without the parts that only Anthropic's servers can read."""
    if isinstance(value, str):
        return value
    return json.dumps(_readable(value), ensure_ascii=False)


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items() if not key.startswith("encrypted_")}
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _text(block: Json, where: str) -> list[Json]:
    text = field(block, "text", where)
    return [input_text(text)] if text else []


def _image(block: Json, where: str) -> list[Json]:
    return [{"type": "input_image", "image_url": _location(block, where, "image")}]


def _document(block: Json, where: str) -> list[Json]:
    source = _source(block, where)
    heading = [text for name in ("title", "context") if isinstance(text := block.get(name), str) and text]
    match source.get("type"):
        case "text":
            return [input_text("\n\n".join([*heading, field(source, "data", f"{where}.source")]))]
        case "content":
            inner = read_parts(source.get("content"), f"{where}.source.content")
            return [input_text("\n\n".join(heading)), *inner] if heading else inner
        case "url":
            return [{"type": "input_file", "file_url": field(source, "url", f"{where}.source")}]
        case _:
            name = heading[0] if heading else "document"
            name = name if name.lower().endswith(".pdf") else f"{name}.pdf"
            file: Json = {"type": "input_file", "filename": name, "file_data": _location(block, where, "document")}
            context = block.get("context")
            return [input_text(context), file] if isinstance(context, str) and context else [file]


def _search_result(block: Json, where: str) -> list[Json]:
    lines = [field(block, "title", where), field(block, "source", where), ""]
    lines += [part["text"] for part in read_parts(block.get("content", []), f"{where}.content") if "text" in part]
    return [input_text("\n".join(lines))]


def _tool_reference(block: Json, where: str) -> list[Json]:
    # Claude Code's ToolSearch answers with references only (seen 2026-11): left out, the model would read an empty result.
    return [input_text(f"The tool {field(block, 'tool_name', where)} is now available.")]


def _as_json(block: Json, where: str) -> list[Json]:
    return [input_text(plain_text({key: value for key, value in block.items() if key != "cache_control"}))]


def _nothing(block: Json, where: str) -> list[Json]:
    return []


def _source(block: Json, where: str) -> Json:
    source = block.get("source")
    if not isinstance(source, dict):
        raise bad(f"{where}.source", "Field required")
    return source


def _location(block: Json, where: str, what: str) -> str:
    """Where the bytes of an image or a document are: a data URL, or the client's own URL."""
    source = _source(block, where)
    match source.get("type"):
        case "base64":
            media, data = field(source, "media_type", f"{where}.source"), field(source, "data", f"{where}.source")
            if not is_base64(data):
                raise bad(f"{where}.{what}.source.base64", "invalid base64 data")
            return f"data:{media};base64,{data}"
        case "url":
            return field(source, "url", f"{where}.source")
        case "file":
            raise bad(f"{where}.source", f"files of Anthropic's Files API cannot be reached; send the {what} itself")
        case other:
            raise bad(f"{where}.source.type", f"{other!r} is not a kind of source for {what} blocks")


_READERS: dict[str, Callable[[Json, str], list[Json]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
    "browser_state": _as_json,
    # Blocks of a system message that tell which tools came and went: the tool list itself says so (changes.py).
    "tool_addition": _nothing,
    "tool_removal": _nothing,
}
