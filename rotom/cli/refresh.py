"""Renew the saved logins now.

Usage:
  rotom refresh [options]

Options:
  --provider NAME   this provider only
  --auth-file FILE  the credentials file
  -h, --help        show this text

'rotom serve' renews logins by itself, and takes up what this command renewed.
"""

from __future__ import annotations

import os
import sys
import time

import trio

from rotom.cli import usage
from rotom.cli.exits import PERMISSION, status
from rotom.cli.logins import account, named, our_vault
from rotom.config import Config, load
from rotom.plain import helpers
from rotom.problem import Problem
from rotom.providers import Provider
from rotom.providers.registry import all_providers
from rotom.state.vault import Vault
from rotom.term import clean, words
from rotom.upstream.client import make_client
from rotom.upstream.keeper import ASKED, Keeper


def run(argv: list[str]) -> int:
    """Renew; the exit status is that of the first login that failed."""
    given = usage.parse(__doc__ or "", argv)
    config = load({**given, "--provider": None}, os.environ).config
    vault = our_vault(config)
    everyone = all_providers(config)
    saved = vault.providers()
    if given["--provider"]:
        wanted = [named(list(everyone.values()), given["--provider"])]
    else:
        wanted = [provider for name, provider in everyone.items() if name in saved]
    if not wanted:
        print("rotom: nobody is logged in", file=sys.stderr)
        print("       rotom login", file=sys.stderr)
        return PERMISSION
    return trio.run(_renew, config, vault, wanted, strict_exception_groups=True)


async def _renew(config: Config, vault: Vault, wanted: list[Provider]) -> int:
    code = 0
    async with make_client(config, os.environ) as client, helpers() as nursery:
        keeper = Keeper(vault, client, {provider.name: provider for provider in wanted})
        await nursery.start(keeper.run)
        for provider in wanted:
            try:
                token = await keeper.renew(provider.name, ASKED)
            except Problem as problem:
                code = code or status(problem)
                print(f"rotom: {clean(problem.message)}", file=sys.stderr)
                if problem.hint:
                    print(f"       {clean(problem.hint)}", file=sys.stderr)
            else:
                left = "" if token.expires_at is None else f"; good for {words(token.expires_at - time.time())}"
                print(f"Renewed {provider.title}{account(token)}{left}.")
    return code
