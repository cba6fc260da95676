"""The registry: every provider there is, as configured. A new one is a module and a line here."""

from __future__ import annotations

from rotom.config import Config
from rotom.providers import Provider, openai


def all_providers(config: Config) -> dict[str, Provider]:
    """The providers by name, in the order in which they are offered and asked."""
    return {provider.name: provider for provider in (openai.make(config),)}
