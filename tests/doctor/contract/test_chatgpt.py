"""The contract with Sign in with ChatGPT holds at the simulator, and each line sees it when the simulator does something
else."""

import pytest
from mutants import answering, items, reply, terminal, unnumbered
from surgery import held, kit, played, seen_by

from rotom.doctor.contract.chatgpt import TABLE
from rotom.simulator.models import DEMO_MODEL
from rotom.simulator.siwc import API, QUESTIONS

LIST = {"object": "list", "data": [{"id": "gpt-5.5"}]}


def lenient(patch, simulated):
    patch.setattr(simulated.siwc, "_check", lambda body, account: DEMO_MODEL)


def scripted(what, path=QUESTIONS):
    return lambda patch, simulated: simulated.script(what, path=path)


REFUSAL = scripted(reply(400, {"error": {"message": "Planted words that nobody must read"}}))

MUTATIONS = {
    "instructions": REFUSAL,
    "numbers": scripted(answering(unnumbered)),
    "usage": scripted(answering(terminal(usage={}))),
    "reasoning": scripted(answering(items("reasoning", encrypted_content=None))),
    "image": REFUSAL,
    "models": scripted(reply(200, {"data": [{"name": "gpt-5.5"}]}), f"{API}/models"),
    "max_output_tokens": lenient,
    "temperature": lenient,
    "metadata": lenient,
    "store": lenient,
    "drawing": lenient,
    "system": lenient,
    "foreign reasoning": lenient,
    "no model": lenient,
}


async def test_the_simulator_does_everything_that_is_assumed(build):
    async with build(login=False) as house:
        await house.log_in("chatgpt")
        async with kit(house) as tools:
            held(TABLE, await played(tools, TABLE))
        assert len([one for one in house.asked("chatgpt") if one.status == 200]) == TABLE.costly()


@pytest.mark.parametrize("name", [expectation.name for expectation in TABLE.expectations])
async def test_each_line_sees_another_provider(build, monkeypatch, name):
    async with build(login=False) as house:
        await house.log_in("chatgpt")
        async with kit(house) as tools:
            if name in ("models", "efforts"):  # the first list is for choosing the model
                house.simulator.script(reply(200, LIST), path=f"{API}/models")
            MUTATIONS[name](monkeypatch, house.simulator)
            await seen_by(tools, TABLE, name)


def test_every_line_has_its_mutant():
    assert set(MUTATIONS) == {expectation.name for expectation in TABLE.expectations}
