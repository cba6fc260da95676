"""The models: whether each provider lists them for the login, and whether the names in the settings lead somewhere.

What is not here: whether a model answers (turns.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rotom.catalogue import Catalogue, Model
from rotom.doctor.finding import Finding, fail, ok, skip, trouble, warn
from rotom.doctor.tools import Tools
from rotom.exits import CONFIG
from rotom.gateway import Gateway
from rotom.plain import helpers
from rotom.problem import Kind, Problem

SECONDS = 20.0


async def check(tools: Tools) -> list[Finding]:
    """Everything of this subject."""
    logins = tools.logins()
    if tools.gateway is None or not logins:
        return [skip("models.list", "no login works, so no provider was asked for its models")]
    lists: dict[str, Sequence[Model]] = {}
    findings: dict[str, Finding] = {}

    async def ask(gateway: Gateway, provider: str, login: str) -> None:
        findings[provider], lists[provider] = await _listed(gateway, provider, login)

    async with helpers(), trio.open_nursery() as nursery:
        for provider, login in logins.items():
            nursery.start_soon(ask, tools.gateway, provider, login)
    models = [model for provider in logins for model in lists[provider]]
    return [*(findings[provider] for provider in logins), *names(tools, models)]


async def _listed(gateway: Gateway, provider: str, login: str) -> tuple[Finding, Sequence[Model]]:
    check = f"models.{provider}"
    known = gateway.providers[provider]
    try:
        with trio.fail_after(SECONDS):
            _, (models, _) = await gateway.native(login, gateway.played(known.models))
    except trio.TooSlowError:
        return fail(check, f"{provider} did not list its models within {SECONDS:g} s", "try again"), known.builtin
    except Problem as problem:
        return trouble(check, _named(provider, problem)), known.builtin
    shown = [model for model in models if not model.hidden]
    if not shown:
        return fail(check, f"{provider} lists no model for this login", "see what the plan has"), known.builtin
    first = ", ".join(model.id for model in sorted(shown, key=lambda model: model.priority)[:3])
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ok(check, f"{provider} lists {len(shown)} models: {first}{more}"), models


def _named(provider: str, problem: Problem) -> Problem:
    problem.message = f"{provider}: {problem.message}"
    return problem


def names(tools: Tools, models: Sequence[Model]) -> list[Finding]:
    """The names that the settings use."""
    config = tools.case.config
    catalogue = Catalogue(models, config.model_fallback, config.model_aliases, config.model_small)
    found = []
    try:
        fallback = catalogue.fallback()
    except Problem as problem:
        found.append(fail("models.fallback", problem.message, "rotom config set model_fallback MODEL", CONFIG))
    else:
        found.append(ok("models.fallback", f"names that only Anthropic hosts are answered by {fallback.id}"))
    lost = catalogue.lost()
    found += [warn("models.alias", sentence, "rotom models; rotom config show") for sentence in lost]
    if config.model_aliases and not lost:
        found.append(ok("models.alias", f"all {len(config.model_aliases)} aliases lead to a model"))
    return found


def catalogue_of(tools: Tools) -> Catalogue | None:
    """What is known of models without asking; None without a gateway."""
    if tools.gateway is None:
        return None
    models = [model for provider in tools.gateway.providers.values() for model in provider.builtin]
    config = tools.case.config
    return Catalogue(models, config.model_fallback, config.model_aliases, config.model_small)


def resolves(catalogue: Catalogue, name: str) -> Model | None:
    """The model that a name means, if any."""
    try:
        return catalogue.resolve(name)
    except Problem as problem:
        if problem.kind is not Kind.NOT_FOUND:
            raise
        return None
