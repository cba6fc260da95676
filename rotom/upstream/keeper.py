"""The keeper: fresh tokens. One renewal at a time for each login, in this process and across processes.

Theory of operation: tokens are renewed five minutes before they end, in the keeper's own nursery; who asks for a token
only waits for the renewal, so that a hang-up never cuts one off. A token that is still good is served meanwhile, also
when its renewal fails.

A renewal holds the login's renewal lock. Under it the vault is read again, and what another process has renewed is
taken over. Then the intent is written down, the provider is asked, and the new token is stored durably before anybody
gets it; from the intent on nothing is cancelled, only bounded. A process killed between the provider's answer and the
store loses the new token and cannot help it: the note that is left behind lets the next start say so.

A verdict of the provider on a refresh token (spent, expired, ended) is remembered until the vault holds another one.
Everything else is tried again, with growing pauses.

What is not here: what a renewal looks like on the wire (providers/), the copy of the vault (logins.py), and when a
refused request is worth a renewal (the gateway).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import trio

from rotom.accounts import DEFAULT, account_of, directed, options, provider_of
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Provider, Token
from rotom.state.files import FileLock
from rotom.state.vault import Vault
from rotom.upstream.flows import play
from rotom.upstream.logins import FIRST_PAUSE, Login, Logins, Say, clock, fresh

EXPIRY = "proactive_expiry"
REFUSED = "unauthorized_recovery"
ASKED = "asked"
"""Reasons for a renewal: the token ends soon, the provider refused it, a person wants it."""

EARLY = 300.0  # seconds before its end that a token is renewed: what Codex CLI 0.169 does (seen 2026-11)
LAST = 5.0  # a token with less than this left is not handed out
RENEWAL_SECONDS = 30.0  # how long a provider may take; a stop waits for it
LOCK_SECONDS = 60.0
SHORTEST_PAUSE = 0.01  # the rest of a float difference must not become a busy loop
YOUNG_SECONDS = 60.0
"""A token that was renewed less than this ago is taken for good, whatever it says of its end. Where this machine's clock
is ahead, or a provider's tokens are short-lived, each new token looks as if it had to be renewed at once."""
LOOK_SECONDS = 30.0  # how often vault and clock are looked at; a machine that was suspended jumps in time

UNTOUCHED = frozenset({"cloudflare", "connect_timeout", "connect_error", "proxy_error"})
"""Codes of failures after which the refresh token surely was not spent."""


@dataclass(slots=True)
class _Renewal:
    """A renewal under way: who waits for it, and how it ended."""

    done: trio.Event = field(default_factory=trio.Event)
    token: Token | None = None
    error: Exception | None = None


class Keeper:
    """Hands out fresh tokens. Logins go by their names (accounts.py).

    Arguments:
      vault: where logins are kept.
      client: what renewals go over.
      providers: name -> provider; logins of others are left alone.
      say: is told what happened.
      now: the time, in unix seconds.
    """

    def __init__(
        self,
        vault: Vault,
        client: httpx.AsyncClient,
        providers: Mapping[str, Provider],
        *,
        say: Say = lambda level, sentence: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.vault = vault
        self.client = client
        self.providers = providers
        self._say = say
        self._now = now
        self._logins = Logins(vault, providers.keys(), say, now)
        self._renewals: dict[str, _Renewal] = {}
        self._made: dict[str, str] = {}  # the access token that the last renewal of each login brought
        self._nursery: trio.Nursery | None = None

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the tokens fresh until cancelled. Started once, before anything else is asked of the keeper."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                await self._logins.look()
                await self._logins.tell_unfinished()
                task_status.started()
                while True:
                    self._logins.changed = trio.Event()
                    await self._logins.look()
                    with trio.move_on_after(self._renew_due()):
                        await self._logins.changed.wait()
            finally:
                self._nursery = None

    async def token(self, name: str) -> Token:
        """A token that the provider should take.

        Raises:
          Problem: UNAUTHENTICATED when there is no login or it is over; another kind when a renewal may work later.
        """
        login = await self._login(name)
        token = _of(login)
        if self._good(token):
            if token.expires_at is not None and token.expires_at - self._now() < EARLY:
                self._logins.wake()
            return token
        return await self.renew(name, EXPIRY, token)

    async def renew(self, name: str, reason: str, seen: Token | None = None) -> Token:
        """A token newer than `seen` (None: than the present one): another process's if there is one, else a renewed one.

        Raises:
          Problem: UNAUTHENTICATED with retry=False when the login is over; another kind when it may work later.
        """
        login = await self._login(name)
        token = _of(login)
        if seen is not None and seen.access != token.access and self._good(token):
            return token
        renewal = self._renewals.get(name)
        if renewal is None:
            self._refuse_early(name, reason, login, token)
            renewal = self._start(name, reason, token)
        await renewal.done.wait()
        if renewal.token is not None:
            return renewal.token
        error = renewal.error
        assert error is not None
        raise fresh(error) if isinstance(error, Problem) else error

    def reload(self) -> None:
        """Read the vault again, and forget what was learned from failures."""
        self._logins.forget()

    async def logins(self) -> dict[str, Login]:
        """What is known of every login that one of our providers has.

        Raises:
          Problem: when the vault as a whole cannot be read and nothing is known from before.
        """
        await self._logins.look()
        if self._logins.trouble is not None and not self._logins.known:
            raise fresh(self._logins.trouble)
        return dict(self._logins.known)

    @property
    def known(self) -> tuple[str, ...]:
        """The names of all logins, as of the last look at them."""
        return tuple(self._logins.known)

    @property
    def in_use(self) -> Mapping[str, str]:
        """Provider -> the login of it that is in use, as of the last look at the logins."""
        return self._logins.in_use

    @property
    def moved(self) -> frozenset[str]:
        """The providers of which that is meant for running conversations too."""
        return self._logins.moved

    def provider(self, name: str) -> Provider:
        """Whose login it is.

        Raises:
          Problem: NOT_FOUND when it is nobody's here.
        """
        if (provider := self.providers.get(provider_of(name))) is None:
            raise Problem(Kind.NOT_FOUND, f"there is no provider {provider_of(name)!r}")
        return provider

    async def _login(self, name: str) -> Login:
        provider = self.provider(name)
        await self._logins.look()
        login = self._logins.known.get(name)
        if login is not None:
            return login
        if self._logins.trouble is not None:
            raise fresh(self._logins.trouble)
        account = account_of(name)
        which = provider.title if account == DEFAULT else f"{provider.title} as account {account}"
        raise _not_logged_in(name, f"not logged in to {which}")

    def _good(self, token: Token) -> bool:
        return token.expires_at is None or token.expires_at > self._now() + LAST or self._age(token) < YOUNG_SECONDS

    def _age(self, token: Token) -> float:
        """Seconds since it was received; infinite when that is not known, or when the clock was set back since."""
        age = self._now() - token.obtained_at
        return age if age >= 0 else math.inf

    def _refuse_early(self, name: str, reason: str, login: Login, token: Token) -> None:
        """Raise what a renewal would end with anyway, without asking the provider."""
        now = self._now()
        if login.problem is not None and login.over:
            raise fresh(login.problem)
        if not self.provider(name).may_renew(token, now):
            message = f"the {name} login cannot be renewed; run `rotom login {options(name)}`"
            raise Problem(Kind.UNAUTHENTICATED, message, code="cannot_renew", retry=False)
        self._not_before(name, reason, token)
        if login.problem is not None and reason != ASKED and now < login.retry_at:
            raise fresh(login.problem, retry_after=login.retry_at - now)
        if reason == REFUSED and self._made.get(name) == token.access and self._age(token) < YOUNG_SECONDS:
            message = (
                "the provider refuses even the token that it gave a moment ago; if that goes on, run "
                f"`rotom login {options(name)}`"
            )
            raise Problem(Kind.UNAUTHENTICATED, message, code="login_over", retry=False)

    def _not_before(self, name: str, reason: str, token: Token) -> None:
        """Raise when a renewal now would spend the refresh token for nothing."""
        now, earliest = self._now(), self.provider(name).renewable_at(token)
        if now >= earliest:
            return
        if reason == ASKED:
            message = f"the {name} login cannot be renewed before {clock(earliest)}, and need not be"
            raise Problem(Kind.CONFLICT, message, code="too_early", retry=False, retry_after=earliest - now)
        message = (
            f"the provider refuses the {name} login, and it cannot be renewed before {clock(earliest)}: wait, or run "
            f"`rotom login {options(name)}`"
        )
        raise Problem(Kind.UNAUTHENTICATED, message, code="too_early", retry_after=earliest - now)

    # Renewals

    def _renew_due(self) -> float:
        """Start what is due; seconds until the next look."""
        now, pause = self._now(), LOOK_SECONDS
        for name, login in self._logins.known.items():
            token = login.token
            if token is None or login.over:
                continue
            if login.spent is not None:
                due = login.retry_at  # a renewal begins with saving what could not be saved
            elif token.expires_at is not None and self.provider(name).may_renew(token, now):
                earliest = self.provider(name).renewable_at(token)
                due = max(token.expires_at - EARLY, login.retry_at, now + YOUNG_SECONDS - self._age(token), earliest)
            else:
                continue
            if now >= due:
                self._start(name, EXPIRY, token)
            else:
                pause = min(pause, max(due - now, SHORTEST_PAUSE))
        return pause

    def _start(self, name: str, reason: str, token: Token) -> _Renewal:
        renewal = self._renewals.get(name)
        if renewal is None:
            if self._nursery is None:
                raise Problem(Kind.UNAVAILABLE, "tokens are not renewed now: rotom is stopping", retry=True)
            renewal = self._renewals[name] = _Renewal()
            self._nursery.start_soon(self._renewal, name, reason, token, renewal)
        return renewal

    async def _renewal(self, name: str, reason: str, token: Token, renewal: _Renewal) -> None:
        try:
            renewal.token = await self._renewed(name, reason, token)
        except Problem as problem:
            problem.message = directed(problem.message, name)
            problem.hint = problem.hint and directed(problem.hint, name)
            renewal.error = problem
            self._logins.failed(name, token, problem)
        except Exception as exc:  # a bug, which the request that waits will report; the keeper goes on
            renewal.error = exc
            sentence = f"renewing the {name} login failed by a bug: {type(exc).__name__}"
            self._logins.failed(name, token, Problem(Kind.INTERNAL, sentence))
        except trio.Cancelled:
            renewal.error = Problem(Kind.UNAVAILABLE, "rotom is stopping", retry=True)
            raise
        finally:
            del self._renewals[name]
            renewal.done.set()

    async def _renewed(self, name: str, reason: str, token: Token) -> Token:
        lock = self.vault.renewal_lock(name)
        await _acquire(lock, name)
        try:
            login = self._logins.known.get(name)
            if login is not None and login.token is token and login.spent is not None:
                saved = await self._saved(name, login.spent, token)
                if self._good(saved):
                    return saved
            current = await trio.to_thread.run_sync(self.vault.load, name)
            if current is None:
                raise _not_logged_in(name, f"the {name} login was removed")
            if current.access != token.access and self._good(current):
                self._logins.learn(name, Login(current))
                return current
            self._not_before(name, reason, current)  # another process may have renewed it
            with trio.CancelScope(shield=True):
                new = await self._asked(name, reason, current)
                kept = await self._kept(name, current, new)
        finally:
            lock.release()
        return kept

    async def _asked(self, name: str, reason: str, current: Token) -> Token:
        """Ask the provider, with the intent noted in the vault."""
        begun = await trio.to_thread.run_sync(self.vault.unfinished, name)
        await trio.to_thread.run_sync(self.vault.begin_renewal, name, current, self._now())
        flow = self.provider(name).renew(current, REFUSED if reason == REFUSED else EXPIRY)
        try:
            return await _bounded(self.client, flow)
        except Problem as problem:
            if begun is None and (problem.code in UNTOUCHED or problem.kind is Kind.RATE_LIMITED):
                await trio.to_thread.run_sync(self.vault.end_renewal, name)
            if begun is not None and problem.code == "refresh_token_reused":
                raise Problem(
                    Kind.UNAUTHENTICATED,
                    f"the {name} login is over: a renewal at {clock(begun)} was cut off before its new token was "
                    "stored. A new login is needed",
                    code=problem.code,
                    retry=False,
                    hint=f"run: rotom login {options(name)}",
                ) from problem
            raise

    async def _kept(self, name: str, current: Token, new: Token) -> Token:
        """Store a renewed token. When the disk refuses, it lives on in memory and is tried again: the old one is spent."""
        try:
            new = await self._saved(name, current, new)
        except Problem as problem:
            if problem.code == "not_logged_in":
                raise
            self._say("error", f"the renewed {name} token cannot be saved: {problem.message}")
            self._logins.learn(name, Login(new, problem, retry_at=self._now() + FIRST_PAUSE, spent=current))
        else:
            self._say("info", f"the {name} token was renewed")
        self._made[name] = new.access
        if new.expires_at is not None and new.expires_at - self._now() < EARLY:
            left = new.expires_at - self._now()
            self._say("warning", f"the new {name} token has {left:.0f} seconds left by this clock: is the clock right?")
        return new

    async def _saved(self, name: str, current: Token, new: Token) -> Token:
        stored = await trio.to_thread.run_sync(self.vault.replace, name, current, new)
        if stored is None:
            raise _not_logged_in(name, f"the {name} login was removed")
        self._logins.learn(name, Login(stored))
        return stored


async def _bounded(client: httpx.AsyncClient, flow: Flow) -> Token:
    with trio.move_on_after(RENEWAL_SECONDS) as scope:
        token: Any = await play(client, flow)
    if scope.cancelled_caught:
        raise Problem(Kind.TIMEOUT, "the provider did not answer to the renewal in time", code="timeout", retry=True)
    assert isinstance(token, Token)
    return token


async def _acquire(lock: FileLock, name: str) -> None:
    """Take a lock without blocking the loop: waiting for an flock cannot be cancelled, asking again can."""
    pause = 0.005
    deadline = trio.current_time() + LOCK_SECONDS
    while not lock.try_acquire():
        if trio.current_time() >= deadline:
            message = f"another rotom process has been renewing the {name} login for {LOCK_SECONDS:.0f} seconds"
            raise Problem(Kind.CONFLICT, message, retry=True)
        await trio.sleep(pause)
        pause = min(pause * 2, 0.1)


def _of(login: Login) -> Token:
    if login.token is None:
        assert login.problem is not None
        raise fresh(login.problem)
    return login.token


def _not_logged_in(name: str, what: str) -> Problem:
    return Problem(
        Kind.UNAUTHENTICATED,
        f"{what}; run `rotom login {options(name)}`",
        code="not_logged_in",
        retry=False,
    )
