"""Serve the logged-in providers to the programs of this machine.

Usage:
  rotom serve [options]

Options:
  --bind ADDRESSES        where to listen, separated by commas: 127.0.0.1:14550, [::1]:14550, or 192.168.1.0/24:14550
                          for this machine's addresses in that range
  --api-key KEY           the key that clients must send; others can see it in the process list: --api-key-file,
                          ROTOM_API_KEY or 'rotom config set api_key' are better
  --api-key-file FILE     a file with that key
  --provider NAME         serve this provider only
  --model-fallback MODEL  the model for names that only Anthropic hosts (claude-..., sonnet, opus, haiku)
  --model-small MODEL     the model for those of them that stand for a small one (haiku)
  --strict                refuse requests with fields that the provider cannot honour, instead of leaving them out
  --auth-file FILE        the credentials file
  --allow-host HOSTS      further names by which clients may call this server, separated by commas
  --allow-origin ORIGINS  web origins that may call it from a browser, separated by commas
  --max-body SIZE         the longest request, such as 64M
  --grace SECONDS         how long running answers may go on after a request to stop
  --idle-exit SECONDS     end after so long without clients, where the service manager holds the sockets and starts
                          rotom again when one comes
  --log-format FORM       text or json
  --log-level LEVEL       debug, info, notice, warning or error
  --demo                  serve a built-in stand-in for the providers: no login, no network, nothing is kept
  --list                  with --demo: list the scenarios it can play, and serve nothing
  -h, --help              show this text

Settings can also come from the environment and from ~/.rotom/config.json: see rotom-config(5).
"""

from __future__ import annotations

import os

from rotom.cli import usage


def run(argv: list[str]) -> int:
    """Run the server until it is told to stop."""
    given = usage.parse(__doc__ or "", argv)
    if given["--list"]:
        if not given["--demo"]:
            raise usage.wrong("--list lists what --demo can play", "rotom serve --demo --list")
        from rotom.simulator import xai_scenarios
        from rotom.simulator.scenarios import listing
        from rotom.term import say

        say(f"{listing()}\n\n{xai_scenarios.listing()}")
        return 0

    from rotom.config import load
    from rotom.serve import serve

    return serve(load(given, os.environ), demo=bool(given["--demo"]))
