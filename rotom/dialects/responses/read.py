"""A request of the Responses API -> a Turn: the body as it is, with ``input`` always a list of items.

What it refers to (``previous_response_id``, items by their ids) is put in by the gateway. Conversations and prompts that
are stored elsewhere, and what runs without a client (``background``), are refused clearly rather than answered without
their context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.turn import Turn, input_text, message, output_text

_REFUSED = {
    "conversation": "rotom keeps no conversations; send the whole conversation as input",
    "prompt": "stored prompts cannot be reached through rotom; send their text as instructions and input",
}

MOST_ITEMS = 100_000
"""As many as Anthropic takes messages. No model's window holds that much; going through millions holds up others."""

_SESSION_HEADERS = ("session-id", "session_id", "thread-id", "conversation_id")


def read(body: Json, headers: Mapping[str, str]) -> Turn:
    """The question in a request.

    Raises:
      Problem: INVALID, naming the field.
    """
    asked = body.get("model")
    if not isinstance(asked, str) or not asked.strip():
        raise _bad("model", "a model is required")
    for name, why in _REFUSED.items():
        if body.get(name) is not None:
            raise _bad(name, f"{name} is not supported: {why}", code="unsupported_parameter")
    if body.get("background") is True:
        raise _bad("background", "background answers are not supported", code="unsupported_parameter")
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise _bad("stream", "stream must be true or false")
    previous = body.get("previous_response_id")
    if previous is not None and not isinstance(previous, str):
        raise _bad("previous_response_id", "previous_response_id must be the id of an answer")
    asked = asked.strip()
    return Turn(
        body={**body, "model": asked, "input": _input(body.get("input"))},
        asked=asked,
        stream=stream is True,
        session=_session(body, headers),
        previous=previous,
        keep=body.get("store") is not False,
    )


def _input(value: object) -> list[Json]:
    if isinstance(value, str):
        return [message("user", [input_text(value)])]
    if not isinstance(value, list):
        raise _bad("input", "input must be a text or a list of items")
    if len(value) > MOST_ITEMS:
        raise _bad("input", f"input has {len(value)} items; there may be {MOST_ITEMS}")
    return [_item(item, f"input[{index}]") for index, item in enumerate(value)]


def _item(item: object, where: str) -> Json:
    """An item in its full form: messages may come without a type, and with their text as a plain string."""
    if not isinstance(item, dict):
        raise _bad(where, f"{where} must be an object")
    kind = item.get("type")
    if kind == "item_reference" or (kind is None and item.keys() == {"id"}):
        if not isinstance(item.get("id"), str):
            raise _bad(f"{where}.id", f"{where}: a reference needs the id of an item")
        return {"type": "item_reference", "id": item["id"]}
    if kind not in (None, "message") or (kind is None and "role" not in item):
        return item
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str):
        raise _bad(f"{where}.role", f"{where}: a message needs a role")
    if isinstance(content, str):
        content = [output_text(content) if role == "assistant" else input_text(content)]
    return {"type": "message", **item, "content": content}


def _session(body: Json, headers: Mapping[str, str]) -> str | None:
    key: Any = body.get("prompt_cache_key")
    if isinstance(key, str) and key:
        return key
    return next((value for name in _SESSION_HEADERS if (value := headers.get(name))), None)


def _bad(param: str, message: str, code: str | None = None) -> Problem:
    return Problem(Kind.INVALID, message, param=param, code=code)
