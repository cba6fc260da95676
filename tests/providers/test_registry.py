"""The table of providers."""

from __future__ import annotations

from rotom.config import Config
from rotom.providers.registry import all_providers


def test_names_and_aliases_are_each_one_providers() -> None:
    providers = all_providers(Config())
    assert "openai" in providers
    assert all(provider.name == name for name, provider in providers.items())
    names = [name for provider in providers.values() for name in (provider.name, *provider.aliases)]
    assert len(names) == len(set(names))
    assert "codex" in names


def test_models_know_their_provider() -> None:
    for name, provider in all_providers(Config()).items():
        assert provider.builtin
        assert {model.provider for model in provider.builtin} == {name}
