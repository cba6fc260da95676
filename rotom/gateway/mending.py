"""What may make a refused turn acceptable, beside a fresh token: leaving something out, or asking elsewhere.

Each of these is tried once for a turn, and only before anything of its answer came. What a provider has several addresses
for, and when it changes between them, is the provider's to say (`Provider.detour`).

What is not here: waiting and asking again (upstream/retry.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rotom.problem import Problem
from rotom.providers import Provider, Token
from rotom.turn import Turn


def without_reasoning(turn: Turn) -> Turn:
    """The turn without reasoning: of another account, or sealed with a retired key. The answer is worth more than it."""
    return turn.with_body(input=[item for item in turn.body["input"] if item.get("type") != "reasoning"])


def without_effort(turn: Turn) -> Turn:
    """The turn without an effort: the list of models was wrong, or has none. Any answer is better than none."""
    reasoning = turn.body.get("reasoning")
    rest = {key: value for key, value in reasoning.items() if key != "effort"} if isinstance(reasoning, dict) else {}
    return turn.with_body(reasoning=rest)


MENDED: Mapping[str, Callable[[Turn], Turn]] = {
    "invalid_encrypted_content": without_reasoning,
    "unsupported_effort": without_effort,
}
"""Codes of refusals -> what makes the turn acceptable."""


def origin_of(provider: Provider, token: Token) -> str | None:
    """The address that is asked for this account now; None where the provider has but one."""
    return None if provider.origin is None else provider.origin(token)


def detoured(provider: Provider, problem: Problem, token: Token, asked: str | None) -> bool:
    """Whether what was refused at the address `asked` shall be asked again, at another one."""
    if provider.detour is None:
        return False
    if origin_of(provider, token) != asked:
        return True  # another turn was refused there too, and has moved the account
    return provider.detour(problem, token)
