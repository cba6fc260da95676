"""End a login at its provider and remove it here.

Usage:
  rotom logout [options]

Options:
  --provider NAME   the provider; without it, the only one that is logged in, or the one you choose
  --account NAME    the account, where the provider has several
  --all             every login, or every account of the provider
  --auth-file FILE  the credentials file
  -h, --help        show this text

The login is removed here even when the provider cannot be reached. A running 'rotom serve' stops using it at once.
"""

from __future__ import annotations

import os
import sys

import trio

from rotom.accounts import account_of, provider_of
from rotom.cli import usage
from rotom.cli.logins import account, chosen_login, given_account, meant, named, our_vault, title_of
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
    everyone = all_providers(config)
    found = meant(vault.logins(), list(everyone.values()), given["--provider"], given_account(given))
    if len(found) > 1 and not given["--all"]:
        found = [chosen_login(found, "log out of")]
    for login in found:
        _log_out(config, vault, everyone[provider_of(login)], login)
    if not found:
        one = given["--provider"] and named(list(everyone.values()), given["--provider"])
        print("Not logged in" + (f" to {one.title}." if one else "."))
    return 0


def _log_out(config: Config, vault: Vault, provider: Provider, login: str) -> None:
    # A renewal that is under way elsewhere would bring a token that nobody ends: wait for it.
    with vault.renewal_lock(login).held():
        _end(config, vault, provider, login)


def _end(config: Config, vault: Vault, provider: Provider, login: str) -> None:
    try:
        token = vault.load(login)
    except Problem as problem:  # a login that cannot be opened can still be removed
        print(f"rotom: {clean(problem.message)}; it is removed without telling the provider", file=sys.stderr)
        token = None
    if token is not None:
        trio.run(_revoke, config, provider, token, strict_exception_groups=True)
    before = vault.in_use()
    vault.remove(login)
    print(f"Logged out of {title_of(login, provider)}{account(token) if token else ''}.")
    after = vault.in_use().get(provider.name)
    if before.get(provider.name) == login and after is not None:
        print(f"In use is account {account_of(after)} now.")


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
