"""Any Responses endpoint as a provider: what it is asked, what its refusals mean, its models, its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rotom.catalogue import Model
from rotom.config import Config, load
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Reply, Token, Usage, custom
from rotom.turn import Turn, input_text, message

MODEL = Model("local-model", "local")
PROVIDER = custom.make("local", "http://127.0.0.1:8080/v1")
HELLO = message("user", [input_text("hello")])


def body(**asked: Any) -> Any:
    turn = Turn({"model": "x", "input": [HELLO], **asked}, asked="x")
    return json.loads(PROVIDER.dress(turn, MODEL, Token("sk-1")).body)


def test_a_question_goes_out_as_it_was_asked() -> None:
    asked = {
        "temperature": 0.2,
        "max_output_tokens": 100,
        "instructions": "be kind",
        "metadata": {"a": "b"},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "tools": [{"type": "function", "name": "f", "parameters": {}, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": "required",
        "include": ["file_search_call.results"],
        "reasoning": {"effort": "minimal"},
        "store": True,
        "stream": False,
        "rotom_thing": 1,
        "unknown": 2,
        "top_p": None,
    }
    out = PROVIDER.dress(Turn({"model": "x", "input": [HELLO], **asked}, asked="x"), MODEL, Token("sk-1"))
    assert (out.method, out.url) == ("POST", "http://127.0.0.1:8080/v1/responses")
    assert ("authorization", "Bearer sk-1") in out.headers
    sent = json.loads(out.body)
    assert sent == {
        **{name: asked[name] for name in ("temperature", "max_output_tokens", "instructions", "metadata", "text")},
        "model": "local-model",
        "input": [HELLO],
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "tool_choice": "required",
        "include": ["reasoning.encrypted_content", "file_search_call.results"],
        "reasoning": {"effort": "minimal"},
        "store": False,
        "stream": True,
    }
    told = PROVIDER.receipt(Turn({"model": "x", **asked}, asked="x"), MODEL)
    assert told.dropped == ("rotom_thing", "unknown")


def test_no_key_no_header() -> None:
    out = PROVIDER.dress(Turn({"input": []}, asked="x"), MODEL, Token(""))
    assert "authorization" not in dict(out.headers)


def test_without_tools_there_is_no_choice_of_one() -> None:
    sent = body(tool_choice="auto", parallel_tool_calls=True, tools=[])
    assert {"tools", "tool_choice", "parallel_tool_calls"}.isdisjoint(sent)


def test_items_keep_what_is_theirs() -> None:
    reasoning = {"type": "reasoning", "encrypted_content": "x", "rotom_provider": "local", "rotom_model": "m"}
    long = {"type": "function_call", "id": "i" * 65, "call_id": "c", "name": "n", "arguments": "{}"}
    parts = message("user", [{**input_text("hi"), "prompt_cache_breakpoint": {}}])
    first, second, third, fourth = body(input=[reasoning, long, parts, {**HELLO, "id": "msg_1"}])["input"]
    assert first.keys() == {"type", "encrypted_content", "summary", "id"}
    assert first["id"].startswith("rs_")
    assert "id" not in second
    assert third == message("user", [input_text("hi")])
    assert fourth["id"] == "msg_1"


def test_refusals() -> None:
    refused = PROVIDER.refusal(401, {}, b'{"error":{"message":"Incorrect API key"}}')
    assert (refused.kind, refused.code, refused.retry) == (Kind.UNAUTHENTICATED, "key_refused", False)
    assert "rotom login --provider local" in refused.message
    long = PROVIDER.refusal(400, {}, b'{"error":{"message":"it exceeds the available context size"}}')
    assert long.code == "context_length_exceeded"
    missing = PROVIDER.refusal(404, {}, b'{"error":{"code":"model_not_found","message":"no m"}}')
    assert (missing.kind, missing.param) == (Kind.NOT_FOUND, "model")
    assert "endpoints" in PROVIDER.refusal(404, {}, b"").message


def test_models() -> None:
    flow = PROVIDER.models(Token("sk-1"))
    asked = next(flow)
    assert isinstance(asked, Outgoing)
    assert asked.url == "http://127.0.0.1:8080/v1/models"
    answer = {
        "data": [
            {"id": "a/b", "max_model_len": 4096},
            {"id": "c", "context_length": True, "name": "C!"},
            {"id": "bad name"},
            {"id": 3},
            None,
        ]
    }
    with pytest.raises(StopIteration) as stop:
        flow.send(Reply(200, {"etag": "e"}, json.dumps(answer).encode()))
    models, etag = stop.value.value
    assert [(model.id, model.context, model.title) for model in models] == [("a/b", 4096, "a/b"), ("c", None, "C!")]
    assert etag == "e"


@pytest.mark.parametrize(("status", "code"), [(404, "no_model_list"), (401, "key_refused"), (500, "server_error")])
def test_lists_that_cannot_be_had(status: int, code: str) -> None:
    flow = PROVIDER.models(Token("sk-1"))
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(Reply(status, {}, b""))
    assert caught.value.code == code


def test_named_models_are_not_asked_for() -> None:
    provider = custom.make("local", "http://127.0.0.1:8080/v1", ("a", "b"))
    assert [model.id for model in provider.builtin] == ["a", "b"]
    with pytest.raises(StopIteration) as stop:
        next(provider.models(Token("")))
    assert stop.value.value == ([*provider.builtin], None)


def test_the_settings_make_providers() -> None:
    environ = {
        "ROTOM_HOME": "/nowhere",
        "ROTOM_ENDPOINTS": "local=http://127.0.0.1:8080/v1,Far=https://api.example.com/v1/",
        "ROTOM_ENDPOINT_MODELS": "far=big,far=small",
    }
    local, far = custom.endpoints(load({}, environ, Path("/nowhere/config.json")).config)
    assert (local.name, local.builtin) == ("local", ())
    assert (far.name, far.title, [model.id for model in far.builtin]) == (
        "far",
        "far (https://api.example.com/v1)",
        ["big", "small"],
    )
    assert custom.endpoints(Config()) == []


def test_nothing_is_renewed_or_revoked() -> None:
    token = Token("sk-1")
    assert not PROVIDER.may_renew(token, 0.0)
    with pytest.raises(Problem, match="put in another one"):
        next(PROVIDER.renew(token, "asked"))
    with pytest.raises(Problem, match="takes an API key"):
        next(PROVIDER.login("http://127.0.0.1:1/"))
    with pytest.raises(StopIteration):
        next(PROVIDER.revoke(token))
    with pytest.raises(StopIteration) as stop:
        next(PROVIDER.usage(token))
    assert stop.value.value == Usage()
    assert PROVIDER.windows({}) == ()
