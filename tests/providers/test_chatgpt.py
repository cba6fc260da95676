"""The public API on a ChatGPT plan: requests, models, refusals."""

import json

import pytest

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Reply, Token, Usage, chatgpt
from rotom.sse import Event
from rotom.turn import Turn, input_text, message

PROVIDER = chatgpt.make(Config())
MODEL = Model("gpt-5.5", "chatgpt", efforts=("low", "medium"))
TOKEN = Token("tok", "rt", account_id="acc")


def test_a_question():
    asked = {
        "input": [message("system", [input_text("hi")])],
        "temperature": 1,
        "metadata": {"a": "b"},
        "previous_response_id": "x",
        "client_metadata": {"a": "b"},
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "reasoning": {"effort": "high"},
    }
    out = PROVIDER.dress(Turn(asked, "gpt-5.5", session="s"), MODEL, TOKEN)
    assert out.url == "https://api.openai.com/v1/responses"
    names = {name for name, _ in out.headers}
    assert names == {"authorization", "content-type", "accept"}
    body = json.loads(out.body)
    assert body.keys() == {
        *("model", "stream", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning"),
        *("store", "include", "prompt_cache_key"),
    }
    assert body["input"][0]["role"] == "developer"
    assert body["reasoning"] == {"effort": "medium"}
    told = PROVIDER.receipt(Turn(asked, "gpt-5.5"), MODEL)
    assert "previous_response_id" not in body
    assert ("effort:high", "medium") in told.mapped


@pytest.mark.parametrize("kind", ["image_generation", "tool_search"])
def test_tools_that_cannot_be_had(kind):
    turn = Turn({"input": [], "tools": [{"type": "web_search"}, {"type": kind}]}, "gpt-5.5")
    with pytest.raises(Problem, match="rotom login --provider openai") as caught:
        PROVIDER.dress(turn, MODEL, TOKEN)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "tools[1]")


def test_compacting_cannot_be_had():
    turn = Turn({"input": [message("user", [input_text("hi")]), {"type": "compaction_trigger"}]}, "gpt-5.5")
    with pytest.raises(Problem, match="compacting") as caught:
        PROVIDER.dress(turn, MODEL, TOKEN)
    assert caught.value.param == "input[1]"


def test_an_answer_may_compact_its_conversation():
    rules = [{"type": "compaction", "compact_threshold": 1000}]
    turn = Turn({"input": [], "context_management": rules, "temperature": 0.5}, "gpt-5.5")
    assert json.loads(PROVIDER.dress(turn, MODEL, TOKEN).body)["context_management"] == rules
    assert PROVIDER.receipt(turn, MODEL).dropped == ("temperature",)


def listed(body):
    flow = PROVIDER.models(TOKEN)
    asked = next(flow)
    assert isinstance(asked, Outgoing)
    assert "/v1/models?client_version=" in asked.url
    with pytest.raises(StopIteration) as stop:
        flow.send(Reply(200, {}, json.dumps(body).encode()))
    return {model.id: model for model in stop.value.value[0]}


def test_models_in_either_form():
    public = listed({"data": [{"id": "gpt-5.5"}, {"id": "whisper-1"}, {"id": "gpt-image-2"}, {"id": "gpt-9"}]})
    assert [name for name, model in public.items() if not model.hidden] == ["gpt-5.5", "gpt-9"]
    assert public["gpt-5.5"].context
    assert {model.provider for model in public.values()} == {"chatgpt"}
    codex = listed({"models": [{"slug": "gpt-7", "context_window": 5}]})
    assert (codex["gpt-7"].context, codex["gpt-7"].provider) == (5, "chatgpt")
    flow = PROVIDER.models(TOKEN)
    next(flow)
    with pytest.raises(Problem):
        flow.send(Reply(403, {}, b'{"error":{"code":"subscription_sharing_user_not_eligible"}}'))


PREFIX = "subscription_sharing_"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (
            429,
            {"error": {"code": PREFIX + "usage_limit_exceeded"}},
            "RATE_LIMITED",
            "usage_limit_reached",
            "settings/usage",
        ),
        (429, {"error": {"code": PREFIX + "usage_unavailable"}}, "UNAVAILABLE", PREFIX + "usage_unavailable", "moment"),
        (
            403,
            {"error": {"code": PREFIX + "user_not_eligible"}},
            "FORBIDDEN",
            PREFIX + "user_not_eligible",
            "Plus or Pro",
        ),
        (401, {"error": {"code": PREFIX + "invalid_user"}}, "FORBIDDEN", PREFIX + "invalid_user", "Plus or Pro"),
        (401, {"error": {"code": PREFIX + "user_unavailable"}}, "FORBIDDEN", PREFIX + "user_unavailable", "account"),
        (401, {"detail": {"error_code": "invalid_token"}}, "UNAUTHENTICATED", "token_refused", "invalid_token"),
        (401, {}, "UNAUTHENTICATED", "token_refused", "no reason"),
        (400, {"error": {"code": PREFIX + "unsupported_capability"}}, "INVALID", "unsupported_capability", "cannot"),
        (
            403,
            {"error": {"code": "chatpass_v2_scope_not_authorized"}},
            "FORBIDDEN",
            "chatpass_v2_scope_not_authorized",
            "log",
        ),
        (
            403,
            {"error": {"code": "chatpass_v2_invalid_authorization_context"}},
            *("FORBIDDEN", "chatpass_v2_invalid_authorization_context", "permission"),
        ),
        (404, {"error": {"code": "model_not_found"}}, "NOT_FOUND", "model_not_found", "rotom models"),
        (400, {"error": {"message": "it exceeds the context window"}}, "INVALID", "context_length_exceeded", "window"),
        (404, {}, "UPSTREAM", "not_found", "chatgpt_base_url"),
    ],
)
def test_refusals(status, body, kind, code, words):
    problem = PROVIDER.refusal(status, {"retry-after": "60"}, json.dumps(body).encode())
    assert problem.kind is Kind[kind]
    assert problem.code == code or code is None
    assert words in problem.message


def test_a_limit_inside_a_stream():
    error = {"code": PREFIX + "usage_limit_exceeded", "message": "weekly cap"}
    problem = PROVIDER.failure(Event("response.failed", data={"response": {"error": error}}))
    assert (problem.code, problem.retry) == ("usage_limit_reached", False)
    assert "weekly cap" in problem.message


def test_no_usage_is_known():
    with pytest.raises(StopIteration) as stop:
        next(PROVIDER.usage(TOKEN))
    assert stop.value.value == Usage(account_id="acc")
    assert PROVIDER.windows({"x-codex-primary-used-percent": "5"}) == ()
    assert PROVIDER.private("codex.rate_limits")
