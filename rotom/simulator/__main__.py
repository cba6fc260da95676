"""The simulator alone, for trying things by hand.

Usage:
  python -m rotom.simulator [--port N] [--list]

It prints the two settings that make rotom use it, and serves until it is interrupted. A browser login works as well: its
page has a link to click.
"""

from __future__ import annotations

import sys

import trio
from docopt import docopt

from rotom.simulator import Simulator, serve
from rotom.simulator.scenarios import listing


async def _main(port: int) -> None:
    simulator = Simulator()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, simulator, port)
        print(f"export ROTOM_OPENAI_BASE_URL={simulator.base_url}")
        print(f"export ROTOM_OPENAI_ISSUER={simulator.issuer}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run it; the exit status."""
    given = docopt(__doc__ or "", argv)
    if given["--list"]:
        print(listing())
        return 0
    try:
        trio.run(_main, int((given["--port"] and given["N"]) or 0))
    except* KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
