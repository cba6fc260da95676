"""What the commands about logins share: which provider is meant, the vault, words for an account."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token
from rotom.state.vault import Vault, open_vault
from rotom.term import clean


def our_vault(config: Config) -> Vault:
    """The vault of the settings; a person at a terminal is asked for its passphrase when it has one."""
    return open_vault(config, os.environ, ask_secret if sys.stdin.isatty() else None)


def ask_secret(prompt: str) -> str:
    """Something typed without being shown."""
    import getpass

    return getpass.getpass(f"rotom: {prompt}")


def named(providers: Sequence[Provider], name: str) -> Provider:
    """The provider with this name or alias.

    Raises:
      Problem: with code ``usage`` when there is none.
    """
    for provider in providers:
        if name.lower() in (provider.name, *provider.aliases):
            return provider
    known = ", ".join(provider.name for provider in providers)
    raise Problem(Kind.INVALID, f"there is no provider {name!r}; there is {known}", code="usage")


def chosen(providers: Sequence[Provider], name: str | None, verb: str) -> Provider:
    """The provider that was named, or the one that a person chooses from a list; Enter takes the first.

    Arguments:
      verb: what is done to it, for the question: "log in to".
    """
    if name is not None:
        return named(providers, name)
    if not sys.stdin.isatty():
        if len(providers) == 1:
            return providers[0]
        raise Problem(Kind.INVALID, "there are several providers: say which, by --provider", code="usage")
    for number, provider in enumerate(providers, 1):
        print(f"  {number}  {provider.name:<10} {provider.title}")
        if provider.about:
            print(f"     {'':<10} {provider.about}")
    while True:
        try:
            answer = input(f"Which provider to {verb}? [1] ").strip() or "1"
        except EOFError:
            raise Problem(Kind.INVALID, "no provider was chosen", code="usage") from None
        if answer.isdigit() and 1 <= int(answer) <= len(providers):
            return providers[int(answer) - 1]
        try:
            return named(providers, answer)
        except Problem as problem:
            print(f"rotom: {problem.message}")


def account(token: Token) -> str:
    """Words for whose login it is: " as user@example.com, plan plus"."""
    who = clean(token.email or token.account_id or "")
    return (f" as {who}" if who else "") + (f", plan {clean(token.plan)}" if token.plan else "")
