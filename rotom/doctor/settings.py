"""The settings: what is wrong with them, and what may surprise somebody who has forgotten it.

What is not here: whether addresses are reached (network.py, port.py), and models (models.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from urllib.parse import urlsplit

from rotom.config import SETTINGS, resolve_api_key
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, trouble, warn
from rotom.exits import CONFIG
from rotom.problem import Problem
from rotom.providers.registry import all_providers
from rotom.routes.guard import require_key
from rotom.server import listen
from rotom.values import is_loopback

OTHER_VARIABLES = frozenset({"ROTOM_HOME", "ROTOM_DEBUG"})
"""Variables of ours that are no settings."""

ADDRESSES = (
    *("openai_base_url", "openai_issuer", "chatgpt_base_url", "chatgpt_issuer"),
    *("grok_base_url", "grok_proxy_url", "grok_issuer"),
)
"""Settings that say where a token goes."""


def check(case: Case) -> list[Finding]:
    """Everything of this subject."""
    return [*_file(case), *_environment(case), *_addresses(case), *_bind(case), *_provider(case)]


def _file(case: Case) -> Iterator[Finding]:
    for problem in case.troubles:
        yield trouble("settings.value", problem)
    if case.troubles:
        return
    if not case.file.exists():
        yield ok("settings.file", f"no {case.file.name}: everything is as it comes")
    else:
        names = ", ".join(name for name in case.filed if name in SETTINGS) or "no setting"
        yield ok("settings.file", f"{case.file.name} is good: {names}")


def _environment(case: Case) -> Iterator[Finding]:
    """Variables that overrule the file, that are not known, and those in force."""
    in_force = []
    for name, setting in SETTINGS.items():
        variable = case.sources.get(name, "").removeprefix("environment ")
        if not setting.filed or variable == case.sources.get(name, ""):
            continue
        in_force.append(variable)
        if case.filed.get(name) is not None:
            yield warn(
                "settings.override",
                f"{variable} overrules {name} in {case.file.name}",
                f"unset {variable}, or: rotom config reset {name}",
            )
    known = {variable for setting in SETTINGS.values() for variable in setting.environment} | OTHER_VARIABLES
    for variable in sorted(name for name in case.environ if name.startswith("ROTOM_") and name not in known):
        if variable.startswith("ROTOM_TEST_"):
            continue
        near = get_close_matches(variable, known, 1)
        meant = f"perhaps {near[0]} was meant" if near else "rotom-config(5) lists them"
        yield warn("settings.unknown", f"the variable {variable} means nothing to rotom", meant)
    if in_force:
        yield ok("settings.environment", f"set by the environment: {', '.join(in_force)}")


def _addresses(case: Case) -> Iterator[Finding]:
    """Where tokens go, when it is not to the provider's own address."""
    places: dict[str, list[str]] = {}
    for name in ADDRESSES:
        url = getattr(case.config, name)
        if url.rstrip("/") != str(SETTINGS[name].default).rstrip("/"):
            here = is_loopback(urlsplit(url).hostname or "")
            places.setdefault("this machine" if here else "another address than the provider's own", []).append(name)
    for place, names in places.items():
        verb = "leads" if len(names) == 1 else "lead"
        advice = f"if that is not meant: rotom config reset {names[0]}, and look at the environment"
        yield warn("settings.address", f"{', '.join(names)} {verb} to {place}: tokens go there", advice)


def _bind(case: Case) -> Iterator[Finding]:
    try:
        addresses = listen.addresses(case.config.bind)
        key = resolve_api_key(case.config, case.environ)
        local = all(address.loopback for address in addresses)
        require_key(local, key)
    except Problem as problem:
        yield trouble("settings.bind", problem)
        return
    has = "with a local key" if key else "without a local key: every program here can use it"
    whom = "this machine alone" if local else "other machines, too"
    yield ok("settings.bind", f"serves {whom}, {has}")


def _provider(case: Case) -> Iterator[Finding]:
    try:
        providers = all_providers(case.config)
    except Problem as problem:
        yield trouble("settings.provider", problem)
        return
    wanted = case.config.provider
    if wanted is None:
        return
    if not any(wanted in (one.name, *one.aliases) for one in providers.values()):
        names = ", ".join(providers)
        yield fail(
            "settings.provider", f"there is no provider {wanted!r}; there is {names}", "rotom config show", CONFIG
        )
    elif case.sources.get("provider") != "flag":
        yield skip("settings.provider", f"only {wanted} is served, and looked at here", "rotom config reset provider")
