"""Show the logins, how long their tokens last, and how much of the rate limits is used.

Usage:
  rotom status [options]

Options:
  --json            print the document that GET /v1/status answers
  --provider NAME   this provider only
  --auth-file FILE  the credentials file
  -h, --help        show this text

Asks the provider for the limits; a token that is about to end is renewed on the way. No server has to run.
The exit status is 77 when there is no login that works.
"""

from __future__ import annotations

import json
import os
import sys
import time

from rotom.cli import usage
from rotom.cli.exits import OK, PERMISSION
from rotom.config import Config, load
from rotom.sse import Json
from rotom.status import LoginStatus, document
from rotom.term import Terminal, clean, pad, width, words


def run(argv: list[str]) -> int:
    """Ask and show."""
    import trio

    given = usage.parse(__doc__ or "", argv)
    config = load(given, os.environ).config
    logins = trio.run(_ask, config, strict_exception_groups=True)
    report = document(logins, time.time())
    if given["--json"]:
        print(json.dumps(report, indent=2))
    elif logins:
        print(rendered(report, Terminal(sys.stdout)))
    else:
        print("rotom: nobody is logged in", file=sys.stderr)
        print("       rotom login", file=sys.stderr)
    return OK if any(login.active for login in logins) else PERMISSION


async def _ask(config: Config) -> list[LoginStatus]:
    from rotom.cli.logins import our_vault
    from rotom.serve import assemble

    vault = our_vault(config)
    vault.providers()  # a file that we must not touch is told, and not taken for an empty one
    async with assemble(config, os.environ, vault=vault) as gateway:
        return await gateway.logins()


def rendered(report: Json, terminal: Terminal) -> str:
    """The document for people: one paragraph a login."""
    return "\n\n".join(_login(entry, terminal) for entry in report["providers"])


def _login(entry: Json, terminal: Terminal) -> str:
    account, token = entry["account"], entry["token"]
    plan = account["plan"] and f"plan {account['plan']}"
    if plan and account["has_active_subscription"] is False:
        plan += " (no subscription)"
    who = [clean(word) for word in (account["email"], plan) if word]
    lines = ["  ".join([terminal.paint("bold", clean(entry["title"] or entry["provider"])), *who])]
    if entry["account_id"]:
        lines.append(_line("account", clean(entry["account_id"])))
    if token["remaining_seconds"] is not None:
        left = token["remaining_seconds"]
        life = f"{words(left)} left" if left else "ended"
        renewed = "; renewed in time" if entry["active"] else ""
        lines.append(_line("token", f"{life} ({token['expires_at_local']}){renewed}"))
    windows = entry["windows"] or ()
    longest = max((width(clean(window["name"])) for window in windows), default=0)
    lines += [_window(window, terminal, longest) for window in windows]
    if entry["windows"] == []:
        lines.append(_line("limits", "the provider names none"))
    if entry["problem"]:
        lines.append("  " + terminal.paint("red", f"# {clean(entry['problem'])}"))
    return "\n".join(lines)


def _line(name: str, text: str, cells: int = 0) -> str:
    return f"  {pad(name, max(cells, 9))} {text}"


def _window(window: Json, terminal: Terminal, cells: int) -> str:
    used = window["used_percent"]
    style = "red" if used >= 90 else "yellow" if used >= 70 else "green"
    bar = terminal.paint(style, terminal.bar(used / 100, 20 if terminal.columns >= 96 else 8))
    text = f"{used:3.0f} % used"
    if window["resets_in_seconds"] is not None:
        text += f", resets in {words(window['resets_in_seconds'])} ({window['resets_at_local'][5:16]})"
    return _line(clean(window["name"]), f"{bar} {text}", cells)
