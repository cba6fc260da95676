"""``/v1/files``: what OpenAI's clients upload for batches, and what batches make for them.

An upload goes to a temporary file while it arrives, and to the database when it is whole (routes/batches.py does the same
with a batch); a download comes part by part from the database. So neither is ever in memory.
"""

from __future__ import annotations

import tempfile
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import trio

from rotom.batching import Batching
from rotom.dialects.openai_batches import MOST_BYTES, expiry
from rotom.problem import Kind, Problem
from rotom.routes.batches import written
from rotom.routes.openai_batches import listing, page_limit
from rotom.server.exchange import Exchange
from rotom.sse import Json
from rotom.state.client_files import BATCH, PART_BYTES, ClientFile
from rotom.state.files import private_folder

if TYPE_CHECKING:
    from rotom.multipart import Part


PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
"""What the real API takes; here there is nothing but batches that could use a file."""

_MOST = 10_000
_MOST_NAME = 255


class Files:
    """The handlers, bound to the worker, whose database has the files."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching

    async def create(self, exchange: Exchange) -> None:
        """Take a file. It is on the disk, whole, when it is answered."""
        folder = self._batching.gateway.config.home
        with written(folder):
            private_folder(folder)
            with tempfile.TemporaryFile(dir=folder, prefix=".file-") as content:
                upload = await _receive(exchange, content)
                seconds = upload.seconds()
                parts = iter(partial(content.read, PART_BYTES), b"")
                file = await self._batching.call(
                    self._batching.store.files.add, upload.filename, parts, seconds, self._batching.now()
                )
        await exchange.json(200, shape(file))

    async def list(self, exchange: Exchange) -> None:
        """A page of files, newest first where the client does not want the oldest first."""
        query = exchange.query
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise Problem(Kind.INVALID, "order must be asc or desc", code="invalid_value", param="order")
        page = partial(self._batching.store.files.page, oldest_first=order == "asc")
        limit, after = page_limit(query.get("limit"), _MOST, _MOST), query.get("after") or None
        files, more = await self._batching.call(page, limit, after, query.get("purpose"), self._batching.now())
        await exchange.json(200, listing([shape(file) for file in files], more))

    async def get(self, exchange: Exchange) -> None:
        """One file, without its content."""
        await exchange.json(200, shape(await self._find(exchange)))

    async def content(self, exchange: Exchange) -> None:
        """The content of a file, part by part.

        Raises:
          Problem: NOT_FOUND also when it was deleted meanwhile: what was sent by then stays cut, so that nobody takes it
            for the whole.
        """
        file = await self._find(exchange)
        length = ("content-length", str(file.bytes))
        exchange.start(200, [("content-type", "application/octet-stream"), length])
        position: int | None = None if exchange.method == "HEAD" else 0
        async with exchange.attended():
            while position is not None:
                data, position = await self._batching.call(
                    self._batching.store.files.part, file.id, position, file.created_at
                )
                if data:
                    await exchange.send(data)
            await exchange.finish()

    async def delete(self, exchange: Exchange) -> None:
        """Forget a file."""
        name = exchange.params["id"]
        await self._batching.call(self._batching.store.files.delete, name, self._batching.now())
        await exchange.json(200, {"id": name, "object": "file", "deleted": True})

    async def _find(self, exchange: Exchange) -> ClientFile:
        files = self._batching.store.files
        return await self._batching.call(files.get, exchange.params["id"], self._batching.now())


@dataclass(slots=True)
class _Upload:
    """The form of an upload, as far as it is here."""

    fields: dict[str, bytearray] = field(default_factory=dict)
    filename: str = ""
    size: int = 0

    def open(self, part: Part) -> None:
        """The next part begins."""
        if part.name in self.fields or (part.name == "file" and self.filename):
            raise _bad(part.name, f"'{part.name[:100]}' is there twice.", "invalid_value")
        if part.name == "file":
            self.filename = (part.filename or "").replace("\\", "/").rpartition("/")[2][:_MOST_NAME] or "upload"
        else:
            self.fields[part.name] = bytearray()

    def text(self, name: str) -> str | None:
        """A field."""
        value = self.fields.get(name)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError as exc:
            raise _bad(name, f"{name} is not UTF-8.", "invalid_value") from exc

    def purpose(self) -> None:
        """Look at the purpose."""
        purpose = self.text("purpose")
        if purpose is None:
            raise _bad("purpose", "Missing required parameter: 'purpose'.", "missing_required_parameter")
        if purpose not in PURPOSES:
            known = ", ".join(f"'{name}'" for name in PURPOSES)
            raise _bad("purpose", f"'{purpose[:100]}' is not one of [{known}].", "invalid_value")
        if purpose != BATCH:
            message = f"rotom keeps files for batches only: the purpose must be '{BATCH}', not '{purpose}'."
            raise _bad("purpose", message, "unsupported_value")

    def seconds(self) -> float | None:
        """How long to keep the file; None: as usual. Looks at all fields.

        Raises:
          Problem: INVALID, naming the field.
        """
        self.purpose()
        if not self.filename:
            raise _bad("file", "Missing required parameter: 'file'.", "missing_required_parameter")
        anchor, seconds = (self.text(f"expires_after[{name}]") for name in ("anchor", "seconds"))
        if anchor is None and seconds is None:
            return None
        whole = seconds is not None and seconds.isascii() and seconds.isdigit() and len(seconds) < 10
        return expiry("expires_after", anchor, int(seconds) if whole and seconds is not None else seconds)


async def _receive(exchange: Exchange, content: BinaryIO) -> _Upload:
    """Read the form; the file in it goes to `content`, which is rewound."""
    from rotom.multipart import Parser, Part  # seldom needed

    parser, upload = Parser(exchange.headers.get("content-type", "")), _Upload()
    name, held = "", bytearray()
    async with aclosing(exchange.parts()) as parts:
        async for data in parts:
            for event in parser.feed(data):
                if isinstance(event, Part):
                    upload.open(event)
                    name = event.name
                    if name == "file" and "purpose" in upload.fields:
                        upload.purpose()  # before the long part
                elif not isinstance(event, bytes):
                    continue
                elif name != "file":
                    upload.fields[name] += event
                else:
                    upload.size += len(event)
                    if upload.size > MOST_BYTES:
                        raise Problem(
                            Kind.TOO_LARGE,
                            f"a file for a batch may have {MOST_BYTES >> 20} MB at most",
                            code="file_too_large",
                            param="file",
                        )
                    held += event
            if len(held) >= PART_BYTES:
                await trio.to_thread.run_sync(content.write, held)
                held = bytearray()
    parser.close()
    await trio.to_thread.run_sync(content.write, held)
    await trio.to_thread.run_sync(content.seek, 0)
    return upload


def shape(file: ClientFile) -> Json:
    """A file as the API has it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": int(file.expires_at),
        "status_details": None,
    }


def _bad(param: str, message: str, code: str) -> Problem:
    return Problem(Kind.INVALID, message, code=code, param=param[:100])
