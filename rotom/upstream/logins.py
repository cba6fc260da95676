"""What is known of the logins: a copy of the vault in memory, and what was learned from failures.

Theory of operation: the vault is the truth. Its stamp (one stat) is compared for each question, and the file is read
again, in a thread, when it has changed: so a login, a logout or another process's renewal is picked up without a restart.
What was learned about a login (it is over, it failed lately) is kept as long as its refresh token is the same. Logins are
known by their names (accounts.py), and which one of a provider is in use is read with them.

What is not here: renewing (keeper.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import trio

from rotom.accounts import account_of, options, provider_of
from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.state.vault import Vault

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
"""Seconds before a failed renewal is tried again: doubled with each failure."""

Say = Callable[[str, str], None]
"""Is told what happened: (level, sentence). The sentences hold no secrets."""


@dataclass(frozen=True, slots=True)
class Login:
    """What is known of one login.

    Fields:
      token: the newest one; None when the saved login cannot be opened.
      problem: why it cannot be opened, renewed or saved.
      over: whether the problem is final: only a new login helps.
      retry_at: unix seconds before which nothing is tried again; failures: how often it failed in a row.
      spent: the token that `token` renewed, while `token` could not be written down yet.
    """

    token: Token | None
    problem: Problem | None = None
    over: bool = False
    retry_at: float = 0.0
    failures: int = 0
    spent: Token | None = None


class Logins:
    """The logins of some providers in a vault.

    Attributes:
      known: by name. in_use: provider -> name of the one that is in use; moved: the providers of which that is meant for
        running conversations too.
      trouble: why the file cannot be read. changed: set when anything of this changes.
    """

    def __init__(self, vault: Vault, providers: Collection[str], say: Say, now: Callable[[], float]) -> None:
        self.known: dict[str, Login] = {}
        self.in_use: dict[str, str] = {}
        self.moved: frozenset[str] = frozenset()
        self.trouble: Problem | None = None
        self.changed = trio.Event()
        self._vault = vault
        self._providers = providers
        self._say = say
        self._now = now
        self._stamp: object = _NEVER
        self._reading = trio.Lock()

    async def look(self) -> None:
        """Bring the copy up to date if the file has changed."""
        if self._vault.stamp() == self._stamp:
            return
        async with self._reading:
            stamp = self._vault.stamp()
            if stamp == self._stamp:
                return
            try:
                found, in_use, moved = await trio.to_thread.run_sync(self._read)
            except Problem as problem:
                if self.trouble is None or self.trouble.message != problem.message:
                    self._say("error", problem.message)
                self.trouble, self._stamp = problem, stamp
                return
            self.trouble, self._stamp = None, stamp
            self.known = {name: self._merged(name, value) for name, value in found.items()}
            self._use(in_use, moved)
            self.wake()

    async def tell_unfinished(self) -> None:
        """Say which logins may be lost, because a renewal of theirs was cut off in the one moment where that hurts."""
        for name, login in self.known.items():
            begun = await trio.to_thread.run_sync(self._vault.unfinished, name) if login.token is not None else None
            if begun is not None:
                self._say(
                    "warning",
                    f"a renewal of the {name} login was cut off at {clock(begun)}, so its next one may be refused; "
                    f"then a new login is needed: rotom login {options(name)}",
                )

    def forget(self) -> None:
        """Read the vault again at the next look, and forget what was learned from failures."""
        self._stamp = _NEVER
        self.known = {name: Login(login.token, spent=login.spent) for name, login in self.known.items()}
        self.wake()

    def wake(self) -> None:
        """Something is new: let who waits for `changed` look."""
        self.changed.set()

    def learn(self, name: str, login: Login) -> None:
        """This is known of a login now."""
        self.known[name] = login
        self.wake()

    def failed(self, name: str, token: Token, problem: Problem) -> None:
        """A renewal of `token` failed."""
        login = self.known.get(name)
        if login is None or login.token is None or login.token.refresh != token.refresh:
            return
        over = problem.kind is Kind.UNAUTHENTICATED and problem.retry is False
        pause = min(FIRST_PAUSE * 2.0**login.failures, LONGEST_PAUSE)
        if problem.retry_after is not None:
            pause = max(pause, min(problem.retry_after, 3600.0))
        again = replace(
            login, problem=problem, over=over, retry_at=self._now() + pause, failures=min(login.failures + 1, 10)
        )
        self.learn(name, again)
        self._say("error" if over else "warning", f"{name}: {problem.message}" + (f" ({problem.hint})" if over else ""))

    def _use(self, in_use: dict[str, str], moved: frozenset[str]) -> None:
        """Which logins are in use; said when a person changed it."""
        for provider, name in in_use.items():
            if self.in_use.get(provider, name) != name or (provider in moved and provider not in self.moved):
                which = "too" if provider in moved else "go on with theirs"
                self._say(
                    "info", f"{provider}: account {account_of(name)} is in use now; running conversations {which}"
                )
        self.in_use, self.moved = in_use, moved

    def _read(self) -> tuple[dict[str, Token | Problem], dict[str, str], frozenset[str]]:
        found: dict[str, Token | Problem] = {}
        for name in self._vault.logins():
            if provider_of(name) not in self._providers:
                continue
            try:
                token = self._vault.load(name)
            except Problem as problem:
                found[name] = problem
            else:
                if token is not None:
                    found[name] = token
        in_use = {provider: name for provider, name in self._vault.in_use().items() if name in found}
        return found, in_use, self._vault.moved()

    def _merged(self, name: str, found: Token | Problem) -> Login:
        old = self.known.get(name)
        if isinstance(found, Problem):
            self._say("error", found.message)
            return replace(old, problem=found) if old else Login(None, found)
        if old is not None and old.spent is not None and old.spent.refresh == found.refresh:
            return old  # the file still has the token that ours replaces
        if old is not None and old.token is not None and old.token.refresh == found.refresh:
            return replace(old, token=found)  # the file changed, this login did not: what was learned still holds
        return Login(found)


_NEVER = object()


def clock(moment: float) -> str:
    """A moment in local time, for sentences."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def fresh(problem: Problem, retry_after: float | None = None) -> Problem:
    """The same problem as a new exception: one instance must not be raised by several tasks."""
    return Problem(
        problem.kind,
        problem.message,
        code=problem.code,
        param=problem.param,
        retry_after=problem.retry_after if retry_after is None else max(retry_after, 1.0),
        retry=problem.retry,
        limit=problem.limit,
        hint=problem.hint,
    )
