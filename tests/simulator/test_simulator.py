"""The simulator over real connections."""

from dataclasses import replace

import httpx
import pytest

from rotom.simulator import RESPONSES
from rotom.simulator.oauth_claims import CLIENT_ID
from rotom.simulator.play import Reply, detail


async def test_login_models_usage_and_an_answer(client, simulator, kit):
    models = await client.http.get(f"{simulator.base_url}/models?client_version=0.169.0", headers=client.headers)
    assert "gpt-5.5" in [model["slug"] for model in models.json()["models"]]
    usage = await client.http.get(f"{simulator.issuer}/backend-api/wham/usage", headers=client.headers)
    assert usage.json()["plan_type"] == "plus"
    accounts = await client.http.get(f"{simulator.issuer}/backend-api/wham/accounts/check", headers=client.headers)
    assert accounts.json()["default_account_id"] == client.headers["chatgpt-account-id"]
    async with client.stream(kit.question("Reply with the single word OK")) as answer:
        assert answer.headers["x-models-etag"] == models.headers["etag"]
        assert answer.headers["openai-model"] == "gpt-5.5"
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert float(answer.headers["x-codex-primary-used-percent"]) > 7
        assert '"delta":"OK"' in (await answer.aread()).decode()
    await simulator.quiet()
    asked = simulator.questions()[-1]
    assert (asked.scenario, asked.status, asked.body["model"]) == ("answer", 200, "gpt-5.5")


async def test_both_forms_of_a_refresh(client, simulator):
    url = f"{simulator.issuer}/oauth/token"
    fields = {"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": client.tokens["refresh_token"]}
    second = (await client.http.post(url, json=fields)).json()
    third = await client.http.post(url, data={**fields, "refresh_token": second["refresh_token"]})
    assert third.status_code == 200
    assert (await client.http.post(url, json=fields)).json()["error"]["code"] == "refresh_token_reused"
    client.use(third.json())
    assert (await client.ask("hi"))[0] == 401
    assert (await client.http.post(url, content=b"{", headers={"content-type": "application/json"})).status_code == 400


async def test_a_person_logs_in_with_pages_alone(client, simulator, kit):
    http = client.http
    page = await http.get(kit.authorize_url(simulator.issuer))
    link = page.text.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    redirected = (await http.get(simulator.issuer + link)).headers["location"]
    answer = await http.post(f"{simulator.issuer}/oauth/token", data=kit.exchange_form(redirected))
    assert answer.json()["access_token"]
    start = await http.post(f"{simulator.issuer}/api/accounts/deviceauth/usercode", json={"client_id": CLIENT_ID})
    assert simulator.approve(start.json()["user_code"])
    polled = await http.post(f"{simulator.issuer}/api/accounts/deviceauth/token", json=start.json())
    assert polled.json()["authorization_code"]
    revoked = await http.post(f"{simulator.issuer}/oauth/revoke", json={"token": client.tokens["refresh_token"]})
    assert revoked.status_code == 200
    assert (await client.ask("hi"))[1]["error"]["code"] == "token_revoked"


async def test_the_order_of_the_checks_is_login_body_model(client, kit):
    bad = kit.question("hi", temperature=1, model="gpt-1")
    status, body = await client.send(bad, authorization="Bearer nonsense")
    assert (status, body["error"]["code"]) == (401, "unauthorized_unknown")
    assert await client.send(bad) == (400, {"detail": "Unsupported parameter: temperature"})
    del bad["temperature"]
    assert "not supported" in (await client.send(bad))[1]["detail"]


async def test_headers_that_accounts_need(client, simulator, kit):
    body = kit.question("hi")
    assert (await client.send(body, **{"chatgpt-account-id": "other"}))[0] == 403
    assert (await client.send(body, version="0.1.0"))[0] == 400
    simulator.issuer_state.account = replace(simulator.issuer_state.account, fedramp=True, routing="us")
    await client.log_in()
    assert (await client.send(body))[0] == 403
    assert (await client.send(body, **{"x-openai-fedramp": "true"}))[0] == 403
    both = {"x-openai-fedramp": "true", "x-openai-account-routing-override": "us"}
    assert isinstance(await client.send(body, **both), list)


async def test_what_is_not_there_answers_calmly(client, simulator):
    for method, path, status in (
        ("GET", "/backend-api/plugins/list", 404),
        ("GET", RESPONSES, 426),
        ("DELETE", RESPONSES, 405),
        ("POST", "/backend-api/codex/responses/compact", 404),
    ):
        answer = await client.http.request(method, simulator.issuer + path, headers=client.headers)
        assert answer.status_code == status, path
    assert (await client.http.get(simulator.issuer)).status_code == 200
    broken = await client.http.post(
        f"{simulator.base_url}/responses",
        content=b"{",
        headers={**client.headers, "content-type": "application/json"},
    )
    assert (broken.status_code, broken.json()) == (400, {"detail": "Bad Request"})


async def test_scenarios_by_prompt_and_by_model(client, simulator, kit):
    assert (await client.ask("please demo:usage_limit"))[0] == 429
    assert (await client.ask("hi", model="demo-cloudflare-once"))[0] == 403
    events = await client.ask("hi", model="demo-refusal")
    assert "response.refusal.done" in [event.type for event in events]
    assert [one.scenario for one in simulator.questions()] == ["usage_limit", "cloudflare", "refusal"]


async def test_once_is_once_for_each_prompt(client, kit):
    for prompt in ("demo:http_500_once", "demo:http_500_once again"):
        assert (await client.ask(prompt))[0] == 500
        assert "demonstration" in kit.text_of(await client.ask(prompt))


async def test_a_scenario_is_over_when_its_tools_have_run(client, kit):
    prompt = "demo:tool"
    events = await client.ask(prompt)
    items = [event.data["item"] for event in events if event.type == "response.output_item.done"]
    assert kit.calls_of(events) == [("get_weather", {"city": "Paris"})]
    output = {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": "sunny"}
    assert "sunny" in kit.text_of(await client.ask(prompt, *items, output))
    items[0]["encrypted_content"] = "gAAAA" + items[0]["encrypted_content"][5:-8] + "AAAAAAA="
    status, body = await client.ask(prompt, *items, output)
    assert (status, body["error"]["code"]) == (400, "invalid_encrypted_content")


async def test_titles_of_claude_code_play_no_scenario(client, simulator):
    await client.ask("<session>\ndemo:stall\n</session>\n\nWrite the title.")
    assert simulator.questions()[-1].scenario == "answer"


async def test_scripts_come_first_and_in_order(client, simulator, kit):
    def mine(ask):
        yield ask.pen.opening()
        yield from ask.pen.text("mine")
        yield ask.complete()

    simulator.script("overloaded", ("text", {"say": "scripted"}), detail(418, "teapot"), mine)
    assert (await client.ask("hi"))[0] == 503
    assert kit.text_of(await client.ask("hi")) == "scripted"
    assert await client.ask("hi") == (418, {"detail": "teapot"})
    assert kit.text_of(await client.ask("hi")) == "mine"
    assert simulator.questions()[-1].scenario == "mine"
    simulator.script(Reply(500, b"no"), "cut_at_once", path="/oauth/token")
    assert (await client.http.post(f"{simulator.issuer}/oauth/token", data={})).status_code == 500
    with pytest.raises(httpx.RemoteProtocolError):
        await client.http.post(f"{simulator.issuer}/oauth/token", data={})
    assert (await client.http.post(f"{simulator.issuer}/oauth/token", data={"a": "b"})).status_code == 401


async def test_too_long_a_prompt_fails_inside_the_stream(client):
    events = await client.ask("x " * 600_000)
    assert events[-1].data["response"]["error"]["code"] == "context_length_exceeded"


async def test_cached_tokens_are_told(client, kit):
    for expected in (False, True):
        events = await client.ask("a" * 20_000, prompt_cache_key="session")
        usage = events[-1].data["response"]["usage"]
        assert (usage["input_tokens_details"]["cached_tokens"] > 4000) == expected


async def test_a_lenient_simulator_checks_the_login_only(client, simulator, kit):
    simulator.lenient = True
    assert isinstance(await client.ask("hi", temperature=1, model="anything"), list)
    assert (await client.send(kit.question("hi"), authorization=""))[0] == 401
