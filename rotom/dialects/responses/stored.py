"""Answers that are kept, as the Responses API shows them later: lists of their input, their stream played again, and what a
compaction is made of."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping

from rotom.dialects.loose import objects_of
from rotom.dialects.responses.echo import usage
from rotom.dialects.responses.refuse import bad_type, bad_value, refused
from rotom.problem import Kind, Problem
from rotom.sse import Event, Json

MOST, DEFAULT = 100, 20


def page(items: list[Json], query: Mapping[str, str]) -> Json:
    """A page of items, which all have an id; the newest first unless the query says otherwise.

    Raises:
      Problem: INVALID for a limit, an order or a place that is none.
    """
    order, limit = query.get("order") or "desc", _limit(query.get("limit"))
    if order not in ("asc", "desc"):
        raise bad_value(order, "order", ("asc", "desc"))
    shown = items if order == "asc" else items[::-1]
    if after := query.get("after"):
        place = next((index for index, item in enumerate(shown) if item["id"] == after), None)
        if place is None:
            raise refused(f"Item with id '{after}' not found.", "invalid_value", "after")
        shown = shown[place + 1 :]
    data = shown[:limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(shown) > limit,
    }


def _limit(value: str | None) -> int:
    if not value:
        return DEFAULT
    limit = number(value, "limit")
    if 1 <= limit <= MOST:
        return limit
    how, bound, code = ("below minimum", ">= 1", "min") if limit < 1 else ("above maximum", f"<= {MOST}", "max")
    message = f"Invalid 'limit': integer {how} value. Expected a value {bound}, but got {limit} instead."
    raise refused(message, f"integer_{how.partition(' ')[0]}_{code}_value", "limit")


def number(value: str, name: str) -> int:
    """A whole number in a query.

    Raises:
      Problem: INVALID when it is none.
    """
    if not (value.removeprefix("-").isascii() and value.removeprefix("-").isdigit() and len(value) < 16):
        raise bad_type(value, name, "an integer")
    return int(value)


def replay(response: Json) -> list[Event]:
    """The stream of an answer that is whole, told once more; each item in one piece."""
    events = [*_told(response)]
    return [Event(kind, data={"type": kind, **data, "sequence_number": n}) for n, (kind, data) in enumerate(events)]


_Told = tuple[str, Json]


def _told(response: Json) -> Iterator[_Told]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    begun["incomplete_details"] = None
    for kind in ("created", "in_progress"):
        yield f"response.{kind}", {"response": begun}
    for index, item in enumerate(response["output"]):
        at = {"item_id": item.get("id"), "output_index": index}
        tell = _ITEMS.get(str(item.get("type")))
        empty, events = tell(item, at) if tell is not None else ({}, [])
        added = {**item, **empty}
        if "status" in item:
            added["status"] = "in_progress"
        yield "response.output_item.added", {"output_index": index, "item": added}
        yield from events
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{response['status']}", {"response": response}


def _message(item: Json, at: Json) -> tuple[Json, list[_Told]]:
    events: list[_Told] = []
    for place, part in enumerate(objects_of(item, "content")):
        here = {**at, "content_index": place}
        annotations = part["annotations"] if isinstance(part.get("annotations"), list) else []
        name, field = ("refusal", "refusal") if "refusal" in part else ("output_text", "text")
        text = part.get(field, "")
        more: Json = {} if name == "refusal" else {"logprobs": []}
        empty = {**part, field: "", **({"annotations": []} if "annotations" in part else {})}
        events += [
            ("response.content_part.added", {**here, "part": empty}),
            (f"response.{name}.delta", {**here, "delta": text, **more}),
            *(
                ("response.output_text.annotation.added", {**here, "annotation_index": index, "annotation": note})
                for index, note in enumerate(annotations)
            ),
            (f"response.{name}.done", {**here, field: text, **more}),
            ("response.content_part.done", {**here, "part": part}),
        ]
    return {"content": []}, events


def _reasoning(item: Json, at: Json) -> tuple[Json, list[_Told]]:
    events: list[_Told] = []
    for place, part in enumerate(objects_of(item, "summary")):
        here, text = {**at, "summary_index": place}, part.get("text", "")
        events += [
            ("response.reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}),
            ("response.reasoning_summary_text.delta", {**here, "delta": text}),
            ("response.reasoning_summary_text.done", {**here, "text": text}),
            ("response.reasoning_summary_part.done", {**here, "part": part}),
        ]
    return {"summary": []}, events


def _function_call(item: Json, at: Json) -> tuple[Json, list[_Told]]:
    text = item.get("arguments", "")
    done = {**at, "name": item.get("name"), "arguments": text}
    return {"arguments": ""}, [
        ("response.function_call_arguments.delta", {**at, "delta": text}),
        ("response.function_call_arguments.done", done),
    ]


def _custom_call(item: Json, at: Json) -> tuple[Json, list[_Told]]:
    text = item.get("input", "")
    return {"input": ""}, [
        ("response.custom_tool_call_input.delta", {**at, "delta": text}),
        ("response.custom_tool_call_input.done", {**at, "input": text}),
    ]


_ITEMS = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
}


def compaction(response: Json, asked: Iterable[Json]) -> Json:
    """What a conversation is compacted to: the user's messages, and the one item that stands for all the rest.

    Arguments:
      response: the answer to the conversation with a trigger at its end; asked: the items of the conversation.

    Raises:
      Problem: UPSTREAM when the provider answered anything but one such item.
    """
    made = [item for item in response["output"] if item.get("type") == "compaction"]
    if len(made) != 1:
        raise Problem(
            Kind.UPSTREAM,
            f"the provider was asked for a compaction and answered with {len(made)} of them",
            code="upstream_error",
            retry=False,
        )
    said = [
        {"id": f"msg_{os.urandom(24).hex()}", "status": "completed", **item}
        for item in asked
        if item.get("type") == "message" and item.get("role") == "user"
    ]
    counts = response.get("usage")
    return {
        "id": response["id"],
        "object": "response.compaction",
        "created_at": response.get("created_at") or int(time.time()),
        "output": [*said, *made],
        "usage": counts if isinstance(counts, dict) else usage({}),
    }
