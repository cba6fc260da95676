"""The Grok provider: requests, models, what is told of an account, and its two origins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rotom.catalogue import Catalogue, Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing, Reply, Token, Window, grok
from rotom.providers.grok_dress import body_of, effort_of
from rotom.providers.grok_models import BUILTIN, read_models
from rotom.providers.grok_receipt import receipt
from rotom.providers.grok_tools import calls, draws, object_schema, wire_name
from rotom.sse import Event
from rotom.turn import Turn

CONFIG = Config(home=Path("/nowhere"))
TOKEN = Token("secret", account_id="acc-1")
MODELS = {model.id: model for model in BUILTIN}
MODEL = MODELS["grok-4.6"]
SEALED = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg"
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def turn(**body: Any) -> Turn:
    return Turn({"model": "grok-4.6", "input": [HELLO], **body}, "grok-4.6")


def body(model: Model = MODEL, **fields: Any) -> Any:
    return body_of(turn(**fields), model, "session")


def tools(*offered: Any, model: Model = MODEL, **fields: Any) -> Any:
    return body(model, tools=list(offered), **fields).get("tools")


def items(*given: Any) -> Any:
    return body(input=list(given))["input"]


# The request -----------------------------------------------------------------------------------------------------------


def test_the_least_request() -> None:
    assert body() == {
        "model": "grok-4.6",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "input": [HELLO],
        "prompt_cache_key": "session",
    }


def test_what_is_honoured_here_and_nowhere_else() -> None:
    knobs = {"temperature": 0, "top_p": 0.5, "max_output_tokens": 7, "top_k": 3, "min_p": 0.1, "max_turns": 2}
    assert body(**knobs).items() >= knobs.items()
    assert receipt(turn(**knobs), MODEL).header() is None


def test_what_xai_does_not_have_stays_here() -> None:
    sent = body(
        metadata={"a": "b"},
        truncation="auto",
        stop=["x"],
        stream_options={"include_usage": True},
        prompt_cache_retention="24h",
        background=False,
        safety_identifier="s",
        user="u",
        client_metadata={"x": "y"},
        previous_response_id="resp_1",
        service_tier="flex",
        text={"verbosity": "low"},
        tool_choice="auto",
        parallel_tool_calls=True,
        include=["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"],
        presence_penalty=1,
        something_new={"a": 1},
    )
    assert sent == body()


def test_the_receipt_tells_what_was_left_out() -> None:
    asked = turn(
        truncation="auto",
        presence_penalty=1,
        service_tier="flex",
        text={"verbosity": "low"},
        include=["message.output_text.logprobs", "web_search_call.action.sources"],
        reasoning={"effort": "max", "odd": 1},
        tools=[{"type": "local_shell"}, {"type": "image_generation"}],
        metadata={"a": "b"},
    )
    told = receipt(asked, MODELS["grok-4.5"])
    assert set(told.dropped) == {
        *("truncation", "presence_penalty", "service_tier", "text.verbosity", "include.message.output_text.logprobs"),
        *("reasoning.odd", "tools.local_shell", "tools.image_generation"),
    }
    assert told.mapped == (("effort:max", "high"),)
    assert receipt(turn(reasoning={"effort": "high"}), MODELS["grok-build-0.1"]).mapped == (
        ("effort:high", "the-model's-own"),
    )
    assert receipt(turn(tools=[{"type": "function", "name": f"f{n}"} for n in range(351)]), MODEL).dropped == ()


def test_instructions_format_and_tier() -> None:
    form = {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True, "description": "d"}
    sent = body(instructions="be brief", text={"format": form}, service_tier="fast", prompt_cache_key="k" * 65)
    assert sent["instructions"] == "be brief"
    assert sent["text"] == {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}}
    assert sent["service_tier"] == "priority"
    assert len(sent["prompt_cache_key"]) == 64
    assert "text" not in body(text={"format": {"type": "text"}}, instructions="")


def test_the_two_origins_want_different_headers() -> None:
    provider = grok.make(CONFIG)
    sent = provider.dress(turn(), MODEL, TOKEN)
    headers = dict(sent.headers)
    assert (sent.method, sent.url) == ("POST", "https://api.x.ai/v1/responses")
    assert headers.keys() == {"authorization", "user-agent", "x-grok-conv-id", "content-type", "accept"}
    assert headers["user-agent"].startswith("rotom/")
    provider = grok.make(replace(CONFIG, grok_origin="proxy", grok_client_version="2.0.0", grok_token_auth="t"))
    sent = provider.dress(turn(model="grok-4.3-fast"), MODELS["grok-4.3-fast"], TOKEN)
    assert sent.url == "https://cli-chat-proxy.grok.com/v1/responses"
    headers = dict(sent.headers)
    assert (headers["x-xai-token-auth"], headers["x-grok-client-version"]) == ("t", "2.0.0")
    assert headers["x-grok-model-override"] == "grok-4.3"
    assert "x-grok-doom-loop-check" not in headers
    assert "secret" not in repr(sent)


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("grok-4.6", None, None),
        ("grok-4.6", "high", "high"),
        ("grok-4.6", "xhigh", "xhigh"),
        ("grok-4.6", "max", "xhigh"),
        ("grok-4.6", "minimal", "low"),
        ("grok-4.6", "none", None),
        ("grok-4.6", "ultra", "xhigh"),
        ("grok-4.5", "xhigh", "high"),
        ("grok-4.3", "none", "none"),
        ("grok-4.3", "minimal", "low"),
        ("grok-4.3-fast", None, "none"),
        ("grok-4.3-fast", "high", "low"),
        ("grok-4.3-fast", "none", "none"),
        ("grok-build-0.1", "high", None),
        ("grok-4.20-0309-reasoning", "none", None),
    ],
)
def test_efforts(model: str, asked: str | None, sent: str | None) -> None:
    assert effort_of(asked, MODELS[model]) == sent
    reasoning = body(MODELS[model], reasoning={"effort": asked, "summary": "auto"})["reasoning"]
    assert reasoning == ({"effort": sent} if sent else {}) | {"summary": "auto"}


def test_a_model_of_which_little_is_known_gets_no_effort() -> None:
    assert effort_of("high", Model("grok-9", "grok")) is None
    assert effort_of("high", Model("grok-9", "grok", efforts=("none",))) == "none"
    assert body(MODELS["grok-4.3-fast"])["model"] == "grok-4.3"


# Tools -----------------------------------------------------------------------------------------------------------------


def test_functions_go_flat_and_with_an_object() -> None:
    sent = tools(
        {"type": "function", "name": "a", "description": "d", "parameters": SCHEMA, "strict": True},
        {"type": "function", "name": "b"},
        {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}, "defer_loading": True},
    )
    assert sent == [
        {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}},
        {"type": "function", "name": "b", "parameters": {"type": "object", "properties": {}}},
    ]


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {},
        {"type": "string"},
        {"type": ["object", "null"]},
        {"oneOf": [{"properties": {"a": {}}}, {"$ref": "#/x"}], "additionalProperties": False},
        {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, 5], "properties": {"b": {}}},
        {"$schema": "x", "type": "object", "properties": None},
    ],
)
def test_any_schema_becomes_an_object(schema: Any) -> None:
    made = object_schema(schema)
    assert made["type"] == "object"
    assert isinstance(made["properties"], dict)
    assert not {"anyOf", "oneOf", "allOf", "$schema"} & made.keys()
    if isinstance(schema, dict) and "oneOf" in schema:
        assert "a" in made["properties"]
        assert "additionalProperties" not in made
    assert object_schema(SCHEMA) == SCHEMA


def test_free_form_tools_namespaces_and_searches_become_functions() -> None:
    offered = [
        {
            "type": "custom",
            "name": "apply_patch",
            "description": "Patch.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
        },
        {"type": "namespace", "name": "functions", "tools": [{"type": "function", "name": "plain"}]},
        {
            "type": "namespace",
            "name": "mcp__files__",
            "tools": [{"type": "function", "name": "read"}, {"type": "custom", "name": "edit"}],
        },
        {"type": "namespace", "name": "web", "tools": [{"type": "function", "name": "go"}]},
        {"type": "tool_search", "execution": "client", "description": "Find.", "parameters": SCHEMA},
    ]
    sent = tools(*offered)
    assert [tool["name"] for tool in sent] == [
        *("apply_patch", "plain", "mcp__files__read", "mcp__files__edit", "web__go", "tool_search"),
    ]
    assert all(tool["type"] == "function" for tool in sent)
    assert sent[0]["parameters"]["required"] == ["input"]
    assert "start: x" in sent[0]["description"]
    assert sent[5]["parameters"] == SCHEMA
    meant = calls({"tools": offered})
    assert {name: (call.kind, call.name, call.namespace) for name, call in meant.items()} == {
        "apply_patch": ("custom", "apply_patch", None),
        "mcp__files__read": ("function", "read", "mcp__files__"),
        "mcp__files__edit": ("custom", "edit", "mcp__files__"),
        "web__go": ("function", "go", "web"),
        "tool_search": ("tool_search", "tool_search", None),
    }


def test_tools_that_the_conversation_brought() -> None:
    given = [
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "a"}]},
        {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"query": "x"}},
        {
            "type": "tool_search_output",
            "call_id": "c",
            "tools": [{"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "b"}]}],
        },
        HELLO,
    ]
    sent = body(input=given)
    assert [tool["name"] for tool in sent["tools"]] == ["a", "ns__b"]
    assert sent["input"] == [
        {"type": "function_call", "call_id": "c", "name": "tool_search", "arguments": '{"query":"x"}'},
        {"type": "function_call_output", "call_id": "c", "output": "These tools can be called now: ns__b"},
        HELLO,
    ]


def test_long_names_are_shortened_the_same_way_everywhere() -> None:
    name = "x" * 80
    short = wire_name(name)
    assert len(short) == 64
    assert tools({"type": "function", "name": name})[0]["name"] == short
    assert items({"type": "function_call", "call_id": "c", "name": name, "arguments": "{}"})[0]["name"] == short
    assert calls({"tools": [{"type": "function", "name": name}]})[short].name == name


def test_tools_that_run_at_xai() -> None:
    sent = tools(
        {"type": "web_search_preview", "search_context_size": "high", "filters": {"allowed_domains": ["a.example"]}},
        {"type": "x_search", "from_date": "2026-01-01", "odd": 1},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "image_generation", "output_format": "png"},
        {"type": "file_search", "vector_store_ids": ["v"], "ranking_options": {}},
        {"type": "mcp", "server_label": "m", "server_url": "https://m.example", "odd": 1},
        {"type": "computer_use_preview"},
        {"type": "shell"},
        "nonsense",
    )
    assert sent == [
        {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}},
        {"type": "x_search", "from_date": "2026-01-01"},
        {"type": "code_interpreter"},
        {"type": "image_generation"},
        {"type": "file_search", "vector_store_ids": ["v"]},
        {"type": "mcp", "server_label": "m", "server_url": "https://m.example"},
    ]


def test_a_search_that_shall_reach_no_web_is_left_out() -> None:
    offered = {"type": "web_search", "external_web_access": False}
    assert tools(offered) is None
    assert receipt(turn(tools=[offered]), MODEL).dropped == ("tools.web_search",)
    assert tools({**offered, "external_web_access": True}) == [{"type": "web_search"}]


@pytest.mark.parametrize(
    ("model", "able"), [("grok-4.6", True), ("grok-5", True), ("grok-4.20", False), ("grok-4.5", False)]
)
def test_which_models_draw(model: str, able: bool) -> None:
    assert draws(model) is able
    assert draws(f"{model}-fast") is able
    assert not draws("grok-build")


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ([{"type": "function", "name": f"f{n}"} for n in range(351)], "350 at most"),
        ([{"type": "web_search", "filters": {"allowed_domains": ["x"] * 6}}], "5 domains at most"),
        ([{"type": "web_search", "excluded_domains": ["x"] * 6}], "5 domains at most"),
        ([{"type": "file_search", "filters": {"a": 1}}], "no filters"),
    ],
)
def test_tools_that_are_too_much(offered: Any, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        tools(*offered)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "tools")


FUNCTION = {"type": "function", "name": "f"}
CHOOSABLE = (FUNCTION, {"type": "web_search"}, {"type": "custom", "name": "c"}, {"type": "mcp", "server_label": "m"})


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (None, None),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "name": "f"}, FUNCTION),
        ({"type": "custom", "name": "c"}, {"type": "function", "name": "c"}),
        (
            {"type": "web_search_preview"},
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
        ),
        (
            {"type": "mcp", "server_label": "m"},
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "m"}]},
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [FUNCTION, {"type": "custom", "name": "x"}]},
            {"type": "allowed_tools", "mode": "required", "tools": [FUNCTION]},
        ),
    ],
)
def test_choices(asked: Any, sent: Any) -> None:
    assert body(tools=list(CHOOSABLE), tool_choice=asked).get("tool_choice") == sent


@pytest.mark.parametrize(
    "asked",
    [
        {"type": "function", "name": "other"},
        {"type": "image_generation"},
        {"type": "allowed_tools", "tools": [{"type": "function", "name": "other"}]},
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(asked: Any) -> None:
    with pytest.raises(Problem, match="not among the tools") as caught:
        body(tools=list(CHOOSABLE), tool_choice=asked)
    assert caught.value.param == "tool_choice"


def test_a_choice_without_tools() -> None:
    assert "tool_choice" not in body(tool_choice="auto")
    assert "tool_choice" not in body(tool_choice="none", tools=[{"type": "local_shell"}])
    with pytest.raises(Problem):
        body(tool_choice="required", tools=[{"type": "local_shell"}])


# Items -----------------------------------------------------------------------------------------------------------------


def test_messages_lose_what_xai_does_not_know() -> None:
    sent = items(
        {"type": "message", "id": "msg_1", "role": "developer", "content": "be brief", "status": "completed"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look", "prompt_cache_breakpoint": {}},
                {"type": "input_image", "image_url": "data:x", "detail": "original"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:y", "odd": 1},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "ok", "annotations": []}, {"type": "refusal", "refusal": "no"}],
        },
    )
    assert sent == [
        {"type": "message", "role": "developer", "content": "be brief"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:x", "detail": "high"},
                {"type": "input_file", "file_data": "data:y", "filename": "a.pdf"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "ok"}, {"type": "output_text", "text": "no"}],
        },
    ]


@pytest.mark.parametrize("blob", [None, "", "gAAAAABm" + "a" * 60, "CAIS_-" + "a" * 60, "short", SEALED + "=="])
def test_reasoning_of_others_is_left_out(blob: Any) -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob}
    assert items(thought, HELLO) == [HELLO]


def test_reasoning_of_its_own_goes_back() -> None:
    own = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}], "encrypted_content": SEALED}
    extra = {"content": None, "status": "completed", "rotom_provider": "grok"}
    assert items({**own, **extra, "id": "rs_0d00.2"}) == [{**own, "id": "rs_0d00"}]
    assert items({**own, **extra}) == [own]


def test_what_other_tools_left_behind() -> None:
    sent = items(
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "apply_patch", "input": "+x"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
        {"type": "function_call", "id": "fc_1", "call_id": "b", "name": "go", "namespace": "web", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "y"}]},
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "call_id": "c", "output": None},
        {"type": "web_search_call", "id": "ws_0d_call_1", "status": "completed", "action": {"type": "search"}},
        {"type": "web_search_call", "id": "ws_68f0", "status": "completed", "action": {"type": "search"}},
        {"type": "image_generation_call", "id": "ig_1", "result": "AAAA", "output_format": "webp"},
        {"type": "image_generation_call", "id": "ig_2", "result": None},
        {"type": "configuration_update", "model": "x"},
        {"type": "agent_message", "content": "from an agent"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": SEALED},
        {"type": "tool_search_output", "call_id": "d", "tools": []},
    )
    assert sent == [
        {"type": "function_call", "call_id": "a", "name": "apply_patch", "arguments": '{"input":"+x"}'},
        {"type": "function_call_output", "call_id": "a", "output": "done"},
        {"type": "function_call", "call_id": "b", "name": "web__go", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "y"}]},
        {"type": "function_call", "call_id": "c", "name": "local_shell", "arguments": '{"command":["ls"]}'},
        {"type": "function_call_output", "call_id": "c", "output": ""},
        {"type": "web_search_call", "id": "ws_0d_call_1", "status": "completed", "action": {"type": "search"}},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "[the image that the assistant made]"},
                {"type": "input_image", "image_url": "data:image/webp;base64,AAAA"},
            ],
        },
        {"type": "message", "role": "developer", "content": "from an agent"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": SEALED},
        {"type": "function_call_output", "call_id": "d", "output": "No tool was found."},
    ]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("text", "is not an object"),
        ({"type": "item_reference", "id": "x"}, "send the item itself"),
        ({"type": "compaction", "encrypted_content": "gAAAA" + "a" * 60}, "compacted by another provider"),
        ({"type": "compaction_trigger"}, "let the client do it"),
        ({"type": "computer_call", "call_id": "x"}, "'computer_call' cannot be told"),
        ({"type": "message", "role": "king", "content": "x"}, "role must be one of"),
        ({"type": "message", "role": "user", "content": [{"type": "input_audio"}]}, "input_audio"),
        ({"type": "message", "role": "user", "content": ["x"]}, "content\\[0\\] is not an object"),
        ({"type": "function_call", "name": "x", "arguments": "{}"}, "needs a name and a call_id"),
        ({"type": "function_call_output", "output": "x"}, "needs a call_id"),
    ],
)
def test_what_cannot_be_told_is_refused(item: Any, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        items(HELLO, item)
    assert (caught.value.kind, caught.value.retry) == (Kind.INVALID, False)
    assert str(caught.value.param).startswith("input[1]")


def test_a_text_is_an_input_too() -> None:
    assert body(input="hi")["input"] == [HELLO]


# Models ----------------------------------------------------------------------------------------------------------------


API = [
    {
        "id": "grok-4.3",
        "object": "model",
        "created": 1,
        "owned_by": "xai",
        "aliases": ["grok-4", "grok-latest", "bad name"],
        "context_length": 1_000_001,
        "capabilities": {"reasoning_effort": ["high", "none", "low"], "default_reasoning_effort": "low"},
        "input_modalities": ["text"],
    },
    {"id": "grok-4.6", "object": "model"},
    {"id": "grok-9", "object": "model", "context_length": 5},
    {"id": "grok-imagine-image", "object": "model"},
    {"id": "bad id"},
    {"id": 7},
    "nonsense",
]
PROXY = [
    {
        "id": "grok-4.6",
        "model": "grok-4.6",
        "name": "Grok 4.6",
        "description": "Best.",
        "context_window": 500_000,
        "api_backend": "responses",
        "supports_reasoning_effort": True,
        "reasoning_effort": "high",
        "reasoning_efforts": [{"value": "high", "label": "High", "default": True}, {"value": "low"}, {"value": "odd"}],
    },
    {"id": "grok-composer-2.5-fast", "supports_reasoning_effort": False, "api_backend": "responses"},
    {"id": "grok-10", "api_backend": "responses"},
]


def test_the_list_of_the_api() -> None:
    found = {model.id: model for model in read_models(API)}
    assert found.keys() == {"grok-4.3", "grok-4.6", "grok-9", "grok-4", "grok-latest", "grok-4.3-fast"}
    model = found["grok-4.3"]
    assert (model.efforts, model.default_effort, model.context) == (("none", "low", "high"), "low", 1_000_001)
    assert (model.images, model.verbosity, model.hidden) == (False, False, False)
    assert (found["grok-4"].hidden, "grok-4.3" in found["grok-4"].served_as) == (True, True)
    fast = found["grok-4.3-fast"]
    assert (fast.efforts, fast.default_effort, fast.context) == (("none", "low"), "none", 1_000_001)
    assert found["grok-4.6"].efforts == MODEL.efforts  # as built in, where the list does not tell
    assert (found["grok-9"].efforts, found["grok-9"].context) == ((), 5)


def test_the_list_of_the_proxy() -> None:
    found = {model.id: model for model in read_models(PROXY)}
    assert (found["grok-4.6"].efforts, found["grok-4.6"].default_effort) == (("low", "high", "odd"), "high")
    assert (found["grok-4.6"].title, found["grok-4.6"].description) == ("Grok 4.6", "Best.")
    assert found["grok-composer-2.5-fast"].efforts == ()
    assert (found["grok-10"].context, found["grok-composer-2.5-fast"].context) == (256_000, 200_000)
    assert effort_of("medium", found["grok-4.6"]) == "low"


def test_the_built_in_models() -> None:
    assert len(MODELS) == len(BUILTIN)
    assert all(model.provider == "grok" and not model.verbosity for model in BUILTIN)
    catalogue = Catalogue(BUILTIN)
    assert catalogue.resolve("claude-sonnet-5").id == "grok-4.7"
    assert catalogue.resolve("grok/grok-4.3").id == "grok-4.3"
    assert catalogue.find("grok-4.3-fast").exact
    assert catalogue.find("grok-4.3:none").effort == "none"


@pytest.mark.parametrize(
    ("origin", "base"), [("api", "https://api.x.ai/v1"), ("proxy", "https://cli-chat-proxy.grok.com/v1")]
)
def test_models_are_asked_of_the_origin_in_use(origin: str, base: str) -> None:
    provider = grok.make(replace(CONFIG, grok_origin=origin))
    flow = provider.models(TOKEN)
    sent = next(flow)
    assert (sent.method, sent.url) == ("GET", f"{base}/models")
    assert ("x-xai-token-auth" in dict(sent.headers)) == (origin == "proxy")
    with pytest.raises(StopIteration) as stop:
        flow.send(reply(200, {"object": "list", "data": API}, etag="e1"))
    models, etag = stop.value.value
    assert (len(models), etag) == (6, "e1")


@pytest.mark.parametrize(("status", "body", "code"), [(200, {}, "models_unreadable"), (401, {}, "token_refused")])
def test_a_list_that_cannot_be_had(status: int, body: Any, code: str) -> None:
    flow = grok.make(CONFIG).models(TOKEN)
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(reply(status, body))
    assert caught.value.code == code


# The account -----------------------------------------------------------------------------------------------------------


def reply(status: int, body: Any, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(body).encode())


USER = {"userId": "u", "principalId": "p", "email": "user@example.com", "subscriptionTier": "SuperGrok"}
END = "2026-11-29T00:00:00Z"
BILL = {
    "currentPeriod": {"type": "USAGE_PERIOD_TYPE_WEEKLY", "start": "2026-11-22T00:00:00Z", "end": END},
    "creditUsagePercent": 4.0,
    "productUsage": [{"product": "GrokBuild", "usagePercent": 3.5}, {"product": "Api"}, 5],
    "prepaidBalance": {"val": 250},
    "onDemandUsed": {},
}


def account(user: Reply, bill: Reply) -> Any:
    flow = grok.make(CONFIG).usage(TOKEN)
    first = next(flow)
    assert first.url == "https://cli-chat-proxy.grok.com/v1/user?include=subscription"
    assert dict(first.headers)["x-xai-token-auth"] == "xai-grok-cli"
    second = flow.send(user)
    assert isinstance(second, Outgoing)
    assert second.url == "https://cli-chat-proxy.grok.com/v1/billing?format=credits"
    with pytest.raises(StopIteration) as stop:
        flow.send(bill)
    return stop.value.value


def test_usage() -> None:
    found = account(reply(200, USER), reply(200, {"config": BILL}))
    assert (found.plan, found.email, found.account_id) == ("SuperGrok", "user@example.com", "p")
    assert found.windows == (
        Window(10_080, 4.0, 1795910400.0),
        Window(10_080, 3.5, 1795910400.0, "GrokBuild"),
        Window(10_080, 0.0, 1795910400.0, "Api"),
    )
    assert found.credits == {"prepaid_balance": 250.0, "on_demand_used": 0.0}


@pytest.mark.parametrize(
    ("bill", "windows"),
    [
        ({"currentPeriod": {"type": "USAGE_PERIOD_TYPE_MONTHLY", "end": END}}, (Window(43_200, 0.0, 1795910400.0),)),
        (
            {"currentPeriod": {"start": "2026-11-28T00:00:00Z", "end": END}, "creditUsagePercent": 250},
            (Window(1440, 100.0, 1795910400.0),),
        ),
        ({"currentPeriod": {"type": "odd"}}, ()),
        (
            {"monthlyLimit": {"val": 2000}, "used": {"val": 500}, "billingPeriodEnd": END},
            (Window(43_200, 25.0, 1795910400.0),),
        ),
        ({"monthlyLimit": {}, "used": {"val": 500}}, ()),
        (
            {
                "currentPeriod": {"type": "USAGE_PERIOD_TYPE_WEEKLY", "end": 5},
                "creditUsagePercent": "x",
                "prepaidBalance": 5,
            },
            (Window(10_080, 0.0, None),),
        ),
        (None, ()),
    ],
)
def test_other_forms_of_a_bill(bill: Any, windows: Any) -> None:
    assert account(reply(200, {}), reply(200, {"config": bill})).windows == windows


def test_either_question_may_fail() -> None:
    denied = reply(403, {"error": "Access denied"})
    assert account(denied, reply(200, {"config": BILL})).windows
    assert account(reply(200, USER), denied).plan == "SuperGrok"
    flow = grok.make(CONFIG).usage(TOKEN)
    next(flow)
    flow.throw(Problem(Kind.UPSTREAM, "no network"))
    with pytest.raises(Problem, match="no network"):
        flow.send(denied)
    flow = grok.make(CONFIG).usage(TOKEN)
    next(flow)
    with pytest.raises(Problem) as caught:
        flow.send(reply(401, {}))
    assert caught.value.code == "token_refused"


# The two origins -------------------------------------------------------------------------------------------------------


def problem(code: str) -> Problem:
    return Problem(Kind.FORBIDDEN, "no", code=code)


API_URL, PROXY_URL = "https://api.x.ai/v1", "https://cli-chat-proxy.grok.com/v1"


@pytest.mark.parametrize("code", ["entitlement", "usage_limit_reached"])
def test_an_account_moves_to_the_proxy_and_stays_there(code: str) -> None:
    provider = grok.make(replace(CONFIG, grok_origin="auto"))
    assert provider.origin is not None
    assert provider.detour is not None
    assert provider.origin(TOKEN) == API_URL
    assert not provider.detour(problem("access_denied"), TOKEN)
    assert provider.detour(problem(code), TOKEN)
    assert provider.origin(TOKEN) == PROXY_URL
    assert provider.origin(Token("other", account_id="acc-2")) == API_URL
    assert provider.dress(turn(), MODEL, TOKEN).url.startswith(PROXY_URL)
    assert not provider.detour(problem(code), TOKEN)  # both are spent: told
    assert provider.origin(TOKEN) == PROXY_URL


def test_a_proxy_that_does_not_let_in_is_left_for_good() -> None:
    provider = grok.make(replace(CONFIG, grok_origin="auto"))
    assert provider.origin is not None
    assert provider.detour is not None
    assert provider.detour(problem("entitlement"), TOKEN)
    assert provider.detour(problem("client_version"), TOKEN)
    assert provider.origin(TOKEN) == API_URL
    assert not provider.detour(problem("entitlement"), TOKEN)


@pytest.mark.parametrize(("origin", "base"), [("api", API_URL), ("proxy", PROXY_URL)])
def test_a_chosen_origin_is_kept(origin: str, base: str) -> None:
    provider = grok.make(replace(CONFIG, grok_origin=origin))
    assert provider.origin is not None
    assert provider.detour is not None
    assert not provider.detour(problem("entitlement"), TOKEN)
    assert provider.origin(TOKEN) == base
    refused = provider.refusal(402, {}, b"{}")
    assert ("grok_origin auto" in refused.message) == (origin == "api")
    failed = provider.failure(provider_event())
    assert failed is not None
    assert ("grok_origin auto" in failed.message) == (origin == "api")
    assert provider.failure(provider_event("response.created")) is None


def provider_event(kind: str = "error") -> Event:
    return Event(kind, data={"type": kind, "message": "You do not have an active Grok subscription"})


def test_compaction_is_for_the_api() -> None:
    provider = grok.make(CONFIG)
    assert provider.compact is not None
    sent = provider.compact(turn(instructions="x", tools=[FUNCTION], temperature=1), MODEL, TOKEN)
    assert (sent.method, sent.url) == ("POST", f"{API_URL}/responses/compact")
    assert json.loads(sent.body) == {"model": "grok-4.6", "input": [HELLO]}
    provider = grok.make(replace(CONFIG, grok_origin="proxy"))
    assert provider.compact is not None
    with pytest.raises(Problem, match="at its API alone"):
        provider.compact(turn(), MODEL, TOKEN)


def test_limits_of_pace_are_passed_on() -> None:
    headers = {"x-ratelimit-limit-requests": "5", "x-ratelimit-odd": "a\nb", "set-cookie": "x", "x-request-id": "y"}
    assert grok.make(CONFIG).told(headers) == (("x-ratelimit-limit-requests", "5"),)


def test_the_provider() -> None:
    provider = grok.make(CONFIG)
    assert (provider.name, provider.aliases, provider.callback_ports) == ("grok", ("xai",), (56121,))
    assert (provider.callback_path, provider.import_login) == ("/callback", None)
    assert provider.private("ping")
    assert provider.private("keepalive")
    assert not provider.private("error")
