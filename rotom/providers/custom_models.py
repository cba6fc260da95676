"""The models in a list of the public API's form, as endpoints of all kinds give it."""

from __future__ import annotations

from rotom.catalogue import Model
from rotom.providers.openai_models import is_name
from rotom.sse import Json


def read_models(answer: Json, provider: str) -> list[Model]:
    """The models in an answer of ``GET /models``. Of the many names for the window, those of servers seen so far."""
    entries = answer.get("data", answer.get("models"))
    found: list[Model] = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not is_name(entry.get("id")):
            continue
        windows = (entry.get(name) for name in ("context_length", "context_window", "max_model_len"))
        context = next((size for size in windows if isinstance(size, int) and not isinstance(size, bool)), None)
        title = entry.get("name")
        found.append(
            Model(
                id=entry["id"],
                provider=provider,
                title=title if isinstance(title, str) and title else entry["id"],
                context=context,
                priority=len(found),
            )
        )
    return found
