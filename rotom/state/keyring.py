"""The keyring of the operating system as a key source, through its own program: secret-tool, or security on macOS.

Only the 32-byte key of the vault goes in, never a token. It is never an argument of a program, since those can be seen
in process lists: secret-tool reads it from its standard input, and security is run as an interpreter (``security -i``).

What is not here: when the keyring is asked at all (keys.py).
"""

from __future__ import annotations

import secrets
import subprocess
import sys

from rotom.problem import Kind, Problem
from rotom.state.keys import SIZE, Key, parse, written

TIMEOUT = 3.0  # a keyring that waits for a dialogue nobody sees must not hang us


class Keyring:
    """A keyring entry for one vault. `account` tells the keys of several vaults apart."""

    name = "keyring"

    def __init__(self, account: str, platform: str = sys.platform) -> None:
        self.account = account
        self.where = "the login keychain" if platform == "darwin" else "the secret service"
        self._mac = platform == "darwin"
        self._known: dict[str, bytes] = {}
        if platform == "win32":
            raise Problem(Kind.INVALID, "key_source=keyring works on Linux and macOS only")

    def read(self) -> Key | None:
        return self._read(self.account)

    def staged(self) -> Key | None:
        return self._read(self.account + "#next")

    def _read(self, account: str) -> Key | None:
        if account not in self._known:
            found = self._lookup(account)
            if found is None:
                return None
            self._known[account] = parse(found, self.where)
        return Key(self._known[account], self.name, self.where)

    def make(self, first_use: bool) -> Key | None:
        self._store(self.account, secrets.token_bytes(SIZE))
        return self.read()

    def stage(self, secret: bytes) -> Key:
        self._store(self.account + "#next", secret)
        return Key(secret, self.name, self.where)

    def promote(self) -> None:
        staged = self.staged()
        if staged is not None:
            self._store(self.account, staged.secret)
            self.discard()

    def discard(self) -> None:
        self._known.clear()
        if self._lookup(self.account + "#next") is None:
            return
        if self._mac:
            self._run(["security", "delete-generic-password", "-s", "rotom", "-a", self.account + "#next"])
        else:
            self._run(["secret-tool", "clear", "service", "rotom", "account", self.account + "#next"])

    def _lookup(self, account: str) -> bytes | None:
        if self._mac:
            status, out = self._run(["security", "find-generic-password", "-s", "rotom", "-a", account, "-w"])
            absent = 44  # errSecItemNotFound, as `security` reports it
        else:
            status, out = self._run(["secret-tool", "lookup", "service", "rotom", "account", account])
            absent = 1
        if status == 0 and out.strip():
            return out
        if status in (0, absent):
            return None
        raise Problem(Kind.UNAVAILABLE, f"{self.where} refused to give the key (status {status}); is it unlocked?")

    def _store(self, account: str, secret: bytes) -> None:
        text = written(secret).strip()
        if self._mac:
            quoted = account.replace("\\", "\\\\").replace('"', '\\"')
            line = f'add-generic-password -U -s rotom -a "{quoted}" -w {text.decode()}\n'
            self._run(["security", "-i"], line.encode())
        else:
            self._run(["secret-tool", "store", "--label=rotom key", "service", "rotom", "account", account], text)
        self._known.pop(account, None)
        stored = self._lookup(account)  # `security -i` ends with 0 whatever happened
        if stored is None or parse(stored, self.where) != secret:
            raise Problem(Kind.UNAVAILABLE, f"{self.where} did not keep the key; is it unlocked?")

    def _run(self, command: list[str], given: bytes = b"") -> tuple[int, bytes]:
        try:
            done = subprocess.run(
                command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT
            )
        except FileNotFoundError as exc:
            raise Problem(
                Kind.UNAVAILABLE,
                f"key_source is keyring, but the program {command[0]} is not installed",
                hint="install it, or run: rotom config set key_source auto",
            ) from exc
        except subprocess.TimeoutExpired as exc:
            raise Problem(
                Kind.UNAVAILABLE, f"{self.where} did not answer within {TIMEOUT:.0f} seconds; is it unlocked?"
            ) from exc
        return done.returncode, done.stdout
