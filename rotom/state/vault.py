"""The vault: the logins, encrypted at rest in one file. Synchronous; a task on the loop calls it in a thread.

Theory of operation: a reader takes the file as it is, since it is only ever replaced whole (files.py). Whoever changes
it holds the lock, reads it again, changes one entry and leaves the others untouched, sealed bytes included: a login to
one provider never needs the key of another's. A token that came of a renewal only takes the place of the very token it
renews (`replace`), so that a login or logout made in the meantime wins.

A provider may have several logins, by name (accounts.py); which one is in use stands beside them and changes when a person
says so. Only where the one in use is removed, another takes its place.

A renewal that goes over the network holds a second lock, one a login (`renewal_lock`): the first is never held for
longer than a write takes.

What is not here: the form of the document (sealed.py), where keys come from (keys.py), when to renew (upstream/keeper).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rotom.accounts import account_of, in_use, options, provider_of
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.sse import Json
from rotom.state import files, sealed
from rotom.state.keys import SIZE, Key, KeySource, key_source

Stamp = tuple[int, int, int]


class Vault:
    """The logins in one file. Safe to use from several threads and processes."""

    def __init__(self, path: Path, keys: KeySource) -> None:
        self.path = path
        self.keys = keys
        # Beside the real file, so that every way to the same file meets the same lock.
        self._real = Path(os.path.realpath(path))
        self._lock = files.FileLock(self._real.with_name(self._real.name + ".lock"))
        self._thread = threading.RLock()
        self._depth = 0

    # Reading

    def stamp(self) -> Stamp | None:
        """Something that changes whenever the file does: one stat. None: there is no file."""
        try:
            info = os.stat(self.path)
        except OSError:
            return None
        return info.st_mtime_ns, info.st_ino, info.st_size

    def logins(self) -> tuple[str, ...]:
        """The names of the saved logins; no key is needed for that."""
        return tuple(self._read()["providers"])

    def in_use(self) -> dict[str, str]:
        """Provider -> the name of the login that is in use."""
        return _in_use(self._read())

    def moved(self) -> frozenset[str]:
        """The providers of which that login is meant for running conversations too."""
        return sealed.moved(self._read())

    def load(self, login: str) -> Token | None:
        """The saved login, or None.

        Raises:
          Problem: when it cannot be opened; it says which key is missing.
        """
        found = self._load(login)
        return None if found is None else found[0]

    def unfinished(self, login: str) -> float | None:
        """When a renewal of the saved token was begun that never brought a new one: it may be spent. Else None."""
        found = self._load(login)
        return None if found is None else sealed.renewing(found[1], found[0])

    def key_hints(self) -> dict[str, tuple[str, str]]:
        """Login -> (source, fingerprint) of the key of its entry."""
        return {name: sealed.key_hint(entry) for name, entry in self._read()["providers"].items()}

    def foreign(self) -> bytes | None:
        """The content of the file when it is another program's; None when it is ours or not there."""
        data = files.read_private(self.path)
        try:
            sealed.read(data or b"", str(self.path))
        except Problem as problem:
            if problem.code == "foreign_file":
                return data
        return None

    # Changing

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the file for a read-modify-write. May be nested in one thread. Short: see `renewal_lock`."""
        with self._thread:
            if self._depth:
                yield
                return
            with self._lock.held():
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1

    def renewal_lock(self, login: str) -> files.FileLock:
        """The lock that a renewal of this login's token holds from reading the old one until the new one is durable."""
        return files.FileLock(self._real.with_name(f"{self._real.name}.{login}.lock"))

    def save(self, login: str, token: Token) -> None:
        """Store a login, durable when this returns. What was stored by this name before is gone."""
        with self.lock():
            document = self._settled()
            self._put(document, login, token)

    def replace(self, login: str, seen: Token, token: Token) -> Token | None:
        """Store `token`, the renewal of `seen`, unless another login or a logout came in between.

        Returns:
          What is stored now: `token`, or what came in between (None after a logout).
        """
        with self.lock():
            document = self._settled()
            entry = document["providers"].get(login)
            if entry is None:
                return None
            current = self._open(login, entry, document)
            if current.refresh != seen.refresh or current.access != seen.access:
                return current
            self._put(document, login, token)
            return token

    def begin_renewal(self, login: str, token: Token, now: float | None = None) -> None:
        """Note durably that `token` is about to be renewed; the note goes when another token is stored."""
        with self.lock():
            document = self._read()
            entry = document["providers"].get(login)
            if entry is not None:
                at = time.time() if now is None else now
                entry["renewing"] = {"token": sealed.mark(token), "at": at}
                self._write(document)

    def end_renewal(self, login: str) -> None:
        """Take the note of `begin_renewal` back: the provider surely did not see the token."""
        with self.lock():
            document = self._read()
            entry = document["providers"].get(login)
            if entry is not None and entry.pop("renewing", None) is not None:
                self._write(document)

    def remove(self, login: str) -> bool:
        """Forget a login; whether there was one. When it was in use and there are others of its provider, one is now."""
        with self.lock():
            document = self._read()
            before = _in_use(document)
            found = document["providers"].pop(login, None) is not None
            if found:
                _pin(document, before)
                self._write(document)
            return found

    def use(self, login: str, *, move: bool = False) -> None:
        """This login is the one of its provider that is in use from now on.

        Arguments:
          move: for running conversations, too.

        Raises:
          Problem: NOT_FOUND when there is no such login.
        """
        with self.lock():
            document = self._read()
            if login not in document["providers"]:
                raise Problem(Kind.NOT_FOUND, f"there is no login {login}", hint=f"run: rotom login {options(login)}")
            provider = provider_of(login)
            _pin(document, {**_in_use(document), provider: login})
            others = sealed.moved(document) - {provider}
            document["moved"] = sorted({*others, provider} if move else others)
            self._write(document)

    def take_over(self, tokens: Mapping[str, Token]) -> Path:
        """Make the file ours when it was another program's, with these logins in it.

        Returns:
          The copy of the old file that was made beside it, readable by us only.
        """
        with self.lock():
            data = files.read_private(self.path)
            number = 0
            while True:
                copy = self._real.with_name(f"{self._real.name}.backup{number or ''}")
                if files.create_private(copy, data or b""):
                    break
                number += 1
            document = sealed.empty()
            key = self.keys.sealing(None, first_use=True)
            document["providers"] = {name: sealed.seal(name, token, key) for name, token in tokens.items()}
            _pin(document, {})
            self._write(document)
            return copy

    # Keys

    def rotate(self) -> Key:
        """Seal every entry with a new key of the same source; the new key."""
        with self.lock():
            document = self._settled()
            if "passphrase" in document and self.keys.chosen() is self.keys.own:
                raise Problem(
                    Kind.INVALID,
                    "the saved logins are locked with a passphrase, so there is no key to rotate",
                    hint="run: rotom key set-passphrase",
                )
            source = self.keys.chosen()
            tokens = self._tokens(document)
            key = source.stage(secrets.token_bytes(SIZE))
            self._reseal(document, tokens, key)
            source.promote()
            return key

    def set_passphrase(self, passphrase: str) -> Key:
        """Seal every entry with a key that is made from `passphrase`; the key file beside the vault goes."""
        with self.lock():
            document = self._settled()
            if self.keys.chosen() is not self.keys.own:
                raise Problem(
                    Kind.INVALID,
                    f"the key comes from {self.keys.chosen().where}, which is asked before a passphrase would be",
                    hint="unset key_file and key_source first",
                )
            tokens = self._tokens(document)
            document["passphrase"], key = self.keys.passphrase.remember(passphrase)
            self._reseal(document, tokens, key)
            self.keys.own.remove()
            return key

    def remove_passphrase(self) -> Key:
        """Seal every entry with a key file again."""
        with self.lock():
            document = self._settled()
            tokens = self._tokens(document)
            document.pop("passphrase", None)
            key = self.keys.sealing(None, first_use=False)
            self._reseal(document, tokens, key)
            return key

    def locked_by_passphrase(self) -> bool:
        """Whether a person has to type something to open it."""
        return "passphrase" in self._read()

    # Inside

    def _load(self, login: str) -> tuple[Token, Json] | None:
        try:
            return self._load_once(login)
        except Problem:
            with self.lock():  # a rotation may have been under way between our two looks: under the lock there is none
                return self._load_once(login)

    def _load_once(self, login: str) -> tuple[Token, Json] | None:
        document = self._read()
        entry = document["providers"].get(login)
        return None if entry is None else (self._open(login, entry, document), entry)

    def _read(self) -> Json:
        data = files.read_private(self.path)
        return sealed.empty() if data is None else sealed.read(data, str(self.path))

    def _write(self, document: Json) -> None:
        files.write_atomic(self.path, sealed.write(document))
        files.sweep(self.path)

    def _put(self, document: Json, login: str, token: Token) -> None:
        key = self.keys.sealing(document.get("passphrase"), first_use=not document["providers"])
        before = _in_use(document)
        document["providers"][login] = sealed.seal(login, token, key)
        _pin(document, before)
        self._write(document)

    def _tokens(self, document: Json) -> dict[str, Token]:
        return {name: self._open(name, entry, document) for name, entry in document["providers"].items()}

    def _reseal(self, document: Json, tokens: Mapping[str, Token], key: Key) -> None:
        for name, token in tokens.items():
            entry: dict[str, Any] = document["providers"][name]
            document["providers"][name] = {**entry, **sealed.seal(name, token, key)}
        self._write(document)

    def _settled(self) -> Json:
        """The document, after finishing a rotation that was cut off. Only under the lock."""
        document = self._read()
        self.keys.own.sweep()
        used = {sealed.key_hint(entry)[1] for entry in document["providers"].values()}
        for source in self.keys.all():
            staged = _quietly(source.staged)
            if staged is not None:
                if staged.id in used:
                    source.promote()  # the vault was replaced: the staged key is the key
                else:
                    source.discard()
        return document

    def _open(self, login: str, entry: Json, document: Json) -> Token:
        source, fingerprint = sealed.key_hint(entry)
        troubles: list[Problem] = []
        seen: list[Key] = []
        parameters = document.get("passphrase") if source == "passphrase" else None
        for key in self.keys.candidates(parameters, troubles):
            if key.id == fingerprint:
                return sealed.unseal(login, entry, key)
            seen.append(key)
        if troubles:
            raise troubles[0]
        found = ", ".join(f"{key.source} {key.where} ({key.id})" for key in seen) or "none"
        raise Problem(
            Kind.UNAUTHENTICATED,
            f"the saved login for {login} in {self.path} was sealed with key {fingerprint} from source "
            f"{source!r}, which is not there; keys found: {found}",
            hint=f"put that key back, or log in again: rotom login {options(login)}",
        )


def open_vault(config: Config, environ: Mapping[str, str], ask: Callable[[str], str] | None = None) -> Vault:
    """The vault that the settings name. `ask` asks a person for a passphrase; None where there is nobody to ask."""
    if not config.auth_file.name:
        raise Problem(Kind.INVALID, f"auth_file must be a file, not {config.auth_file}", code="config")
    keys = key_source(config.home, environ, key_file=config.key_file, keyring=config.key_source == "keyring", ask=ask)
    return Vault(config.auth_file, keys)


def _in_use(document: Json) -> dict[str, str]:
    return in_use(document["providers"], sealed.chosen(document))


def _pin(document: Json, used: Mapping[str, str]) -> None:
    """Write down which logins are in use: that another one comes or goes must not change it."""
    chosen = {provider: account_of(login) for provider, login in used.items()}
    now = in_use(document["providers"], chosen)
    document["in_use"] = {provider: account_of(login) for provider, login in now.items()}


def _quietly(read: Callable[[], Key | None]) -> Key | None:
    """What a source has, or None when it cannot be asked now."""
    try:
        return read()
    except Problem:
        return None
