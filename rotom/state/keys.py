"""Key sources: where the 32 bytes come from that seal the vault.

Sources are asked in a fixed order and the first that has a key seals: the service manager's credential
(``$CREDENTIALS_DIRECTORY/rotom-key``), a key file that was named (ROTOM_KEY_FILE), the keyring of the operating system
when the settings say so, and else a file beside the vault (``~/.rotom/key``), made at first use. A vault that was put
under a passphrase names the parameters of scrypt in itself and uses that instead of the file.

Theory of operation: every sealed entry names the *id* of its key (a fingerprint, which gives nothing away), and all
sources are tried for it, lazily and in order. So a change of source needs no ceremony: what is sealed under the old one
stays readable as long as the old one is there. A rotation is three durable steps, stage the new key, replace the vault,
promote the new key; readers know staged keys too, so that a process killed between any two of them leaves a readable vault.

What is not here: the vault (vault.py), and how the keyring's programs are spoken to (keyring.py). What the keys protect
against and what not is said in rotom(1), SECURITY.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rotom.problem import Kind, Problem
from rotom.state import files

SIZE = 32
SCRYPT = {"n": 2**17, "r": 8, "p": 1}  # 0.4 s on a small machine of 2026
PASSPHRASE_TRIES = 3


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key and where it came from. Its repr shows no secret."""

    secret: bytes = field(repr=False)
    source: str
    where: str

    @property
    def id(self) -> str:
        """A fingerprint to recognise the key by."""
        return hashlib.sha256(b"rotom key id:" + self.secret).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Key({self.source}, {self.where})"


class Source(Protocol):
    """One place that may hold a key. `staged` is the key of a rotation that is under way or was cut off."""

    name: str
    where: str

    def read(self) -> Key | None: ...
    def staged(self) -> Key | None: ...
    def make(self, first_use: bool) -> Key | None: ...
    def stage(self, secret: bytes) -> Key: ...
    def promote(self) -> None: ...
    def discard(self) -> None: ...


class Credential:
    """A credential of the service manager: read-only, and its protection is the manager's business (systemd may
    show it with a group bit that is only an ACL mask, so its mode is not judged)."""

    name = "credential"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def read(self) -> Key | None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Problem(Kind.FORBIDDEN, f"cannot read the credential {self.path}: {exc.strerror}") from exc
        return Key(parse(data, self.where), self.name, self.where)

    def staged(self) -> Key | None:
        return None

    def make(self, first_use: bool) -> Key | None:
        return None

    def stage(self, secret: bytes) -> Key:
        raise Problem(
            Kind.FORBIDDEN,
            f"the key comes from the service manager ({self.path}), so rotom cannot change it: "
            "run `rotom key rotate` outside the service, with ROTOM_KEY_FILE set to a copy of the key",
        )

    def promote(self) -> None:
        raise NotImplementedError("a credential is never staged")

    def discard(self) -> None:
        return None


class KeyFile:
    """A key in a file of ours: the one beside the vault (`own`), or one that was named."""

    def __init__(self, path: Path, *, own: bool) -> None:
        self.name = "file" if own else "key-file"
        self.path = path
        self.where = str(path)
        self._own = own

    @property
    def _next(self) -> Path:
        return self.path.with_name(self.path.name + ".next")

    def _read(self, path: Path) -> Key | None:
        data = files.read_private(path)
        return None if data is None else Key(parse(data, str(path)), self.name, str(path))

    def read(self) -> Key | None:
        return self._read(self.path)

    def staged(self) -> Key | None:
        return self._read(self._next)

    def make(self, first_use: bool) -> Key | None:
        if not self._own and not first_use:  # a folder that is not mounted, more likely than a wish for a new key
            raise Problem(
                Kind.NOT_FOUND,
                f"the key file {self.path} is not there, and the saved logins were not made without it",
                hint="put the key file back, or unset ROTOM_KEY_FILE and key_file",
            )
        files.create_private(self.path, written(secrets.token_bytes(SIZE)))
        return self.read()  # another process may have been quicker: its key counts

    def stage(self, secret: bytes) -> Key:
        files.write_atomic(self._next, written(secret))
        return Key(secret, self.name, self.where)

    def promote(self) -> None:
        staged = files.read_private(self._next)
        if staged is not None:
            files.write_atomic(self.path, staged)
            files.remove(self._next)

    def discard(self) -> None:
        files.remove(self._next)

    def sweep(self) -> None:
        """Remove what killed writers left behind. Only under the vault's lock."""
        files.sweep(self.path)
        files.sweep(self._next)

    def remove(self) -> None:
        """Remove the key itself, when nothing is sealed with it any more."""
        files.remove(self.path)


class Passphrase:
    """A key made from what a person types, by scrypt. `parameters` are kept in the vault; `ask` is None where nobody
    can be asked: in the daemon."""

    name = "passphrase"
    where = "a passphrase"

    def __init__(self, ask: Callable[[str], str] | None) -> None:
        self._ask = ask
        self._known: dict[str, bytes] = {}
        self._tries = PASSPHRASE_TRIES

    def read(self, parameters: Mapping[str, Any]) -> Key:
        """The key for these parameters; asks until it is right, a few times in all."""
        salt = str(parameters["salt"])
        if salt not in self._known:
            if self._ask is None:
                raise Problem(
                    Kind.UNAVAILABLE,
                    "the saved logins are locked with a passphrase, which only a person at a terminal can type",
                    hint="run: rotom key remove-passphrase",
                )
            question = "passphrase of the saved logins: "
            while self._tries:
                self._tries -= 1
                secret = derive(self._ask(question), parameters)
                if Key(secret, self.name, self.where).id == parameters.get("id"):
                    self._known[salt] = secret
                    break
                question = "that is not it; passphrase of the saved logins: "
            else:
                raise Problem(Kind.UNAUTHENTICATED, "that is not the passphrase of the saved logins")
        return Key(self._known[salt], self.name, self.where)

    def remember(self, passphrase: str) -> tuple[dict[str, Any], Key]:
        """Fresh parameters for this passphrase, and the key that comes of them."""
        parameters = {"kdf": "scrypt", "salt": base64.b64encode(secrets.token_bytes(16)).decode(), **SCRYPT}
        key = Key(derive(passphrase, parameters), self.name, self.where)
        self._known[str(parameters["salt"])] = key.secret
        return {**parameters, "id": key.id}, key


class KeySource:
    """All the sources that apply here, in order."""

    def __init__(self, sources: list[Source], own: KeyFile, passphrase: Passphrase) -> None:
        self.sources = sources  # before the key file beside the vault
        self.own = own
        self.passphrase = passphrase

    def all(self) -> list[Source]:
        """Every source that can be staged and read, the key file beside the vault last."""
        return [*self.sources, self.own]

    def candidates(self, parameters: Mapping[str, Any] | None, troubles: list[Problem]) -> Iterator[Key]:
        """Every key there is, the likeliest first; lazily, since a source may be slow or ask a person.

        A source that fails does not hide the next one: what is wrong with it is put into `troubles`.
        """
        reads = [read for source in self.all() for read in (source.read, source.staged)]
        if parameters is not None:
            reads.append(lambda: self.passphrase.read(parameters))
        for read in reads:
            try:
                key = read()
            except Problem as problem:
                troubles.append(problem)
                continue
            if key is not None:
                yield key

    def sealing(self, parameters: Mapping[str, Any] | None, *, first_use: bool) -> Key:
        """The key to seal with, made if there is none yet."""
        for source in self.sources:
            key = source.read() or source.make(first_use)
            if key is not None:
                return key
        if parameters is not None:
            return self.passphrase.read(parameters)
        key = self.own.read() or self.own.make(first_use)
        assert key is not None
        return key

    def chosen(self) -> Source:
        """The source that seals when there is no passphrase."""
        return next((source for source in self.sources if source.name != "credential" or source.read()), self.own)


def key_source(
    home: Path,
    environ: Mapping[str, str],
    *,
    key_file: Path | None = None,
    keyring: bool = False,
    ask: Callable[[str], str] | None = None,
) -> KeySource:
    """The sources that apply: `key_file` and `keyring` come from the settings, `ask` asks a person for a passphrase."""
    sources: list[Source] = []
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder:
        sources.append(Credential(Path(folder) / "rotom-key"))
    if key_file is not None:
        sources.append(KeyFile(key_file, own=False))
    if keyring:
        from rotom.state.keyring import Keyring

        sources.append(Keyring(os.path.realpath(home)))
    return KeySource(sources, KeyFile(home / "key", own=True), Passphrase(ask))


def derive(passphrase: str, parameters: Mapping[str, Any]) -> bytes:
    """32 bytes from a passphrase, by the parameters that the vault names."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        kdf, n, r, p = (parameters[name] for name in ("kdf", "n", "r", "p"))
        salt = base64.b64decode(parameters["salt"], validate=True)
        if kdf != "scrypt" or not (2**14 <= n <= 2**20 and 1 <= r <= 32 and 1 <= p <= 4):
            raise ValueError(kdf)
        return Scrypt(salt=salt, length=SIZE, n=n, r=r, p=p).derive(passphrase.encode())
    except (KeyError, TypeError, ValueError) as exc:
        raise Problem(Kind.INVALID, "the vault names parameters for its passphrase that make no sense") from exc


def parse(data: bytes, where: str) -> bytes:
    """A key as it may be written: 32 raw bytes, or those in base64 or hexadecimal."""
    if len(data) == SIZE:
        return data
    text = data.strip()
    decoders: tuple[Callable[[bytes], bytes], ...] = (base64.standard_b64decode, binascii.unhexlify)
    for decode in decoders:
        with contextlib.suppress(ValueError):
            secret = decode(text)
            if len(secret) == SIZE:
                return secret
    raise Problem(Kind.INVALID, f"{where} does not hold a key: 32 bytes are expected, raw or in base64 or hexadecimal")


def written(secret: bytes) -> bytes:
    """A key as we write it."""
    return base64.b64encode(secret) + b"\n"
