"""The items of a conversation as xAI takes them.

It takes messages, functions' calls and results, and its own reasoning back. What other tools left behind is told in these
forms (grok_tools.py says how their names change); reasoning that somebody else encrypted is left out, for it would be
refused; what cannot be told is refused here, in words. Ids are only given back where xAI made them.

What is not here: the fields beside the input (grok_dress.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rotom.problem import Kind, Problem
from rotom.providers.grok_tools import wire_name
from rotom.sse import Json, dumps
from rotom.turn import input_text, message

_BLOB = re.compile(r"(?!gAAAA)[A-Za-z0-9+/]{40,}")
"""What xAI encrypts is base64 without padding; the same of OpenAI is another base64, and begins like this."""

_ROLES = frozenset({"user", "assistant", "system", "developer"})
_PARTS: dict[str, tuple[str, ...]] = {
    "input_text": ("text",),
    "output_text": ("text",),
    "input_image": ("image_url", "file_id", "detail"),
    "input_file": ("file_data", "file_url", "file_id", "filename"),
}


def read_items(items: Any) -> list[Json]:
    """The input to send.

    Raises:
      Problem: INVALID for an item that cannot be told to Grok.
    """
    if isinstance(items, str):
        return [message("user", [input_text(items)])]
    out: list[Json] = []
    for index, item in enumerate(items or ()):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            raise _bad(f"{where} is not an object", where)
        kind = str(item.get("type") or "message")
        reader = _READERS.get(kind)
        if reader is None:
            raise _bad(_REFUSED.get(kind, f"items of type {kind[:60]!r} cannot be told to Grok"), where, kind)
        out += reader(item, where)
    return out


def _message(item: Json, where: str) -> list[Json]:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        raise _bad(f"{where}.role must be one of {', '.join(sorted(_ROLES))}", f"{where}.role")
    if isinstance(content, list):
        content = [_part(part, f"{where}.content[{number}]") for number, part in enumerate(content)]
    return [{"type": "message", "role": role, "content": content}]


def _part(part: Any, where: str) -> Json:
    if not isinstance(part, dict):
        raise _bad(f"{where} is not an object", where)
    kind = part.get("type")
    if kind == "refusal":
        return {"type": "output_text", "text": str(part.get("refusal") or "")}
    if kind not in _PARTS:
        raise _bad(f"{where}: content of type {str(kind)[:60]!r} cannot be told to Grok", where, "content")
    out = {"type": kind} | {name: part[name] for name in _PARTS[kind] if part.get(name) is not None}
    if out.get("detail") == "original":  # a word of OpenAI's
        out["detail"] = "high"
    return out


def _reasoning(item: Json, where: str) -> list[Json]:
    blob = item.get("encrypted_content")
    if not isinstance(blob, str) or not _BLOB.fullmatch(blob):
        return []
    summary = item.get("summary")
    out: Json = {"type": "reasoning"}
    id = str(item.get("id") or "").partition(".")[0]  # grok_events.py adds numbers to an id that came twice
    if id.startswith("rs_"):
        out["id"] = id
    return [out | {"summary": summary if isinstance(summary, list) else [], "encrypted_content": blob}]


def _function_call(item: Json, where: str) -> list[Json]:
    return [_called(item, where, item.get("arguments"), item.get("namespace"))]


def _custom_call(item: Json, where: str) -> list[Json]:
    arguments = dumps({"input": str(item.get("input") or "")}).decode()
    return [_called(item, where, arguments, item.get("namespace"))]


def _search_call(item: Json, where: str) -> list[Json]:
    arguments = item.get("arguments")
    text = arguments if isinstance(arguments, str) else dumps(arguments or {}).decode()
    return [_called({**item, "name": "tool_search"}, where, text)]


def _shell_call(item: Json, where: str) -> list[Json]:
    return [_called({**item, "name": "local_shell"}, where, dumps(item.get("action") or {}).decode())]


def _called(item: Json, where: str, arguments: Any, namespace: Any = None) -> Json:
    name, call = item.get("name"), item.get("call_id")
    if not isinstance(name, str) or not isinstance(call, str):
        raise _bad(f"{where}: a call needs a name and a call_id", where)
    if not isinstance(arguments, str):
        arguments = "{}" if arguments is None else dumps(arguments).decode()
    return {"type": "function_call", "call_id": call, "name": wire_name(name, namespace), "arguments": arguments}


def _output(item: Json, where: str) -> list[Json]:
    output = item.get("output")
    if isinstance(output, list):
        output = [_part(part, f"{where}.output[{number}]") for number, part in enumerate(output)]
    elif not isinstance(output, str):
        output = "" if output is None else dumps(output).decode()
    return [_result(item, where, output)]


def _found(item: Json, where: str) -> list[Json]:
    """What a search for tools brought: their names; the tools themselves are among those offered (grok_tools.py)."""
    names: list[str] = []
    for tool in item.get("tools") or ():
        if isinstance(tool, dict):
            inner = tool.get("tools") if tool.get("type") == "namespace" else [tool]
            space = tool.get("name") if tool.get("type") == "namespace" else None
            names += [wire_name(str(one.get("name")), space) for one in inner or () if isinstance(one, dict)]
    text = f"These tools can be called now: {', '.join(names)}" if names else "No tool was found."
    return [_result(item, where, text)]


def _result(item: Json, where: str, output: Any) -> Json:
    call = item.get("call_id")
    if not isinstance(call, str):
        raise _bad(f"{where}: a result needs a call_id", where)
    return {"type": "function_call_output", "call_id": call, "output": output}


def _search(item: Json, where: str) -> list[Json]:
    # Its results are in what the model said of them; only a call that xAI made itself is known to it.
    id, action = item.get("id"), item.get("action")
    if not isinstance(id, str) or "_call" not in id or not isinstance(action, dict):
        return []
    return [{"type": "web_search_call", "id": id, "status": "completed", "action": action}]


def _drawn(item: Json, where: str) -> list[Json]:
    image = item.get("result")
    if not isinstance(image, str) or not image:
        return []
    form = item.get("output_format") or "png"
    picture = {"type": "input_image", "image_url": f"data:image/{form};base64,{image}"}
    return [message("user", [input_text("[the image that the assistant made]"), picture])]


def _compaction(item: Json, where: str) -> list[Json]:
    blob = item.get("encrypted_content")
    if not isinstance(blob, str) or not _BLOB.fullmatch(blob):
        raise _bad(
            f"{where}: an earlier part of this conversation was compacted by another provider, and only that one can read "
            "it: go on with the model that it was held with, or begin anew",
            where,
            "compaction",
        )
    id = item.get("id")
    return [{"type": "compaction"} | ({"id": id} if isinstance(id, str) else {}) | {"encrypted_content": blob}]


def _agent(item: Json, where: str) -> list[Json]:
    content = item.get("content")
    return _message({"role": "developer", "content": content}, where) if content else []


def _unseen(item: Json, where: str) -> list[Json]:
    return []


_READERS: dict[str, Callable[[Json, str], list[Json]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
    "tool_search_call": _search_call,
    "tool_search_output": _found,
    "local_shell_call": _shell_call,
    "local_shell_call_output": _output,
    "web_search_call": _search,
    "image_generation_call": _drawn,
    "compaction": _compaction,
    "agent_message": _agent,
    "additional_tools": _unseen,
    "configuration_update": _unseen,
}

_REFUSED = {
    "item_reference": "this refers to an item that rotom does not have (any more); send the item itself",
    "compaction_trigger": "Grok does not compact a conversation in the middle of an answer; let the client do it",
}


def _bad(message: str, where: str, kind: str = "") -> Problem:
    code = "item_not_found" if kind == "item_reference" else "unsupported_value" if kind else None
    return Problem(Kind.INVALID, message, code=code, param=where, retry=False)
