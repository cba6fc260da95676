"""Show the logins, how long their tokens last, and how much of the rate limits is used.

Usage:
  rotom status [options]

Options:
  --json              print the document that GET /v1/status answers
  --watch             show it again and again, until Ctrl-C
  --interval SECONDS  how often; by default, every 5 seconds
  --provider NAME     this provider only
  --auth-file FILE    the credentials file
  -h, --help          show this text

A server that runs is asked, since it knows what went wrong last. Without one, the providers are asked for the limits; a
token that is about to end is renewed on the way. The exit status is 77 when there is no login that works.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any

from rotom.accounts import DEFAULT
from rotom.cli import usage
from rotom.config import Config, load
from rotom.exits import OK, PERMISSION
from rotom.plain import leaves
from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.status import local_time
from rotom.term import Terminal, clean, pad, width, words

INTERVAL = 5.0
SHORTEST, LONGEST = 1.0, 86400.0


def run(argv: list[str]) -> int:
    """Ask and show."""
    import trio

    given = usage.parse(__doc__ or "", argv)
    config = load(given, os.environ).config
    interval = _interval(given)
    try:
        return trio.run(_show, config, bool(given["--json"]), interval, strict_exception_groups=True)
    except BaseException as exc:
        if interval is not None and any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves(exc)):
            return OK  # this is how one leaves
        raise


def _interval(given: dict[str, Any]) -> float | None:
    """Seconds between two looks; None: one look is enough.

    Raises:
      Problem: with code ``usage``.
    """
    text = given["--interval"]
    if text is None:
        return INTERVAL if given["--watch"] else None
    with suppress(ValueError):
        if SHORTEST <= (seconds := float(text)) <= LONGEST:
            return seconds
    raise Problem(Kind.INVALID, f"--interval: seconds from {SHORTEST:g} to {LONGEST:g}, not {text!r}", code="usage")


async def _show(config: Config, as_json: bool, interval: float | None) -> int:
    from rotom.cli.report import reports  # with it comes all that serving takes

    async with reports(config) as source:
        report = await source.next()
        if interval is not None:
            import trio

            from rotom.cli.screen import screen

            with screen() as shown:
                while True:
                    shown.show(json.dumps(report) if as_json else _picture(report, interval, shown.draws))
                    await trio.sleep(interval)
                    report = await source.next()
    if as_json:
        print(json.dumps(report, indent=2))
    elif report["providers"]:
        print(rendered(report, Terminal(sys.stdout)))
    else:
        print("rotom: nobody is logged in", file=sys.stderr)
        print("       rotom login", file=sys.stderr)
    return OK if any(entry["active"] for entry in report["providers"]) else PERMISSION


def _picture(report: Json, interval: float, draws: bool) -> str:
    """The document with the time at its top."""
    terminal = Terminal(sys.stdout)
    how = f"every {interval:g} s, Ctrl-C ends" if draws else ""
    head = "  ".join(word for word in (local_time(time.time()), terminal.paint("dim", how)) if word)
    body = rendered(report, terminal) if report["providers"] else "nobody is logged in: rotom login"
    return f"{head}\n\n{body}" + ("" if draws else "\n")


def rendered(report: Json, terminal: Terminal) -> str:
    """The document for people: one paragraph a login."""
    entries = report["providers"]
    several = {entry["provider"] for entry in entries if not entry["in_use"]}
    return terminal.fold("\n\n".join(_login(entry, terminal, entry["provider"] in several) for entry in entries))


def _login(entry: Json, terminal: Terminal, several: bool) -> str:
    account, token = entry["account"], entry["token"]
    plan = account["plan"] and f"plan {account['plan']}"
    if plan and account["has_active_subscription"] is False:
        plan += " (no subscription)"
    name = f"account {account['name']}" if several or account["name"] != DEFAULT else None
    who = [clean(word) for word in (name, account["email"], plan) if word]
    if several and entry["in_use"]:
        who.append(terminal.paint("green", "in use"))
    lines = ["  ".join([terminal.paint("bold", clean(entry["title"] or entry["provider"])), *who])]
    if entry["account_id"]:
        lines.append(_line("account", clean(entry["account_id"])))
    if token["remaining_seconds"] is not None:
        left = token["remaining_seconds"]
        life = f"{words(left)} left" if left else "ended"
        renewed = "; renewed in time" if entry["active"] else ""
        lines.append(_line("token", f"{life} ({token['expires_at_local']}){renewed}"))
    if entry["origin"]:
        lines.append(_line("asked at", clean(entry["origin"])))
    windows = entry["windows"] or ()
    longest = max((width(clean(window["name"])) for window in windows), default=0)
    lines += [_window(window, terminal, longest) for window in windows]
    if entry["windows"] == []:
        lines.append(_line("limits", "the provider names none"))
    if (error := entry["last_error"]) is not None:
        ago = words(time.time() - error["at"])
        lines.append(_line("last error", f"{ago} ago: {clean(error['message'])}"))
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
