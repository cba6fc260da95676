"""Simulated xAI over real connections."""

import copy
import json
from functools import partial

import httpx
import pytest
import trio
import trio.testing

from rotom.simulator.play import Reply
from rotom.simulator.xai import BASES, QUESTIONS
from rotom.simulator.xai_claims import XaiAccount
from rotom.simulator.xai_scenarios import REFUSALS
from rotom.sse import Decoder, Event


def items_of(events):
    return [event.data["item"] for event in events if event.type == "response.output_item.done"]


@pytest.mark.parametrize("origin", ["api", "proxy"])
async def test_an_answer_of_each_origin(grok, simulator, kit, origin):
    events = await grok.ask("Reply with the single word OK", origin=origin, model="grok-4.6")
    assert kit.text_of(events) == "OK"
    last = [event for event in events if event.type == "response.completed"][-1].data["response"]
    assert [item["type"] for item in last["output"]] == ["reasoning", "message"]
    assert last["output"][0]["id"] == f"rs_{last['id']}"
    assert last["output"][1]["id"] == f"msg_{last['id']}"
    assert last["model"] == ("grok-4.6" if origin == "api" else "grok-4.6-build")
    assert (events[-1] == Event("message", b"[DONE]")) == (origin == "api")
    await simulator.quiet()
    (asked,) = simulator.xai.questions(origin)
    assert (asked.scenario, asked.status) == ("answer", 200)
    assert simulator.questions() == []


async def test_an_answer_that_is_not_streamed_says_the_same(grok, kit):
    status, whole = await grok.ask("Reply with the single word OK", stream=False, temperature=0.5)
    assert (status, whole["status"], whole["temperature"]) == (200, "completed", 0.5)
    assert whole["output"][-1]["content"][0]["text"] == "OK"
    assert whole["usage"]["cost_in_usd_ticks"] > 0
    assert (await grok.ask("demo:spending_limit", stream=False))[0] == 403
    assert (await grok.ask("demo:overload", stream=False))[0] == 500
    assert (await grok.ask("demo:empty_output", stream=False))[1]["output"]


async def test_the_input_may_be_a_text(grok, kit):
    assert kit.text_of(await grok.ask(input="Reply with the single word OK")) == "OK"


async def test_what_max_output_tokens_counts_is_visible_text(grok, kit):
    events = await grok.ask("demo:text say=abcdefghijklmnop", max_output_tokens=2)
    assert kit.text_of(events) == "abcdefgh"
    assert events[-2].data["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    events = await grok.ask("demo:text say=abcdefgh", max_output_tokens=2)
    assert events[-2].type == "response.completed"


async def test_the_lists_of_models(grok):
    plain = {one["id"]: one for one in (await grok.get("/models")).json()["data"]}
    assert plain["grok-4.3"]["aliases"] == ["grok-4", "grok-latest"]
    assert plain["grok-4.3"]["capabilities"]["reasoning_effort"] == ["none", "low", "medium", "high"]
    assert "capabilities" not in plain["grok-build-0.1"]
    assert "grok-composer-2.5-fast" not in plain
    answer = await grok.get("/models", "proxy")
    rich = {one["id"]: one for one in answer.json()["data"]}
    assert rich["grok-composer-2.5-fast"]["supported_in_api"] is False
    assert [e["value"] for e in rich["grok-4.5"]["reasoning_efforts"] if e["default"]] == ["high"]
    assert answer.headers["etag"]
    assert (await grok.get("/language-models")).json()["models"][0]["id"] == "grok-4.7"
    assert (await grok.get("/image-generation-models")).json()["models"][0]["id"] == "grok-imagine-image"


async def test_the_second_origin_goes_by_the_header_and_wants_its_gate(grok, kit):
    body, url = kit.xai_question("hi", model="grok-4.3"), f"{grok.xai.proxy_url}/responses"
    whole = {**grok.headers, **kit.gate}
    answer = await grok.http.post(url, json=body, headers={**whole, "x-grok-model-override": "grok-4.5"})
    assert Decoder().feed(answer.content)[0].data["response"]["model"] == "grok-4.5"
    assert answer.headers["x-grok-context-window"] == "500000"
    for changes, status, said in (
        ({"x-xai-token-auth": "other"}, 403, "Access to the chat endpoint is denied"),
        ({"x-grok-client-version": ""}, 426, "Your Grok CLI version (none) is outdated"),
        ({"x-grok-client-version": "newest"}, 426, "(newest)"),
        ({"x-grok-client-version": "0.1.201"}, 426, "0.1.202 or later"),
        ({"x-grok-client-version": "0.1.202-beta.1"}, 200, ""),
    ):
        answer = await grok.http.post(url, json=body, headers={**whole, **changes})
        assert answer.status_code == status, changes
        assert said in answer.text
    bare = await grok.http.get(f"{grok.xai.proxy_url}/billing", headers=grok.headers)
    assert (bare.status_code, bare.json()) == (404, {"error": "Access denied"})


async def test_the_second_origin_wants_scopes_that_the_first_does_not(grok):
    await grok.log_in(scope="openid profile email offline_access grok-cli:access api:access")
    assert isinstance(await grok.ask("hi"), list)
    assert await grok.ask("hi", origin="proxy") == (403, {"error": "Access denied"})
    assert (await grok.get("/billing", "proxy")).status_code == 200


async def test_what_each_origin_has_not(grok):
    for origin, method, path, status in (
        ("api", "GET", "/billing", 404),
        ("api", "GET", "/user", 404),
        ("proxy", "POST", "/responses/compact", 404),
        ("proxy", "GET", "/me", 404),
        ("proxy", "GET", "/responses", 405),
        ("proxy", "POST", "/tts", 404),
    ):
        answer = await grok.http.request(method, grok.base(origin) + path, headers=grok.dressed(origin), json={})
        assert answer.status_code == status, path
        assert isinstance(answer.json()["error"], str)


async def test_the_account(grok, simulator):
    assert (await grok.get("/me")).json()["oauth"]["client_id"]
    assert "subscriptionTier" not in (await grok.get("/user", "proxy")).json()
    assert (await grok.get("/user?include=subscription", "proxy")).json()["subscriptionTier"] == "SuperGrok"
    assert (await grok.get("/settings", "proxy")).json()["subscription_tier_display"] == "SuperGrok"
    assert (await grok.get("/auto-topup-rule", "proxy")).json()["rule"]
    await grok.ask("hi", origin="proxy")
    told = (await grok.get("/billing?format=credits", "proxy")).json()["config"]
    assert told["creditUsagePercent"] == 4.1
    assert (await grok.get("/billing", "proxy")).json()["config"]["used"] == {"val": 123}


@pytest.mark.parametrize(("form", "status"), [("slug", 403), ("marker", 403), ("401", 401)])
async def test_a_dead_bearer(grok, simulator, form, status):
    simulator.xai.issuer_state.dead_access = form
    simulator.xai.issuer_state.expire_access()
    for origin in ("api", "proxy"):
        got, body = await grok.ask("hi", origin=origin)
        assert got == status
        assert "unauthenticated:bad-credentials" in body["code"] + body["error"]
    grok.headers = {}
    assert (await grok.ask("hi"))[0] == 401


async def test_nothing_left_at_one_origin(grok, simulator, kit):
    simulator.xai.refusing["api"] = "spending_limit_402"
    assert (await grok.ask("hi"))[0] == 402
    assert (await grok.post("/tts", {"text": "hi", "language": "en"})).status_code == 402
    assert (await grok.get("/models")).status_code == 200
    assert isinstance(await grok.ask("hi", origin="proxy"), list)
    del simulator.xai.refusing["api"]
    assert (await grok.ask("demo:no_credits"))[0] == 402
    assert "demonstration" in kit.text_of(await grok.ask("demo:no_credits", origin="proxy"))


async def test_a_person_logs_in_with_pages_alone(grok, kit):
    http, xai = grok.http, grok.xai
    page = await http.get(kit.xai_authorize_url(xai.issuer), headers={"accept": "text/html"})
    link = page.text.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    redirected = (await http.get(xai.issuer.removesuffix("/xai") + link)).headers["location"]
    answer = await http.post(f"{xai.issuer}/oauth2/token", data=kit.xai_exchange_form(redirected))
    assert answer.json()["refresh_token"]
    assert (await http.get(f"{xai.issuer}/device")).status_code == 200


async def test_a_device_logs_in(grok, simulator, autojump_clock):
    known = (await grok.http.get(f"{grok.xai.issuer}/.well-known/openid-configuration")).json()
    client = {"client_id": "b1a00492-073a-47ea-816f-4c329264a828"}
    fields = {**client, "scope": "openid offline_access api:access"}
    start = (await grok.http.post(known["device_authorization_endpoint"], data=fields)).json()
    poll = {**client, "grant_type": known["grant_types_supported"][-1], "device_code": start["device_code"]}
    await trio.sleep(start["interval"])
    pending = await grok.http.post(known["token_endpoint"], data=poll)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    assert simulator.approve(start["user_code"])
    await trio.sleep(start["interval"])
    assert (await grok.http.post(known["token_endpoint"], data=poll)).json()["access_token"]


async def test_scripts_by_path(grok, simulator, kit):
    api, proxy = QUESTIONS
    simulator.script("rate_limited", "x_search", path=api)
    simulator.script(Reply(500, b"no"), path=proxy)
    simulator.script(Reply(503, b"no"), path="/xai/oauth2/token")
    assert (await grok.ask("hi"))[0] == 429
    assert "custom_tool_call" in [item["type"] for item in items_of(await grok.ask("hi"))]
    assert (await grok.ask("hi", origin="proxy"))[0] == 500
    assert isinstance(await grok.ask("hi", origin="proxy"), list)
    assert (await grok.http.post(f"{grok.xai.issuer}/oauth2/token", data={})).status_code == 503


@pytest.mark.parametrize("name", REFUSALS)
async def test_every_refusal_comes_as_it_was_collected(grok, name):
    reply = REFUSALS[name][1]
    got = await grok.ask(f"demo:{name}")
    form = json.loads if dict(reply.headers)["content-type"] == "application/json" else bytes.decode
    assert got == (reply.status, form(reply.body))


async def test_a_tool_loop_replays_what_xai_sealed_and_nothing_else(grok, kit):
    tools = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
    items = items_of(await grok.ask("demo:tool", tools=tools))
    call = next(item for item in items if item["type"] == "function_call")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    said = kit.text_of(await grok.ask("demo:tool", *items, output, tools=tools))
    assert "sunny" in said
    items[0]["encrypted_content"] = "gAAAA" + "A" * 60
    status, body = await grok.ask("demo:tool", *items, output, tools=tools)
    assert status == 400
    assert "encrypted_content" in body["error"]


async def test_too_long_a_prompt_is_refused_with_both_numbers(grok):
    status, body = await grok.ask("x " * 600_000, model="grok-build-0.1")
    assert status == 400
    assert body["error"].startswith("This model's maximum prompt length is 256000 but the request contains 300")


async def test_the_conversations_header_is_a_cache_key_too(grok, kit):
    body, cached = kit.xai_question("a" * 20_000), []
    for _ in range(2):
        events = await grok.send(body, **{"x-grok-conv-id": "one"})
        usage = next(e for e in events if e.type == "response.completed").data["response"]["usage"]
        cached.append(usage["input_tokens_details"]["cached_tokens"])
    assert cached[0] == 0 < cached[1]


async def test_a_body_that_cannot_be_read(grok, simulator):
    url = f"{grok.xai.base_url}/responses"
    json_type = {**grok.headers, "content-type": "application/json"}
    assert (await grok.http.post(url, content=b"{", headers=json_type)).status_code == 422
    assert (await grok.http.post(url, content=b"{}", headers=grok.headers)).status_code == 415
    form = await grok.http.post(f"{grok.xai.issuer}/oauth2/token", content=b"{", headers=json_type)
    assert form.status_code == 400


async def test_a_lenient_one_checks_the_login_only(grok, simulator):
    simulator.lenient = True
    assert isinstance(await grok.ask("hi", metadata={}, model="anything"), list)
    grok.headers = {}
    assert (await grok.ask("hi"))[0] == 401


@pytest.mark.parametrize("stream", [True, False])
async def test_a_hang_up_is_noticed(grok, simulator, stream):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(grok.ask, "demo:stall", stream=stream))
        asked = await simulator.received(1, path=f"{BASES['api']}/responses")
        while asked.scenario is None:
            await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await simulator.quiet()
    assert asked.gone


async def test_the_addresses_as_settings(simulator):
    settings = simulator.environment()
    assert {name.removeprefix("ROTOM_") for name in settings} >= {"GROK_BASE_URL", "GROK_PROXY_URL", "GROK_ISSUER"}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{settings['ROTOM_GROK_ISSUER']}/.well-known/jwks.json")).json()["keys"]


async def test_reasoning_stays_with_its_account(grok, simulator):
    items = items_of(await grok.ask("demo:reasoning"))
    assert isinstance(await grok.ask("demo:reasoning", *items, "and now?"), list)
    simulator.xai.issuer_state.account = XaiAccount(principal_id="22222222-2222-4333-8444-555555555555")
    await grok.log_in()
    assert (await grok.ask("demo:reasoning", *items, "and now?"))[0] == 400


RICH = {
    "model": "grok-4.6",
    "instructions": "be brief",
    "stream": False,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
        {"type": "function", "name": "g", "parameters": {"anyOf": [{"type": "object"}]}},
        {"type": "web_search", "filters": {"allowed_domains": ["example.com"]}},
        {"type": "x_search"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
    "parallel_tool_calls": True,
    "service_tier": "default",
    "prompt_cache_key": "k",
    "temperature": 1.0,
    "max_output_tokens": 100,
    "input": [
        {"role": "system", "content": "s"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "u", "detail": "auto"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": []}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "x"}]},
    ],
}
JUNK = [None, True, -1, "", [], {}, [{}], {"type": "text"}]


def places(value, path=()):
    """The way to every value inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value, path, junk):
    made = copy.deepcopy(value)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return made


@pytest.mark.parametrize("junk", JUNK, ids=json.dumps)
async def test_junk_anywhere_is_answered(grok, junk):
    assert (await grok.send(RICH))[0] == 200
    native = {
        "/images/edits": {"model": "grok-imagine-image", "prompt": "a fox", "n": 1, "image": {"url": "u"}},
        "/responses/compact": {"model": "grok-4.3", "input": [{"role": "user", "content": "x"}]},
        "/tokenize-text": {"model": "grok-4.3", "text": "x"},
        "/tts": {"text": "x", "language": "en", "output_format": {"codec": "mp3", "sample_rate": 8000}, "speed": 1.0},
    }
    for path in places(RICH):
        got = await grok.send(changed(RICH, path, junk))
        assert isinstance(got, list) or got[0] in (200, 400, 404, 422), path
    for address, body in native.items():
        for path in places(body):
            answer = await grok.post(address, changed(body, path, junk))
            assert answer.status_code in (200, 400, 404, 422), (address, path)
