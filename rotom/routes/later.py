"""Handlers whose modules are loaded when the first request for them comes: most people use one API of several, and what the
others need would fill memory for as long as the server runs.

A module is loaded on the event loop: it takes some milliseconds, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rotom.server.exchange import Exchange
from rotom.server.routing import Handler


class Later:
    """Stands for an object with handlers; its attributes are handlers that make the object first.

    Arguments:
      make: loads the module and returns the object. Called once.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Handler:
        async def handler(exchange: Exchange) -> None:
            if self._made is None:
                self._made = self._make()
            await getattr(self._made, name)(exchange)

        return handler
