"""The documents about logins: the status (`rotom status --json`, ``GET /v1/status``), and what came of renewals (`rotom
refresh --json`, ``POST /v1/auth/refresh``).

The fields at the top of the status are those of the first login in use (``account_id``, ``token``, ``account``,
``windows``), so that a script for one account need not look further; ``providers`` has the same for every login. Nothing in
it is a secret.

What is not here: asking the provider (upstream/), and how it looks on a terminal (cli/status.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from rotom import __version__
from rotom.accounts import account_of, provider_of
from rotom.problem import Problem
from rotom.providers import Token, Window
from rotom.sse import Json

NOT_PAID = frozenset({"guest", "free", "free_workspace", "unknown"})
"""Plans without a subscription (plan names in Codex CLI 0.169, 2026-11); any other name is taken for one."""

_WINDOWS = {300: "5 hours", 1440: "daily", 10080: "weekly", 43200: "monthly"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with a login last: when (unix seconds), an HTTP status, and the problem's code and message."""

    at: float
    status: int
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class LoginStatus:
    """What is known of one login.

    Fields:
      login: its name (accounts.py).
      windows: the rate-limit windows; None: not known now. windows_at: when that was said, unix seconds.
      problem: what is wrong with this login, or why something of it is not known.
      active: whether the login can be used without logging in again.
      in_use: whether it is the one of its provider that new conversations go with.
      origin: the address that is asked for it, where there are several. trouble: what went wrong last.
    """

    login: str
    title: str
    token: Token
    windows: tuple[Window, ...] | None = None
    windows_at: float | None = None
    problem: str | None = None
    active: bool = True
    in_use: bool = True
    origin: str | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """What came of the renewal of one login: a token or a problem. failed: whether somebody has to do something."""

    login: str
    title: str
    token: Token | None = None
    problem: Problem | None = None
    failed: bool = False


def document(logins: Iterable[LoginStatus], now: float, zone: tzinfo | None = None) -> Json:
    """The whole status.

    Arguments:
      now: unix seconds. zone: of the local times; None: this machine's.
    """
    return _whole([_entry(login, now, zone) for login in logins])


def narrowed(report: Json, provider: str) -> Json:
    """A status with the logins of one provider only."""
    return _whole([entry for entry in report["providers"] if entry["provider"] == provider])


def _whole(entries: list[Json]) -> Json:
    first = next((entry for entry in entries if entry["in_use"]), entries[0] if entries else _nothing())
    top = {name: first[name] for name in ("account_id", "token", "account", "windows")}
    return {"version": __version__, "logged_in": bool(entries), **top, "providers": entries}


def renewal_document(renewals: Iterable[Renewal], now: float, zone: tzinfo | None = None) -> Json:
    """What came of renewals, login by login. ``refreshed`` at the top: none of them failed."""
    found = list(renewals)
    entries = [
        {
            "provider": provider_of(one.login),
            "login": one.login,
            "refreshed": one.token is not None,
            "failed": one.failed,
            "code": one.problem.code if one.problem else None,
            "message": one.problem.message if one.problem else None,
            **_life(one.token, now, zone),
        }
        for one in found
    ]
    return {"refreshed": not any(one.failed for one in found), "providers": entries}


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
        "provider": provider_of(login.login),
        "title": login.title,
        "login": login.login,
        "in_use": login.in_use,
        "active": login.active,
        "problem": login.problem,
        "last_error": None if login.trouble is None else _trouble(login.trouble, zone),
        "origin": login.origin,
        "account_id": token.account_id,
        "token": _life(token, now, zone),
        "account": {
            "name": account_of(login.login),
            "email": token.email,
            "plan": token.plan,
            "has_active_subscription": subscribed(token, now),
        },
        "windows": windows,
        "windows_at": None if login.windows_at is None else int(login.windows_at),
    }


def _life(token: Token | None, now: float, zone: tzinfo | None) -> Json:
    at = None if token is None else token.expires_at
    return {
        "expires_at": None if at is None else int(at),
        "expires_at_local": None if at is None else local_time(at, zone),
        "remaining_seconds": None if at is None else max(0, int(at - now)),
    }


def _trouble(trouble: Trouble, zone: tzinfo | None) -> Json:
    return {
        "at": int(trouble.at),
        "at_local": local_time(trouble.at, zone),
        "status": trouble.status,
        "code": trouble.code,
        "message": trouble.message,
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
        "account": {"name": None, "email": None, "plan": None, "has_active_subscription": None},
        "windows": None,
    }
