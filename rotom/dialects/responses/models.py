"""Model lists in OpenAI's form."""

from __future__ import annotations

from collections.abc import Iterable

from rotom.catalogue import Model
from rotom.sse import Json


def one(model: Model) -> Json:
    """One model. OpenAI's form has a creation time; providers do not tell it, and SDKs want a number."""
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}


def listing(models: Iterable[Model]) -> Json:
    """The whole list; OpenAI's has no pages."""
    return {"object": "list", "data": [one(model) for model in models]}
