"""The contract with xAI holds at the simulator, at both origins, and each line sees it when the simulator does something
else."""

import pytest
from mutants import answering, items, reply, same, terminal, unnumbered
from surgery import held, kit, played, seen_by

from rotom.doctor.contract.grok import TABLE
from rotom.simulator import xai, xai_models
from rotom.simulator.play import json_reply
from rotom.simulator.xai_scenarios import SCENARIOS
from rotom.sse import Event

API = "/xai-api/v1"
PROXY = "/xai-proxy/v1"


def lenient(patch, simulated):
    simulated.lenient = True


def scripted(what, path=f"{API}/responses"):
    return lambda patch, simulated: simulated.script(what, path=path)


def changed(change, **more):
    return scripted(answering(change, table=SCENARIOS, **more))


def open_gate(patch, simulated):
    patch.setattr(xai, "_gate", lambda exchange: None)


def endless(patch, simulated):
    patch.setattr(xai, "_framed", lambda steps, origin: steps)


def in_pieces(ask):
    """A call whose arguments come in two pieces."""
    for step in answering(same, table=SCENARIOS)(ask):
        for event in step if isinstance(step, list) else [step]:
            if isinstance(event, Event) and event.data["type"] == "response.function_call_arguments.delta":
                yield event
            yield event


def models_list(change):
    value = xai_models.listing("api")[0]
    return scripted(reply(200, {**value, "data": [change(dict(entry)) for entry in value["data"]]}), f"{API}/models")


def other_shape(entry):
    return {name: value for name, value in entry.items() if name != "context_length"}


def other_efforts(entry):
    return {**entry, "capabilities": {"reasoning_effort": ["low", "xhigh"]}}


REFUSAL = scripted(reply(400, {"code": "invalid-argument", "error": "Planted words that nobody must read"}))

MUTATIONS = {
    "instructions": REFUSAL,
    "ids": changed(terminal(id="resp_1")),
    "message ids": changed(items("message", id="msg_1")),
    "output": changed(terminal(output=[])),
    "end": endless,
    "numbers": changed(unnumbered),
    "usage": changed(terminal(usage={"input_tokens": 1})),
    "costs": changed(terminal(usage={"input_tokens": 1})),
    "reasoning": changed(items("reasoning", encrypted_content=None)),
    "calls": changed(items("function_call", call_id="xyz")),
    "arguments": scripted(in_pieces),
    "image": REFUSAL,
    "compact call": scripted(reply(200, {"output": []}), f"{API}/responses/compact"),
    "models": models_list(other_shape),
    "efforts": models_list(other_efforts),
    "windows": scripted(reply(200), f"{PROXY}/billing"),
    "proxy gate": open_gate,
    "proxy version": open_gate,
    "metadata": lenient,
    "unknown field": lenient,
    "verbosity": lenient,
    "choice": lenient,
    "no effort": lenient,
    "other effort": lenient,
    "custom tool": lenient,
    "foreign reasoning": lenient,
    "no model": lenient,
}


@pytest.mark.parametrize("origin", ["api", "proxy"])
async def test_the_simulator_does_everything_that_is_assumed(build, origin):
    async with build(login=False, grok_origin=origin) as house:
        await house.log_in("grok")
        async with kit(house, ROTOM_GROK_ORIGIN=origin) as tools:
            held(TABLE, await played(tools, TABLE))
        asked = [one for one in house.asked("grok") if one.status == 200]
    assert len(asked) == TABLE.costly() - 1, "the call for compaction is no question"


@pytest.mark.parametrize("name", [expectation.name for expectation in TABLE.expectations])
async def test_each_line_sees_another_provider(build, monkeypatch, name):
    async with build(login=False) as house:
        await house.log_in("grok")
        async with kit(house) as tools:
            if name in ("models", "efforts"):  # the first list is for choosing the model
                house.simulator.script(json_reply(200, xai_models.listing("api")[0]), path=f"{API}/models")
            MUTATIONS[name](monkeypatch, house.simulator)
            await seen_by(tools, TABLE, name)


def test_every_line_has_its_mutant():
    assert set(MUTATIONS) == {expectation.name for expectation in TABLE.expectations}
