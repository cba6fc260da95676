"""Manage the key that encrypts the saved logins.

Usage:
  rotom key show-source [options]
  rotom key rotate [options]
  rotom key set-passphrase [options]
  rotom key remove-passphrase [options]

'show-source' tells where the key comes from; the key itself is never shown.
'rotate' makes a new key and encrypts everything with it anew. It also moves the logins to another source of keys, after
key_file or key_source was changed.
'set-passphrase' replaces the key file by a passphrase. Only a person at a terminal can use such logins, 'rotom serve'
cannot.
'remove-passphrase' goes back to a key file.

Options:
  --auth-file FILE  the credentials file
  -h, --help        show this text

The sources, in order: $CREDENTIALS_DIRECTORY/rotom-key, the file named by key_file or ROTOM_KEY_FILE, the system's
keyring when key_source is keyring, and else the file 'key' beside the credentials, made at first use.
"""

from __future__ import annotations

import os
import sys

from rotom.cli import usage
from rotom.cli.logins import ask_secret, our_vault
from rotom.config import load
from rotom.problem import Kind, Problem
from rotom.state.vault import Vault

SHORTEST = 8


def run(argv: list[str]) -> int:
    """Do what is asked."""
    given = usage.parse(__doc__ or "", argv)
    vault = our_vault(load(given, os.environ).config)
    if given["show-source"]:
        _show(vault)
    elif given["rotate"]:
        key = vault.rotate()
        print(f"The saved logins are encrypted with a new key now ({key.source}: {key.where}).")
    elif given["set-passphrase"]:
        vault.set_passphrase(_new_passphrase())
        print("The saved logins are locked with the passphrase now; 'rotom serve' cannot open them.")
    else:
        if not vault.locked_by_passphrase():
            raise Problem(Kind.CONFLICT, "the saved logins are not locked with a passphrase")
        key = vault.remove_passphrase()
        print(f"The saved logins are encrypted with a key file now ({key.where}).")
    return 0


def _show(vault: Vault) -> None:
    chosen = vault.keys.chosen()
    if chosen is vault.keys.own and vault.locked_by_passphrase():
        print("New logins are encrypted with a key made from the passphrase.")
    else:
        print(f"New logins are encrypted with the key from {chosen.name}: {chosen.where}")
    for login, (source, fingerprint) in vault.key_hints().items():
        print(f"  {login:<10} encrypted with key {fingerprint} from {source}")


def _new_passphrase() -> str:
    if not sys.stdin.isatty():
        raise Problem(Kind.INVALID, "a passphrase is typed at a terminal", code="usage")
    passphrase = ask_secret("new passphrase: ")
    if len(passphrase) < SHORTEST:
        raise Problem(Kind.INVALID, f"a passphrase has at least {SHORTEST} characters")
    if ask_secret("once more: ") != passphrase:
        raise Problem(Kind.INVALID, "the two are not the same; nothing was changed")
    return passphrase
