"""The logins: where the key of the credentials file comes from, which logins open, how long their tokens last, and what
went wrong with them last.

What is not here: whether a provider accepts them (models.py, turns.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import trio

from rotom.accounts import account_of, options, provider_of
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, trouble, warn
from rotom.doctor.tools import Tools, served_status
from rotom.exits import PERMISSION
from rotom.problem import Problem
from rotom.providers import Provider, Token, oauth
from rotom.providers.loose import number
from rotom.providers.registry import all_providers
from rotom.sse import Json
from rotom.term import words

FUTURE = 120.0
"""Seconds by which a token may have been made in the future before the clock is doubted."""

SOON = 600.0


async def check(tools: Tools) -> list[Finding]:
    """Everything of this subject."""
    found = await trio.to_thread.run_sync(_saved, tools.case, abandon_on_cancel=True)
    report = await served_status(tools)
    return [*found, *_troubles(tools.case, report)]


def _saved(case: Case) -> list[Finding]:
    """What the credentials file tells."""
    return [*_key(case), *_logins(case)]


def _key(case: Case) -> Iterator[Finding]:
    if case.opened.problem is not None:
        yield trouble("logins.file", case.opened.problem)
        return
    vault = case.vault
    if vault is None or not case.config.auth_file.exists():
        return
    try:
        if vault.locked_by_passphrase():
            yield warn(
                "logins.key",
                "the credentials file is locked with a passphrase: 'rotom serve' cannot open it",
                "for a server: rotom key remove-passphrase",
            )
            return
        chosen = vault.keys.chosen()
        sealed = {source for source, _ in vault.key_hints().values()}
    except Problem as problem:
        yield trouble("logins.key", problem)
        return
    if sealed - {chosen.name}:
        yield warn(
            "logins.key",
            f"new logins are sealed with the key from {chosen.name}, older ones with that from {', '.join(sorted(sealed))}",
            "rotom key rotate",
        )
    else:
        yield ok("logins.key", f"the key of the credentials file comes from {chosen.name}: {chosen.where}")


def _logins(case: Case) -> Iterator[Finding]:
    try:
        providers = all_providers(case.config)
    except Problem:
        return  # told with the settings
    if not case.opened.logins and case.opened.problem is None:
        yield fail("logins.none", "nobody is logged in", "rotom login", PERMISSION)
        return
    looked = 0
    for name, found in case.opened.logins.items():
        provider = providers.get(provider_of(name))
        if provider is None:
            yield warn(
                "logins.unknown",
                f"there is a login for {provider_of(name)!r}, which no setting names any more",
                f"name it in endpoints again, or: rotom logout {options(name)}",
            )
        elif case.config.provider in (None, provider.name, *provider.aliases):
            looked += 1
            yield _login(case, name, found, provider)
            if isinstance(found, Token):
                yield from _clock(name, found)
    if not looked and case.config.provider is not None:
        advice = f"rotom login --provider {case.config.provider}"
        yield fail("logins.none", f"nobody is logged in to {case.config.provider}", advice, PERMISSION)


def _login(case: Case, name: str, found: Token | Problem, provider: Provider) -> Finding:
    check = f"logins.{name}"
    if isinstance(found, Problem):
        return fail(check, f"{name} does not open: {found.message}", found.hint, PERMISSION)
    used = case.opened.in_use.get(provider.name) == name
    who = f"{name}" + (f", plan {found.plan}" if found.plan else "") + ("" if used else ", not in use")
    begun = None
    if case.vault is not None:
        begun = case.vault.unfinished(name)
    login = f"rotom login {options(name)}"
    if begun is not None:
        return warn(check, f"{who}: a renewal was cut off, so the next one may be refused", f"if it is: {login}")
    if found.expires_at is None:
        return ok(check, f"{who}: opens" + ("" if provider.login_key else "; its token does not say how long it lasts"))
    left = found.expires_at - time.time()
    renews = provider.may_renew(found, time.time())
    if left <= 0 and not renews:
        return fail(check, f"{who}: its token is over and cannot be renewed", login, PERMISSION)
    if left <= 0:
        return warn(check, f"{who}: its token is over; it is renewed when it is used", f"rotom refresh {options(name)}")
    if not renews and left < SOON:
        return warn(check, f"{who}: its token ends in {words(left)} and cannot be renewed", login)
    more = "and is renewed in time" if renews else "and cannot be renewed"
    return ok(check, f"{who}: its token lasts {words(left)} {more}")


def _clock(name: str, token: Token) -> Iterator[Finding]:
    made = number(oauth.claims(token.access).get("iat"))
    ahead = max(made or 0.0, token.obtained_at) - time.time()
    if ahead > FUTURE:
        yield warn(
            "logins.clock",
            f"the token of {name} was made {words(ahead)} in the future: this machine's clock is behind",
            "set the clock: timedatectl set-ntp true",
        )


def _troubles(case: Case, report: Json | None) -> Iterator[Finding]:
    """What a server that runs has met last."""
    entries = report.get("providers") if report else None
    for entry in entries if isinstance(entries, list) else ():
        last = entry.get("last_error") if isinstance(entry, dict) else None
        name = str(entry.get("login")) if isinstance(entry, dict) else ""
        if not isinstance(last, dict) or not case.wanted(provider_of(name)):
            continue
        ago = words(time.time() - (number(last.get("at")) or 0.0))
        which = name if account_of(name) else provider_of(name)
        yield skip("logins.last", f"the server's last trouble with {which}, {ago} ago: {last.get('message')}")
