"""Health, and what this is."""

from __future__ import annotations

from typing import Any


async def test_health_and_root(house: Any) -> None:
    assert (await house.client.get("/health")).json() == {"status": "ok"}
    assert (await house.client.get("/")).json()["name"] == "rotom"
    head = await house.client.head("/")
    assert (head.status_code, head.content) == (200, b"")
