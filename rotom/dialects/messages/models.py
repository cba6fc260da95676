"""Model lists in the form of the Messages API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rotom.catalogue import Model
from rotom.dialects.messages.content import bad
from rotom.sse import Json

_DEFAULT, _MOST = 20, 1000

# The API documents the epoch as what is said when the date of a release is not known.
_UNKNOWN = "1970-01-01T00:00:00Z"


def one(model: Model) -> Json:
    """One model. `lifecycle` is required by SDKs from 2.12 on."""
    entry: Json = {
        "type": "model",
        "id": model.id,
        "display_name": model.title or model.id,
        "created_at": _UNKNOWN,
        "lifecycle": "retired" if model.retired else "active",
    }
    if model.description:
        entry["description"] = model.description
    if model.context is not None:
        entry["max_input_tokens"] = model.context
    return entry


def page(models: Sequence[Model], query: Mapping[str, str]) -> Json:
    """One page of the list: `limit`, and `after_id` or `before_id` as a cursor.

    Raises:
      Problem: INVALID for a limit or a cursor that makes no sense.
    """
    try:
        limit = int(query.get("limit", _DEFAULT))
    except ValueError:
        limit = 0
    if not 1 <= limit <= _MOST:
        raise bad("limit", f"Input should be a whole number from 1 to {_MOST}")
    ids = [model.id for model in models]
    after, before = query.get("after_id"), query.get("before_id")
    for name, cursor in (("after_id", after), ("before_id", before)):
        if cursor is not None and cursor not in ids:
            raise bad(name, f"{cursor!r} is not in this list")
    if before is not None:
        end = ids.index(before)
        start = max(0, end - limit)
        more = start > 0
    else:
        start = ids.index(after) + 1 if after is not None else 0
        end = min(len(ids), start + limit)
        more = end < len(ids)
    data = [one(model) for model in models[start:end]]
    return {
        "data": data,
        "has_more": more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }
