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
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


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
            self._module = import_module(self._name)
        return getattr(self._module, name)

    def __repr__(self) -> str:
        return f"Seldom({self._name!r})"
