"""The ``messages`` of a request -> the ``input`` items of a Responses request.

Reasoning travels in the ``signature`` of thinking blocks: ``rotom1.PROVIDER/MODEL.BLOB``. Both names stay on the item as
private keys, ``rotom_provider`` and ``rotom_model``, so that the gateway can drop what another one made; signatures that
are not ours (an earlier part of the conversation with another program) are dropped here without a word, as their text is of
no use to another model. Items carry no ids: the provider does not store them.

What is not here: how calls and results are paired (dialects/pairing.py), and which tools the conversation brings in or
takes away (changes.py).
"""

from __future__ import annotations

from collections.abc import Callable

from rotom.dialects.messages.content import bad, blocks, field, plain_text, read_part, read_parts
from rotom.dialects.names import call_id, short_name
from rotom.dialects.pairing import Run, add_said, pair
from rotom.sse import Json, dumps
from rotom.turn import input_text, message, output_text

SIGNATURE = "rotom1"

MOST_MESSAGES = 100_000
"""As many as Anthropic takes. No model's window holds that much; going through millions holds up others."""


def sign(provider: str, encrypted: str, model: str = "") -> str:
    """The signature of a thinking block that carries the encrypted reasoning of a provider's model."""
    maker = f"{provider}/{model.replace('.', '~')}" if model else provider  # dots part the signature, ~ is in no name
    return f"{SIGNATURE}.{maker}.{encrypted}"


def unsign(signature: object) -> tuple[str, str] | None:
    """(provider or PROVIDER/MODEL, encrypted reasoning) of a signature of ours, or None for any other."""
    if not isinstance(signature, str) or signature.count(".") < 2:
        return None
    mark, maker, encrypted = signature.split(".", 2)
    provider, slash, model = maker.partition("/")
    return (
        (provider + slash + model.replace("~", "."), encrypted) if mark == SIGNATURE and maker and encrypted else None
    )


def read_history(messages: object) -> list[Json]:
    """The input items of a conversation."""
    if not isinstance(messages, list) or not messages:
        raise bad("messages", "at least one message is required")
    if len(messages) > MOST_MESSAGES:
        raise bad("messages", f"List should have at most {MOST_MESSAGES} items after validation, not {len(messages)}")
    return pair(_runs(messages))


def _runs(messages: list[object]) -> list[Run]:
    runs: list[Run] = []
    last_user = max(
        (index for index, entry in enumerate(messages) if isinstance(entry, dict) and entry.get("role") == "user"),
        default=-1,
    )
    for index, entry in enumerate(messages):
        where = f"messages.{index}"
        if not isinstance(entry, dict):
            raise bad(where, "Input should be a message")
        match entry.get("role"):
            case "user":
                runs.append((False, _user(entry.get("content"), f"{where}.content")))
            case "system":
                # It may hold nothing but an effort, and it may be for the model's eyes only until the user speaks again.
                gone = entry.get("clear_at") == "next_user_message" and index < last_user
                parts = [] if gone else read_parts(entry.get("content") or [], f"{where}.content")
                runs.append((False, [message("developer", parts)] if parts else []))
            case "assistant":
                add_said(runs, _assistant(entry.get("content"), f"{where}.content"))
            case role:
                raise bad(f"{where}.role", f"Input should be user, assistant or system, not {role!r}")
    return runs


def _user(content: object, where: str) -> list[Json]:
    items: list[Json] = []
    parts: list[Json] = []
    for place, block in blocks(content, where):
        if block["type"] == "tool_result":
            if parts:
                items.append(message("user", parts))
                parts = []
            items.append(_result(block, place))
        else:
            parts += read_part(block, place)
    if parts:
        items.append(message("user", parts))
    return items


def _result(block: Json, where: str) -> Json:
    parts = read_parts(block.get("content") or "", f"{where}.content")
    if block.get("is_error") is True and not (parts and str(parts[0].get("text")).startswith("<tool_use_error>")):
        # Responses has no field for it. Claude Code's own failures say so by themselves.
        parts = [input_text("[tool error]"), *parts]
    output: object = parts
    if all(part["type"] == "input_text" for part in parts):
        output = "\n".join(part["text"] for part in parts)  # an empty result is an empty text, never a missing one
    return {
        "type": "function_call_output",
        "call_id": call_id(field(block, "tool_use_id", where)),
        "output": output,
    }


def _assistant(content: object, where: str) -> list[Json]:
    items: list[Json] = []
    for place, block in blocks(content, where):
        reader = _ASSISTANT.get(block["type"])
        if reader is not None:
            items += reader(block, place)
        elif block["type"].endswith(("tool_use", "tool_result")):
            items += _foreign(block, place)
        else:
            raise bad(f"{place}.type", f"content blocks of type {block['type']!r} cannot be passed on to this model")
    return items


def _said(block: Json, where: str) -> list[Json]:
    text = field(block, "text", where)
    return [message("assistant", [output_text(text)])] if text else []


def _thought(block: Json, where: str) -> list[Json]:
    ours = unsign(block.get("signature") or block.get("data"))
    if ours is None:
        return []
    text = block.get("thinking")
    summary = [{"type": "summary_text", "text": text}] if isinstance(text, str) and text else []
    provider, _, model = ours[0].partition("/")
    made = {"rotom_provider": provider, **({"rotom_model": model} if model else {})}
    return [{"type": "reasoning", "summary": summary, "encrypted_content": ours[1], **made}]


def _called(block: Json, where: str) -> list[Json]:
    arguments = block.get("input")
    if not isinstance(arguments, dict):
        raise bad(f"{where}.input", "Input should be an object")
    return [
        {
            "type": "function_call",
            "call_id": call_id(field(block, "id", where)),
            "name": short_name(field(block, "name", where)),
            "arguments": dumps(arguments).decode(),
        }
    ]


def _drawn(block: Json, where: str) -> list[Json]:
    # Only users may show images to the model; the place in the conversation stays.
    return [message("user", [input_text("[the image that the assistant made]"), *read_part(block, where)])]


def _foreign(block: Json, where: str) -> list[Json]:
    """A call or a result of a tool that a server ran: told as text, for its content belongs to the conversation."""
    if block["type"].endswith("tool_use"):
        text = f"[{block.get('name')} was called with {plain_text(block.get('input') or {})}]"
    else:
        text = f"[its result: {plain_text(block.get('content'))}]"
    return [message("developer", [input_text(text)])]


def _unseen(block: Json, where: str) -> list[Json]:
    """A mark for Anthropic's servers, which their models do not see either."""
    return []


def _summary(block: Json, where: str) -> list[Json]:
    text = block.get("content")
    return [message("developer", [input_text(text)])] if isinstance(text, str) and text else []


_ASSISTANT: dict[str, Callable[[Json, str], list[Json]]] = {
    "text": _said,
    "thinking": _thought,
    "redacted_thinking": _thought,
    "tool_use": _called,
    "image": _drawn,
    "compaction": _summary,
    "fallback": _unseen,
    "mcp_tool_listing": _unseen,
}
