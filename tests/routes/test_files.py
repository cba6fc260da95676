"""The routes of files: uploads that never lie in memory, forms of all kinds, and content as it was."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import tracemalloc
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import trio

import rotom.routes.files as routes
from rotom.problem import Problem

PATH = "/v1/files"
BOUNDARY = "a-boundary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


async def upload(house: Any, content: bytes = b"{}\n", name: str = "in.jsonl", **fields: str) -> httpx.Response:
    data = {"purpose": "batch"} | {
        key.replace("__", "[") + ("]" if "__" in key else ""): v for key, v in fields.items()
    }
    response: httpx.Response = await house.client.post(PATH, data=data, files={"file": (name, content)})
    return response


async def made(house: Any, content: bytes = b"{}\n") -> str:
    response = await upload(house, content)
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


def left(house: Any) -> list[str]:
    return [file.name for file in house.config.home.iterdir() if file.name.startswith(".file")]


async def test_a_file_has_the_shape_of_the_api(house: Any) -> None:
    content = os.urandom(3_000_000)
    response = await upload(
        house, content, "C:\\there\\my file.jsonl", expires_after__anchor="created_at", expires_after__seconds="3600"
    )
    value = response.json()
    assert list(value) == [
        "id",
        "object",
        "bytes",
        "created_at",
        "filename",
        "purpose",
        "status",
        "expires_at",
        "status_details",
    ]
    assert (value["object"], value["bytes"], value["filename"]) == ("file", 3_000_000, "my file.jsonl")
    assert value["expires_at"] == pytest.approx(value["created_at"] + 3600, abs=1)
    assert (await house.client.get(f"{PATH}/{value['id']}")).json() == value
    got = await house.client.get(f"{PATH}/{value['id']}/content")
    assert got.content == content
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-length"] == "3000000"
    head = await house.client.head(f"{PATH}/{value['id']}/content")
    assert (head.headers["content-length"], head.content) == ("3000000", b"")
    assert left(house) == []
    if os.name == "posix":
        assert (house.config.home / "rotom.db").stat().st_mode & 0o777 == 0o600


async def test_lists_have_pages(house: Any) -> None:
    names = [await made(house) for _ in range(4)]

    async def page(**query: Any) -> tuple[list[str], bool, str | None, str | None]:
        value = (await house.client.get(PATH, params=query)).json()
        assert value["object"] == "list"
        return [file["id"] for file in value["data"]], value["has_more"], value["first_id"], value["last_id"]

    assert await page() == (names[::-1], False, names[3], names[0])
    assert await page(limit=2, order="asc") == (names[:2], True, names[0], names[1])
    assert await page(limit=2, order="asc", after=names[1]) == (names[2:], False, names[2], names[3])
    assert await page(purpose="batch_output") == ([], False, None, None)
    for query, param in (
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"order": "x"}, "order"),
    ):
        response = await house.client.get(PATH, params=query)
        assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert (await house.client.get(PATH, params={"after": "file-nothing"})).status_code == 404


def form(*parts: tuple[str, bytes]) -> bytes:
    whole = b"".join(
        f"--{BOUNDARY}\r\ncontent-disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    )
    return whole + f"--{BOUNDARY}--\r\n".encode()


PURPOSE = ('name="purpose"', b"batch")
FILE = ('name="file"; filename="a.jsonl"', b"{}\n")


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"", 400, None),
        (b"nonsense", 400, None),
        (form(PURPOSE, FILE)[:-9], 400, None),
        (form(FILE), 400, "purpose"),
        (form(PURPOSE), 400, "file"),
        (form(('name="purpose"', b"vision"), FILE), 400, "purpose"),
        (form(FILE, ('name="purpose"', b"nothing")), 400, "purpose"),
        (form(('name="purpose"', b"\xff"), FILE), 400, "purpose"),
        (form(PURPOSE, PURPOSE, FILE), 400, "purpose"),
        (form(PURPOSE, FILE, FILE), 400, "file"),
        (form(PURPOSE, FILE, ('name="expires_after[anchor]"', b"created_at")), 400, "expires_after[seconds]"),
        (form(PURPOSE, FILE, ('name="expires_after[seconds]"', b"3600")), 400, "expires_after[anchor]"),
        (
            form(
                PURPOSE,
                FILE,
                ('name="expires_after[seconds]"', b"1e4"),
                ('name="expires_after[anchor]"', b"created_at"),
            ),
            400,
            "expires_after[seconds]",
        ),
        (form(PURPOSE, FILE, ('name="whatever"', b"x")), 200, None),
    ],
)
async def test_forms(house: Any, body: bytes, status: int, param: str | None) -> None:
    response = await house.client.post(PATH, content=body, headers=FORM)
    assert response.status_code == status, response.text
    if status != 200:
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["type"], error["param"]) == ("invalid_request_error", param)
        assert (await house.client.get(PATH)).json()["data"] == []
    assert left(house) == []


async def test_another_content_type_is_refused(house: Any) -> None:
    response = await house.client.post(PATH, json={"purpose": "batch"})
    assert response.status_code == 415
    response = await house.client.post(PATH, content=b"x", headers={"content-type": "multipart/form-data"})
    assert response.status_code == 400


async def test_a_packed_upload_is_unpacked(house: Any) -> None:
    body = gzip.compress(form(PURPOSE, FILE))
    response = await house.client.post(PATH, content=body, headers={**FORM, "content-encoding": "gzip"})
    assert response.json()["bytes"] == 3


async def test_what_is_gone_and_what_never_was_is_404(house: Any) -> None:
    name = await made(house)
    assert (await house.client.delete(f"{PATH}/{name}")).json() == {"id": name, "object": "file", "deleted": True}
    for method, path in (("GET", name), ("DELETE", name), ("GET", f"{name}/content"), ("GET", "file-%F0%9F%98%80")):
        response = await house.client.request(method, f"{PATH}/{path}")
        assert response.status_code == 404
        assert response.json()["error"]["message"].startswith("No such File object: file-")
        assert response.json()["error"]["param"] == "id"


async def test_a_file_that_is_deleted_under_a_reader_is_cut_and_not_shortened(house: Any) -> None:
    name = await made(house, b"x" * 3_000_000)
    store, real = house.batching.store.files, house.batching.store.files.part

    def part(name: str, position: int, now: float) -> Any:
        found = real(name, position, now)
        if position == 0:
            store.delete(name, now)
        return found

    store.part = part
    with pytest.raises(httpx.RemoteProtocolError):
        await house.client.get(f"{PATH}/{name}/content")


async def test_anthropics_clients_have_no_files_here(house: Any) -> None:
    theirs = {"anthropic-version": "2023-06-01"}
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", "/v1/batches"), ("POST", "/v1/batches")):
        kind = FORM if path == PATH else {"content-type": "application/json"}
        response = await house.client.request(method, path, headers=theirs | (kind if method == "POST" else {}))
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "not_found_error"


async def test_a_client_that_hangs_up_in_the_file_leaves_nothing(house: Any) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield form(PURPOSE, ('name="file"; filename="a"', b"x" * 2_000_000))[:-30]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await house.client.post(PATH, content=body(), headers=FORM)
    await house.logged(PATH)
    assert (await house.client.get(f"{PATH}?")).json()["data"] == []
    assert left(house) == []


async def test_a_long_file_is_neither_in_memory_nor_in_the_way(house: Any) -> None:
    size, piece = 48 << 20, b"x" * (1 << 16)
    start, end = form(PURPOSE, ('name="file"; filename="a"', b"!")).split(b"!")
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()  # of this thread: what a busy machine takes for others does not count
            await trio.sleep(0.01)
            longest = max(longest, time.thread_time() - before)

    async def body() -> AsyncIterator[bytes]:
        yield start
        for _ in range(size // len(piece)):
            yield piece
        yield end

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        tracemalloc.start()
        value = (await house.client.post(PATH, content=body(), headers=FORM)).json()
        assert value["bytes"] == size
        got = 0
        async with house.client.stream("GET", f"{PATH}/{value['id']}/content") as response:
            async for data in response.aiter_raw():
                got += len(data)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        nursery.cancel_scope.cancel()
    assert got == size
    assert most < 16 << 20, "the file was in memory"
    assert longest < 0.5, "the loop stood still"


async def test_a_file_has_the_limit_of_the_api_and_not_of_other_bodies(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_BYTES", 5 << 20)
    async with build(max_body="1M") as house:
        assert (await upload(house, b"x" * (5 << 20))).status_code == 200
        over = await upload(house, b"x" * ((5 << 20) + 1))
        assert over.status_code == 413
        assert over.json()["error"]["code"] == "file_too_large"
        assert len((await house.client.get(PATH)).json()["data"]) == 1
        assert left(house) == []


async def test_a_full_disk_is_told(house: Any) -> None:
    await made(house)

    def room() -> None:
        with house.batching.store.database.reading() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages}")

    await house.batching.call(room)
    response = await upload(house, b"x" * 2_000_000)
    assert response.status_code == 503
    assert "full" in response.json()["error"]["message"]
    assert json.loads(response.text)["error"]["code"] == "storage_full"
    assert len((await house.client.get(PATH)).json()["data"]) == 1


async def test_a_purpose_that_is_none_is_told_before_the_file_is_taken() -> None:
    taken = []

    async def parts() -> AsyncIterator[bytes]:
        begin = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
        yield f'{begin}"purpose"\r\n\r\nvision\r\n{begin}"file"; filename="a"\r\n\r\n'.encode()
        taken.append("more")
        yield b"x"

    exchange: Any = SimpleNamespace(headers=FORM, parts=parts)
    with io.BytesIO() as content, pytest.raises(Problem) as caught:
        await routes._receive(exchange, content)
    assert caught.value.param == "purpose"
    assert taken == []
