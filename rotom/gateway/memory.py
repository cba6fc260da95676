"""A turn and the answers before it: ``previous_response_id`` and ``item_reference`` become items, an answer is kept.

The provider stores nothing, so what a client refers to is sent whole. Reasoning is encrypted for the account that it was
made for: of another provider or account it is left out, the rest of a conversation goes on anywhere.

What is not here: how answers are kept (state/answers.py).
"""

from __future__ import annotations

from typing import Any

import trio

from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.state.answers import Answers, Draft, Kept, draft
from rotom.turn import Turn

LARGE = 1 << 20
"""Characters of texts and images beyond which an answer is made ready for keeping in a thread."""

SHOWN = 200
"""Characters of an id that is not known that are told."""


def recall(turn: Turn, answers: Answers) -> tuple[Kept | None, list[Any]]:
    """The answer that a turn goes on from, and its own items with those that it refers to in their places.

    Raises:
      Problem: INVALID for an answer, NOT_FOUND for an item that is not kept (any more); in the real API's words.
    """
    parent = None
    if turn.previous is not None and (parent := answers.get(turn.previous)) is None:
        raise Problem(
            Kind.INVALID,
            f"Previous response with id '{turn.previous[:SHOWN]}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
            retry=False,
        )
    return parent, [_referred(item, answers) for item in turn.body.get("input", ())]


def _referred(item: Any, answers: Answers) -> Any:
    if not isinstance(item, dict):
        return item
    if item.get("type") == "reasoning" and not item.get("encrypted_content") and isinstance(item.get("id"), str):
        return answers.item(item["id"]) or item  # clients give back what they understand of it
    if item.get("type") != "item_reference":
        return item
    name = str(item.get("id"))
    if (found := answers.item(name)) is None:
        raise Problem(
            Kind.NOT_FOUND,
            f"Item with id '{name[:SHOWN]}' not found. Items are not persisted when `store` is set to false. "
            "Try again with `store` set to true, or remove this item from your input.",
            param="input",
            retry=False,
        )
    return found


def may_go(item: Any, provider: str, model: str, account: str | None) -> bool:
    """Whether an item that says whose it is goes to this account of that provider."""
    if not isinstance(item, dict):
        return True
    return (
        item.get("rotom_provider") in (None, provider)
        and item.get("rotom_model") in (None, model)
        and item.get("rotom_account") in (None, account)
    )


async def drafted(response: Json, asked: tuple[Json, ...]) -> Draft:
    """An answer made ready for keeping. Cancellation: at any moment."""
    if sum(map(_size, asked)) > LARGE:
        return await trio.to_thread.run_sync(draft, response, asked)
    return draft(response, asked)


def _size(item: Json) -> int:
    """About how many characters are in an item: those of its texts and images."""
    size = 0
    for value in (item.get("content"), item.get("output")):
        for part in value if isinstance(value, list) else (value,):
            for text in part.values() if isinstance(part, dict) else (part,):
                size += len(text) if isinstance(text, str) else 0
    return size
