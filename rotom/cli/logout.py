"""End a login at its provider and remove it here.

Usage:
  rotom logout [options]

Options:
  --provider NAME   the provider; without it, the only one that is logged in, or the one you choose
  --all             every login
  --auth-file FILE  the credentials file
  -h, --help        show this text

The login is removed here even when the provider cannot be reached. A running 'rotom serve' stops using it at once.
"""

from __future__ import annotations

import os
import sys

import trio

from rotom.cli import usage
from rotom.cli.logins import account, chosen, named, our_vault
from rotom.config import Config, load
from rotom.problem import Problem
from rotom.providers import Provider, Token
from rotom.providers.registry import all_providers
from rotom.state.vault import Vault
from rotom.term import clean
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

REVOKE_SECONDS = 15.0


def run(argv: list[str]) -> int:
    """Log out; the exit status."""
    given = usage.parse(__doc__ or "", argv)
    config = load({**given, "--provider": None}, os.environ).config
    vault = our_vault(config)
    everyone = list(all_providers(config).values())
    wanted = [named(everyone, given["--provider"])] if given["--provider"] else everyone
    saved = vault.providers()
    found = [provider for provider in wanted if provider.name in saved]
    if len(found) > 1 and not given["--all"]:
        found = [chosen(found, None, "log out of")]
    for provider in found:
        _log_out(config, vault, provider)
    if not found:
        print("Not logged in" + (f" to {wanted[0].title}." if given["--provider"] else "."))
    return 0


def _log_out(config: Config, vault: Vault, provider: Provider) -> None:
    # A renewal that is under way elsewhere would bring a token that nobody ends: wait for it.
    with vault.renewal_lock(provider.name).held():
        _end(config, vault, provider)


def _end(config: Config, vault: Vault, provider: Provider) -> None:
    try:
        token = vault.load(provider.name)
    except Problem as problem:  # a login that cannot be opened can still be removed
        print(f"rotom: {clean(problem.message)}; it is removed without telling the provider", file=sys.stderr)
        token = None
    if token is not None:
        trio.run(_revoke, config, provider, token, strict_exception_groups=True)
    vault.remove(provider.name)
    print(f"Logged out of {provider.title}{account(token) if token else ''}.")


async def _revoke(config: Config, provider: Provider, token: Token) -> None:
    why = None
    async with make_client(config, os.environ) as client:
        with trio.move_on_after(REVOKE_SECONDS) as scope:
            try:
                await play(client, provider.revoke(token))
            except Problem as problem:
                why = clean(problem.message)
    if scope.cancelled_caught:
        why = "no answer in time"
    if why is not None:
        print(f"rotom: the provider could not be told to end the login: {why}", file=sys.stderr)
