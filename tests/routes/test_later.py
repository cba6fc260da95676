"""Handlers whose modules are loaded when they are needed."""

import subprocess
import sys

from rotom.routes.later import Later


async def test_made_once_and_when_asked():
    made = []

    class Handlers:
        def __init__(self):
            made.append(self)

        async def one(self, exchange):
            exchange.append(1)

        async def two(self, exchange):
            exchange.append(2)

    later = Later(Handlers)
    one, two = later.one, later.two
    assert made == []
    seen = []
    await one(seen)
    await two(seen)
    assert (len(made), seen) == (1, [1, 2])


def test_a_start_loads_none_of_them():
    code = "import sys, rotom.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "rotom.routes" in loaded
    seldom = {
        "rotom.routes.images",
        "rotom.routes.files",
        "rotom.routes.websocket",
        "trio_websocket",
        "wsproto",
        "sqlite3",
    }
    assert seldom.isdisjoint(loaded)
