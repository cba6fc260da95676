"""``/v1/batches``: OpenAI's Batch API over the worker's store.

A new batch is answered as ``validating``; what is wrong with its file is told by the batch itself, once the worker has
looked at it. Our own states are fewer than the API's: how a batch has ended is seen from what happened to it (`status`).
``finalizing`` is never seen, as output files need no making.

Until a batch has ended it has one more field than theirs, ``rotom``, as Anthropic's batches have here: how far it is, and
what it waits for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rotom.batching import Batching
from rotom.dialects.openai_batches import read_batch
from rotom.problem import Kind, Problem
from rotom.routes.batches import waits
from rotom.routes.generate import parse
from rotom.server.exchange import Exchange
from rotom.sse import Json
from rotom.state.batches import CANCELING, ENDED, IN_PROGRESS, OPENAI, VALIDATING, Batch, Pause

_DEFAULT, _MOST = 20, 100

_UNDER_WAY = {VALIDATING: "validating", IN_PROGRESS: "in_progress", CANCELING: "cancelling"}


class OpenAIBatches:
    """The handlers, bound to the worker."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._store = batching.store

    async def create(self, exchange: Exchange) -> None:
        """Take a batch. It is on the disk when it is answered."""
        endpoints = [name for name, dialect in self._batching.dialects.items() if dialect.name != "messages"]
        new = read_batch(parse(await exchange.body()), endpoints)
        metadata = None if new.metadata is None else json.dumps(new.metadata)
        exchange.log["dialect"] = self._batching.dialects[new.endpoint].name
        batch = await self._batching.call(
            self._store.open, new.endpoint, new.file, metadata, new.output_seconds, self._batching.now()
        )
        self._batching.wake()
        await self._show(exchange, batch)

    async def list(self, exchange: Exchange) -> None:
        """A page of batches, newest first."""
        query = exchange.query
        limit, after = page_limit(query.get("limit"), _DEFAULT, _MOST), query.get("after") or None
        with _known(after or ""):
            batches, more = await self._batching.call(self._store.page, limit, after, None, OPENAI)
        pauses = self._batching.pauses()
        await exchange.json(200, listing([shape(batch, pauses) for batch in batches], more))

    async def get(self, exchange: Exchange) -> None:
        """One batch."""
        await self._show(exchange, await self._get(exchange.params["id"]))

    async def cancel(self, exchange: Exchange) -> None:
        """Let nothing more of a batch begin.

        Raises:
          Problem: CONFLICT when it has ended.
        """
        await exchange.body()
        name = exchange.params["id"]
        before = await self._get(name)
        if before.status == ENDED:
            # The real API's words (2026-08). Without retry=False its SDK would ask twice more, as after every 409.
            raise Problem(Kind.CONFLICT, f"Cannot cancel a batch with status '{status(before)}'.", retry=False)
        batch = await self._batching.call(self._store.cancel, name, self._batching.now(), OPENAI)
        self._batching.wake()
        await self._show(exchange, batch)

    async def _get(self, name: str) -> Batch:
        with _known(name):
            return await self._batching.call(self._store.get, name, OPENAI)

    async def _show(self, exchange: Exchange, batch: Batch) -> None:
        await exchange.json(200, shape(batch, self._batching.pauses()))


@contextmanager
def _known(name: str) -> Iterator[None]:
    """Tell in the real API's words (in many reports, 2025 and 2026) that there is no batch of that name."""
    try:
        yield
    except Problem as problem:
        if problem.kind is not Kind.NOT_FOUND:
            raise
        raise Problem(Kind.NOT_FOUND, f"No batch found with id '{name[:100]}'.", retry=False) from problem


def status(batch: Batch) -> str:
    """The API's word for where a batch is."""
    if batch.status != ENDED:
        return _UNDER_WAY[batch.status]
    if batch.errors is not None:
        return "failed"
    if batch.cancel_initiated_at is not None:
        return "cancelled"
    return "expired" if batch.expired or not batch.total else "completed"


def shape(batch: Batch, pauses: list[Pause]) -> Json:
    """A batch as the API has it.

    Arguments:
      pauses: what batches wait for now.
    """
    at = status(batch)
    ended = {f"{end}_at": _seconds(batch.ended_at) if end == at else None for end in _ENDS}
    value: Json = {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "errors": None if batch.errors is None else {"object": "list", "data": json.loads(batch.errors)},
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "status": at,
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "created_at": _seconds(batch.created_at),
        "in_progress_at": _seconds(batch.begun_at),
        "expires_at": _seconds(batch.expires_at),
        "finalizing_at": None if batch.begun_at is None else _seconds(batch.ended_at),
        **ended,
        "cancelling_at": _seconds(batch.cancel_initiated_at),
        "request_counts": {
            "total": batch.total,
            "completed": batch.succeeded,
            "failed": batch.errored + batch.canceled + batch.expired,
        },
        "usage": {
            "input_tokens": batch.input_tokens,
            "input_tokens_details": {"cached_tokens": batch.cached_tokens},
            "output_tokens": batch.output_tokens,
            "output_tokens_details": {"reasoning_tokens": batch.reasoning_tokens},
            "total_tokens": batch.input_tokens + batch.output_tokens,
        },
        "metadata": None if batch.metadata is None else json.loads(batch.metadata),
    }
    if batch.status != ENDED:
        value["rotom"] = {"done": batch.done, "total": batch.total, "waits": waits(pauses)}
    return value


_ENDS = ("completed", "failed", "expired", "cancelled")


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def page_limit(text: str | None, default: int, most: int) -> int:
    """The field ``limit`` of a query.

    Raises:
      Problem: INVALID.
    """
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Problem(
            Kind.INVALID, f"limit must be a whole number from 1 to {most}", code="invalid_value", param="limit"
        )
    return int(text)


def listing(data: list[Json], more: bool) -> Json:
    """A page of a list."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more}
