"""Model lists in OpenAI's form."""

from __future__ import annotations

from collections.abc import Iterable

from rotom.catalogue import Model
from rotom.sse import Json


def one(model: Model) -> Json:
    """One model. When it was made is not known; clients want a number."""
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}


def listing(models: Iterable[Model]) -> Json:
    """The list; this API has no pages here."""
    return {"object": "list", "data": [one(model) for model in models]}
