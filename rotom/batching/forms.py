"""How each API writes the requests and results of its batches, and what is the same for all of them. Pure.

What is not here: how the body of a request is read, which is its dialect's affair.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from rotom.dialects import Dialect, openai_batches
from rotom.dialects.messages import batches as messages
from rotom.problem import Problem
from rotom.sse import Json
from rotom.state.batches import ANTHROPIC, OPENAI, Item, Tokens
from rotom.turn import Turn


@dataclass(frozen=True, slots=True)
class Form:
    """How an API writes the requests and results of its batches.

    Fields:
      question: a request as it is stored -> the body that the dialect reads.
      succeeded: (custom_id, answer, request id) -> the result to be stored.
      errored: (custom_id, dialect, problem, request id) -> the same.
    """

    question: Callable[[bytes], Json]
    succeeded: Callable[[str, Json, str], bytes]
    errored: Callable[[str, Dialect, Problem, str], bytes]


FORMS = {
    ANTHROPIC: Form(messages.question, messages.succeeded, messages.errored),
    OPENAI: Form(openai_batches.question, openai_batches.succeeded, openai_batches.errored),
}
"""By API."""


def question(item: Item, dialect: Dialect) -> Turn:
    """The question of a request. The requests of a batch share a session, and with it the provider's prompt cache.

    Raises:
      Problem: INVALID.
    """
    turn = dialect.read(FORMS[item.api].question(item.item), {})
    openai_batches.check_alone(turn)
    return replace(turn, session=turn.session or item.batch, keep=False)


def answered(item: Item, answer: Json) -> bytes:
    """The result of a request that was answered."""
    return FORMS[item.api].succeeded(item.custom_id, answer, new_request_id())


def failed(item: Item, dialect: Dialect, problem: Problem) -> bytes:
    """The result of a request that was not."""
    return FORMS[item.api].errored(item.custom_id, dialect, problem, new_request_id())


def new_request_id() -> str:
    """An id for a request that came in no exchange."""
    return "req_" + secrets.token_hex(12)


def tokens(usage: Json | None) -> Tokens:
    """What an answer took, as its provider counts."""
    usage = usage or {}
    given, made = (usage.get(name) for name in ("input_tokens_details", "output_tokens_details"))
    found = (
        usage.get("input_tokens"),
        given.get("cached_tokens") if isinstance(given, dict) else None,
        usage.get("output_tokens"),
        made.get("reasoning_tokens") if isinstance(made, dict) else None,
    )
    first, second, third, fourth = (count if isinstance(count, int) else 0 for count in found)
    return first, second, third, fourth
