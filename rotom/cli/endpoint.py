"""Logging in to an endpoint of one's own: its key is put in, tried, and stored; a new endpoint is written down.

What is not here: logins with consent (login.py).
"""

from __future__ import annotations

import os
import sys

from rotom import paths, values
from rotom.cli.config import set_value
from rotom.cli.logins import ask_secret
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token, custom
from rotom.providers.registry import all_providers
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

LONGEST_KEY = 8192


def defined(config: Config, name: str | None, url: str) -> Provider:
    """The endpoint `name` at `url`, not written down yet.

    Raises:
      Problem: with code ``usage`` or ``config`` for a name or an address that cannot be one.
    """
    if name is None:
        raise Problem(Kind.INVALID, "--base-url is for an endpoint: say its name, by --provider NAME", code="usage")
    known = all_providers(config).get(name.lower())
    if known is not None and known.login_key is None:
        raise Problem(Kind.INVALID, f"{name} is no endpoint of yours: its address is a setting", code="usage")
    try:
        (entry,) = values.endpoints([f"{name}={url}"])
    except ValueError as exc:
        raise Problem(Kind.INVALID, f"--base-url: an endpoint {exc}", code="usage") from None
    name, _, url = entry.partition("=")
    return custom.make(name, url)


def write_down(config: Config, provider: Provider, url: str) -> None:
    """Put the endpoint into config.json, in place of what was there by its name."""
    others = [entry for entry in config.endpoints if entry.partition("=")[0] != provider.name]
    entries = [*others, f"{provider.name}={values.url(url)}"]
    if entries == [*config.endpoints]:
        return
    file = paths.config_file(config.home)
    set_value(file, "endpoints", ",".join(entries))
    print(f"Wrote {provider.name} to {file}; a server that runs knows it after a restart.")


def asked_key(provider: Provider) -> str:
    """The key: typed without being shown, or read from standard input.

    Raises:
      Problem: with code ``usage`` when it cannot be a key.
    """
    if sys.stdin.isatty():
        key = ask_secret(f"API key of {provider.name} (Enter for none): ")
    else:
        key = sys.stdin.readline(LONGEST_KEY)
    key = key.strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise Problem(Kind.INVALID, "that cannot be an API key: it must be one word of plain ASCII", code="usage")
    return key


async def tried(config: Config, provider: Provider, key: str) -> Token:
    """The key as a login. An endpoint that cannot be asked now, or lists no models, is believed.

    Raises:
      Problem: UNAUTHENTICATED when the endpoint refuses the key.
    """
    if provider.login_key is None:
        raise Problem(Kind.INVALID, f"{provider.title} takes no API key, but a login", code="usage")
    async with make_client(config, os.environ) as client:
        try:
            return await play(client, provider.login_key(key))  # type: ignore[no-any-return]
        except Problem as problem:
            if problem.kind is Kind.UNAUTHENTICATED:
                raise
            print(f"rotom: the key could not be tried: {problem.message}", file=sys.stderr)
            return Token(key)
