"""Model lists in Anthropic's form."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import ModelInfo

from rotom.catalogue import Model
from rotom.dialects.messages.models import one, page
from rotom.problem import Problem

MODELS = [Model(id=name, provider="openai", title=name.upper(), context=272_000) for name in "abcde"]


def test_an_entry_is_what_the_sdk_reads() -> None:
    info = ModelInfo.model_validate(one(MODELS[0]))
    assert (info.id, info.display_name, info.lifecycle, info.max_input_tokens) == ("a", "A", "active", 272_000)
    assert one(Model(id="x", provider="openai", retired=True))["lifecycle"] == "retired"
    assert one(Model(id="x", provider="openai"))["display_name"] == "x"


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ({}, "abcde", False),
        ({"limit": "2"}, "ab", True),
        ({"limit": "2", "after_id": "b"}, "cd", True),
        ({"limit": "2", "after_id": "c"}, "de", False),
        ({"after_id": "e"}, "", False),
        ({"limit": "2", "before_id": "d"}, "bc", True),
        ({"limit": "2", "before_id": "c"}, "ab", False),
        ({"limit": "1000"}, "abcde", False),
    ],
)
def test_pages(query: dict[str, str], ids: str, more: bool) -> None:
    made = page(MODELS, query)
    assert "".join(entry["id"] for entry in made["data"]) == ids
    assert made["has_more"] is more
    assert (made["first_id"], made["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"limit": "1001"}, {"after_id": "z"}, {"before_id": "z"}]
)
def test_bad_pages(query: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        page(MODELS, query)
