"""What may make a refused turn acceptable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rotom.config import Config
from rotom.gateway.mending import MENDED, detoured, origin_of
from rotom.problem import Kind, Problem
from rotom.providers import Token, grok, openai
from rotom.turn import Turn

TOKEN = Token("secret", account_id="a")
REFUSED = Problem(Kind.FORBIDDEN, "no", code="entitlement")


def test_reasoning_is_left_out_and_nothing_else() -> None:
    thought, said = {"type": "reasoning"}, {"type": "message"}
    turn = Turn({"input": [thought, said, thought], "model": "m"}, "m")
    assert MENDED["invalid_encrypted_content"](turn).body == {"input": [said], "model": "m"}


@pytest.mark.parametrize(("asked", "left"), [({"effort": "high", "summary": "auto"}, {"summary": "auto"}), (None, {})])
def test_an_effort_is_left_out_and_nothing_else(asked: Any, left: Any) -> None:
    assert MENDED["unsupported_effort"](Turn({"reasoning": asked}, "m")).body == {"reasoning": left}


def test_a_provider_with_one_address_has_no_other() -> None:
    provider = openai.make(Config())
    assert origin_of(provider, TOKEN) is None
    assert not detoured(provider, REFUSED, TOKEN, None)


def test_who_was_moved_by_another_turn_asks_again() -> None:
    provider = grok.make(replace(Config(), grok_origin="auto"))
    asked = origin_of(provider, TOKEN)
    assert detoured(provider, REFUSED, TOKEN, asked)
    assert origin_of(provider, TOKEN) != asked
    assert detoured(provider, REFUSED, TOKEN, asked)  # a turn that was under way meanwhile
    assert not detoured(provider, REFUSED, TOKEN, origin_of(provider, TOKEN))
