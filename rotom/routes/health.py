"""Routes about rotom itself: whether it is there, and what it is."""

from __future__ import annotations

from rotom import __version__
from rotom.server.exchange import Exchange


async def health(exchange: Exchange) -> None:
    """``GET /health``: the process answers. Needs no key, so it tells nothing else."""
    await exchange.json(200, {"status": "ok"})


async def root(exchange: Exchange) -> None:
    """``GET /``: what this is. Clients probe it with HEAD."""
    await exchange.json(200, {"name": "rotom", "version": __version__, "documentation": "man rotom-api"})
