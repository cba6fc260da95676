"""What a client is to be told here and now: the model, its window, and what must not be in its way. For `env` and `launch`.

What is not here: the table of clients (clients.py), and asking a server (reach.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rotom import clients
from rotom.catalogue import EFFORTS, Catalogue
from rotom.cli import reach, usage
from rotom.clients import CLIENTS, Client, Target
from rotom.config import Config
from rotom.problem import Problem


@dataclass(frozen=True, slots=True)
class Setup:
    """What a client is started with: variables to set, words before the person's own, variables to take out;
    the main model, for people."""

    client: Client
    environment: Mapping[str, str]
    arguments: list[str]
    removed: list[str]
    model: str | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for: models, and how hard they think."""

    model: str | None = None
    small: str | None = None
    effort: str | None = None


def wishes(given: Mapping[str, Any]) -> Wishes:
    """The wishes among a command's options.

    Raises:
      Problem: with code ``usage`` for an effort that there is not.
    """
    effort = given["--effort"]
    if effort is not None and effort not in EFFORTS:
        raise usage.unknown(effort, EFFORTS, "effort", f"choose from {', '.join(EFFORTS)}")
    return Wishes(given["--model"], given["--small-model"], effort)


def client(name: str) -> Client:
    """The client of that name.

    Raises:
      Problem: with code ``usage``.
    """
    if (found := CLIENTS.get(name.lower())) is not None:
        return found
    raise usage.unknown(name, CLIENTS, "client", f"choose from {', '.join(CLIENTS)}")


def target(root: str, key: str | None, config: Config, wanted: Wishes) -> Target:
    """Where a client is sent, by what the server there says.

    Raises:
      Problem: the server does not know a model, or cannot be asked.
    """
    main = reach.model(root, key, wanted.model)
    small = None if wanted.small is None else reach.model(root, key, wanted.small).model
    return _target(root, key, config, wanted, main, small)


def target_unasked(root: str, key: str | None, config: Config, wanted: Wishes) -> Target:
    """The same without a server, by what this version knows by heart."""
    from rotom.providers.registry import all_providers
    from rotom.state.vault import open_vault

    everyone = all_providers(config)
    names = [name for name in open_vault(config, os.environ).in_use() if name in everyone] or list(everyone)
    models = [model for name in names for model in everyone[name].builtin]
    catalogue = Catalogue(models, config.model_fallback, config.model_aliases, config.model_small)
    try:
        found = catalogue.fallback() if wanted.model is None else catalogue.resolve(wanted.model)
        main = reach.Answer(wanted.model or found.id, found.context)
    except Problem:  # the provider may know more than we do
        main = reach.Answer(wanted.model or config.model_fallback or "", None)
    return _target(root, key, config, wanted, main, wanted.small)


def _target(
    root: str, key: str | None, config: Config, wanted: Wishes, main: reach.Answer, small: str | None
) -> Target:
    # A person who names one model means it for everything, unless a small one is named somewhere.
    chosen = main.model if wanted.model is not None else None
    if small is None and config.model_small is None:
        small = chosen
    return Target(
        root=root,
        key=key or clients.NO_KEY,
        model=main.model or None,
        context=main.context or None,
        chosen=chosen,
        small=small,
        effort=wanted.effort,
    )


def setup(client: Client, target: Target, environ: Mapping[str, str], *, managed: bool = False) -> Setup:
    """All of it for one client.

    Arguments:
      environ: the environment that it would be started in.
    """
    return Setup(
        client,
        clients.environment(client, target, managed=managed) | clients.around_proxies(target.root, environ),
        clients.arguments(client, target),
        clients.in_the_way(client, environ),
        target.model,
    )


def this_program() -> list[str]:
    """The words that run this program from another one."""
    if shutil.which("rotom"):
        return ["rotom"]
    name = os.path.basename(sys.argv[0] or "")
    return [os.path.abspath(sys.argv[0])] if name == "rotom" else [sys.executable, "-P", "-m", "rotom"]
