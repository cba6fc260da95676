"""The form of the vault: one JSON document, one sealed entry a login.

    {"version": 1,
     "passphrase": {"kdf": "scrypt", "salt": "...", "n": 131072, "r": 8, "p": 1, "id": "1a2b3c4d"},
     "providers": {"openai": {"sealed": base64(nonce + AES-256-GCM(token as JSON)),
                              "key": "file:1a2b3c4d",          which source's key, and its fingerprint
                              "expires_at": 1795329718.0,      in the clear: it is no secret
                              "renewing": {"token": "9f86d081884c7d65", "at": 1795320000.0}},
                   "openai@work": {...}},
     "in_use": {"openai": "work"},
     "moved": ["openai"]}

The version, the provider and the account are the associated data of the encryption: an entry cannot be passed off as
another's. ``renewing`` is written before a renewal is asked for and goes with the new token: finding it means that a
renewal was cut off, and its refresh token may be spent. ``passphrase`` is there only when one was set. ``in_use`` says
which account of a provider is used, ``moved`` for which providers that is meant for running conversations too. Fields that
we do not know are kept.

What is not here: files, locks and keys.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from rotom.accounts import account_of, options, provider_of
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.seldom import Seldom
from rotom.sse import Json, dumps
from rotom.state.keys import Key

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:  # 9 MiB, which nobody needs before there is a login
    exceptions = Seldom("cryptography.exceptions")
    aead = Seldom("cryptography.hazmat.primitives.ciphers.aead")

VERSION = 1
NONCE = 12


def empty() -> Json:
    """A vault without a login."""
    return {"version": VERSION, "providers": {}}


def read(data: bytes, where: str) -> Json:
    """The document in the bytes of a vault file.

    Raises:
      Problem: CONFLICT when it is of a newer version or of another program (code ``foreign_file``), INVALID when it is
        damaged. In each case the file is to be left alone.
    """
    if not data.strip():
        return empty()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise Problem(
            Kind.INVALID,
            f"{where} is damaged: it is not JSON. Nothing was changed in it.",
            hint=f"move it away, e.g. to {where}.broken, and run: rotom login",
        ) from exc
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int:
        raise Problem(
            Kind.CONFLICT,
            f"{where} was not written by this program but, it seems, by the Rust program of the same name. "
            "Nothing was changed in it.",
            code="foreign_file",
            hint="to keep a copy beside it and take its logins over, run: rotom login --take-over",
        )
    if version > VERSION:
        raise Problem(
            Kind.CONFLICT,
            f"{where} was written by a newer rotom (its version is {version}, this rotom knows {VERSION}). "
            "Nothing was changed in it.",
            hint="update this rotom, or point ROTOM_AUTH_FILE or ROTOM_HOME elsewhere",
        )
    entries = document.get("providers", {})
    good = isinstance(entries, dict) and all(isinstance(entry, dict) for entry in entries.values())
    locked = document.get("passphrase", {"salt": ""})
    if version < 1 or not good or not isinstance(locked, dict) or not isinstance(locked.get("salt"), str):
        raise Problem(
            Kind.INVALID,
            f"{where} is damaged: its entries have the wrong form. Nothing was changed in it.",
            hint=f"move it away, e.g. to {where}.broken, and run: rotom login",
        )
    return {**document, "providers": entries}


def write(document: Json) -> bytes:
    """The bytes of a vault file."""
    return json.dumps(document, indent=1).encode() + b"\n"


def seal(login: str, token: Token, key: Key) -> Json:
    """A fresh entry that holds `token`."""
    nonce = secrets.token_bytes(NONCE)
    content = dumps({field.name: getattr(token, field.name) for field in dataclasses.fields(token)})
    sealed = nonce + aead.AESGCM(key.secret).encrypt(nonce, content, _associated(login))
    return {
        "sealed": base64.b64encode(sealed).decode(),
        "key": f"{key.source}:{key.id}",
        "expires_at": token.expires_at,
    }


def unseal(login: str, entry: Json, key: Key) -> Token:
    """The token in an entry.

    Raises:
      Problem: INVALID when the entry is damaged, or sealed with another key.
    """
    try:
        sealed = base64.b64decode(entry["sealed"], validate=True)
        content = aead.AESGCM(key.secret).decrypt(sealed[:NONCE], sealed[NONCE:], _associated(login))
        return token_of(json.loads(content))
    except (KeyError, TypeError, ValueError, exceptions.InvalidTag) as exc:
        raise Problem(
            Kind.INVALID,
            f"the saved login for {login} cannot be opened with the key from {key.source} ({key.where}): "
            "the entry is damaged or was sealed for something else",
            hint=f"run: rotom login {options(login)}",
        ) from exc


def token_of(value: Json) -> Token:
    """A token from its JSON form; fields of a later rotom are left out."""
    known = {field.name for field in dataclasses.fields(Token)}
    return Token(**{name: part for name, part in value.items() if name in known})


def key_hint(entry: Json) -> tuple[str, str]:
    """(source, fingerprint) of the key that an entry was sealed with; the fingerprint is "" when it is not said."""
    source, _, fingerprint = str(entry.get("key", "")).partition(":")
    return source, fingerprint


def mark(token: Token) -> str:
    """A fingerprint of a refresh token, to recognise it by."""
    return hashlib.sha256(b"rotom refresh token:" + (token.refresh or "").encode()).hexdigest()[:16]


def renewing(entry: Json, token: Token) -> float | None:
    """When a renewal of exactly this token was begun and not finished; None when there was none."""
    begun: Any = entry.get("renewing")
    if isinstance(begun, dict) and begun.get("token") == mark(token) and isinstance(begun.get("at"), int | float):
        return float(begun["at"])
    return None


def chosen(document: Json) -> dict[str, str]:
    """Provider -> the account that a person chose."""
    value = document.get("in_use")
    pairs = value.items() if isinstance(value, dict) else ()
    return {provider: account for provider, account in pairs if isinstance(account, str)}


def moved(document: Json) -> frozenset[str]:
    """The providers of which that is meant for running conversations too."""
    value = document.get("moved")
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else frozenset()


def _associated(login: str) -> bytes:
    return f"rotom:{VERSION}:{provider_of(login)}:{account_of(login)}".encode()
