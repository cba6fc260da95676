"""Which of xAI's two origins is asked for an account.

The same login is good at both, and they bill differently: the API spends credits, the proxy behind xAI's own client the
subscription's weekly pool (reported, 2026). So with the setting ``auto`` an account begins at the API, and moves to the
proxy when the API refuses it for its plan or its credits; when the proxy then refuses such a program altogether, it moves
back and stays. What was learned is kept for the life of the process, by account.
"""

from __future__ import annotations

from rotom.config import Config
from rotom.problem import Problem
from rotom.providers import Token
from rotom.providers.grok_identity import API, PROXY, base_url

SPENT = frozenset({"entitlement", "usage_limit_reached"})
"""Refusals of an account's plan or credits: the other origin may count otherwise."""

SHUT = frozenset({"access_denied", "client_version"})
"""Refusals of the kind of program that asks."""


ADVICE = ". What a Grok subscription covers may be had at xAI's other origin: rotom config set grok_origin auto"


class Origins:
    """The origin in use for each account."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._moved: set[str | None] = set()  # accounts that are at the proxy
        self._back: set[str | None] = set()  # accounts that the proxy does not let in

    def of(self, token: Token) -> str:
        """The origin that is asked for this account now."""
        if self._config.grok_origin != "auto":
            return self._config.grok_origin
        return PROXY if token.account_id in self._moved - self._back else API

    def advised(self, problem: Problem) -> Problem:
        """The same problem; one that the other origin may not have says so, where that is not tried anyway."""
        if problem.code in SPENT and self._config.grok_origin == "api":
            problem.message += ADVICE
        return problem

    def address(self, token: Token) -> str:
        """Its address."""
        return base_url(self._config, self.of(token))

    def detour(self, problem: Problem, token: Token) -> bool:
        """Whether the account has another origin from now on, after this refusal."""
        if self._config.grok_origin != "auto":
            return False
        account = token.account_id
        if self.of(token) == API:
            if problem.code not in SPENT or account in self._back:
                return False
            self._moved.add(account)
            return True
        if problem.code not in SHUT:
            return False
        self._back.add(account)
        return True
