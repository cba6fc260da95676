"""What the commands about logins share: which provider and which login is meant, the vault, words for an account."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rotom.accounts import DEFAULT, account_of, provider_of, read_account, select
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token
from rotom.providers.registry import no_provider
from rotom.state.vault import Vault, open_vault
from rotom.term import clean, say

T = TypeVar("T")


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
    raise no_provider(name, providers, "usage")


def chosen(providers: Sequence[Provider], name: str | None, verb: str) -> Provider:
    """The provider that was named, or the one that a person chooses from a list; Enter takes the first.

    Arguments:
      verb: what is done to it, for the question: "log in to".
    """
    if name is not None:
        return named(providers, name)
    lines = [
        f"{provider.name:<10} {provider.title}" + (f"\n{'':<16}{provider.about}" if provider.about else "")
        for provider in providers
    ]
    what = f"Which provider to {verb}?"
    return _asked(providers, lines, what, lambda word: named(providers, word), "say which, by --provider")


def given_account(given: Mapping[str, Any]) -> str | None:
    """The account of the option ``--account``.

    Raises:
      Problem: with code ``usage`` when it cannot be one.
    """
    name = given["--account"]
    if name is None:
        return None
    try:
        return read_account(name)
    except ValueError as exc:
        raise Problem(Kind.INVALID, f"--account: {exc}", code="usage") from None


def meant(saved: Sequence[str], providers: Sequence[Provider], provider: str | None, account: str | None) -> list[str]:
    """The saved logins that are meant by provider and account, in the providers' order; of all, where they are not said.

    Raises:
      Problem: with code ``usage`` for a provider that does not exist, or an account that nobody is logged in with.
    """
    order = [one.name for one in providers]
    ours = sorted((login for login in saved if provider_of(login) in order), key=lambda x: order.index(provider_of(x)))
    found = select(ours, named(providers, provider).name if provider is not None else None, account)
    if account is not None and not found:
        at = f" at {provider}" if provider is not None else ""
        known = f"; there is {', '.join(ours)}" if ours else ""
        raise Problem(Kind.INVALID, f"there is no login with account {account!r}{at}{known}", code="usage")
    return found


def chosen_login(logins: Sequence[str], verb: str) -> str:
    """The login that a person chooses from a list; Enter takes the first."""
    what = f"Which login to {verb}?"

    def typed(word: str) -> str:
        if word in logins:
            return word
        raise Problem(Kind.INVALID, f"there is no login {word!r}; there is {', '.join(logins)}", code="usage")

    return _asked(logins, logins, what, typed, "say which, by --provider and --account, or --all")


def _asked(choices: Sequence[T], lines: Sequence[str], question: str, typed: Callable[[str], T], instead: str) -> T:
    if not sys.stdin.isatty():
        if len(choices) == 1:
            return choices[0]
        raise Problem(Kind.INVALID, f"there are several: {instead}", code="usage")
    for number, line in enumerate(lines, 1):
        say(f"  {number}  {line}", hang=16)
    while True:
        try:
            answer = input(f"{question} [1] ").strip() or "1"
        except EOFError:
            raise Problem(Kind.INVALID, "none was chosen", code="usage") from None
        if answer.isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        try:
            return typed(answer)
        except Problem as problem:
            say(f"rotom: {problem.message}", hang=7)


def title_of(login: str, provider: Provider) -> str:
    """Words for a login: the provider's title, and the account where it is not the first one."""
    name = account_of(login)
    return provider.title if name == DEFAULT else f"{provider.title}, account {name}"


def account(token: Token) -> str:
    """Words for whose login it is: " as user@example.com, plan plus"."""
    who = clean(token.email or token.account_id or "")
    return (f" as {who}" if who else "") + (f", plan {clean(token.plan)}" if token.plan else "")
