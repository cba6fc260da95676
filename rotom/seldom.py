"""Modules that are loaded when something of them is used. What a start does not need would fill memory for as long as the
server runs, and most people use one API and one provider of several.

A `Seldom` stands where the import would; the import itself stands beside it, for the checks of types and of layers:

    if TYPE_CHECKING:
        from rotom.providers import openai_login
    else:
        openai_login = Seldom("rotom.providers.openai_login")

From then on it is used like the module. Only what runs while a module is loaded must not touch it: into a table goes
``lambda token: openai_login.renew(config)(token)``, for ``openai_login.renew`` would load it there and then.

The first use takes some milliseconds, on whichever thread it is; two that come at once are the import system's affair.

While a server runs, its files may be replaced by another version's, and what was not loaded by then cannot be loaded any
more: the halves of two versions do not fit together. Whoever needs it is told so, instead of what would come of it.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from rotom import __version__
from rotom.problem import Kind, Problem

UPGRADED = "upgraded"
"""The code of the problem that something cannot be loaded any more."""

RETRY_SECONDS = 3.0
"""When it is worth another try: a service manager has started the new version by then."""


class Seldom:
    """Stands for a module.

    Arguments:
      name: its whole name.
    """

    __slots__ = ("_module", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            self._module = _loaded(self._name)
        return getattr(self._module, name)

    def __repr__(self) -> str:
        return f"Seldom({self._name!r})"


def _loaded(name: str) -> ModuleType:
    """The module.

    Raises:
      Problem: UNAVAILABLE when this version's files are not there any more.
    """
    _check_version(gone=False)
    try:
        return import_module(name)
    except ImportError:
        _check_version(gone=True)  # an upgrade may be under way
        raise


def _check_version(gone: bool) -> None:
    try:
        text = Path(__file__).with_name("__init__.py").read_text(encoding="utf-8")
    except FileNotFoundError:
        if gone:
            raise _replaced("are gone") from None
    except (OSError, ValueError):  # where it lies in an archive, nobody replaces it
        pass
    else:
        found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
        if found and found[1] != __version__:
            raise _replaced(f"are version {found[1]} now")


def _replaced(how: str) -> Problem:
    message = (
        f"rotom was upgraded while it runs: this is version {__version__}, its files {how}, and what this request "
        "needs was not loaded before. It has to be restarted: rotom daemon restart"
    )
    hint = "rotom daemon restart"
    return Problem(Kind.UNAVAILABLE, message, code=UPGRADED, hint=hint, retry_after=RETRY_SECONDS)
