"""Renew the saved logins now.

Usage:
  rotom refresh [options]

Options:
  --provider NAME   this provider only
  --account NAME    this account only
  --json            print what came of each login, as POST /v1/auth/refresh answers it
  --auth-file FILE  the credentials file
  -h, --help        show this text

'rotom serve' renews logins by itself, and takes up what this command renewed. A login that cannot be renewed does not keep
the others from it. API keys are not renewed, which is no failure.
"""

from __future__ import annotations

import json
import os
import sys
import time

import trio

from rotom.accounts import login_name, provider_of
from rotom.cli import usage
from rotom.cli.logins import account, given_account, meant, named, our_vault, title_of
from rotom.config import Config, load
from rotom.exits import OK, PERMISSION, status
from rotom.gateway.standing import renewals
from rotom.plain import helpers
from rotom.providers import Provider
from rotom.providers.registry import all_providers
from rotom.state.vault import Vault
from rotom.status import Renewal, renewal_document
from rotom.term import clean, words
from rotom.upstream.client import make_client
from rotom.upstream.keeper import Keeper


def run(argv: list[str]) -> int:
    """Renew; the exit status is that of the first login that failed."""
    given = usage.parse(__doc__ or "", argv)
    config = load({**given, "--provider": None}, os.environ).config
    vault = our_vault(config)
    everyone = all_providers(config)
    providers = list(everyone.values())
    wanted = meant(vault.logins(), providers, given["--provider"], given_account(given))
    if not wanted and given["--provider"]:
        wanted = [login_name(named(providers, given["--provider"]).name)]  # who is not logged in is told so
    if not wanted:
        print("rotom: nobody is logged in", file=sys.stderr)
        print("       rotom login", file=sys.stderr)
        return PERMISSION
    found = trio.run(_renew, config, vault, everyone, wanted, strict_exception_groups=True)
    if given["--json"]:
        print(json.dumps(renewal_document(found, time.time()), indent=2))
    else:
        for one in found:
            _tell(one, everyone)
    return next((status(one.problem) for one in found if one.failed and one.problem is not None), OK)


async def _renew(config: Config, vault: Vault, everyone: dict[str, Provider], wanted: list[str]) -> list[Renewal]:
    async with make_client(config, os.environ) as client, helpers() as nursery:
        keeper = Keeper(vault, client, {name: everyone[name] for name in map(provider_of, wanted)})
        await nursery.start(keeper.run)
        return await renewals(keeper, wanted)


def _tell(one: Renewal, everyone: dict[str, Provider]) -> None:
    provider = everyone[provider_of(one.login)]
    if one.token is not None:
        left = "" if one.token.expires_at is None else f"; good for {words(one.token.expires_at - time.time())}"
        print(f"Renewed {title_of(one.login, provider)}{account(one.token)}{left}.")
    elif one.problem is not None and not one.failed:
        print(f"Not renewed: {clean(one.problem.message)}.")
    elif one.problem is not None:
        print(f"rotom: {clean(one.problem.message)}", file=sys.stderr)
        if one.problem.hint:
            print(f"       {clean(one.problem.hint)}", file=sys.stderr)
