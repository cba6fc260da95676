"""The frames of a Messages stream -> the Message of a client that did not ask for a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rotom.problem import Kind, Problem
from rotom.sse import Event, Json


def fold(frames: Iterable[Event]) -> Json:
    """The whole message.

    A tool call that was cut in the middle of its input is left out: run with half its input it may do anything. The stop
    reason says that the answer was cut.

    Raises:
      Problem: UPSTREAM when the frames are not a whole answer.
    """
    message: Json | None = None
    content: list[Json] = []
    texts: list[str] = []
    for frame in frames:
        data = frame.data
        match frame.type:
            case "message_start":
                message = {**data["message"], "content": content}
            case "content_block_start":
                content.append(dict(data["content_block"]))
                texts = []
            case "content_block_delta":
                delta = data["delta"]
                if delta["type"] == "citations_delta":
                    content[-1].setdefault("citations", []).append(delta["citation"])
                elif delta["type"] == "signature_delta":
                    content[-1]["signature"] = delta["signature"]
                else:
                    texts.append(delta[_TEXTS[delta["type"]]])
            case "content_block_stop":
                _close(content, "".join(texts))
            case "message_delta" if message is not None:
                message |= data["delta"]
                message["usage"] = {**message["usage"], **data["usage"]}
            case "message_stop" if message is not None:
                return message
    raise Problem(Kind.UPSTREAM, "the answer ended before it was complete")


_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def _close(content: list[Json], text: str) -> None:
    block = content[-1]
    match block["type"]:
        case "text" | "thinking" as name:
            block[name] = text
        case "tool_use" | "server_tool_use":
            arguments = _arguments(text)
            if arguments is None:
                content.pop()
            else:
                block["input"] = arguments


def _arguments(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
