"""Log in to a provider, or replace its login.

Usage:
  rotom login [--device | --import FILE | --api-key] [options]

Options:
  --provider NAME   the provider: openai (also: codex), chatgpt, grok (also: xai), or the name of an endpoint of yours;
                    without it, they are listed and you choose
  --account NAME    a further account of the provider, by a name that you give it; without it, your first one
  --api-key         put in the key of an endpoint of yours: it is asked for, or read from standard input when that is
                    no terminal; an empty one is for endpoints that need none
  --base-url URL    where the endpoint NAME is, when it is new: this is written to the setting endpoints
  --device          log in with a code that you type on another device
  --no-browser      do not open a browser; the address to open is shown in any case
  --import FILE     take over the login in this file: the auth.json of the Codex CLI
  --take-over       a credentials file of the Rust program of the same name is in the way: keep a copy of it
                    and use the logins in it
  --auth-file FILE  the credentials file
  -h, --help        show this text

A browser opens where there is one, and comes back to a port of this machine (openai: 1455 or 1457, grok: 56121). On a
remote machine, open the address that is shown anywhere, and paste the address that the browser ends at. A running
'rotom serve' takes the new login up by itself. Importing makes two programs share one login: whoever renews it first logs
the other out.
An endpoint is anything else that speaks the Responses API: a vendor's public API, a gateway, a server on this machine.
Its key never stands in the arguments.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import trio

from rotom import running
from rotom.accounts import DEFAULT, account_of, login_name, options, provider_of, select
from rotom.cli import endpoint, usage
from rotom.cli.callback import callback
from rotom.cli.consent import Consent, browser
from rotom.cli.logins import account as whose
from rotom.cli.logins import chosen, given_account, our_vault, title_of
from rotom.config import Config, load
from rotom.problem import Kind, Problem
from rotom.providers import Provider, Token
from rotom.providers.registry import all_providers
from rotom.state.vault import Vault
from rotom.term import Terminal, clean, say
from rotom.upstream.client import make_client
from rotom.upstream.flows import play

SETTLE_SECONDS = 10.0


def run(argv: list[str]) -> int:
    """Log in; the exit status."""
    given = usage.parse(__doc__ or "", argv)
    config = load({**given, "--provider": None, "--api-key": None}, os.environ).config
    account = given_account(given)
    url = given["--base-url"]
    if url is not None:
        provider = endpoint.defined(config, given["--provider"], url)
    else:
        everyone = list(all_providers(config).values())
        if given["--provider"] is None and (given["--import"] or given["--take-over"]):
            everyone = [provider for provider in everyone if provider.import_login is not None]
        only = given["--provider"] is None and len(everyone) == 1  # that is no question
        provider = everyone[0] if only else chosen(everyone, given["--provider"], "log in to")
    login = login_name(provider.name, account or DEFAULT)
    vault = our_vault(config)
    if given["--take-over"] and _take_over(config, vault, provider, login):
        return 0
    vault.logins()  # a file that we must not touch is told before anybody consents to anything
    earlier = _earlier(vault, login)
    if given["--import"]:
        token = _imported(provider, Path(given["--import"]).expanduser())
        vault.save(login, token)
        print(
            "rotom: the login is shared with the program it was imported from: the one that renews it first logs the "
            f"other out. 'rotom login {options(login)}' gives rotom its own.",
            file=sys.stderr,
        )
    elif given["--api-key"] or provider.login_key is not None:
        token = trio.run(endpoint.tried, config, provider, endpoint.asked_key(provider), strict_exception_groups=True)
        vault.save(login, token)
        if url is not None:
            endpoint.write_down(config, provider, url)
    else:
        flow = partial(_log_in, config, vault, provider, login, given, earlier)
        token = trio.run(flow, strict_exception_groups=True)
    _tell(config, vault, provider, login, token, new=url is not None)
    _tell_others(vault, login, token, earlier)
    return 0


async def _log_in(
    config: Config, vault: Vault, provider: Provider, login: str, given: Mapping[str, Any], earlier: Token | None
) -> Token:
    async with make_client(config, os.environ) as client:
        token = await _dialogue(client, provider, given, earlier)
        with trio.CancelScope(shield=True):  # the code is spent: what came for it is not lost to a Ctrl-C
            await trio.to_thread.run_sync(vault.save, login, token)
        if provider.settle is None:
            return token
        try:
            with trio.fail_after(SETTLE_SECONDS):
                settled: Token = await play(client, provider.settle(token))
        except (Problem, trio.TooSlowError) as exc:
            why = clean(exc.message) if isinstance(exc, Problem) else "no answer in time"
            print(f"rotom: could not ask how this account is routed ({why}); personal accounts do fine without it")
            return token
        if settled != token:
            await trio.to_thread.run_sync(vault.save, login, settled)
        return settled


def _earlier(vault: Vault, login: str) -> Token | None:
    """The login of this name as it is, where it can be read."""
    try:
        return vault.load(login)
    except Problem:
        return None


async def _dialogue(client: Any, provider: Provider, given: Mapping[str, Any], earlier: Token | None) -> Token:
    terminal = Terminal(sys.stdout)
    seen = browser(os.environ)
    if given["--device"] and provider.login_device is None:
        raise Problem(Kind.INVALID, f"{provider.title} has no device login", code="usage")
    if provider.login_device is not None and (given["--device"] or (seen is None and not given["--no-browser"])):
        person = Consent(None, opens=False, descriptor=None, terminal=terminal)
        try:
            return await play(client, provider.login_device(), person=person, earlier=earlier)  # type: ignore[no-any-return]
        except Problem as problem:
            if given["--device"] or problem.code != "no_device_login":
                raise
    async with callback(provider.callback_ports, provider.callback_path, provider.callback_origins) as back:
        # The redirect must name a port that is listened on, or one that the provider takes when nobody listens.
        port = back.port if back is not None else provider.callback_ports[0]
        opens = seen == "window" and not given["--no-browser"]
        person = Consent(back, opens=opens, descriptor=_input(), terminal=terminal)
        flow = provider.login(f"http://127.0.0.1:{port}{provider.callback_path}")
        return await play(client, flow, person=person, earlier=earlier)  # type: ignore[no-any-return]


def _input() -> int | None:
    """Where the person types; None when standard input is closed."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _imported(provider: Provider, file: Path) -> Token:
    if provider.import_login is None:
        raise Problem(Kind.INVALID, f"there is nothing to import for {provider.title}", code="usage")
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise Problem(Kind.NOT_FOUND, f"cannot read {file}: {(exc.strerror or str(exc)).lower()}") from exc
    return provider.import_login(data)


def _take_over(config: Config, vault: Vault, provider: Provider, login: str) -> bool:
    """Make a foreign credentials file ours; whether the provider's login was in it."""
    data = vault.foreign()
    if data is None:
        print(f"rotom: there is nothing to take over: {vault.path} is not another program's", file=sys.stderr)
        return False
    tokens: dict[str, Token] = {}
    if provider.import_login is not None:
        try:
            tokens[login] = provider.import_login(data)
        except Problem:
            print(f"rotom: no login for {provider.title} was found in the old file", file=sys.stderr)
    copy = vault.take_over(tokens)
    say(f"The old file is kept as {copy}. It holds its logins unencrypted: remove it when it is not needed.")
    if login in tokens:
        say("Do not use the old program on: both would renew the same login and log each other out.")
        _tell(config, vault, provider, login, tokens[login])
    return login in tokens


def _tell(config: Config, vault: Vault, provider: Provider, login: str, token: Token, *, new: bool = False) -> None:
    """Say what was done and what comes next. Arguments: new: the provider itself was made known just now."""
    source, _ = vault.key_hints()[login]
    where = {
        "file": f"the key in {vault.keys.own.where}",
        "passphrase": "your passphrase",
        "credential": "the service manager's key",
        "keyring": "a key in the system's keyring",
    }.get(source, "the key file that you named")
    say(f"Logged in to {title_of(login, provider)}{whose(token)}.")
    say(f"Stored in {vault.path}, encrypted with {where}.")
    if source == "passphrase":
        say("'rotom serve' cannot open it: a passphrase needs a person. 'rotom key remove-passphrase' changes that.")
    elif running.find(config) is None:
        say("Next: rotom launch claude\nFor a server that is always there: rotom daemon install")
    elif not new:
        say("The server that runs has it already. Next: rotom launch claude")


def _tell_others(vault: Vault, login: str, token: Token, earlier: Token | None) -> None:
    """What a person should know of this provider's other logins."""
    provider, name = provider_of(login), account_of(login)
    if earlier is not None and earlier.owner not in (None, token.owner):
        say(f"It takes the place of the login{whose(earlier)}; to have both, give one a name by --account.")
    for other in select(vault.logins(), provider):
        known = _earlier(vault, other) if other != login else None
        if known is not None and token.owner is not None and known.owner == token.owner:
            say(f"This is the same account as {account_of(other)}: the two have their limits in common.")
    used = vault.in_use()[provider]
    if used != login:
        say(f"In use is account {account_of(used)} as before; to change that: rotom use {provider} {name}")
