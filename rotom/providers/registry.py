"""The registry: every provider there is, as configured. A new one is a module and a word here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Provider, chatgpt, grok, openai
from rotom.seldom import Seldom

if TYPE_CHECKING:
    from rotom.providers import custom
else:
    custom = Seldom("rotom.providers.custom")

VENDORS = (openai, chatgpt, grok)
"""The modules of those that one logs in to; each has ``make(config) -> Provider``."""


def all_providers(config: Config) -> dict[str, Provider]:
    """The providers by name, in the order in which they are offered and asked: vendors, then the person's endpoints.

    Raises:
      Problem: with code ``config`` for an endpoint that is called like a vendor.
    """
    found = {provider.name: provider for provider in (vendor.make(config) for vendor in VENDORS)}
    taken = {name for provider in found.values() for name in (provider.name, *provider.aliases)}
    for provider in custom.endpoints(config) if config.endpoints else ():
        if provider.name in taken:
            message = f"endpoints: {provider.name!r} is the name of a provider; call the endpoint something else"
            raise Problem(Kind.INVALID, message, code="config", param="endpoints")
        found[provider.name] = provider
    return found


def no_provider(name: str, providers: Iterable[Provider], code: str) -> Problem:
    """There is no provider of that name; perhaps another one was meant."""
    from difflib import get_close_matches  # asked for seldom

    known = [one for provider in providers for one in (provider.name, *provider.aliases)]
    near = get_close_matches(name.lower(), known, 1, 0.5)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    message = f"there is no provider {name[:100]!r}{meant}"
    return Problem(Kind.INVALID, message, code=code, param="provider", hint=f"choose from {', '.join(known)}")
