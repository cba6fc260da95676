"""A turn and the answers before it: ``previous_response_id`` and ``item_reference`` become items, an answer is kept.

The provider stores nothing, so what a client refers to is sent whole. Reasoning is encrypted for the account that it was
made for: of another provider or account it is left out, the rest of a conversation goes on anywhere. But what stands for a
whole conversation that was made shorter cannot be left out: then the turn is refused.

What is not here: how answers are kept (state/answers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import trio

from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.state.answers import Answers, Draft, Kept, draft
from rotom.turn import Turn

LARGE = 1 << 20
"""Characters of texts and images beyond which an answer is made ready for keeping, or made items again, in a thread."""

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
    names: set[str] = set()
    return parent, [_referred(item, answers, names) for item in turn.body.get("input", ())]


def _referred(item: Any, answers: Answers, names: set[str]) -> Any:
    """The item that an item means. Each is put in once only (`names`): a long one many times over would fill memory."""
    if not isinstance(item, dict) or item.get("type") not in ("item_reference", "reasoning"):
        return item
    name = str(item.get("id"))
    seen = name in names
    if item["type"] == "reasoning":
        if seen or item.get("encrypted_content") or name != item.get("id"):
            return item
        names.add(name)
        return answers.item(name) or item  # clients give back what they understand of it
    names.add(name)
    if seen:
        raise Problem(
            Kind.INVALID,
            # The real API's words (in many reports, 2025 and 2026).
            f"Duplicate item found with id {name[:SHOWN]}. Remove duplicate items from your input and try again.",
            param="input",
            retry=False,
        )
    if (found := answers.item(name)) is None:
        raise Problem(
            Kind.NOT_FOUND,
            f"Item with id '{name[:SHOWN]}' not found. Items are not persisted when `store` is set to false. "
            "Try again with `store` set to true, or remove this item from your input.",
            param="input",
            retry=False,
        )
    return found


async def conversation(parent: Kept | None) -> list[Json]:
    """Every item up to an answer, for a turn that goes on from it."""
    if parent is None:
        return []
    return await trio.to_thread.run_sync(parent.conversation) if parent.total > LARGE else parent.conversation()


def may_go(item: Any, provider: str, model: str, account: str | None) -> bool:
    """Whether an item that says whose it is goes to this account of that provider."""
    if not isinstance(item, dict):
        return True
    return (
        item.get("rotom_provider") in (None, provider)
        and item.get("rotom_model") in (None, model)
        and item.get("rotom_account") in (None, account)
    )


def whole(
    items: Iterable[Any], provider: str, account: str | None, maker: Callable[[Any], tuple[str, str | None] | None]
) -> None:
    """See to it that what stands for earlier parts of a conversation can be read by this account of that provider.

    Arguments:
      maker: tells for whom an item was made, (provider, account), where that is known.

    Raises:
      Problem: INVALID where it is known that it cannot.
    """
    for item in items:
        if not isinstance(item, dict) or item.get("type") != "compaction":
            continue
        made = (item["rotom_provider"], item["rotom_account"]) if "rotom_provider" in item else maker(item)
        if made is None or (made[0] == provider and made[1] in (None, account)):
            continue
        who = f"another account of {provider}" if made[0] == provider else made[0]
        raise Problem(
            Kind.INVALID,
            f"an earlier part of this conversation was compacted by {who}, and nobody else can read it: go on with a model "
            "of that one, or begin anew",
            code="invalid_encrypted_content",
            param="input",
            retry=False,
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
