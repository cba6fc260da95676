"""The Codex service as a provider: the requests it is sent, and its calls beside the turns, played by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.catalogue import EFFORTS, Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Reply, Token, Window, openai, openai_account, registry
from rotom.providers.openai_dress import LITE, clamp, dress
from rotom.providers.openai_models import BUILTIN
from rotom.turn import Turn

CONFIG = Config(home=Path("/nowhere"))
TOKEN = Token("secret", account_id="acc-1")
MODELS = {model.id: model for model in BUILTIN}
MODEL = MODELS["gpt-5.5"]
ALLOWED = {
    "model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "store", "stream",
    "include", "prompt_cache_key", "text", "service_tier", "client_metadata",
}  # fmt: skip


def dressed(
    body: dict[str, Any],
    *,
    model: Model = MODEL,
    token: Token = TOKEN,
    session: str | None = "s",
    config: Config = CONFIG,
) -> Outgoing:
    turn = Turn({"model": model.id, "input": [], **body}, model.id, session=session)
    return openai.make(config).dress(turn, model, token)


def body_of(body: dict[str, Any], **rest: Any) -> dict[str, Any]:
    value = json.loads(dressed(body, **rest).body)
    assert isinstance(value, dict)
    return value


def test_the_smallest_turn() -> None:
    out = dressed({"input": "hi"})
    headers = dict(out.headers)
    session = headers["session-id"]
    assert out.url == "https://chatgpt.com/backend-api/codex/responses"
    assert headers == {
        "authorization": "Bearer secret",
        "chatgpt-account-id": "acc-1",
        "originator": "rotom",
        "user-agent": CONFIG.openai_user_agent,
        "version": "0.169.0",
        "session-id": session,
        "thread-id": session,
        "x-client-request-id": session,
        "content-type": "application/json",
        "accept": "text/event-stream",
    }
    assert json.loads(out.body) == {
        "model": "gpt-5.5",
        "stream": True,
        "instructions": "",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": session,
    }
    assert "secret" not in repr(out)


def test_a_conversation_is_known_by_how_it_begins() -> None:
    def session(first: Any, instructions: str = "be brief", *more: Any) -> str:
        body = body_of({"instructions": instructions, "input": [first, *more]}, session=None)
        return str(body["prompt_cache_key"])

    def shown(data: str) -> Any:
        return {"role": "user", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{data}"}]}

    first = shown("AAAA")
    assert session(first) == session(first, "be brief", {"role": "user", "content": "and then?"})
    assert len({session(first), session(shown("BBBB")), session(first, "be long")}) == 3
    long = "A" * 100_000
    assert session(shown("B" + long)) != session(shown("A" + long))
    assert session(shown(long)) == session(shown(long + "B")), "so much alike that they may share a cache"
    deep: Any = "x"
    for _ in range(300):
        deep = {"a": [deep]}
    assert session({"role": "user", "content": "hi", "a": deep}) != session(
        {"role": "user", "content": "ho", "a": deep}
    )


@given(
    st.dictionaries(
        st.sampled_from(sorted(ALLOWED | {"temperature", "user", "top_p", "background", "stop"})), st.none()
    )
)
def test_only_what_the_service_takes_is_sent(fields: dict[str, None]) -> None:
    body = body_of(
        {**fields, "metadata": {"a": "b"}, "max_output_tokens": 5, "previous_response_id": "r", "store": True}
    )
    assert set(body) <= ALLOWED
    assert body["store"] is False
    assert body["stream"] is True
    assert isinstance(body["instructions"], str)
    assert isinstance(body["input"], list)


def test_items_lose_ids_marks_and_the_system_role() -> None:
    items = [
        {"role": "system", "content": "be brief", "id": "msg_1"},
        {"type": "message", "role": "assistant", "phase": "final_answer", "id": "msg_2", "rotom_provider": "openai",
         "content": [{"type": "output_text", "text": "x", "annotations": [], "prompt_cache_breakpoint": True}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"},
        {"type": "reasoning", "id": "rs_2", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "y"}]},
        {"type": "compaction_trigger"},
    ]  # fmt: skip
    assert body_of({"input": items})["input"] == [
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "assistant", "phase": "final_answer",
         "content": [{"type": "output_text", "text": "x", "annotations": []}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "blob"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "y"}]},
        {"type": "compaction_trigger"},
    ]  # fmt: skip
    assert items[0]["role"] == "system"  # the turn itself is not touched


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "msg_1"}, "text"])
def test_items_that_cannot_be_sent(item: object) -> None:
    with pytest.raises(Problem) as caught:
        dressed({"input": [{"role": "user", "content": "a"}, item]})
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "input[1]")


def test_tools() -> None:
    tools = [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "cache_control": {"type": "ephemeral"}},
        {"type": "web_search_preview_2025_03_11", "search_context_size": "low"},
    ]
    body = body_of({"tools": tools, "tool_choice": {"type": "web_search_preview"}, "parallel_tool_calls": False})
    assert body["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"type": "web_search", "search_context_size": "low"},
    ]
    assert body["tool_choice"] == {"type": "web_search"}
    assert body["parallel_tool_calls"] is False
    plain = body_of({"tools": tools})
    assert (plain["tool_choice"], plain["parallel_tool_calls"]) == ("auto", True)
    alone = Model("m", "openai", parallel_tools=False)
    assert body_of({"tools": tools, "parallel_tool_calls": True}, model=alone)["parallel_tool_calls"] is False
    assert "tool_choice" not in body_of({"tools": [], "tool_choice": "auto"})


@pytest.mark.parametrize(
    ("asked", "id", "sent"),
    [
        ("minimal", "gpt-5.5", "low"),
        ("none", "gpt-5.5", "low"),
        ("medium", "gpt-5.5", "medium"),
        ("max", "gpt-5.5", "xhigh"),
        ("ultra", "gpt-5.5", "xhigh"),
        ("ultra", "gpt-6.1-sol", "max"),
        ("max", "gpt-6.1-sol", "max"),
        ("heroic", "gpt-6.1-sol", "heroic"),
    ],
)
def test_efforts(asked: str, id: str, sent: str) -> None:
    body = body_of({"reasoning": {"effort": asked, "summary": "auto"}}, model=MODELS[id])
    assert body["reasoning"] == {"effort": sent, "summary": "auto"}


@given(st.sampled_from([*EFFORTS, "ultra"]), st.sets(st.sampled_from(EFFORTS), min_size=1))
def test_a_clamped_effort_is_one_the_model_has(asked: str, efforts: set[str]) -> None:
    assert clamp(asked, Model("m", "openai", efforts=tuple(efforts))) in efforts


def test_reasoning_summary_and_context() -> None:
    assert body_of({"reasoning": {"summary": "none", "effort": None}}).get("reasoning") is None
    assert body_of({"reasoning": {"context": "all_turns"}})["reasoning"] == {"context": "all_turns"}
    assert clamp("minimal", Model("unknown", "openai")) == "minimal"


def test_includes_tiers_text_and_metadata() -> None:
    body = body_of(
        {
            "include": ["reasoning.encrypted_content", "web_search_call.action.sources", "invented"],
            "service_tier": "fast",
            "text": {"verbosity": "low", "format": {"type": "text"}, "other": 1},
            "client_metadata": {"a": "b", "c": 1},
        }
    )
    assert body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    assert body["service_tier"] == "priority"
    assert body["text"] == {"verbosity": "low", "format": {"type": "text"}}
    assert body["client_metadata"] == {"a": "b"}
    assert "service_tier" not in body_of({"service_tier": "priority"}, model=MODELS["gpt-5.4-mini"])
    assert "service_tier" not in body_of({"service_tier": "flex"})
    quiet = Model("m", "openai", verbosity=False)
    assert "text" not in body_of({"text": {"verbosity": "low"}}, model=quiet)


def test_a_session_is_stable_unspoken_and_falls_back_to_the_beginning() -> None:
    def session(body: dict[str, Any], name: str | None) -> str:
        return dict(dressed(body, session=name).headers)["session-id"]

    assert session({}, "user_1_session_2") == session({"input": "other"}, "user_1_session_2")
    assert session({}, "a") != session({}, "b")
    begun = [{"role": "user", "content": "one"}]
    more = [*begun, {"role": "assistant", "content": "two"}]
    assert session({"input": begun}, None) == session({"input": more}, None)
    assert session({"input": begun}, None) != session({"input": [{"role": "user", "content": "x"}]}, None)
    assert session({}, "odd \ud800") == session({}, "odd \ud800")
    assert b"user_1" not in dressed({}, session="user_1_session_2").body


def test_the_cache_key_is_the_clients_own_or_short() -> None:
    assert body_of({"prompt_cache_key": "mine"})["prompt_cache_key"] == "mine"
    assert len(body_of({"prompt_cache_key": "x" * 65})["prompt_cache_key"]) == 64


def test_the_same_turn_is_the_same_bytes() -> None:
    body = {"input": [{"role": "user", "content": "ü \ud800"}], "tools": [{"type": "function", "name": "f"}]}
    assert dressed(body).body == dressed(body).body


def test_fedramp_routing_and_workspace() -> None:
    extra = {"fedramp": True, "account_routing_override": "us", "workspace_backend_origin": "https://gov.chatgpt.com"}
    out = dressed({}, token=Token("t", account_id="a", extra=extra))
    assert out.url == "https://gov.chatgpt.com/backend-api/codex/responses"
    assert dict(out.headers)["x-openai-fedramp"] == "true"
    assert dict(out.headers)["x-openai-account-routing-override"] == "us"
    free = dict.fromkeys(("account_routing_override", "workspace_backend_origin"), "NO_CONSTRAINT")
    plain = dressed({}, token=Token("t", extra=free))
    assert plain.url.startswith("https://chatgpt.com/")
    assert not {"x-openai-account-routing-override", "chatgpt-account-id"} & {name for name, _ in plain.headers}
    mirror = Config(home=Path("/nowhere"), openai_base_url="http://127.0.0.1:1/codex/")
    assert dressed({}, token=Token("t", extra=extra), config=mirror).url == "http://127.0.0.1:1/codex/responses"


@pytest.mark.parametrize(
    "origin",
    ["http://gov.chatgpt.com", "https://u@evil.example", "https://a.example/path", "gov.chatgpt.com", "https://"],
)
def test_a_token_goes_to_no_odd_origin(origin: str) -> None:
    with pytest.raises(Problem, match="not a plain https origin"):
        dressed({}, token=Token("t", extra={"workspace_backend_origin": origin}))


def play(flow: Flow, value: object, status: int = 200, headers: dict[str, str] | None = None) -> tuple[Outgoing, Any]:
    out = next(flow)
    assert isinstance(out, Outgoing)
    try:
        flow.send(Reply(status, headers or {}, json.dumps(value).encode()))
    except StopIteration as stop:
        return out, stop.value
    raise AssertionError("the flow goes on")


LIVE = {
    "slug": "gpt-5.6-sol",
    "display_name": "GPT-5.6-Sol",
    "description": "Latest frontier agentic coding model.",
    "context_window": 272000,
    "max_context_window": 921000,
    "default_reasoning_level": "low",
    "supported_reasoning_levels": [{"effort": level, "description": ""} for level in ("low", "max", "ultra")],
    "input_modalities": ["text"],
    "visibility": "hide",
    "priority": 1,
    "supports_parallel_tool_calls": True,
    "support_verbosity": True,
    "service_tiers": [{"id": "priority", "name": "Fast"}],
}


def test_the_live_list() -> None:
    flow = openai.make(CONFIG).models(TOKEN)
    out, (models, etag) = play(flow, {"models": [LIVE, {"slug": "bare"}, "odd", {}]}, headers={"etag": 'W/"1"'})
    assert out.url == "https://chatgpt.com/backend-api/codex/models?client_version=0.169.0"
    assert etag == 'W/"1"'
    assert models == [
        Model(
            "gpt-5.6-sol", "openai", "GPT-5.6-Sol", "Latest frontier agentic coding model.", 272000, 921000,
            ("low", "max"), "low", images=False, tiers=("priority",), hidden=True, priority=1,
        ),
        Model("bare", "openai", "bare", priority=0),
    ]  # fmt: skip
    with pytest.raises(Problem, match="could not be read"):
        play(openai.make(CONFIG).models(TOKEN), {"models": None})


USAGE = {
    "account_id": "acc-1",
    "email": "user@example.com",
    "plan_type": "plus",
    "rate_limit": {
        "primary_window": {"used_percent": 2, "limit_window_seconds": 604800, "reset_at": 1795922029},
        "secondary_window": {"used_percent": 7, "limit_window_seconds": 18000, "reset_at": 1795334851},
    },
    "code_review_rate_limit": {
        "primary_window": {"used_percent": 0, "limit_window_seconds": 604800, "reset_at": None},
        "secondary_window": None,
    },
    "additional_rate_limits": [{"limit_name": "spark", "rate_limit": {"primary_window": {"used_percent": 1}}}, None],
    "credits": {"has_credits": False},
}


def test_usage() -> None:
    out, usage = play(openai.make(CONFIG).usage(TOKEN), USAGE)
    assert out.url == "https://chatgpt.com/backend-api/wham/usage"
    assert dict(out.headers)["authorization"] == "Bearer secret"
    assert (usage.plan, usage.email, usage.account_id) == ("plus", "user@example.com", "acc-1")
    assert usage.windows == (
        Window(300, 7.0, 1795334851.0),
        Window(10080, 2.0, 1795922029.0),
        Window(10080, 0.0, None, "code_review"),
    )
    with pytest.raises(Problem) as caught:
        play(openai.make(CONFIG).usage(TOKEN), {"detail": "no"}, 401)
    assert caught.value.code == "token_refused"


def test_accounts_check_remembers_the_routing() -> None:
    account = {"id": "acc-1", "workspace_backend_origin": "https://gov.chatgpt.com", "account_routing_override": "us"}
    other = {"id": "acc-2", "workspace_backend_origin": "https://other.example"}
    check: Callable[[Token], Flow] = openai_account.accounts_check(CONFIG)
    out, token = play(check(TOKEN), {"accounts": [other, account]})
    assert out.url == "https://chatgpt.com/backend-api/wham/accounts/check"
    assert token.extra == {"workspace_backend_origin": "https://gov.chatgpt.com", "account_routing_override": "us"}
    out, token = play(check(token), {"accounts": [{"id": "acc-1", "workspace_backend_origin": "NO_CONSTRAINT"}]})
    assert out.url.startswith("https://chatgpt.com/")
    assert token.extra == {}


def test_the_registry() -> None:
    providers = registry.all_providers(CONFIG)
    assert next(iter(providers)) == "openai"
    assert providers["openai"].aliases == ("codex",)
    assert providers["openai"].private("codex.rate_limits")
    assert not providers["openai"].private("error")
    assert len({model.id for model in BUILTIN}) == len(BUILTIN)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, 1e300, "5", None, [5]])
@pytest.mark.parametrize("key", ["limit_window_seconds", "used_percent", "reset_at"])
def test_usage_of_numbers_that_are_none(key: str, number: object) -> None:
    window = {"limit_window_seconds": 18000, "used_percent": 5, "reset_at": 1795000000, key: number}
    answer = {"rate_limit": {"primary_window": window}, "additional_rate_limits": 5}
    _, usage = play(openai.make(CONFIG).usage(TOKEN), answer)
    assert [(w.minutes, w.used_percent, w.resets_at) for w in usage.windows] == (
        [(300, 5.0, None)] if key == "reset_at" else []
    )


def test_models_have_names() -> None:
    slugs = ["gpt-5.5", "org/m:2", "x; rm -rf ~", "$(id)", "\x1b[2J", "", "é", "a" * 200, "a\n", None, 5]
    assert [model.id for model in openai.read_models([{"slug": slug} for slug in slugs])] == ["gpt-5.5", "org/m:2"]


def test_the_list_for_the_vendors_own_client() -> None:
    listing = openai.make(CONFIG).vendor_models
    assert listing is not None
    out, (value, _) = play(listing("0.170.0&x=y", TOKEN), {"models": [{"slug": "m", "new": 1}], "other": 2})
    assert out.url.endswith("/models?client_version=0.170.0%26x%3Dy")
    assert value == {"models": [{"slug": "m", "new": 1}]}
    with pytest.raises(Problem):
        play(listing("1", TOKEN), {"models": None})


def test_headers_for_the_vendors_own_client() -> None:
    headers = {
        "x-codex-primary-used-percent": "5",
        "openai-model": "m",
        "set-cookie": "secret",
        "cf-ray": "x",
        "x-codex-odd": "a\nb",
        "authorization": "x",
    }
    assert openai.told(headers) == (("x-codex-primary-used-percent", "5"), ("openai-model", "m"))


def test_hints_of_the_vendors_own_client() -> None:
    turn = Turn({"model": "gpt-5.5", "input": []}, "gpt-5.5", hints={LITE: "true", "x-other": "private"})
    out = dress(CONFIG, turn, MODEL, TOKEN)
    assert dict(out.headers)[LITE] == "true"
    assert "x-other" not in dict(out.headers)
    assert json.loads(out.body)["parallel_tool_calls"] is False


def test_what_only_answers_have_does_not_go_up() -> None:
    items = [
        {
            "type": "function_call",
            "call_id": "c",
            "name": "n",
            "arguments": "{}",
            "parsed_arguments": {},
            "created_by": "x",
        },
        {"type": "reasoning", "encrypted_content": "x", "summary": [], "status": "completed"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x", "parsed": {"a": 1}}]},
    ]
    sent = json.loads(dress(CONFIG, Turn({"model": "gpt-5.5", "input": items}, "m"), MODEL, TOKEN).body)["input"]
    assert sent == [
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "reasoning", "encrypted_content": "x", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
    ]


def on_socket(body: dict[str, Any], **more: Any) -> tuple[Outgoing, dict[str, Any]]:
    dress = openai.make(CONFIG).dress_socket
    assert dress is not None
    return dress(Turn({"model": MODEL.id, "input": "hi", **body}, MODEL.id, session="s", **more), MODEL, TOKEN)


def test_a_turn_on_a_websocket_is_the_same_question() -> None:
    body = {"tools": [{"type": "web_search_preview"}], "temperature": 1, "metadata": {}, "client_metadata": {"a": "b"}}
    handshake, message = on_socket(body)
    assert message == {"type": "response.create", **body_of({"input": "hi", **body})}
    by_http = dict(dressed({"input": "hi"}).headers)
    headers = dict(handshake.headers)
    assert (handshake.method, handshake.body) == ("GET", b"")
    assert handshake.url == "https://chatgpt.com/backend-api/codex/responses"
    assert headers.pop("openai-beta") == "responses_websockets=2026-02-06"
    assert headers == {name: value for name, value in by_http.items() if name not in ("accept", "content-type")}


def test_what_a_client_says_of_one_turn_is_not_in_the_handshake() -> None:
    lite = "x-openai-internal-codex-responses-lite"
    hints = {"x-codex-turn-state": "t", lite: "true", "x-codex-beta-features": "f", "x-other": "o"}
    handshake, message = on_socket({"client_metadata": {"a": "b"}}, hints=hints)
    assert dict(handshake.headers)["x-codex-beta-features"] == "f"
    assert not {"x-codex-turn-state", lite, "x-other"} & set(dict(handshake.headers))
    assert message["client_metadata"] == {"a": "b", f"ws_request_header_{lite.replace('-', '_')}": "true"}
    assert on_socket({}, hints={**hints, "x-codex-turn-state": "u"})[0] == handshake
