"""Handlers whose modules are loaded when they are needed."""

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
