"""``/v1/messages/batches``: Anthropic's Message Batches over the worker's store.

A new batch may be long, so its body goes to a file while it arrives; the file has no name (or goes with the process,
where it must have one), and lies in rotom's home because that is where there must be room for it anyway.

`request_counts` are as the API has them: everything is ``processing`` until the batch has ended. How far it really is
stands in a field of our own, ``rotom``, beside what it waits for; Anthropic's SDKs keep fields that they do not know.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import trio

from rotom.batching import Batching
from rotom.dialects.messages import DIALECT
from rotom.dialects.messages.content import bad
from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange
from rotom.sse import Json
from rotom.state.batches import ANTHROPIC, ENDED, Batch, Pause
from rotom.state.database import no_room
from rotom.state.files import private_folder
from rotom.state.results import Result

ENDPOINT = DIALECT.endpoint + "/batches"
JSONL = [("content-type", "application/x-jsonl")]

_DEFAULT, _MOST = 20, 1000
_WRITE = 1 << 20


class MessageBatches:
    """The handlers, bound to the worker."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._store = batching.store

    async def create(self, exchange: Exchange) -> None:
        """Take a batch. It is answered when it is on the disk, whole."""
        exchange.log["dialect"] = "messages"
        folder = self._batching.gateway.config.home
        with written(folder):
            private_folder(folder)
            with tempfile.TemporaryFile(dir=folder, prefix=".batch-") as file:
                await _spool(exchange, file)
                batch = await self._batching.accept(file, exchange.headers)
        await self._show(exchange, batch)

    async def list(self, exchange: Exchange) -> None:
        """A page of batches, newest first."""
        query = exchange.query
        try:
            limit = int(query.get("limit", _DEFAULT))
        except ValueError:
            limit = 0
        if not 1 <= limit <= _MOST:
            raise bad("limit", f"Input should be a whole number from 1 to {_MOST}")
        after, before = query.get("after_id") or None, query.get("before_id") or None
        batches, more = await self._batching.call(self._store.page, limit, after, before, ANTHROPIC)
        data = [shape(batch, _base(exchange), self._batching.pauses()) for batch in batches]
        ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        await exchange.json(200, {"data": data, "has_more": more, "first_id": ends[0], "last_id": ends[1]})

    async def get(self, exchange: Exchange) -> None:
        """One batch."""
        await self._show(exchange, await self._batching.call(self._store.get, exchange.params["id"], ANTHROPIC))

    async def cancel(self, exchange: Exchange) -> None:
        """Let nothing more of a batch begin."""
        await exchange.body()
        batch = await self._batching.call(self._store.cancel, exchange.params["id"], self._batching.now(), ANTHROPIC)
        self._batching.wake()
        await self._show(exchange, batch)

    async def delete(self, exchange: Exchange) -> None:
        """Forget a batch that has ended, and its results."""
        name = exchange.params["id"]
        await self._batching.call(self._store.delete, name, ANTHROPIC)
        await exchange.json(200, {"id": name, "type": "message_batch_deleted"})

    async def results(self, exchange: Exchange) -> None:
        """The results, a line each, page by page from the disk to the client.

        Raises:
          Problem: INVALID before the end of the batch; NOT_FOUND also when it was deleted meanwhile: what was sent by
            then stays cut, so that nobody takes it for the whole.
        """
        name = exchange.params["id"]
        page = await self._batching.call(self._store.results, name, 0, ANTHROPIC)
        exchange.start(200, JSONL)
        async with exchange.attended():
            while page:
                await exchange.send(b"".join(map(line, page)))
                page = await self._batching.call(self._store.results, name, page[-1].number)
            await exchange.finish()

    async def _show(self, exchange: Exchange, batch: Batch) -> None:
        await exchange.json(200, shape(batch, _base(exchange), self._batching.pauses()))


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """What the file system says of writing into a folder, as Problems."""
    try:
        yield
    except OSError as exc:
        raise no_room(exc) or Problem(
            Kind.UNAVAILABLE, f"cannot write to {folder}: {exc.strerror}", code="database", retry=False
        ) from exc


async def _spool(exchange: Exchange, file: BinaryIO) -> None:
    """Write the body to a file as it arrives, and rewind it."""
    held = bytearray()
    async with aclosing(exchange.parts()) as parts:
        async for part in parts:
            held += part
            if len(held) >= _WRITE:
                await trio.to_thread.run_sync(file.write, held)
                held = bytearray()
    await trio.to_thread.run_sync(file.write, held)
    await trio.to_thread.run_sync(file.seek, 0)


def shape(batch: Batch, base: str, pauses: list[Pause]) -> Json:
    """A batch as the API has it.

    Arguments:
      base: the server's address as the client wrote it.
      pauses: what batches wait for now.
    """
    ended = batch.status == ENDED
    counts = {name: getattr(batch, name) if ended else 0 for name in ("succeeded", "errored", "canceled", "expired")}
    value: Json = {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": batch.status,
        "request_counts": {"processing": 0 if ended else batch.total, **counts},
        "created_at": moment(batch.created_at),
        "expires_at": moment(batch.expires_at),
        "ended_at": moment(batch.ended_at),
        "cancel_initiated_at": moment(batch.cancel_initiated_at),
        "archived_at": None,
        "results_url": f"{base}{ENDPOINT}/{batch.id}/results" if ended else None,
    }
    if not ended:
        value["rotom"] = {"done": batch.done, "total": batch.total, "waits": waits(pauses)}
    return value


def waits(pauses: list[Pause]) -> list[Json]:
    """What batches wait for."""
    return [
        {"provider": pause.provider or None, "until": moment(pause.until), "reason": pause.reason} for pause in pauses
    ]


def line(result: Result) -> bytes:
    """A result as a line of JSON."""
    body = result.result or b'{"type":"%s"}' % result.state.encode()
    return b'{"custom_id":"%s","result":%s}\n' % (result.custom_id.encode(), body)


def moment(seconds: float | None) -> str | None:
    """Unix seconds in the form of RFC 3339."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _base(exchange: Exchange) -> str:
    """The guard has seen to it that there is a Host and that it is ours."""
    return f"http://{exchange.headers['host'].strip()}"
