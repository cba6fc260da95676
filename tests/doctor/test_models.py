"""Models: the live lists, and whether names lead somewhere."""

from mutants import reply
from surgery import kit, verdicts

from rotom.doctor import models
from rotom.doctor.finding import Verdict
from rotom.doctor.tools import tools

MODELS = "/backend-api/codex/models"


async def test_the_live_list_is_counted(house):
    async with kit(house) as ours:
        found = await models.check(ours)
    assert verdicts(found) == {"models.openai": "ok", "models.fallback": "ok"}
    assert found[0].sentence == "openai lists 10 models: gpt-6.1-sol, gpt-6-astra, gpt-6-sol and 7 more"
    assert found[1].sentence.endswith("gpt-5.5")


async def test_a_refusal_is_told_and_the_built_in_list_stands_in(house):
    house.simulator.script(reply(500), path=MODELS)
    async with kit(house) as ours:
        found = await models.check(ours)
    assert verdicts(found) == {"models.openai": "fail", "models.fallback": "ok"}
    assert found[0].sentence.startswith("openai: ")


async def test_an_empty_list_is_told(house):
    house.simulator.script(reply(200, {"models": []}), path=MODELS)
    async with kit(house) as ours:
        assert verdicts(await models.check(ours))["models.openai"] == "fail"


async def test_names_that_lead_nowhere_are_told(house):
    async with kit(house, ROTOM_MODEL_FALLBACK="gpt-9", ROTOM_MODEL_ALIASES="fast=nothing") as ours:
        found = await models.check(ours)
    assert verdicts(found) == {"models.openai": "ok", "models.fallback": "fail", "models.alias": "warn"}
    async with kit(house, ROTOM_MODEL_ALIASES="fast=gpt-5.5:low,slow=gpt-6-sol") as ours:
        found = await models.check(ours)
    assert found[-1].sentence == "all 2 aliases lead to a model"


async def test_without_a_login_nobody_is_asked(empty):
    async with tools(empty()) as ours:
        found = await models.check(ours)
        assert models.catalogue_of(ours).fallback().id == "gpt-5.5"
    assert [one.verdict for one in found] == [Verdict.SKIP]
