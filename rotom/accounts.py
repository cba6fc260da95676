"""The names of logins: ``openai`` is the first account of that provider, ``openai@work`` another one.

One word is the key of everything that belongs to a login: its entry in the vault, its renewal, its limits, its list of
models. The first account has no name of its own; where one must be said (``--account``), it is ``default``.

What is not here: which account is in use, as far as a person said it (state/vault.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

DEFAULT = "default"
LONGEST = 32

_FORM = re.compile(r"[a-z0-9][a-z0-9._-]*")


def login_name(provider: str, account: str = DEFAULT) -> str:
    """The name of that account's login."""
    return provider if account == DEFAULT else f"{provider}@{account}"


def provider_of(login: str) -> str:
    """Whose login it is."""
    return login.partition("@")[0]


def account_of(login: str) -> str:
    """Which account it is."""
    return login.partition("@")[2] or DEFAULT


def read_account(text: str) -> str:
    """The account that a person names; capitals are small ones, for it becomes part of a file's name.

    Raises:
      ValueError: it cannot be a name.
    """
    name = text.strip().lower()
    if len(name) > LONGEST or not _FORM.fullmatch(name):
        raise ValueError(
            f"an account's name is 1 to {LONGEST} letters, digits, dots, dashes and underscores, such as work, "
            f"not {text[:60]!r}"
        )
    return name


def in_use(logins: Iterable[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Provider -> the one of its logins that is in use: the account that was chosen; where that is not there, the first
    account, or else the oldest login."""
    found: dict[str, list[str]] = {}
    for login in logins:
        found.setdefault(provider_of(login), []).append(login)
    result = {}
    for provider, names in found.items():
        wanted = login_name(provider, chosen.get(provider, DEFAULT))
        result[provider] = next((name for name in (wanted, provider) if name in names), names[0])
    return result


def select(logins: Iterable[str], provider: str | None = None, account: str | None = None) -> list[str]:
    """Those of the logins that are of this provider and of accounts of this name; None: of any."""
    wanted = None if account is None else account.strip().lower()
    return [login for login in logins if provider in (None, provider_of(login)) and wanted in (None, account_of(login))]


def facts(login: str) -> dict[str, str]:
    """What a line of the log says of a login; the first account need not be named."""
    account = account_of(login)
    return {"provider": provider_of(login)} | ({} if account == DEFAULT else {"account": account})


def options(login: str) -> str:
    """The options of a command that name a login."""
    account = account_of(login)
    return f"--provider {provider_of(login)}" + ("" if account == DEFAULT else f" --account {account}")


def directed(text: str, login: str) -> str:
    """Advice for a person, with the account put into the commands in it: providers know of one account only."""
    if account_of(login) == DEFAULT:
        return text
    return re.sub(rf"--provider {re.escape(provider_of(login))}(?![\w@-]| --account)", options(login), text)
