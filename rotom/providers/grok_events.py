"""xAI's stream as OpenAI's own would be: the same events, types and ids, so that clients and renderers need know no other.

What is different at xAI (recordings of 2026): reasoning may come as ``reasoning_text`` instead of a summary; one id serves
all messages of an answer, another all its reasoning; searches on X, which run at xAI, look like calls of a custom tool,
which a client would try to run; a call may come in one piece, without its beginning; errors may come without a type. And
calls of functions that stand for other tools of the client (grok_tools.py) are given back in the client's form.

Theory of operation: every output item gets a *place* when it is first seen, one after the other; those that are kept from
the client get none, so places have no gaps. What names an item (its index, its id) is written anew where it changed, and
``sequence_number`` is moved by as many events as were left out or put in. An item that is done is remembered as the client
saw it, and the terminal event is told with those. As long as nothing was changed, deltas of text pass without being read.
Overlapping items are left as they are: they are legal, and renderers that need an order keep one.

What is not here: private events (Provider.private), and what a failure means (grok_refusals.py).
"""

from __future__ import annotations

import json
from typing import Any

from rotom.fold import TERMINAL
from rotom.providers.grok_tools import Call, calls
from rotom.providers.loose import object_in
from rotom.sse import Event, Json
from rotom.turn import Turn

_TEXT = "response.output_text.delta"
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"

Told = list[tuple[str, Json]]
"""What becomes of an event: types and data."""


class _Item:
    """One output item.

    Attributes:
      index, id: as xAI has them. place, shown: as the client has them. kept: from the client.
      kind: its type at xAI. call: what its name stands for. begun: the client saw its beginning.
      spoken: the client saw (some of) its content.
      thought: "summary" or "content", whichever reasoning came first: the other one repeats it.
      parts: parts of a summary that were begun.
    """

    __slots__ = (
        "begun",
        "call",
        "id",
        "index",
        "kept",
        "kind",
        "parts",
        "place",
        "shown",
        "spoken",
        "texts",
        "thought",
    )

    def __init__(self, index: int, id: str, kind: str, texts: int) -> None:
        self.index = self.place = index
        self.id = self.shown = id
        self.kind = kind
        self.kept = False
        self.call: Call | None = None
        self.begun = self.spoken = False
        self.thought: str | None = None
        self.parts: set[int] = set()
        self.texts = texts

    @property
    def same(self) -> bool:
        return (self.place, self.shown) == (self.index, self.id)


class Reader:
    """Reads one answer: called with the events of each network read, it returns what the client shall see of them."""

    def __init__(self, turn: Turn) -> None:
        self._calls = calls(turn.body)
        self._items: dict[int, _Item] = {}
        self._places = 0
        self._ids: set[str] = set()
        self._whole: dict[int, Json] = {}  # items that are done, by place
        self._shift = 0  # of sequence numbers
        self._changed = False  # whether any event must be written anew for where it stands
        self._retold = False  # whether an item is not as xAI told it
        self._texts = 0  # deltas of text that passed unread

    def __call__(self, events: list[Event]) -> list[Event]:
        """What the client shall see of these events."""
        out: list[Event] = []
        for event in events:
            if event.type == _TEXT and not self._changed:
                self._texts += 1
                out.append(event)
            else:
                out += self._read(event)
        return out

    def _read(self, event: Event) -> list[Event]:
        kind, data = event.type, event.data
        if kind == "message":
            return [_untyped(event)]
        if kind in TERMINAL:
            told = self._end(kind, data)
        elif isinstance(data.get("output_index"), int):
            item = self._item(kind, data)
            told = [] if item.kept else self._told(kind, data, item)
        else:
            told = [(kind, data)]
        return self._written(event, told)

    def _written(self, event: Event, told: Told) -> list[Event]:
        """Events with their sequence numbers; the very event where nothing changed."""
        number = event.data.get("sequence_number")
        shift = self._shift
        if isinstance(number, int) and len(told) != 1:
            self._shift += len(told) - 1
            self._changed = True
        if len(told) == 1 and told[0] == (event.type, event.data) and not shift:
            return [event]
        out = []
        for place, (kind, data) in enumerate(told):
            data = {**data, "type": kind}
            if isinstance(number, int):
                data["sequence_number"] = number + shift + place
            out.append(Event(kind, data=data))
        return out

    # Items

    def _item(self, kind: str, data: Json) -> _Item:
        index: int = data["output_index"]
        item = self._items.get(index)
        if item is not None:
            return item
        whole = data.get("item")
        whole = whole if isinstance(whole, dict) else {}
        id = str(whole.get("id") or data.get("item_id") or "")
        item = self._items[index] = _Item(index, id, str(whole.get("type") or ""), self._texts)
        if item.kind == "custom_tool_call" or kind.startswith("response.custom_tool_call"):
            # xAI is never given custom tools: this is a search of its own. (A client would try to run it.)
            item.kept = self._retold = True
            return item
        item.place = self._places
        self._places += 1
        if id and id in self._ids:
            item.shown = f"{id}.{item.place}"
            self._retold = True
        self._ids.add(item.shown)
        self._changed = self._changed or not item.same
        return item

    def _told(self, kind: str, data: Json, item: _Item) -> Told:
        """What is told of an event of an item."""
        if kind == _ADDED:
            item.begun = True
            item.kind = str(object_in(data.get("item")).get("type"))
            return [self._at(kind, data, item, self._shown(object_in(data.get("item")), item, done=False))]
        if kind == _DONE:
            return self._done(data, item)
        part = object_in(data.get("part")).get("type")
        if kind.startswith("response.reasoning_summary"):
            if item.thought == "content":
                return []
            item.thought, item.spoken = "summary", True
        elif kind.startswith("response.reasoning_text") or part == "reasoning_text":
            return self._thought(kind, data, item)
        elif kind.startswith("response.function_call_arguments"):
            return self._argued(kind, data, item)
        elif kind.startswith(("response.output_text", "response.content_part", "response.refusal")):
            item.spoken = True
        return [self._at(kind, data, item)]

    def _at(self, kind: str, data: Json, item: _Item, whole: Json | None = None) -> tuple[str, Json]:
        """An event of an item, where the client has that item."""
        changes: Json = {}
        if data.get("output_index") != item.place:
            changes["output_index"] = item.place
        if "item_id" in data and data["item_id"] != item.shown:
            changes["item_id"] = item.shown
        if whole is not None and whole != data.get("item"):
            changes["item"] = whole
        return (kind, {**data, **changes}) if changes else (kind, data)

    def _done(self, data: Json, item: _Item) -> Told:
        whole = object_in(data.get("item"))
        item.kind = str(whole.get("type"))
        shown = self._whole[item.place] = self._shown(whole, item, done=True)
        told: Told = []
        if not item.begun:
            # SDKs put an answer together from its beginning; some streams have none for an item.
            begun = self._shown({**whole, **_EMPTY.get(item.kind, {}), "status": "in_progress"}, item, done=False)
            told.append((_ADDED, {"output_index": item.place, "item": begun}))
        if not item.spoken and item.texts == self._texts:
            told += _spoken(shown, item.shown, item.place)
        return [*told, self._at(_DONE, data, item, shown)]

    def _shown(self, whole: Json, item: _Item, *, done: bool) -> Json:
        """An item as the client sees it."""
        shown = whole
        if item.shown != item.id:
            shown = {**shown, "id": item.shown}
        if item.kind == "reasoning":
            shown = _summed(shown, item.thought)
        elif item.kind == "function_call":
            item.call = self._calls.get(str(whole.get("name")))
            if item.call is not None:
                shown = _as_client(shown, item.call, done)
        self._retold = self._retold or shown is not whole
        return shown

    # Reasoning

    def _thought(self, kind: str, data: Json, item: _Item) -> Told:
        """Reasoning in words -> a summary, for that is what clients of OpenAI show."""
        if item.thought == "summary":
            return []
        item.thought, item.spoken = "content", True
        number = data.get("content_index")
        number = number if isinstance(number, int) else 0
        base = {"item_id": item.shown, "output_index": item.place, "summary_index": number}
        begin: Told = []
        if number not in item.parts:
            item.parts.add(number)
            part = {"type": "summary_text", "text": ""}
            begin = [("response.reasoning_summary_part.added", {**base, "part": part})]
        what = kind.removeprefix("response.")
        if what == "content_part.added":
            return begin
        if what == "content_part.done":
            part = {"type": "summary_text", "text": object_in(data.get("part")).get("text", "")}
            return [*begin, ("response.reasoning_summary_part.done", {**base, "part": part})]
        rest = {name: data[name] for name in ("delta", "text") if name in data}
        return [*begin, (f"response.reasoning_summary_text{kind[len('response.reasoning_text') :]}", {**base, **rest})]

    # Calls

    def _argued(self, kind: str, data: Json, item: _Item) -> Told:
        if item.call is None or item.call.kind == "function":
            item.spoken = True
            if item.call is not None and "name" in data:
                data = {**data, "name": item.call.name}
            return [self._at(kind, data, item)]
        if item.call.kind == "custom" and kind.endswith(".done") and not item.spoken:
            item.spoken = True
            return _input(_text_of(data.get("arguments")), item.shown, item.place)
        return []  # the text is known once its JSON is whole

    # The end

    def _end(self, kind: str, data: Json) -> Told:
        response = data.get("response")
        if not self._retold or not isinstance(response, dict) or not isinstance(response.get("output"), list):
            return [(kind, data)]
        output = [one for one in response["output"] if object_in(one).get("type") != "custom_tool_call"]
        whole = [self._whole[place] for place in sorted(self._whole)]
        if len(whole) < len(output):
            # Something of it never came to its end; the rest is told as it was told before.
            known = {str(item.get("call_id") or item.get("id")): item for item in whole}
            whole = [
                known.get(str(one.get("call_id") or one.get("id")), _summed(one, None))
                for one in map(object_in, output)
            ]
        return [(kind, {**data, "response": {**response, "output": whole if output else []}})]


_EMPTY: dict[str, Json] = {
    "message": {"content": []},
    "reasoning": {"summary": [], "content": []},
    "function_call": {"arguments": ""},
}
"""What an item has of its content when it begins."""


def _spoken(item: Json, id: str, place: int) -> Told:
    """The events that tell an item's content, for one that came all at once."""
    base: Json = {"item_id": id, "output_index": place}
    told: Told = []
    match item.get("type"):
        case "function_call" if isinstance(arguments := item.get("arguments"), str):
            told.append(("response.function_call_arguments.delta", {**base, "delta": arguments}))
            told.append(("response.function_call_arguments.done", {**base, "arguments": arguments}))
        case "custom_tool_call":
            told += _input(str(item.get("input")), id, place)
        case "reasoning":
            for number, part in enumerate(_objects(item.get("summary"))):
                here = {**base, "summary_index": number}
                empty = {**part, "text": ""}
                told.append(("response.reasoning_summary_part.added", {**here, "part": empty}))
                told.append(("response.reasoning_summary_text.delta", {**here, "delta": part.get("text", "")}))
                told.append(("response.reasoning_summary_text.done", {**here, "text": part.get("text", "")}))
                told.append(("response.reasoning_summary_part.done", {**here, "part": part}))
        case "message":
            for number, part in enumerate(_objects(item.get("content"))):
                if part.get("type") != "output_text":
                    continue
                here = {**base, "content_index": number}
                empty = {**part, "text": "", "annotations": []}
                text = {"text": part.get("text", ""), "logprobs": []}
                told.append(("response.content_part.added", {**here, "part": empty}))
                told.append((_TEXT, {**here, "delta": part.get("text", ""), "logprobs": []}))
                told.append(("response.output_text.done", {**here, **text}))
                told.append(("response.content_part.done", {**here, "part": part}))
    return told


def _input(text: str, id: str, place: int) -> Told:
    base: Json = {"item_id": id, "output_index": place}
    return [
        ("response.custom_tool_call_input.delta", {**base, "delta": text}),
        ("response.custom_tool_call_input.done", {**base, "input": text}),
    ]


def _as_client(item: Json, call: Call, done: bool) -> Json:
    """A call of a function that stands for another tool, as a call of that tool."""
    arguments = item.get("arguments")
    if call.kind == "function":
        return {**item, "name": call.name} | ({"namespace": call.namespace} if call.namespace else {})
    rest = {name: value for name, value in item.items() if name not in ("arguments", "name", "type")}
    if call.kind == "tool_search":
        value = _parsed(arguments) if done else {}
        return {**rest, "type": "tool_search_call", "execution": "client", "arguments": value}
    text = _text_of(arguments) if done else ""
    space = {"namespace": call.namespace} if call.namespace else {}
    return {**rest, "type": "custom_tool_call", "name": call.name, **space, "input": text}


def _text_of(arguments: Any) -> str:
    """The text in the arguments of a function that stands for a free-form tool."""
    value = _parsed(arguments)
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments if isinstance(arguments, str) else ""


def _parsed(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) and arguments else {}
    except (ValueError, RecursionError):
        return {}


def _summed(item: Json, thought: str | None) -> Json:
    """A reasoning item whose words are its summary, unless it has one that the client saw."""
    content = [part for part in _objects(item.get("content")) if part.get("type") == "reasoning_text"]
    if not content or thought == "summary" or (item.get("summary") and thought is None):
        return item
    rest = {name: value for name, value in item.items() if name != "content"}
    return {**rest, "summary": [{"type": "summary_text", "text": part.get("text", "")} for part in content]}


def _untyped(event: Event) -> Event:
    """An error without a type, which is how some of xAI's machines tell of one; anything else as it is."""
    data = event.data
    if "type" in data or not data.get("error"):
        return event
    return Event("error", data={"type": "error", **data})


def _objects(value: Any) -> list[Json]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
