"""When batches leave a login alone: while a quota window is used beyond the reserve, and after what its provider refused.

Theory of operation: a pause has a login (by its name, accounts.py), an end and a reason. Some were asked for by a refusal
and are remembered until their end; the others are seen afresh each time in the windows that the gateway knows. Only pauses
of the logins in use are in force: when a person puts another account in use, batches go on with it. What is in force is
written down for other processes, and told to the log when it changes.

What is not here: what becomes of the requests meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from rotom.gateway import Gateway, Limits
from rotom.gateway.standing import statuses
from rotom.log import Log
from rotom.state.batches import Pause

AGAIN = 60.0  # how often it is tried whether a login works again
UNKNOWN_RESET = 900.0  # a pause whose end nobody told
ASK_LIMITS = 600.0  # how often a provider is asked for its limits, when nothing else tells of them

EVERYTHING = ""
"""Stands for all logins where none is at fault alone."""


class Pauses:
    """The pauses of one process.

    Arguments:
      write: writes down what is in force.
      now: the time, in unix seconds.
    """

    def __init__(
        self, gateway: Gateway, log: Log, write: Callable[[list[Pause]], Awaitable[None]], now: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._log = log
        self._write = write
        self._now = now
        self._refused: dict[str, Pause] = {}  # those that a provider's refusal asked for
        self._told: dict[str, Pause] = {}  # all of them
        self._asked: dict[str, float] = {}

    def __contains__(self, login: str) -> bool:
        return login in self._refused or login in self._told

    def now(self) -> list[Pause]:
        """What is in force, as far as this process knows."""
        return [pause for pause in self._told.values() if pause.until > self._now()]

    def add(self, login: str, seconds: float, reason: str) -> None:
        """A refusal asked for a pause."""
        self._refused[login] = Pause(login, self._now() + seconds, reason)

    def forget(self) -> None:
        """Nothing is told any more."""
        self._told = {}

    async def look(self) -> list[Pause]:
        """Which logins are to be left alone now, and why."""
        now = self._now()
        served = (await self._gateway.in_use()).values()
        limits = self._gateway.limits
        stale = [name for name in served if _stale(limits.get(name), now) and now >= self._asked.get(name, 0.0)]
        if stale:
            self._asked |= dict.fromkeys(stale, now + ASK_LIMITS)
            await statuses(self._gateway, stale)
        self._refused = {name: pause for name, pause in self._refused.items() if pause.until > now}
        found = {name: pause for name, pause in self._refused.items() if name in (EVERYTHING, *served)}
        for name in served:
            if name not in found and (pause := self._reserve(name, now)) is not None:
                found[name] = pause
        return list(found.values())

    def _reserve(self, name: str, now: float) -> Pause | None:
        """The pause that a provider's windows ask for: until the last of those that are used too far opens again."""
        limits, reserve = self._gateway.limits.get(name), self._gateway.config.batch_reserve
        full = [
            window
            for window in (limits.windows if limits else ())
            # A window that is some model's own does not concern the others.
            if window.limit is None
            and window.used_percent >= reserve
            and (window.resets_at is None or window.resets_at > now)
        ]
        if not full:
            return None
        until = max(now + ASK_LIMITS if window.resets_at is None else window.resets_at for window in full)
        used = max(window.used_percent for window in full)
        return Pause(
            name, until, f"{used:.0f} % of a rate limit is used, and batches leave {100 - reserve} % of it free"
        )

    async def tell(self, pauses: Iterable[Pause]) -> None:
        """Say what changed, to the log and to other processes."""
        before, after = self._told, {pause.provider: pause for pause in pauses}
        if after == before:
            return
        await self._write(list(after.values()))
        self._told = after
        for name, pause in after.items():
            if name not in before or before[name].reason != pause.reason:
                who = f" at {name}" if name else ""
                seconds = max(0, int(pause.until - self._now()))
                self._log.notice(f"batches wait{who}: {pause.reason}", seconds=seconds)
        if not after:
            self._log.notice("batches go on")


def _stale(limits: Limits | None, now: float) -> bool:
    """Whether a provider should be asked for its limits before it is asked anything else."""
    return limits is None or (
        any(window.resets_at is None for window in limits.windows) and now - limits.at > ASK_LIMITS
    )
