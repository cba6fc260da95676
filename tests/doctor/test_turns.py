"""A real question through the whole of rotom."""

from mutants import reply
from surgery import kit

from rotom.doctor import turns
from rotom.doctor.finding import Verdict
from rotom.doctor.tools import tools
from rotom.running import noted


async def test_every_provider_answers_through_a_server_made_for_it(build):
    async with build() as house:
        for login in ("grok", "chatgpt"):
            await house.log_in(login)
        async with kit(house) as ours:
            found = await turns.check(ours)
        assert {one.check: one.verdict for one in found} == dict.fromkeys(
            ("turns.openai", "turns.chatgpt", "turns.grok"), Verdict.OK
        )
        assert "by a server made for this" in found[0].sentence
        assert [len(house.asked(name)) for name in ("openai", "chatgpt", "grok")] == [1, 1, 1]
        (asked,) = house.asked("openai")
        assert (
            asked.body["reasoning"] == {"effort": "low", "summary": "auto"}
            or asked.body["reasoning"]["effort"] == "low"
        )


async def test_the_server_that_runs_is_asked_where_there_is_one(house):
    with noted(house.config, [str(house.client.base_url).removeprefix("http://").rstrip("/")]):
        async with kit(house) as ours:
            (found,) = await turns.check(ours)
    assert "by the server that runs" in found.sentence
    assert (await house.logged("/v1/messages"))["status"] == 200


async def test_a_refusal_is_told_in_the_words_of_the_provider(house):
    house.simulator.script("usage_limit")
    async with kit(house) as ours:
        (found,) = await turns.check(ours)
    assert found.verdict is Verdict.FAIL
    assert "usage limit" in found.sentence


async def test_an_answer_that_breaks_off_is_told(house):
    house.simulator.script("cut", "cut", "cut", "cut")
    async with kit(house) as ours:
        (found,) = await turns.check(ours)
    assert found.verdict is Verdict.FAIL


async def test_another_page_is_no_answer(house):
    house.simulator.script(*[reply(200, {"planted": 1})] * 5)
    async with kit(house) as ours:
        (found,) = await turns.check(ours)
    assert found.verdict is Verdict.FAIL
    assert "planted" not in found.sentence


async def test_without_a_login_nobody_is_asked(empty):
    async with tools(empty()) as ours:
        assert [one.verdict for one in await turns.check(ours)] == [Verdict.SKIP]
