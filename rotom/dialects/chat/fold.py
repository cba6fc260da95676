"""The frames of a Chat Completions stream -> the object of a client that did not ask for a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rotom.dialects.chat.chunks import DONE
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

_TEXTS = ("content", "refusal", "reasoning_content")
_LISTS = ("annotations", "images")


def fold(frames: Iterable[Event]) -> Json:
    """The whole answer. Calls are all there, a cut one too: the finish reason ``length`` says that it may be.

    Raises:
      Problem: UPSTREAM when the frames are not a whole answer.
    """
    first: Json = {}
    last: Json = {}
    finish: str | None = None
    texts: dict[str, list[str]] = {name: [] for name in _TEXTS}
    lists: dict[str, list[Any]] = {}
    calls: list[Json] = []
    function: Json | None = None
    for frame in frames:
        if frame.raw == DONE and finish is not None:
            message = _message(texts, lists, calls, function)
            return _whole(first, last, message, finish)
        if frame.type != "":
            continue
        last = frame.data
        first = first or last
        for choice in last.get("choices", ()):
            finish = choice["finish_reason"] or finish
            delta = choice["delta"]
            for name in _TEXTS:
                if delta.get(name):
                    texts[name].append(delta[name])
            for name in _LISTS:
                if name in delta:
                    lists.setdefault(name, []).extend(delta[name])
            for entry in delta.get("tool_calls", ()):
                _add(calls, entry)
            if "function_call" in delta:
                function = function or {"arguments": []}
                function["name"] = delta["function_call"].get("name", function.get("name"))
                function["arguments"].append(delta["function_call"]["arguments"])
    raise Problem(Kind.UPSTREAM, "the answer ended before it was complete")


def _add(calls: list[Json], entry: Json) -> None:
    if entry["index"] == len(calls):
        kind = entry["type"]
        field = "arguments" if kind == "function" else "input"
        calls.append({"id": entry["id"], "type": kind, kind: {"name": entry[kind]["name"], field: []}})
    called = calls[entry["index"]]
    field = "arguments" if called["type"] == "function" else "input"
    called[called["type"]][field].append(entry[called["type"]][field])


def _message(
    texts: dict[str, list[str]], lists: dict[str, list[Any]], calls: list[Json], function: Json | None
) -> Json:
    joined = {name: "".join(pieces) for name, pieces in texts.items()}
    silent = bool(calls or function or joined["refusal"])
    message: Json = {
        "role": "assistant",
        "content": joined["content"] or (None if silent else ""),
        "refusal": joined["refusal"] or None,
        "annotations": lists.get("annotations", []),
    }
    if joined["reasoning_content"]:
        message["reasoning_content"] = joined["reasoning_content"]
    if calls:
        for call in calls:
            inner = call[call["type"]]
            call[call["type"]] = {**inner, **{key: "".join(inner[key]) for key in inner if key != "name"}}
        message["tool_calls"] = calls
    if function:
        message["function_call"] = {"name": function["name"], "arguments": "".join(function["arguments"])}
    if "images" in lists:
        message["images"] = lists["images"]
    return message


def _whole(first: Json, last: Json, message: Json, finish: str) -> Json:
    whole: Json = {
        "id": first["id"],
        "object": "chat.completion",
        "created": first["created"],
        "model": first["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
    }
    if last.get("usage") is not None:
        whole["usage"] = last["usage"]
    if "service_tier" in last:
        whole["service_tier"] = last["service_tier"]
    return {**whole, "system_fingerprint": None}
