"""The status document: what `rotom status --json` prints and ``GET /v1/status`` answers.

The fields at the top are those of the first login (``account_id``, ``token``, ``account``, ``windows``), so that a script
for one account need not look further; ``providers`` has the same for every login. Nothing in it is a secret.

What is not here: asking the provider (upstream/), and how it looks on a terminal (cli/status.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from rotom import __version__
from rotom.providers import Token, Window
from rotom.sse import Json

NOT_PAID = frozenset({"guest", "free", "free_workspace", "unknown"})
"""Plans without a subscription (plan names in Codex CLI 0.169, 2026-11); any other name is taken for one."""

_WINDOWS = {300: "5 hours", 1440: "daily", 10080: "weekly", 43200: "monthly"}


@dataclass(frozen=True, slots=True)
class LoginStatus:
    """What is known of one login.

    Fields:
      windows: the rate-limit windows; None: not known now. windows_at: when that was said, unix seconds.
      problem: what is wrong with this login, or why something of it is not known.
      active: whether the login can be used without logging in again.
    """

    provider: str
    title: str
    token: Token
    windows: tuple[Window, ...] | None = None
    windows_at: float | None = None
    problem: str | None = None
    active: bool = True


def document(logins: Iterable[LoginStatus], now: float, zone: tzinfo | None = None) -> Json:
    """The whole document.

    Arguments:
      now: unix seconds. zone: of the local times; None: this machine's.
    """
    entries = [_entry(login, now, zone) for login in logins]
    first = entries[0] if entries else _nothing()
    top = {name: first[name] for name in ("account_id", "token", "account", "windows")}
    return {"version": __version__, "logged_in": bool(entries), **top, "providers": entries}


def window_name(window: Window) -> str:
    """A window's name for people: "5 hours", "weekly", "weekly (gpt-5.3-codex-spark)"."""
    name = _WINDOWS.get(window.minutes)
    if name is None:
        hours, minutes = divmod(window.minutes, 60)
        days, rest = divmod(hours, 24)
        name = f"{window.minutes} min" if minutes else f"{hours} hours" if rest or not days else f"{days} days"
    return f"{name} ({window.limit})" if window.limit else name


def local_time(moment: float, zone: tzinfo | None = None) -> str:
    """Unix seconds as a local time that names its offset: 2026-05-05 12:15:07 +08:00."""
    try:
        when = datetime.fromtimestamp(int(moment), UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):  # what a provider said may be no time at all
        return "unknown"
    offset = when.strftime("%z")
    return f"{when:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def subscribed(token: Token, now: float) -> bool | None:
    """Whether the account pays, as far as its token tells; None when it does not."""
    if token.plan is None:
        return None
    until = _moment(token.extra.get("subscription_active_until"))
    return token.plan.lower() not in NOT_PAID and (until is None or until > now)


def _moment(value: object) -> float | None:
    """Unix seconds of a number or an ISO date."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        return datetime.fromisoformat(str(value)).timestamp() if value else None
    except (ValueError, OverflowError):  # what a provider said may be no time at all
        return None


def _entry(login: LoginStatus, now: float, zone: tzinfo | None) -> Json:
    token = login.token
    windows = None if login.windows is None else [_window(window, now, zone) for window in login.windows]
    return {
        "provider": login.provider,
        "title": login.title,
        "active": login.active,
        "problem": login.problem,
        "account_id": token.account_id,
        "token": {
            "expires_at": None if token.expires_at is None else int(token.expires_at),
            "expires_at_local": None if token.expires_at is None else local_time(token.expires_at, zone),
            "remaining_seconds": None if token.expires_at is None else max(0, int(token.expires_at - now)),
        },
        "account": {
            "email": token.email,
            "plan": token.plan,
            "has_active_subscription": subscribed(token, now),
        },
        "windows": windows,
        "windows_at": None if login.windows_at is None else int(login.windows_at),
    }


def _window(window: Window, now: float, zone: tzinfo | None) -> Json:
    resets = window.resets_at
    return {
        "name": window_name(window),
        "limit": window.limit,
        "minutes": window.minutes,
        "used_percent": window.used_percent,
        "resets_at": None if resets is None else int(resets),
        "resets_at_local": None if resets is None else local_time(resets, zone),
        "resets_in_seconds": None if resets is None else max(0, int(resets - now)),
    }


def _nothing() -> Json:
    return {
        "account_id": None,
        "token": {"expires_at": None, "expires_at_local": None, "remaining_seconds": None},
        "account": {"email": None, "plan": None, "has_active_subscription": None},
        "windows": None,
    }
