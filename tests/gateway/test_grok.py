"""Grok through the whole of rotom, against the strict simulator: every dialect, every refusal, both origins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rotom.fold import fold
from rotom.gateway.standing import statuses
from rotom.simulator.xai_scenarios import REFUSALS
from rotom.sse import Decoder
from rotom.upstream.keeper import ASKED

QUESTIONS = {origin: f"/xai-{origin}/v1/responses" for origin in ("api", "proxy")}
DIALECTS = {"/v1/messages": "max_tokens", "/v1/chat/completions": "max_tokens", "/v1/responses": "max_output_tokens"}


@pytest.fixture
async def house(build: Any) -> AsyncIterator[Any]:
    async with build(login=False) as one:
        await one.log_in("grok")
        yield one


@pytest.fixture
async def wandering(build: Any) -> AsyncIterator[Any]:
    """One whose accounts may move to the other origin."""
    async with build(login=False, grok_origin="auto") as one:
        await one.log_in("grok")
        yield one


def script(house: Any, *what: Any, origin: str = "api") -> None:
    house.simulator.script(*what, path=QUESTIONS[origin])


def asked(house: Any, origin: str | None = None) -> list[Any]:
    return [received.body for received in house.simulator.xai.questions(origin)]


def renewals(house: Any) -> int:
    """How often a token was asked for after the login."""
    return sum(received.path == "/xai/oauth2/token" for received in house.simulator.requests) - 1


async def ask(
    house: Any, path: str = "/v1/responses", model: str = "grok-4.6", text: str = "hello", **more: Any
) -> Any:
    body: dict[str, Any] = {"model": model}
    if path == "/v1/responses":
        body["input"] = text
    else:
        body |= {"max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return await house.client.post(path, json=body | more)


def said(path: str, value: Any) -> str:
    """The text of an answer."""
    if path == "/v1/messages":
        return "".join(block.get("text", "") for block in value["content"])
    if path == "/v1/chat/completions":
        return value["choices"][0]["message"]["content"] or ""
    parts = [part for item in value["output"] for part in item.get("content") or () if item["type"] == "message"]
    return "".join(part.get("text", "") for part in parts)


# Answers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize(
    "scenario",
    [
        *("text", "reasoning", "reasoning_text", "x_search", "interleaved", "empty_output", "ping", "data_only"),
        *("byte_order_mark", "joined", "unicode", "web_search", "no_usage", "max_time_limit"),
    ],
)
async def test_an_answer(house: Any, path: str, scenario: str) -> None:
    script(house, scenario, scenario)
    whole = await ask(house, path)
    assert whole.status_code == 200, whole.text
    assert "x_keyword_search" not in whole.text
    assert said(path, whole.json())
    streamed = await ask(house, path, stream=True)
    assert streamed.status_code == 200
    assert "x_keyword_search" not in streamed.text
    assert "error" not in [event.type for event in Decoder().feed(streamed.content)]
    first, _ = asked(house)
    assert "prompt_cache_key" in first
    assert first["store"] is False


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("scenario", ["tool", "parallel_tools", "overlapping_tools", "late_arguments"])
async def test_calls(house: Any, path: str, scenario: str) -> None:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}}
    function = {"name": "read_file", "description": "Reads.", "parameters": parameters}
    tool: Any = {"type": "function", **function}
    if path == "/v1/messages":
        tool = {"name": "read_file", "input_schema": parameters}
    elif path == "/v1/chat/completions":
        tool = {"type": "function", "function": function}
    script(house, scenario, scenario)
    for stream in (False, True):
        answer = await ask(house, path, stream=stream, tools=[tool])
        assert answer.status_code == 200, answer.text
        assert "read_file" in answer.text
    body = asked(house)[0]
    assert [one["name"] for one in body["tools"]] == ["read_file"]
    assert "strict" not in body["tools"][0]


@pytest.mark.parametrize("path", DIALECTS)
async def test_knobs_that_only_grok_has_are_honoured(house: Any, path: str) -> None:
    answer = await ask(house, path, temperature=0.5, top_p=0.9, **{DIALECTS[path]: 77})
    assert "x-rotom-receipt" not in answer.headers
    (body,) = asked(house)
    assert (body["temperature"], body["top_p"], body["max_output_tokens"]) == (0.5, 0.9, 77)


async def test_free_form_tools_come_back_as_they_were_offered(house: Any) -> None:
    tool = {"type": "custom", "name": "apply_patch", "description": "Patches.", "format": {"type": "text"}}
    first = await ask(house, tools=[tool], tool_choice={"type": "custom", "name": "apply_patch"})
    assert first.status_code == 200, first.text
    (call,) = [item for item in first.json()["output"] if item["type"] == "custom_tool_call"]
    assert call["name"] == "apply_patch"
    assert isinstance(call["input"], str)
    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "done"}
    again = await ask(house, tools=[tool], input=[*first.json()["output"], result])
    assert again.status_code == 200, again.text
    sent = asked(house)[1]["input"]
    assert [item["type"] for item in sent if item["type"] != "reasoning"][-2:] == [
        "function_call",
        "function_call_output",
    ]


async def test_reasoning_goes_back_and_that_of_others_does_not(house: Any) -> None:
    script(house, "reasoning", "text")
    first = await ask(house, include=["reasoning.encrypted_content"])
    (thought,) = [item for item in first.json()["output"] if item["type"] == "reasoning"]
    foreign = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAAB" + "a" * 80}
    user = {"role": "user", "content": "and?"}
    answer = await ask(house, input=[foreign, *first.json()["output"], user])
    assert answer.status_code == 200, answer.text
    kept = [item for item in asked(house)[1]["input"] if item["type"] == "reasoning"]
    assert [item["encrypted_content"] for item in kept] == [thought["encrypted_content"]]


async def test_reasoning_that_xai_does_not_know_is_left_out_once_it_says_so(house: Any) -> None:
    unknown = {"type": "reasoning", "summary": [], "encrypted_content": "Ab1" * 30}
    answer = await ask(house, input=[unknown, {"role": "user", "content": "hi"}])
    assert answer.status_code == 200, answer.text
    assert [len(body["input"]) for body in asked(house)] == [2, 1]


async def test_an_effort_that_the_model_does_not_take_after_all_is_left_out(house: Any) -> None:
    script(house, "no_effort", "text")
    answer = await ask(house, reasoning={"effort": "high", "summary": "auto"})
    assert answer.status_code == 200
    assert [body["reasoning"] for body in asked(house)] == [{"effort": "high", "summary": "auto"}, {"summary": "auto"}]
    script(house, "no_effort", "no_effort")
    answer = await ask(house, reasoning={"effort": "high"})
    assert answer.status_code == 400
    assert "does not support" in answer.json()["error"]["message"]


async def test_names_of_ours(house: Any) -> None:
    answer = await ask(house, model="grok-4.3-fast")
    assert answer.json()["model"] in ("grok-4.3", "grok-4.3-fast")
    (body,) = asked(house)
    assert (body["model"], body["reasoning"]["effort"]) == ("grok-4.3", "none")
    assert "warning" not in house.output.getvalue()


async def test_events_are_what_the_answer_says(house: Any) -> None:
    script(house, "x_search")
    answer = await ask(house, stream=True)
    events = Decoder().feed(answer.content)
    output = fold(events)["output"]
    assert "custom_tool_call" not in [item["type"] for item in output]
    places = {event.data["output_index"] for event in events if "output_index" in event.data}
    assert places == set(range(len(output)))


# Images and compaction ------------------------------------------------------------------------------------------------


async def test_an_image(house: Any) -> None:
    body = {"prompt": "a cat", "size": "1536x1024", "n": 2}
    answer = await house.client.post("/v1/images/generations", json=body)
    assert answer.status_code == 200, answer.text
    value = answer.json()
    assert len(value["data"]) == 2
    assert all(image["b64_json"] for image in value["data"])
    assert isinstance(value["created"], int)
    assert answer.headers["x-rotom-receipt"] == "mapped=size:1536x1024>3:2"
    sent = [r.body for r in house.simulator.requests if r.path == "/xai-api/v1/images/generations"]
    assert [one["aspect_ratio"] for one in sent] == ["3:2", "3:2"]
    edit = {"prompt": "a dog", "image": "data:image/png;base64," + value["data"][0]["b64_json"]}
    answer = await house.client.post("/v1/images/edits", json=edit)
    assert answer.status_code == 200, answer.text
    stream = await house.client.post("/v1/images/generations", json={"prompt": "a cat", "stream": True})
    assert "image_generation.completed" in stream.text


async def test_images_of_an_account_that_is_refused(wandering: Any) -> None:
    wandering.simulator.xai.refusing["api"] = "spending_limit"
    answer = await wandering.client.post("/v1/images/generations", json={"prompt": "a cat"})
    assert answer.status_code == 200, answer.text


async def test_a_conversation_is_compacted_and_goes_on(house: Any) -> None:
    body = {"model": "grok-4.6", "input": [{"role": "user", "content": "a long story " * 50}]}
    answer = await house.client.post("/v1/responses/compact", json=body)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["object"] == "response.compaction"
    assert "compaction" in [item["type"] for item in made["output"]]
    more = [*made["output"], {"role": "user", "content": "and then?"}]
    assert (await ask(house, input=more)).status_code == 200
    assert "compaction" in [item["type"] for item in asked(house)[-1]["input"]]


async def test_the_proxy_does_not_compact(build: Any) -> None:
    async with build(login=False, grok_origin="proxy") as one:
        await one.log_in("grok")
        answer = await one.client.post("/v1/responses/compact", json={"model": "grok-4.6", "input": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "compaction_not_supported")


# Refusals --------------------------------------------------------------------------------------------------------------


# name -> status for OpenAI's clients, code, how often xAI is asked
MEANING = {
    "bad_credentials_401": (401, "login_over", 2),
    "bad_credentials": (401, "login_over", 2),
    "bad_credentials_old": (401, "login_over", 2),
    "no_subscription": (403, "entitlement", 1),
    "spending_limit": (403, "entitlement", 1),
    "spending_limit_402": (403, "entitlement", 1),
    "spending_limit_429": (403, "entitlement", 1),
    "blocked_user": (403, "blocked_user", 1),
    "permission_denied": (403, "access_denied", 1),
    "access_denied": (403, "access_denied", 1),
    "policy": (400, "content_policy_violation", 1),
    "outdated": (400, "client_version", 1),
    "free_usage": (429, "usage_limit_reached", 1),
    "tokens_per_minute": (429, "rate_limit_exceeded", 1),
    "no_effort": (400, "unsupported_effort", 2),
    "http_400": (400, None, 1),
    "http_400_context": (400, "context_length_exceeded", 1),
    "http_404_model": (404, "model_not_found", 1),
    "cloudflare": (502, "cloudflare", 1),
    "http_525": (502, "bad_gateway", 1),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals(house: Any, name: str, quick_clock: Any) -> None:
    status, code, times = MEANING.get(name, (502, "trouble", 3))
    script(house, *[name] * 5)
    answer = await ask(house)
    error = answer.json()["error"]
    assert len(asked(house)) == times
    if code != "trouble":
        assert (answer.status_code, error["code"]) == (status, code), error
    else:  # xAI itself is in trouble: asked three times
        assert answer.status_code >= 500
    assert renewals(house) == (1 if code == "login_over" else 0)
    if code != "login_over":
        assert "rotom login" not in error["message"]
        script(house, "text")
        house.simulator._scripts.clear()
        assert (await ask(house)).status_code == 200  # the login is as good as before


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("name", ["no_subscription", "free_usage", "policy", "http_400_context", "http_404_model"])
async def test_every_dialect_says_what_to_do(house: Any, path: str, name: str) -> None:
    script(house, name, name)
    for stream in (False, True):
        answer = await ask(house, path, stream=stream)
        assert answer.status_code in (400, 402, 403, 404, 429)
        assert len(answer.json()["error"]["message"]) > 20
    assert len(asked(house)) == 2


@pytest.mark.parametrize(
    ("scenario", "status"),
    [("entitlement_frame", 403), ("error_event", 429), ("overload", 503), ("error_nested", 503), ("eof_at_once", 502)],
)
async def test_errors_in_the_first_frames_have_their_own_status(
    house: Any, scenario: str, status: int, quick_clock: Any
) -> None:
    script(house, *[scenario] * 5)
    answer = await ask(house, stream=True)
    assert answer.status_code == status, answer.text
    assert len(asked(house)) == (1 if status in (403, 429) else 3)


@pytest.mark.parametrize("path", DIALECTS)
async def test_errors_after_that_are_told_in_the_stream(house: Any, path: str) -> None:
    script(house, "error_late")
    answer = await ask(house, path, stream=True)
    assert answer.status_code == 200
    assert "overloaded" in answer.text.lower()
    assert "This answer will not" in answer.text
    assert len(asked(house)) == 1


async def test_a_token_that_ended_is_renewed_once(house: Any) -> None:
    script(house, "bad_credentials", "text")
    answer = await ask(house)
    assert answer.status_code == 200
    assert (renewals(house), len(asked(house))) == (1, 2)


# The two origins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spending_limit_402", "no_subscription", "free_usage", "entitlement_frame"])
async def test_an_account_that_is_refused_moves_once(wandering: Any, name: str) -> None:
    script(wandering, name)
    for _ in range(2):
        answer = await ask(wandering, stream=True)
        assert answer.status_code == 200, answer.text
    assert (len(asked(wandering, "api")), len(asked(wandering, "proxy"))) == (1, 2)
    assert renewals(wandering) == 0


async def test_both_refuse(wandering: Any) -> None:
    wandering.simulator.xai.refusing |= {"api": "spending_limit", "proxy": "free_usage"}
    answer = await ask(wandering)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (429, "usage_limit_reached")
    assert "another address had refused before" in error["message"]
    assert "run out of credits" in error["message"]
    assert (len(asked(wandering, "api")), len(asked(wandering, "proxy"))) == (1, 1)


async def test_a_proxy_that_lets_nobody_in_is_left(wandering: Any) -> None:
    wandering.simulator.xai.refusing |= {"api": "spending_limit", "proxy": "access_denied"}
    for status, asked_so_far in ((403, (1, 1)), (403, (2, 2)), (403, (3, 2))):
        answer = await ask(wandering)
        assert answer.status_code == status
        assert (len(asked(wandering, "api")), len(asked(wandering, "proxy"))) == asked_so_far
    assert answer.json()["error"]["code"] == "entitlement"


async def test_a_policy_is_no_reason_to_move(wandering: Any) -> None:
    script(wandering, "policy", "tokens_per_minute")
    assert (await ask(wandering)).status_code == 400
    assert (await ask(wandering)).status_code == 429
    assert asked(wandering, "proxy") == []


async def test_many_at_once_move_together(wandering: Any) -> None:
    import trio

    wandering.simulator.xai.refusing["api"] = "spending_limit"
    answers: list[Any] = []

    async def one() -> None:
        answers.append(await ask(wandering))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(asked(wandering, "proxy")) == 5


# The account -----------------------------------------------------------------------------------------------------------


async def test_status(wandering: Any) -> None:
    await ask(wandering)
    (login,) = await statuses(wandering.gateway)
    assert (login.login, login.token.plan, login.problem) == ("grok", "SuperGrok", None)
    assert (10_080, None) in {(window.minutes, window.limit) for window in login.windows}
    document = (await wandering.client.get("/v1/status")).json()
    assert document["account"]["plan"] == "SuperGrok"
    assert document["providers"][0]["origin"].endswith("/xai-api/v1")


async def test_status_of_a_login_that_the_proxy_does_not_serve(house: Any) -> None:
    denied = REFUSALS["access_denied"][1]
    for name in ("user", "billing"):
        house.simulator.script(denied, path=f"/xai-proxy/v1/{name}")
    (login,) = await statuses(house.gateway)
    assert login.active
    assert "grok_origin" in login.problem
    assert renewals(house) == 0


async def test_renewal_and_reuse(house: Any) -> None:
    token = await house.gateway.keeper.token("grok")
    new = await house.gateway.keeper.renew("grok", ASKED)
    assert new.refresh != token.refresh
    assert (await ask(house)).status_code == 200


async def test_both_providers_at_once(build: Any) -> None:
    async with build() as both:
        await both.log_in("grok")
        assert (await ask(both, model="gpt-5.5")).status_code == 200
        assert (await ask(both, model="grok-4.6")).status_code == 200
        names = [one["id"] for one in (await both.client.get("/v1/models")).json()["data"]]
        assert {"gpt-5.5", "grok-4.6"} <= set(names)


def test_the_table_is_whole() -> None:
    assert MEANING.keys() <= REFUSALS.keys()
    assert json.dumps(sorted(MEANING))
