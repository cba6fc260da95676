"""Calls and their results, in the order that Responses wants them.

Theory of operation: a conversation is read into *runs*, a run being the items of one message, or of all messages of the
assistant in a row. Responses wants every call answered and every result called for, and nothing between a call and its
results. So the results of a run's calls are taken from wherever they are later in the history and put directly behind the
run; whatever stood between (Claude Code puts system messages there) follows after. A call that nobody answered gets an
answer that says so, and a result that nobody called for, or called for twice, becomes a user message: no history is refused
for having been cut.

Readers write every result as a ``function_call_output``; one that answers a custom call is made its output here.

What is not here: how a dialect's messages become items (its history.py).
"""

from __future__ import annotations

from collections import deque

from rotom.dialects.names import call_id
from rotom.sse import Json
from rotom.turn import input_text, message

UNANSWERED = "[There is no result: the call was interrupted.]"

Run = tuple[bool, list[Json]]
"""Whether the assistant said it, and its items."""

CALLS = ("function_call", "custom_tool_call")


def add_said(runs: list[Run], items: list[Json]) -> None:
    """More items of the assistant: to its run, when the last one is that."""
    if runs and runs[-1][0]:
        runs[-1][1].extend(items)
    else:
        runs.append((True, items))


def pair(runs: list[Run]) -> list[Json]:
    """The items of all runs, every call with its output. The items of `runs` may be changed."""
    results: dict[str, deque[tuple[int, Json]]] = {}  # those that a call may still take
    for index, (_, items) in enumerate(runs):
        for item in items:
            if item["type"] == "function_call_output":
                results.setdefault(item["call_id"], deque()).append((index, item))
    out: list[Json] = []
    taken: set[int] = set()
    made: dict[str, int] = {}  # id -> how many calls came with it
    for index, (assistant, items) in enumerate(runs):
        if assistant:
            said = _phases(_followed(items), last=index == len(runs) - 1)
            out += said
            out += [_answer(index, item, results, taken, made) for item in said if item["type"] in CALLS]
        else:
            for item in items:
                if item["type"] != "function_call_output":
                    out.append(item)
                elif id(item) not in taken:
                    out.append(_stray(item))
    return out


def _answer(
    index: int, call: Json, results: dict[str, deque[tuple[int, Json]]], taken: set[int], made: dict[str, int]
) -> Json:
    """The output of a call of run `index`. A call whose id was there before gets another one, in place."""
    name = call["call_id"]
    while call["call_id"] in made:
        made[name] += 1
        call["call_id"] = call_id(f"{name}_{made[name]}")
    made[call["call_id"]] = 1
    kind = f"{call['type']}_output"
    left = results.get(name, deque())
    while left:
        where, output = left.popleft()
        if where > index:  # else it came before the call, and before all calls that follow
            taken.add(id(output))
            return {**output, "type": kind, "call_id": call["call_id"]}
    return {"type": kind, "call_id": call["call_id"], "output": UNANSWERED}


def _stray(output: Json) -> Json:
    """A result without its call, as something the user says."""
    parts = [input_text(output["output"])] if isinstance(output["output"], str) else output["output"]
    return message("user", [input_text("[the result of an earlier tool call]"), *parts])


def _followed(items: list[Json]) -> list[Json]:
    """The items without reasoning that led to nothing: a replay of it is refused (known of the Responses API)."""
    end = len(items)
    while end and (items[end - 1]["type"] == "reasoning" or items[end - 1].get("role", "assistant") != "assistant"):
        end -= 1
    return items[:end] + [item for item in items[end:] if item["type"] != "reasoning"]


def _phases(items: list[Json], last: bool) -> list[Json]:
    """The model's messages with the phase that it gave them.

    Codex models mark what they say before calling a tool as commentary and want the mark back (seen in Codex CLI 0.169,
    2026-11). The other dialects have no place for it, but it can be told from what follows. What ends a conversation gets
    none: it is a beginning that the model shall go on with.
    """
    end = max((index for index, item in enumerate(items) if item["type"] in CALLS), default=-1)
    if end < 0 and last:
        return items
    return [
        {**item, "phase": "commentary" if index < end else "final_answer"} if item.get("role") == "assistant" else item
        for index, item in enumerate(items)
    ]
