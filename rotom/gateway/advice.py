"""What a person is told to do, put right for who reads it: a client sees the message alone, and one account of several is
at fault.

Providers and the keeper write for the command line and know of one account: the command to type is a hint, and names the
provider only. Here the account is put in, and the hint goes into the message where a client would miss it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rotom.accounts import account_of, directed, options
from rotom.problem import Kind, Problem


@contextmanager
def advice(login: str) -> Iterator[None]:
    """A client is shown the message alone, so what to do must stand in it too."""
    try:
        yield
    except Problem as problem:
        direct(problem, login)
        if problem.hint and problem.hint not in problem.message:
            problem.message = f"{problem.message} ({problem.hint})"
        raise


def direct(problem: Problem, login: str) -> Problem:
    """The same problem; what is to be done is to be done for this account."""
    problem.message = directed(problem.message, login)
    problem.hint = problem.hint and directed(problem.hint, login)
    return problem


def moved(provider: str, login: str) -> str:
    return (
        f"{provider}: a conversation goes on with account {account_of(login)}, without its earlier reasoning; it began "
        "with another account"
    )


def final(problem: Problem, login: str) -> Problem:
    """What the client is told in the end: a refusal that survived a renewal means that the login is over."""
    if problem.code != "token_refused":
        return direct(problem, login)
    return Problem(
        Kind.UNAUTHENTICATED,
        f"the provider does not accept this login any more: run 'rotom login {options(login)}'",
        code="login_over",
        retry=False,
    )
