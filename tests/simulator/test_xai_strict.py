"""What simulated xAI refuses in a question, rule by rule."""

import pytest

from rotom.simulator.play import Refused
from rotom.simulator.xai_models import MODELS, find
from rotom.simulator.xai_strict import check_input, check_limits, check_request, check_tools
from rotom.sse import dumps

OBJECT = {"type": "object", "properties": {}}
TOOL = {"type": "function", "name": "f", "parameters": OBJECT}


def check(body, origin="api"):
    """All checks, in their order; the refusal's status and words, or None."""
    try:
        check_request(body, origin)
        check_input(body["input"], lambda blob: blob == "sealed")
        check_tools(body)
        check_limits(body, find(body["model"], origin), body["model"])
    except Refused as refused:
        return refused.reply.status, refused.reply.body.decode()
    return None


@pytest.fixture
def body(kit):
    return kit.xai_question


def test_what_the_official_cli_sends_passes(body):
    # Shape of Grok's CLI 1.0.41, second turn of a tool loop.
    items = [
        {"type": "message", "role": "system", "content": "You are Grok."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "custom_tool_call", "call_id": "xs_call_1", "name": "x_keyword_search", "input": "{}"},
        {"type": "function_call", "call_id": "call-1-0", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call-1-0", "output": "ok"},
        {"type": "function_call_output", "call_id": "call-1-0", "output": [{"type": "input_text", "text": "ok"}]},
        {"type": "compaction", "encrypted_content": "sealed"},
    ]
    tools = [TOOL, {"type": "web_search"}, {"type": "x_search"}]
    reasoning = {"effort": "high", "summary": "concise"}
    assert check(body(*items, model="grok-4.6", tools=tools, reasoning=reasoning, prompt_cache_key="k")) is None
    honoured = {"max_output_tokens": 16, "temperature": 1.0, "top_p": 0.9, "service_tier": "fast"}
    choice = {"type": "function", "name": "f"}
    form = {"format": {"type": "json_schema", "name": "x", "schema": OBJECT}}
    assert check(body("hi", tools=tools, tool_choice=choice, parallel_tool_calls=True, text=form, **honoured)) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "metadata",
            "truncation",
            "background",
            "stop",
            "stream_options",
            "prompt_cache_retention",
            "client_metadata",
        ),
        *("presence_penalty", "frequency_penalty", "max_tool_calls"),
    ],
)
def test_fields_that_xai_does_not_have(body, name):
    got = check(body("hi", **{name: {}}))
    assert got == (400, dumps({"code": "400", "error": f"Argument not supported: {name}"}).decode())


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"input": ...}, 422, "missing field `input`"),
        ({"input": []}, 422, "missing field `input`"),
        ({"text": {"verbosity": "low"}}, 400, "text.verbosity"),
        ({"text": {"format": {"type": "grammar"}}}, 422, "text.format"),
        ({"text": {"format": {"type": "json_schema"}}}, 422, "`schema`"),
        ({"text": "low"}, 422, "text"),
        ({"service_tier": "flex"}, 400, "service tier"),
        ({"temperature": 3}, 400, "temperature"),
        ({"temperature": "hot"}, 422, "temperature"),
        ({"max_output_tokens": 0}, 400, "max_output_tokens"),
        ({"previous_response_id": "x"}, 400, "not found"),
        ({"previous_response_id": "x", "instructions": "y"}, 400, "both"),
        ({"reasoning": "high"}, 422, "reasoning"),
        ({"reasoning": {"context": "all_turns"}}, 400, "reasoning.context"),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "low"}, 400, "both"),
        ({"reasoning": {"effort": "xhigh"}}, 400, "Supported: none, low, medium, high"),
        ({"tool_choice": "auto"}, 400, "no tools were specified"),
        ({"parallel_tool_calls": False}, 400, "no tools were specified"),
        ({"parallel_tool_calls": False, "tools": []}, 400, "no tools were specified"),
        ({"tools": {}}, 400, "no tools"),
        ({"tools": "f"}, 422, "tools"),
    ],
)
def test_values_that_xai_does_not_take(body, changes, status, words):
    if changes == {"tools": {}}:
        changes = {"tools": [], "tool_choice": "none"}
    got = check(body("hi", **changes))
    assert got is not None
    assert got[0] == status
    assert words in got[1]


def test_earlier_answers_are_no_field_of_the_second_origin(body):
    assert check(body("hi", previous_response_id="x"), "proxy") == (
        400,
        '{"code":"400","error":"Argument not supported: previous_response_id"}',
    )


@pytest.mark.parametrize(
    "item",
    [
        "text",
        {"type": "item_reference", "id": "msg_1"},
        {"type": "additional_tools", "tools": []},
        {"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "x"},
        {"type": "local_shell_call", "call_id": "call_1", "action": {}},
        {"type": "message", "role": "tool", "content": "x"},
        {"type": "message", "role": "assistant", "content": "x", "phase": "final_answer"},
        {"type": "message", "role": "user", "content": None},
        {"type": "message", "role": "user", "content": ["x"]},
        {"type": "message", "role": "user", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x", "cache_control": {}}]},
        {"type": "reasoning", "summary": [], "content": None},
        {"type": "reasoning", "encrypted_content": "sealed"},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": {}},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}", "namespace": "n"},
        {"type": "function_call_output", "output": "x"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "output_text", "text": "x"}]},
    ],
)
def test_items_that_xai_does_not_have(body, item):
    status, words = check(body(input=[item]))
    assert status == 422
    assert "untagged enum ModelInput" in words


@pytest.mark.parametrize("blob", [None, "gAAAAABlsomething", 7])
def test_reasoning_of_others_and_none(body, blob):
    for item in ({"type": "reasoning", "summary": []}, {"type": "compaction"}):
        status, words = check(body(input=[{**item, "encrypted_content": blob}]))
        assert status == 400
        assert "encrypted_content" in words


@pytest.mark.parametrize(
    ("tools", "status", "words"),
    [
        ([TOOL, TOOL], 400, "Duplicate tool name: f"),
        ([{**TOOL, "name": f"f{number}"} for number in range(351)], 400, "350"),
        ([{**TOOL, "parameters": None}], 422, "`parameters`"),
        ([{"type": "function", "name": "f"}], 422, "`parameters`"),
        ([{"type": "function", "parameters": OBJECT}], 422, "`name`"),
        ([{**TOOL, "parameters": {"type": "string"}}], 400, "must be an object"),
        ([{**TOOL, "parameters": {"anyOf": [OBJECT, {"required": ["a"]}]}}], 400, "must be an object"),
        ([{**TOOL, "parameters": []}], 400, "must be an object"),
        ([{**TOOL, "defer_loading": True}], 400, "defer_loading"),
        ([{"type": "custom", "name": "apply_patch"}], 422, "unknown variant `custom`"),
        ([{"type": "namespace", "name": "n", "tools": []}], 422, "unknown variant `namespace`"),
        ([{"type": "local_shell"}], 422, "unknown variant `local_shell`"),
        ([{"type": "web_search", "external_web_access": True}], 400, "external_web_access"),
        ([{"type": "web_search", "search_context_size": "low"}], 400, "search_context_size"),
        ([{"type": "code_interpreter", "container": {"type": "auto"}}], 400, "container"),
        ([{"type": "image_generation"}], 400, "image_generation"),
        (["f"], 422, "unknown variant"),
    ],
)
def test_tools_that_xai_does_not_take(body, tools, status, words):
    got = check(body("hi", tools=tools))
    assert got is not None
    assert got[0] == status
    assert words in got[1]


def test_tools_that_it_takes(body):
    union = {"anyOf": [OBJECT, OBJECT]}
    assert check(body("hi", tools=[{**TOOL, "parameters": union, "strict": True}])) is None
    assert check(body("hi", model="grok-4.6", tools=[{"type": "image_generation"}])) is None


@pytest.mark.parametrize(
    ("choice", "good"),
    [
        ("auto", True),
        ("required", True),
        ({"type": "function", "name": "f"}, True),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}, True),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "x_search"}]}, False),
        ({"type": "allowed_tools", "mode": "required"}, False),
        ({"type": "web_search"}, False),
        ({"type": "function", "name": "g"}, False),
        ("any", False),
    ],
)
def test_choices_among_tools(body, choice, good):
    assert (check(body("hi", tools=[TOOL, {"type": "web_search"}], tool_choice=choice)) is None) == good


def test_efforts_are_each_models_own(body):
    for model in MODELS:
        origin = model.origins[0]
        for effort in ("none", "low", "medium", "high", "xhigh", "minimal"):
            got = check(body("hi", model=model.id, reasoning={"effort": effort}), origin)
            assert (got is None) == (effort in model.efforts), (model.id, effort)
        assert check(body("hi", model=model.id, reasoning={"summary": "auto"}), origin) is None
    assert "Model grok-build does not support parameter reasoningEffort." in str(
        check(body("hi", model="grok-build", reasoning={"effort": "low"}))
    )


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        (None, 400, "missing"),
        ("grok-9", 404, "does not exist"),
        ("grok-composer-2.5-fast", 404, "does not exist"),
        ("grok-2", 404, "Please use grok-4.3 instead"),
    ],
)
def test_models_that_are_not_there(body, name, status, words):
    got = check(body("hi", model=name))
    assert got is not None
    assert got[0] == status
    assert words in got[1]
    assert check(body("hi", model="grok-latest")) is None
