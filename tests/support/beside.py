"""A simulator that runs in a thread beside a test, for what has an event loop of its own or none."""

import threading
from contextlib import contextmanager

import trio

from rotom import simulator as simulation
from rotom.simulator import Simulator


@contextmanager
def simulator_beside():
    """A simulator for a block; it must not have failed in the end."""
    simulated = Simulator(pace=0)
    ready = threading.Event()
    stop = []

    async def run():
        async with trio.open_nursery() as nursery:
            await nursery.start(simulation.serve, simulated)
            token = trio.lowlevel.current_trio_token()
            stop.append(lambda: token.run_sync_soon(nursery.cancel_scope.cancel))
            ready.set()

    thread = threading.Thread(target=trio.run, args=(run,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield simulated
    finally:
        stop[0]()
        thread.join(10)
    assert not thread.is_alive()
    assert simulated.bugs == []
