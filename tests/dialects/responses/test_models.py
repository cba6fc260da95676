"""Model lists in OpenAI's form."""

from __future__ import annotations

from rotom.catalogue import Model
from rotom.dialects.responses.models import listing, one


def test_list_and_one() -> None:
    model = Model(id="gpt-5.5", provider="openai")
    assert one(model) == {"id": "gpt-5.5", "object": "model", "created": 0, "owned_by": "openai"}
    assert listing([model]) == {"object": "list", "data": [one(model)]}
