"""Put another account of a provider in use.

Usage:
  rotom use [options] ACCOUNT
  rotom use [options] PROVIDER ACCOUNT

Options:
  --move            running conversations, too; they lose the reasoning so far, which only their account can read
  --auth-file FILE  the credentials file
  -h, --help        show this text

ACCOUNT is the name that was given at 'rotom login --account', or 'default' for the first account. PROVIDER must be said
where several have an account of that name. A running 'rotom serve' follows at once: new conversations go with the account,
those that run go on with the one that they began with. rotom never changes the account by itself.
"""

from __future__ import annotations

import os

from rotom.accounts import DEFAULT, account_of, provider_of, read_account
from rotom.cli import usage
from rotom.cli.logins import account, meant, our_vault, title_of
from rotom.config import load
from rotom.problem import Kind, Problem
from rotom.providers.registry import all_providers


def run(argv: list[str]) -> int:
    """Change it."""
    given = usage.parse(__doc__ or "", argv)
    config = load(given, os.environ).config
    vault = our_vault(config)
    everyone = all_providers(config)
    provider, name = given["PROVIDER"], given["ACCOUNT"]
    if provider is None and "@" in name:
        provider, _, name = name.partition("@")
    try:
        name = read_account(name)
    except ValueError as exc:
        raise Problem(Kind.INVALID, str(exc), code="usage") from None
    saved = vault.logins()
    found = meant(saved, list(everyone.values()), provider, name)
    if len(found) > 1:
        many = ", ".join(map(provider_of, found))
        message = f"several providers have an account {name!r} ({many}): say which"
        raise Problem(Kind.INVALID, message, code="usage", hint=f"rotom use {provider_of(found[0])} {name}")
    (login,) = found
    before = vault.in_use().get(provider_of(login))
    vault.use(login, move=bool(given["--move"]))
    token = vault.load(login)
    title = title_of(login, everyone[provider_of(login)])
    if account_of(login) == DEFAULT:
        title += ", the first account"
    print(f"In use {'already' if before == login else 'now'}: {title}{account(token) if token else ''}.")
    if before != login or given["--move"]:
        follow = "go with it, too, without their reasoning so far" if given["--move"] else "go on with theirs"
        print(f"Conversations that run {follow}.")
    return 0
