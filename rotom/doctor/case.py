"""The case: what the doctor looks at, read once. Settings that are good although others are not; the logins as far as they
open; and the masks that come of both.

What is not here: what is said of it (the checks).
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rotom import paths
from rotom.claude_settings import variables
from rotom.config import SETTINGS, Config, check_name, read_ours, resolve_api_key
from rotom.doctor.masks import Masks, is_public
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.providers.registry import all_providers
from rotom.state.vault import Vault, open_vault

SECRET = re.compile(r"(?i)(key|token(?!s)|secret|passw|credential|authorization|cookie|headers|_auth$)")
"""Names of variables and fields whose values are nobody's business."""

FOLDERS = re.compile(r"(?i)(_file|_dir|_directory|_path|_home|_sock)$")
"""Those that only say where something is."""


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """The credentials file as it is.

    Fields:
      logins: name -> the token, or why it cannot be opened.
      problem: why the file itself cannot be read. in_use: provider -> the login in use.
    """

    logins: Mapping[str, Token | Problem] = field(default_factory=dict)
    in_use: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    def good(self) -> dict[str, Token]:
        """The logins that open."""
        return {name: token for name, token in self.logins.items() if isinstance(token, Token)}


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """What is looked at.

    Fields:
      config: the settings that are good; those that are not have their defaults. troubles: what is wrong with the others.
      filed: what config.json says. sources: name of a setting -> where its value came from, as `rotom.config` has it.
      vault: None where the settings name none that can be one. person: the home folder of the person.
      names: of the person and the machine, for the masks.
    """

    environ: Mapping[str, str]
    config: Config
    filed: Mapping[str, Any]
    sources: Mapping[str, str]
    troubles: tuple[Problem, ...]
    file: Path
    person: Path
    vault: Vault | None
    opened: Opened
    names: tuple[str, ...] = ()

    def wanted(self, provider: str) -> bool:
        """Whether this provider is looked at."""
        return self.config.provider in (None, provider)


def read_case(flags: Mapping[str, object], environ: Mapping[str, str], ask: Callable[[str], str] | None = None) -> Case:
    """The case of this machine. Nothing that is wrong is raised: it is part of the case.

    Arguments:
      ask: asks a person for a passphrase; None where there is nobody to ask.
    """
    troubles: list[Problem] = []
    try:
        home = paths.home(environ)
    except Problem as problem:
        troubles.append(problem)
        home = paths.home({name: value for name, value in environ.items() if name != "ROTOM_HOME"})
    file = paths.config_file(home)
    try:
        filed = read_ours(file)
    except Problem as problem:
        troubles.append(problem)
        filed = {}
    values, sources = _values(flags, environ, filed, file, troubles)
    config = _named(Config(home=home, **values))
    vault, opened = None, Opened()
    try:
        vault = open_vault(config, environ, ask)
    except Problem as problem:
        opened = Opened(problem=problem)
    else:
        opened = _opened(vault)
    return Case(
        environ=environ,
        config=config,
        filed=filed,
        sources=sources,
        troubles=tuple(troubles),
        file=file,
        person=home_of(environ),
        vault=vault,
        opened=opened,
        names=_names(environ),
    )


def _named(config: Config) -> Config:
    """The same with the provider's own name in the place of another one for it."""
    with suppress(Problem):
        for provider in all_providers(config).values():
            if config.provider in provider.aliases:
                return replace(config, provider=provider.name)
    return config


def home_of(environ: Mapping[str, str]) -> Path:
    """The home folder of the person."""
    base = environ.get("HOME") if os.name == "posix" else None
    with suppress(RuntimeError):
        return Path(base) if base else Path.home()
    return Path("/nonexistent")


def _values(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    filed: Mapping[str, Any],
    file: Path,
    troubles: list[Problem],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Every setting by itself: config.load stops at the first that is not good, and here all of them are wanted."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in filed:
        try:
            check_name(name, file)
        except Problem as problem:
            troubles.append(problem)
    for name, setting in SETTINGS.items():
        if not setting.filed:
            continue
        variable = next((variable for variable in setting.environment if environ.get(variable)), None)
        given = flags.get(f"--{name.replace('_', '-')}")
        value, source, where = filed.get(name), f"file {file}", str(file)
        if given is not None:
            value, source, where = given, "flag", f"the option {setting.flag}"
        elif variable:
            value, source, where = environ[variable], f"environment {variable}", f"the environment variable {variable}"
        if value is None:
            continue
        try:
            values[name] = setting.read(value)
        except ValueError as exc:
            shown = "is not good" if setting.secret else exc
            troubles.append(Problem(Kind.INVALID, f"{where}: {name} {shown}", code="config", param=name))
            continue
        sources[name] = source
        if isinstance(values[name], Path) and not source.startswith("file "):
            values[name] = values[name].absolute()
    return values, sources


def _opened(vault: Vault) -> Opened:
    try:
        names, in_use = vault.logins(), vault.in_use()
    except Problem as problem:
        return Opened(problem=problem)
    found: dict[str, Token | Problem] = {}
    for name in names:
        try:
            token = vault.load(name)
        except Problem as problem:
            found[name] = problem
        else:
            if token is not None:
                found[name] = token
    return Opened(found, in_use)


def _names(environ: Mapping[str, str]) -> tuple[str, ...]:
    found = [environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")]
    with suppress(OSError, KeyError, ImportError):
        found.append(getpass.getuser())
    with suppress(OSError):
        found.append(socket.gethostname())
    return tuple(name for name in dict.fromkeys(found) if name)


def masks_of(case: Case) -> Masks:
    """What must not be read in a report of this case."""
    known: dict[str, str] = {}

    def hide(value: object, place: str) -> None:
        if isinstance(value, str) and value.strip():
            known.setdefault(value.strip(), place)

    for token in case.opened.good().values():
        for value in (token.access, token.refresh):
            hide(value, "(token)")
        hide(token.email, "(mail address)")
        for value in (token.account_id, token.owner, *_texts(token.extra)):
            hide(value, "(id)")
    with suppress(Problem):
        hide(resolve_api_key(case.config, case.environ), "(key)")
    hide(case.config.api_key, "(key)")
    for name, value in case.environ.items():
        if SECRET.search(name) and not FOLDERS.search(name):
            hide(value, "(secret)")
        elif "://" in value:
            _hide_address(value, hide, "(proxy)" if name.lower().endswith("_proxy") else "(host)")
        elif name.lower().endswith("_proxy") and name.lower() != "no_proxy":
            _hide_address(f"http://{value}", hide, "(proxy)")
    for name in SETTINGS:
        value = getattr(case.config, name)
        for text in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
            if isinstance(text, str) and "://" in text:
                _hide_address(text.rpartition("=")[2] if name == "endpoints" else text, hide, "(host)")
    for name, value in case.filed.items():
        if SECRET.search(name) and not FOLDERS.search(name):
            hide(value, "(secret)")
        for text in _strings(value):
            if "://" in text:
                _hide_address(text.rpartition("=")[2], hide, "(host)")
    for value in _settings_of_claude(case):
        hide(value, "(secret)")
    folders = {str(case.person): "~"}
    if not case.config.home.is_relative_to(case.person):
        folders[str(case.config.home)] = "$ROTOM_HOME"
    for path, place in list(folders.items()):
        folders.setdefault(os.path.realpath(path), place)
    return Masks(known, folders, case.names)


def _hide_address(url: str, hide: Callable[[object, str], None], place: str) -> None:
    """The credentials in an address, and its host unless everybody asks it."""
    with suppress(ValueError):
        parts = urlsplit(url)
        for part in (parts.username, parts.password):
            if part and len(part) > 2:
                hide(part, "(secret)")
                hide(unquote(part), "(secret)")
        if parts.hostname and not is_public(parts.hostname):
            for form in {parts.hostname, parts.netloc.rpartition("@")[2].partition(":")[0]}:
                hide(form, place)


def _settings_of_claude(case: Case) -> list[str]:
    """The secrets in the settings of Claude Code: they may come back in what other programs say."""
    from rotom.doctor.clients import claude_settings

    found = []
    for _, document in claude_settings(case):
        for name, value in variables(document).items():
            if SECRET.search(str(name)) and not FOLDERS.search(str(name)) and isinstance(value, str):
                found.append(value)
    return found


def _strings(value: object) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _texts(value: object) -> list[str]:
    """The texts in what a token holds beside its fields, as far as they may tell of a person."""
    if isinstance(value, str):
        return [value] if len(value) > 7 and "://" not in value and not value.isupper() else []
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    return [text for one in value for text in _texts(one)] if isinstance(value, list | tuple) else []
