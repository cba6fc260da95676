"""What a person is told to do names the account that it is about."""

import pytest

from rotom.gateway.advice import advice, direct, final, moved
from rotom.problem import Kind, Problem


def test_what_the_keeper_says_goes_into_the_message() -> None:
    with pytest.raises(Problem) as caught, advice("openai@work"):
        raise Problem(Kind.UNAUTHENTICATED, "it is over", hint="run: rotom login --provider openai")
    assert caught.value.message == "it is over (run: rotom login --provider openai --account work)"
    with pytest.raises(Problem) as again, advice("openai@work"):
        raise caught.value
    assert again.value.message.count("rotom login") == 1


def test_a_providers_own_words_are_left_but_for_the_account() -> None:
    problem = direct(Problem(Kind.FORBIDDEN, "no; rotom login --provider openai", hint="x"), "openai@work")
    assert (problem.message, problem.hint) == ("no; rotom login --provider openai --account work", "x")
    assert direct(Problem(Kind.FORBIDDEN, "no; rotom login --provider openai"), "openai").message.endswith("openai")


def test_a_refusal_that_survives_a_renewal_means_a_new_login() -> None:
    over = final(Problem(Kind.UNAUTHENTICATED, "no", code="token_refused"), "openai@work")
    assert (over.code, over.retry) == ("login_over", False)
    assert "rotom login --provider openai --account work" in over.message
    other = Problem(Kind.RATE_LIMITED, "slow")
    assert final(other, "openai@work") is other


def test_a_conversation_that_was_moved_is_told_once_with_the_account() -> None:
    assert moved("openai", "openai@work").startswith("openai: a conversation goes on with account work, without")
