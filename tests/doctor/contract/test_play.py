"""Playing a table: in order, and to an end when the account is refused."""

import pytest
from mutants import reply
from surgery import kit

from rotom.doctor.contract import Judgement
from rotom.doctor.contract.command import _status
from rotom.doctor.contract.play import TABLES, costs, play
from rotom.exits import OK, PROTOCOL, UNAVAILABLE
from rotom.problem import Problem


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_are_sound(table):
    names = [request.name for request in table.requests]
    assert len(names) == len(set(names))
    assert {expectation.request for expectation in table.expectations} == set(names)
    assert len({expectation.name for expectation in table.expectations}) == len(table.expectations)
    assert costs(table).startswith(f"{len(names)} tiny requests to ")


async def test_after_a_limit_nothing_more_is_asked(house):
    house.simulator.script(reply(429, {"error": {"type": "usage_limit_reached"}}))
    async with kit(house) as tools:
        before = len(house.simulator.requests)
        lines = await play(tools, "openai", lambda _line: None)
        sent = len(house.simulator.requests) - before
    assert sent == 2, "the list of models, and one question"
    assert {line.judged.judgement for line in lines} == {Judgement.UNKNOWN}
    assert lines[-1].judged.how == "not asked, after refused with 429 (usage_limit_reached)"
    assert _status(lines) == UNAVAILABLE


async def test_no_model_is_no_contract(house):
    house.simulator.script(reply(200, {"models": []}), path="/backend-api/codex/models")
    async with kit(house) as tools:
        with pytest.raises(Problem, match="no model"):
            await play(tools, "openai", lambda _line: None)


async def test_what_breaks_could_not_be_told(house):
    house.simulator.script("eof")
    async with kit(house) as tools:
        lines = await play(tools, "openai", lambda _line: None, "plain")
        assert _status(lines) == PROTOCOL
        lines = await play(tools, "openai", lambda _line: None, "store")
        assert _status(lines) == OK
