"""List the accounts that are logged in.

Usage:
  rotom accounts [options]

Options:
  --provider NAME   this provider only
  --json            print one JSON object
  --auth-file FILE  the credentials file
  -h, --help        show this text

The account with a * is in use: new conversations go with it. 'rotom use' changes that, 'rotom login --account NAME' adds
one. Nobody is asked for this; 'rotom status' tells of limits, too.
"""

from __future__ import annotations

import json
import os
import sys

from rotom.accounts import account_of, provider_of
from rotom.cli import usage
from rotom.cli.logins import meant, our_vault
from rotom.config import Config, load
from rotom.problem import Problem
from rotom.providers.registry import all_providers
from rotom.sse import Json
from rotom.state.vault import Vault
from rotom.term import Terminal, clean


def run(argv: list[str]) -> int:
    """Show them."""
    given = usage.parse(__doc__ or "", argv)
    config = load({**given, "--provider": None}, os.environ).config
    accounts = listed(our_vault(config), config, given["--provider"])
    if given["--json"]:
        print(json.dumps({"accounts": accounts}, indent=2))
    elif accounts:
        print(rendered(accounts, Terminal(sys.stdout)))
    else:
        print("rotom: nobody is logged in", file=sys.stderr)
        print("       rotom login", file=sys.stderr)
    return 0


def listed(vault: Vault, config: Config, provider: str | None = None) -> list[Json]:
    """The accounts as the vault has them, provider by provider."""
    in_use = vault.in_use()
    found = []
    for login in meant(vault.logins(), list(all_providers(config).values()), provider, None):
        token, problem = None, None
        try:
            token = vault.load(login)
        except Problem as exc:
            problem = exc.message
        found.append(
            {
                "provider": provider_of(login),
                "account": account_of(login),
                "login": login,
                "in_use": in_use.get(provider_of(login)) == login,
                "email": token.email if token else None,
                "plan": token.plan if token else None,
                "account_id": token.account_id if token else None,
                "problem": problem,
            }
        )
    return found


def rendered(accounts: list[Json], terminal: Terminal) -> str:
    """The accounts for people."""
    head = tuple(terminal.paint("dim", word) for word in ("", "PROVIDER", "ACCOUNT", "EMAIL", "PLAN"))
    rows = []
    for one in accounts:
        who = clean(one["email"] or one["account_id"] or "-")
        plan = clean(one["plan"] or "-")
        if one["problem"]:
            plan = terminal.paint("red", f"# {clean(one['problem'])}")
        mark, name = ("*", terminal.paint("bold", one["account"])) if one["in_use"] else ("", one["account"])
        rows.append((mark, one["provider"], name, who, plan))
    return terminal.table([head, *rows])
