"""The contract with the Codex service holds at the simulator, and each line sees it when it
does something else."""

import pytest
from mutants import answering, items, reply, same, terminal, unnumbered, without
from surgery import held, kit, played, seen_by

from rotom.doctor.contract import Judgement
from rotom.doctor.contract.openai import LIMITS, TABLE, picture
from rotom.server import Refusal
from rotom.simulator import RESPONSES
from rotom.simulator.account import accounts_check
from rotom.simulator.models import listing

BACKEND = "/backend-api/codex"


def lenient(patch, simulated):
    simulated.lenient = True


def scripted(what, path=RESPONSES):
    return lambda patch, simulated: simulated.script(what, path=path)


def headless(*names):
    def mutate(patch, simulated):
        head = simulated.codex._head
        patch.setattr(simulated.codex, "_head", lambda *a: [pair for pair in head(*a) if pair[0] not in names])

    return mutate


def other_model(patch, simulated):
    head = simulated.codex._head
    patch.setattr(
        simulated.codex,
        "_head",
        lambda *a: [(n, "gpt-other" if n == "openai-model" else value) for n, value in head(*a)],
    )


def no_sockets(patch, simulated):
    simulated.websockets = False


def nothing_is_missing(patch, simulated):
    patch.setattr(simulated, "refusal", lambda *a: Refusal(200, [("content-type", "application/json")], b"{}"))


def models_list(change):
    value = listing("0.169.0")[0]
    return scripted(reply(200, {"models": [change(dict(entry)) for entry in value["models"]]}), f"{BACKEND}/models")


def other_efforts(entry):
    return {**entry, "supported_reasoning_levels": [{"effort": "low"}, {"effort": "high"}]}


def other_shape(entry):
    return {name: value for name, value in entry.items() if name != "context_window"}


def listed_otherwise(patch, simulated):
    text = "Unsupported value: 'minimal'. Supported values are: 'low', and 'high'."
    body = {"error": {"message": text, "code": "unsupported_value"}}
    patch.setattr("rotom.simulator.strict.check_limits", _refusing(400, body))


def _refusing(status, body):
    from rotom.simulator.play import Refused

    def check(*_):
        raise Refused(reply(status, body))

    return check


REFUSAL = scripted(reply(400, {"detail": "Planted words that nobody must read"}))

MUTATIONS = {
    "instructions": REFUSAL,
    "output": scripted(answering(terminal(output=[{"type": "message"}]))),
    "items": scripted(answering(without("response.output_item.done"))),
    "end": scripted(answering(same, then=b"data: [DONE]\n\n")),
    "numbers": scripted(answering(unnumbered)),
    "usage": scripted(answering(terminal(usage={"input_tokens": 1, "output_tokens": 1}))),
    "limits": headless(*LIMITS),
    "list mark": headless("x-models-etag"),
    "served model": headless("openai-model"),
    "reasoning": scripted(answering(items("reasoning", encrypted_content=None))),
    "summaries": REFUSAL,
    "plain form": REFUSAL,
    "tier": REFUSAL,
    "image": REFUSAL,
    "compaction": scripted("text"),
    "socket": no_sockets,
    "models": models_list(other_shape),
    "efforts": models_list(other_efforts),
    "etag": models_list(dict),
    "old list": scripted(reply(200, listing("0.169.0")[0]), f"{BACKEND}/models"),
    "windows": scripted(reply(200), "/backend-api/wham/usage"),
    "workspaces": scripted(reply(200), "/backend-api/wham/accounts/check"),
    "max_output_tokens": lenient,
    "temperature": lenient,
    "unknown field": lenient,
    "store": lenient,
    "no instructions": lenient,
    "system": lenient,
    "effort list": listed_otherwise,
    "ultra": lenient,
    "foreign reasoning": lenient,
    "no image": lenient,
    "retired": lenient,
    "old client": lenient,
    "identity": lenient,
    "compact call": nothing_is_missing,
}

LISTED = ("models", "old list", "etag", "efforts")
"""Lines about what the doctor asks for first, to choose a model: a good list goes before the mutant's."""


async def test_the_simulator_does_everything_that_is_assumed(house):
    async with kit(house) as tools:
        held(TABLE, await played(tools, TABLE))
    asked = [
        one
        for one in house.simulator.requests
        if one.path == RESPONSES and one.status == 200 and one.scenario != "warm_up"
    ]
    assert len(asked) == TABLE.costly(), "only those that are told of are answered"


@pytest.mark.parametrize("name", [expectation.name for expectation in TABLE.expectations])
async def test_each_line_sees_another_provider(house, monkeypatch, name):
    async with kit(house) as tools:
        if name in LISTED:
            house.simulator.script(_list(*listing("0.169.0")), path=f"{BACKEND}/models")
        MUTATIONS[name](monkeypatch, house.simulator)
        await seen_by(tools, TABLE, name)


def _list(value, etag):
    from rotom.simulator.play import json_reply

    return json_reply(200, value, ("etag", etag))


def test_every_line_has_its_mutant():
    assert set(MUTATIONS) == {expectation.name for expectation in TABLE.expectations}


async def test_a_model_that_answers_in_place_of_another_is_told(house, monkeypatch):
    other_model(monkeypatch, house.simulator)
    async with kit(house) as tools:
        judged = (await played(tools, TABLE, "plain"))["served model"]
    assert judged.judgement is Judgement.UNKNOWN


async def test_what_is_not_listed_could_not_be_told(house):
    async with kit(house) as tools:
        for _ in range(2):
            value = {"models": [entry for entry in listing("0.169.0")[0]["models"] if entry["slug"] == "gpt-5.5"]}
            house.simulator.script(reply(200, value), path=f"{BACKEND}/models")
        judged = await played(tools, TABLE, "gated model")
        assert judged["identity"].judgement is Judgement.UNKNOWN
        assert (await played(tools, TABLE, "plain form"))["plain form"].judgement is Judgement.UNKNOWN


def test_the_picture_is_a_png():
    assert picture().startswith("data:image/png;base64,iVBORw0KGgo")


async def test_workspaces_that_are_there_are_told(house):
    value = accounts_check(house.simulator.issuer_state.account)
    house.simulator.script(reply(200, value), path="/backend-api/wham/accounts/check")
    async with kit(house) as tools:
        assert (await played(tools, TABLE, "accounts"))["workspaces"].judgement is Judgement.AS_ASSUMED
