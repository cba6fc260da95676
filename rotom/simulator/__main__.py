"""The simulator alone, for trying things by hand.

``python -m rotom.simulator [--port N] [--pace SECONDS] [--lenient] [--list]`` prints the settings that make rotom use
it for every provider, and serves until it is interrupted. A login with a browser works as well: its page has a link.
"""

from __future__ import annotations

import argparse
import sys

import trio

from rotom.simulator import HUMAN_PACE, Simulator, serve, xai_scenarios
from rotom.simulator.scenarios import listing


async def _main(port: int, pace: float, lenient: bool) -> None:
    simulator = Simulator(pace=pace, lenient=lenient)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, simulator, port)
        for name, value in simulator.environment().items():
            print(f"export {name}={value}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser("python -m rotom.simulator", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1")
    parser.add_argument("--pace", type=float, default=HUMAN_PACE, help="seconds before each piece of an answer")
    parser.add_argument("--lenient", action="store_true", help="check the login only")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    given = parser.parse_args(argv)
    if given.list:
        print(listing(), xai_scenarios.listing(), sep="\n\n")
        return 0
    try:
        trio.run(_main, given.port, given.pace, given.lenient)
    except* KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
