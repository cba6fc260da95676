"""A conversation stays with the account that it began with, whatever way its turns are tied together; nothing but a person
changes the account."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.gateway.bonds import Bonds, Seat, owner, seat
from rotom.problem import Problem
from rotom.providers import Token
from rotom.simulator.oauth_claims import Account
from rotom.upstream.logins import Login

WORK = Account(
    account_id="99999999-2222-4333-8444-555555555555", user_id="user-work", email="me@work.example", plan="team"
)
HOME = Account()

LOGINS = {
    "openai": Login(Token("a", account_id="one", extra={"user_id": "me"})),
    "openai@work": Login(Token("b", account_id="two")),
    "openai@key": Login(Token("c")),
    "grok": Login(Token("d", account_id="two")),
}


def reasoning(content: str) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [], "encrypted_content": content}


def test_an_owner_is_an_account_and_a_person() -> None:
    assert owner("openai", LOGINS["openai"].token) == "one/me"
    assert owner("openai@work", LOGINS["openai@work"].token) == "two"
    assert owner("openai@key", LOGINS["openai@key"].token) == owner("openai@key", None) == "openai@key"


@pytest.mark.parametrize(
    ("in_use", "began", "moved", "expected"),
    [
        ("openai", None, False, Seat("openai", "one/me")),
        ("openai@work", None, False, Seat("openai@work", "two")),
        ("openai@work", "one/me", False, Seat("openai", "one/me")),
        ("openai@work", "one/me", True, Seat("openai@work", "two", lost=True)),
        ("openai@work", "two", True, Seat("openai@work", "two")),
        ("openai", "somebody", False, Seat("openai", "one/me", lost=True)),
        ("openai", "openai@key", False, Seat("openai@key", "openai@key")),
    ],
)
def test_which_login_a_conversation_goes_with(in_use: str, began: str | None, moved: bool, expected: Seat) -> None:
    assert seat("openai", LOGINS, in_use, began, moved) == expected


SAID = {"type": "message", "role": "assistant", "content": []}
ASKED = {"type": "message", "role": "user", "content": []}
ONE, TWO = Seat("openai", "one"), Seat("openai@work", "two")


def test_conversations_are_bounded_and_the_least_used_go_first() -> None:
    bonds = Bonds(2)
    for name in ("a", "b", "a", "c"):
        assert bonds.tie("openai", name, ONE, []) is None
    assert len(bonds) == 2
    assert [bonds.began("openai", name, [SAID]) for name in ("a", "b", "c", None)] == ["one", None, "one", None]
    assert bonds.began("grok", "a", [SAID]) is None


def test_a_turn_without_a_past_begins_a_conversation() -> None:
    bonds = Bonds()
    bonds.tie("openai", "a key for everything", ONE, [])
    assert bonds.began("openai", "a key for everything", [ASKED, "nonsense"]) is None
    assert bonds.began("openai", "a key for everything", [ASKED, SAID, ASKED]) == "one"
    assert bonds.began("openai", "a key for everything", [{"type": "function_call_output"}]) == "one"


def test_the_latest_reasoning_says_whose_a_conversation_is() -> None:
    bonds = Bonds()
    old, new, unknown = reasoning("old"), reasoning("new"), reasoning("unknown")
    bonds.learn("openai", "one", [old])
    assert bonds.began("openai", None, [old, SAID, unknown]) == "one"
    bonds.learn("openai", "two", [new])
    bonds.tie("openai", "a", ONE, [])
    assert bonds.began("openai", "a", [old, SAID, new]) == "two"
    assert bonds.began("grok", None, [old, new]) is None
    readable = bonds.tie("openai", "a", TWO, [old, new, unknown])
    assert readable is not None
    assert [item for item in (ASKED, old, new, unknown, "nonsense") if readable(item)] == [
        ASKED,
        new,
        unknown,
        "nonsense",
    ]


def test_with_one_account_nothing_is_looked_through() -> None:
    bonds = Bonds()
    bonds.learn("openai", "one", [reasoning("x")])
    bonds.learn("grok", "other", [reasoning("x")])
    assert bonds.tie("openai", "a", ONE, [reasoning("x")]) is None


def test_what_is_not_known_of_a_lost_conversation_is_left_out() -> None:
    bonds = Bonds()
    old, new = reasoning("old"), reasoning("new")
    readable = bonds.tie("openai", "a", Seat("openai@work", "two", lost=True), [old, ASKED])
    assert readable is not None
    assert not readable(old)
    bonds.learn("openai", "two", [new])
    readable = bonds.tie("openai", "a", TWO, [old, new])
    assert readable is not None
    assert [item for item in (old, new) if readable(item)] == [new]


def test_what_a_provider_could_not_read_is_not_sent_again() -> None:
    bonds = Bonds()
    mine, strange = reasoning("mine"), reasoning("strange")
    bonds.learn("openai", "one", [mine])
    bonds.spoil("openai", "one", [mine, strange, ASKED])
    readable = bonds.tie("openai", None, ONE, [])
    assert readable is not None
    assert [readable(mine), readable(strange)] == [True, False]
    bonds.spoil("openai", "one", [mine])
    assert not readable(mine), "all of it came for it, so the key is gone"


def test_no_more_reasoning_is_remembered_than_is_good() -> None:
    bonds = Bonds(made=2)
    items = [reasoning(str(number)) for number in range(4)]
    bonds.learn("openai", "one", items[:2])
    bonds.learn("openai", "two", items[1:])
    assert [bonds.began("openai", None, [item]) for item in items] == [None, None, "two", "two"]
    assert bonds.tie("openai", None, TWO, items) is None, "nothing of the other is left"


# Through the whole of rotom.


@pytest.fixture
async def two(house: Any) -> Any:
    """A house with two accounts, of which the first is in use."""
    await house.log_in("openai@work", WORK)
    return house


def asked(house: Any) -> list[str]:
    """The accounts that questions came with."""
    names = {HOME.account_id: "home", WORK.account_id: "work"}
    return [names[one.headers["chatgpt-account-id"]] for one in house.simulator.questions()]


def thoughts(house: Any) -> int:
    """How much reasoning the last question had."""
    return sum(item.get("type") == "reasoning" for item in house.simulator.questions()[-1].body["input"])


SESSION = {"x-claude-code-session-id": "11111111-1111-4111-8111-111111111111"}
OTHER = {"x-claude-code-session-id": "22222222-2222-4222-8222-222222222222"}


async def messages(house: Any, headers: dict[str, str], history: list[Any]) -> list[Any]:
    """One more turn of a Messages conversation; the history with it."""
    history = [*history, {"role": "user", "content": "think"}]
    body = {
        "model": "gpt-5.5",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": history,
    }
    answer = await house.client.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return [*history, {"role": "assistant", "content": answer.json()["content"]}]


async def test_a_session_stays_with_its_account(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    history = await messages(two, SESSION, [])
    two.vault.use("openai@work")
    history = await messages(two, SESSION, history)
    assert thoughts(two) == 1
    await messages(two, OTHER, [])
    assert asked(two) == ["home", "home", "work"]
    two.vault.use("openai")
    await messages(two, SESSION, history)
    assert asked(two)[3:] == ["home"]


async def test_programs_that_name_no_conversation_stay_too(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    history = await messages(two, {}, [])
    two.vault.use("openai@work")
    history = await messages(two, {}, history)
    assert (asked(two), thoughts(two)) == (["home", "home"], 1)
    await messages(two, {}, [])
    assert asked(two)[2:] == ["work"]


async def test_what_is_said_of_a_conversation_without_its_account(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    history = await messages(two, SESSION, [])
    two.vault.remove("openai")
    history = await messages(two, SESSION, history)
    assert asked(two) == ["home", "work"]
    assert thoughts(two) == 0
    history = await messages(two, SESSION, history)
    assert asked(two) == ["home", "work", "work"], "what cannot be read is not sent, so nothing is asked twice"
    assert thoughts(two) == 1


async def test_a_person_may_move_running_conversations(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    history = await messages(two, SESSION, [])
    two.vault.use("openai@work", move=True)
    history = await messages(two, SESSION, history)
    assert (asked(two), thoughts(two)) == (["home", "work"], 0)
    two.vault.use("openai")
    await messages(two, SESSION, history)
    assert (asked(two)[2:], thoughts(two)) == (["work"], 1)


async def test_another_person_by_the_same_name_is_another_account(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    history = await messages(two, SESSION, [])
    await two.log_in("openai", WORK)
    await messages(two, SESSION, history)
    assert (asked(two), thoughts(two)) == (["home", "work"], 0)


async def test_an_answer_is_gone_on_from_with_its_account(two: Any) -> None:
    two.simulator.script(*["reasoning"] * 4)
    first = (await two.ask("think", path="/v1/responses")).json()
    two.vault.use("openai@work")
    second = (await two.ask("go on", path="/v1/responses", previous_response_id=first["id"])).json()
    assert (asked(two), thoughts(two)) == (["home", "home"], 1)
    await two.ask("new", path="/v1/responses")
    assert asked(two)[2:] == ["work"]
    two.vault.remove("openai")
    third = await two.ask("go on", path="/v1/responses", previous_response_id=second["id"])
    assert third.json()["status"] == "completed"
    assert (asked(two)[3:], thoughts(two)) == (["work"], 0)


async def test_the_log_says_which_account_it_was_and_when_it_changed(build: Any) -> None:
    async with build() as house:
        house.simulator.script(*["text"] * 4)
        heard: list[tuple[str, str]] = []
        house.gateway.say = lambda level, sentence: heard.append((level, sentence))
        await house.log_in("openai@work", WORK)
        history = await messages(house, SESSION, [])
        house.vault.remove("openai")
        history = await messages(house, SESSION, history)
        await messages(house, SESSION, history)
        assert [sentence for _, sentence in heard] == [
            "openai: a conversation goes on with account work, without its earlier reasoning; it began with another "
            "account"
        ]
        lines = [line for line in house.log if line.get("path") == "/v1/messages"]
        assert [line.get("account") for line in lines] == [None, "work", "work"]


@pytest.mark.parametrize("scenario", ["usage_limit", "failed_usage_limit", "http_401", "usage_not_included"])
async def test_nothing_that_goes_wrong_makes_another_account_be_asked(two: Any, scenario: str) -> None:
    two.simulator.script(*[scenario] * 6)
    for headers in (SESSION, SESSION, {}):
        answer = await two.client.post(
            "/v1/messages",
            json={"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
            headers=headers,
        )
        assert answer.status_code >= 400
    assert set(asked(two)) == {"home"}
    assert two.gateway.keeper.in_use == {"openai": "openai"}


async def test_a_login_that_is_over_is_told_for_its_account(two: Any) -> None:
    two.vault.use("openai@work")
    two.simulator.issuer_state.end()
    two.simulator.script("http_401")
    answer = await two.ask("x")
    assert answer.status_code == 401
    assert "rotom login --provider openai --account work" in answer.text
    assert (await two.ask("x")).status_code == 401
    assert set(asked(two)) <= {"work"}


async def test_limits_and_lists_are_an_accounts_own(two: Any) -> None:
    await two.ask("x")
    assert set(two.gateway.limits) == {"openai"}
    two.vault.use("openai@work")
    await two.ask("x")
    assert set(two.gateway.limits) == {"openai", "openai@work"}
    assert set(two.gateway.places) == {"openai", "openai@work"}
    two.gateway.reload(two.config)
    assert {places.most for places in two.gateway.places.values()} == {two.config.provider_concurrency}


async def test_images_are_drawn_with_the_account_in_use(two: Any) -> None:
    two.vault.use("openai@work")
    answer = await two.client.post("/v1/images/generations", json={"prompt": "x"})
    assert answer.status_code == 200
    (drawn,) = [one for one in two.simulator.requests if one.path.endswith("/images/generations")]
    assert drawn.headers["chatgpt-account-id"] == WORK.account_id


async def test_only_a_named_account_is_enough(build: Any) -> None:
    async with build(login=False) as house:
        with pytest.raises(Problem, match="no login"):
            await house.gateway.plan(None)
        await house.log_in("openai@work", WORK)
        assert (await house.ask("x")).status_code == 200
        assert asked(house) == ["work"]
        assert (await house.client.get("/v1/models")).json()["data"]
