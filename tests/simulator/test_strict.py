"""Each refusal of the backend, and what it lets pass."""

import json

import pytest

from rotom.simulator import strict
from rotom.simulator.models import BY_SLUG
from rotom.simulator.play import Refused

PNG = "data:image/png;base64,iVBORw0KGgo="
OURS = "gAAAours"


def refusal(body, model="gpt-5.5", lite=False):
    """(status, text) of the refusal; None when there is none."""
    try:
        strict.check_request(body)
        strict.check_input(body["input"], lambda sealed: sealed == OURS)
        strict.check_tools(body)
        strict.check_limits(body, BY_SLUG[model], lite)
    except Refused as refused:
        value = json.loads(refused.reply.body)
        return refused.reply.status, value.get("detail") or value["error"]
    return None


def function(name="f", parameters=None, **more):
    parameters = {"type": "object", "properties": {}} if parameters is None else parameters
    return {"type": "function", "name": name, "description": "d", "strict": False, "parameters": parameters, **more}


def call(call_id="call_1", **more):
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}", **more}


def output(call_id="call_1", value="done", **more):
    return {"type": "function_call_output", "call_id": call_id, "output": value, **more}


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def test_a_plain_question_passes(kit):
    assert refusal(kit.question("hi")) is None


def test_what_codex_itself_sends_passes(kit):
    body = kit.question(
        {
            "type": "message",
            "id": "msg_05b502d2-193b-57bf-9a0d-c8cb43b68f1b",
            "role": "developer",
            "content": [{"type": "input_text", "text": "You are Codex"}],
            "internal_chat_message_metadata_passthrough": {"content_item_kinds": ["model.base_instructions"]},
        },
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "image_url": PNG, "detail": "original"}],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "t"}],
            "content": None,
            "encrypted_content": OURS,
        },
        call(id="fc_1", status="completed"),
        output(id="fco_01a201fe", value=[{"type": "input_text", "text": "hi"}]),
        {"type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "x", "id": "ctc_1"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "ok", "id": "ctco_1"},
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "a", "annotations": []}],
        },
        {"type": "compaction", "encrypted_content": OURS, "id": "cmp_1"},
        {"type": "compaction_trigger"},
        tools=[
            function(),
            {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
            {"type": "namespace", "name": "image_gen", "description": "d", "tools": [function("imagegen")]},
            {"type": "tool_search", "execution": "client"},
            {"type": "web_search", "external_web_access": False},
        ],
        tool_choice="auto",
        parallel_tool_calls=True,
        reasoning={"effort": "xhigh", "summary": "auto"},
        text={"verbosity": "low"},
        client_metadata={"session_id": "x"},
        prompt_cache_key="k" * 64,
        service_tier="priority",
    )
    assert refusal(body) is None


UNSUPPORTED = (
    "max_output_tokens max_tokens temperature top_p top_logprobs metadata user safety_identifier truncation stop background"
    " prompt_cache_retention context_management stream_options conversation prompt max_tool_calls previous_response_id"
)


@pytest.mark.parametrize("name", UNSUPPORTED.split())
def test_parameters_outside_the_allow_list(kit, name):
    assert refusal(kit.question("hi", **{name: 1})) == (400, f"Unsupported parameter: {name}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"store": True}, "Store must be set to false"),
        ({"store": ...}, "Store must be set to false"),
        ({"stream": ...}, "Stream must be set to true"),
        ({"instructions": ...}, "Instructions are required"),
        ({"instructions": None}, "Instructions are required"),
        ({"input": "hi"}, "Input must be a list"),
        ({"service_tier": "flex"}, "Unsupported service_tier: flex"),
        ({"tools": [{"type": "web_search_preview"}]}, "Unsupported tool type: web_search_preview"),
    ],
)
def test_refusals_in_one_sentence(kit, changes, expected):
    assert refusal(kit.question("hi", **changes)) == (400, expected)


def test_system_messages(kit):
    system = {"type": "message", "role": "system", "content": "be good"}
    assert refusal(kit.question(system, "hi")) == (400, "System messages are not allowed")


def test_cache_breakpoints_in_content(kit):
    item = kit.user("hi")
    item["content"][0]["prompt_cache_breakpoint"] = True
    assert refusal(kit.question(item))[1] == "prompt_cache_breakpoint is not supported on this model"


def said(**part):
    return {"type": "message", "role": "user", "content": [part]}


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"model": ...}, "missing_required_parameter", "model"),
        ({"input": []}, "missing_parameter", None),
        ({"prompt_cache_key": "k" * 65}, "string_above_max_length", "prompt_cache_key"),
        ({"include": ["all"]}, "invalid_value", "include"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "invalid_value", "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "invalid_value", "input[0].role"),
        ({"input": [said(type="text", text="x")]}, "invalid_value", "input[0].content[0].type"),
        ({"input": [said(type="output_text", text="x")]}, "invalid_value", "input[0].content[0].type"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "invalid_value",
            "input[0].content[0].type",
        ),
        (
            {"input": [said(type="input_text", text="x", cache_control={})]},
            "unknown_parameter",
            "input[0].content[0].cache_control",
        ),
        ({"input": [said(type="input_text", text=1)]}, "invalid_type", "input[0].content[0].text"),
        ({"input": [{**said(), "id": "msg_" + "x" * 61}]}, "string_above_max_length", "input[0].id"),
        ({"input": [{**said(), "id": "toolu_1"}]}, "invalid_value", "input[0].id"),
        ({"input": [call(arguments={}), output()]}, "invalid_type", "input[0].arguments"),
        ({"input": [call(), output(value=None)]}, "invalid_type", "input[1].output"),
        ({"input": [call(), output(is_error=True)]}, "unknown_parameter", "input[1].is_error"),
        ({"input": [call(), output()]}, None, None),
        (
            {"input": [{"type": "reasoning", "encrypted_content": OURS}]},
            "missing_required_parameter",
            "input[0].summary",
        ),
        (
            {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "foreign"}]},
            "invalid_encrypted_content",
            None,
        ),
        ({"input": [{"type": "compaction", "encrypted_content": "foreign"}]}, "invalid_encrypted_content", None),
        ({"tools": [function("x" * 65)]}, "string_above_max_length", "tools[0].name"),
        ({"tools": [function("mcp.server")]}, "invalid_value", "tools[0].name"),
        ({"tools": [function(cache_control={})]}, "unknown_parameter", "tools[0].cache_control"),
        ({"tools": [function(parameters={"type": "object"})]}, "invalid_function_parameters", "tools[0].parameters"),
        ({"tools": [function(parameters={})]}, "invalid_function_parameters", "tools[0].parameters"),
        (
            {"tools": [function(parameters={"type": "object", "properties": {"a": {"type": "array"}}})]},
            "invalid_function_parameters",
            "tools[0].parameters",
        ),
        (
            {"tools": [function(strict=True, parameters={"type": "object", "properties": {"a": {"type": "string"}}})]},
            "invalid_function_parameters",
            "tools[0].parameters",
        ),
        ({"reasoning": {"effort": "minimal"}}, "unsupported_value", "reasoning.effort"),
        ({"reasoning": {"effort": "max"}}, "unsupported_value", "reasoning.effort"),
        ({"reasoning": {"effort": "low", "budget": 1}}, "unknown_parameter", "reasoning.budget"),
        ({"text": {"verbosity": "loud"}}, "invalid_value", "text.verbosity"),
        (
            {"text": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "missing_required_parameter",
            "text.format.name",
        ),
        (
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "strict": True,
                        "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                    }
                }
            },
            "invalid_json_schema",
            "text.format.schema",
        ),
        *(
            (
                {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA | change}}},
                "invalid_json_schema",
                "text.format.schema",
            )
            for change in (
                {"properties": 1},
                {"required": 1.5},
                {"properties": {"a": {"type": "object", "required": "a"}}},
            )
        ),
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA | {"anyOf": 5}}}}, None, None),
    ],
)
def test_refusals_that_name_a_field(kit, changes, code, param):
    found = refusal(kit.question("hi", **changes))
    if code is None:
        assert found is None
    else:
        assert found[0] == 400
        assert (found[1]["code"], found[1]["param"]) == (code, param)


@pytest.mark.parametrize(
    "url", ["data:text/plain;base64,aGk=", "data:image/png;base64,not base64!", "data:image/png,abc"]
)
def test_pictures_that_are_none(kit, url):
    status, error = refusal(kit.question(said(type="input_image", image_url=url)))
    assert (status, error["code"]) == (400, "invalid_value")
    assert error["param"].endswith(".image_url")


def test_calls_and_outputs_belong_together(kit):
    assert refusal(kit.question("hi", call()))[1]["message"] == "No tool output found for function call call_1."
    expected = "No tool call found for function call output with call_id call_1."
    assert refusal(kit.question("hi", output()))[1]["message"] == expected
    assert refusal(kit.question(output(), call()))[1]["message"] == expected
    assert refusal(kit.question(call("call_1"), call("call_2"), output("call_2"), output("call_1"))) is None


def test_reasoning_that_was_never_kept(kit):
    status, error = refusal(kit.question("hi", {"type": "reasoning", "id": "rs_1", "summary": []}))
    assert status == 404
    assert "not persisted" in error["message"]


def test_a_choice_among_tools(kit):
    choice = {"type": "function", "name": "f"}
    assert refusal(kit.question("hi", tools=[function()], tool_choice=choice)) is None
    assert "not found" in refusal(kit.question("hi", tools=[function("g")], tool_choice=choice))[1]["message"]
    assert "must be specified" in refusal(kit.question("hi", tool_choice="required"))[1]["message"]


def test_the_lite_form_has_two_rules_more(kit):
    good = {"parallel_tool_calls": False, "reasoning": {"effort": "low", "context": "all_turns"}}
    assert refusal(kit.question("hi", **good), "gpt-6.1-sol", lite=True) is None
    assert "parallel_tool_calls" in refusal(kit.question("hi"), "gpt-6.1-sol", lite=True)[1]["message"]
    good["reasoning"] = {"effort": "low"}
    assert "all_turns" in refusal(kit.question("hi", **good), "gpt-6.1-sol", lite=True)[1]["message"]


def test_max_is_for_the_models_that_have_it_and_ultra_for_none(kit):
    assert refusal(kit.question("hi", reasoning={"effort": "max"}), "gpt-6.1-sol") is None
    assert refusal(kit.question("hi", reasoning={"effort": "ultra"}), "gpt-6.1-sol")[1]["code"] == "unsupported_value"


def test_free_json_wants_its_word_in_a_message(kit):
    text = {"format": {"type": "json_object"}}
    assert refusal(kit.question("hi in JSON", text=text)) is None
    status, error = refusal(kit.question("hi", text=text, instructions="answer in json"))
    assert status == 400
    assert "must contain the word 'json'" in error["message"]
