"""Every scenario of simulated xAI, played without a network, and its shapes against recorded ones."""

import pytest

from rotom.simulator import scenarios
from rotom.simulator.account import Quota
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import At, Cut, Open, Reply, Stall, Wait
from rotom.simulator.scenarios_ask import Ask
from rotom.simulator.stream import Pen
from rotom.simulator.xai_pen import XaiPen
from rotom.simulator.xai_scenarios import SCENARIOS, listing
from rotom.sse import Event


@pytest.fixture
def ask(kit):
    def make(prompt="hi", options=(), **changes):
        body = kit.xai_question(prompt, **changes)
        pen = XaiPen(body, "grok-4.6", 1_790_000_000, lambda: "sealed", 200, 192, effort="high")
        return Ask(body, prompt, pen, Account(), Quota(), lambda: 1_790_000_002, dict(options))

    return make


def events_of(steps):
    return [e for step in steps for e in (step if isinstance(step, list) else [step]) if isinstance(e, Event)]


def played(ask, name, **changes):
    return events_of(scenarios.play(name, ask(**changes), SCENARIOS))


QUIET = {"count": "5", "rate": "1000"}
ENDLESS = {"stall", "silent", "mute"}
CUT = {"cut", "cut_at_once", "cut_in_tool"}
WITHOUT_END = {"eof", "eof_at_once", "entitlement_frame", "error_event", "overload", "error_nested", "error_late"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_keeps_the_grammar(ask, name):
    steps = list(scenarios.play(name, ask(options=QUIET), SCENARIOS))
    replies = [step for step in steps if isinstance(step, Reply)]
    if replies:
        assert len(steps) == 1
        assert replies[0].status >= 400
        return
    assert isinstance(steps[-1], Stall) == (name in ENDLESS)
    assert isinstance(steps[-1], Cut) == (name in CUT)
    events = [event for event in events_of(steps) if event.type not in (":", "ping")]
    numbers = [event.data["sequence_number"] for event in events if "sequence_number" in event.data]
    assert numbers == list(range(len(numbers)))
    if name in ENDLESS | CUT | WITHOUT_END:
        return
    assert events[-1].data["type"] in ("response.completed", "response.incomplete", "response.failed")
    done = {}
    for event in events:
        if event.data["type"] == "response.output_item.done":
            done[event.data["output_index"]] = event.data["item"]
    response = events[-1].data["response"]
    told = [item["id"] for item in response["output"]]
    assert told == ([done[index]["id"] for index in sorted(done)] if name != "empty_output" else [])
    if name not in ("no_usage", "failed"):
        usage = response["usage"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["context_details"]["input_tokens"] <= usage["input_tokens"]


def test_the_common_ones_know_no_other_backends_words(ask):
    for name in SCENARIOS:
        for event in played(ask, name, options=QUIET):
            assert not event.type.startswith("codex"), name
            assert "resp_" not in event.raw.decode(), name
            assert "obfuscation" not in event.raw.decode(), name


def shape(event):
    """What an event is made of: its type, its fields, and those of what is in it."""
    inner = next((event[name] for name in ("item", "part", "response") if name in event), {})
    return event["type"], sorted(event), sorted(inner), inner.get("type")


RECORDED_TEXT = [
    # Fields of each event of a short answer with thoughts, as recorded from api.x.ai (grok-4.6, 2026).
    ("response.output_item.added", "item output_index", "id status summary type", "reasoning"),
    ("response.reasoning_summary_part.added", "item_id output_index part summary_index", "text type", "summary_text"),
    ("response.reasoning_summary_text.delta", "delta item_id output_index summary_index", "", None),
    ("response.reasoning_summary_text.done", "item_id output_index summary_index text", "", None),
    ("response.reasoning_summary_part.done", "item_id output_index part summary_index", "text type", "summary_text"),
    ("response.output_item.done", "item output_index", "encrypted_content id status summary type", "reasoning"),
    ("response.output_item.added", "item output_index", "content id role status type", "message"),
    (
        "response.content_part.added",
        "content_index item_id output_index part",
        "annotations logprobs text type",
        "output_text",
    ),
    ("response.output_text.delta", "content_index delta item_id logprobs output_index", "", None),
    ("response.output_text.done", "content_index item_id logprobs output_index text", "", None),
    (
        "response.content_part.done",
        "content_index item_id output_index part",
        "annotations logprobs text type",
        "output_text",
    ),
    ("response.output_item.done", "item output_index", "content id role status type", "message"),
]
RECORDED_THOUGHTS = [
    ("response.output_item.added", "item output_index", "content id status summary type", "reasoning"),
    ("response.content_part.added", "content_index item_id output_index part", "text type", "reasoning_text"),
    ("response.reasoning_text.delta", "content_index delta item_id output_index", "", None),
    ("response.reasoning_text.done", "content_index item_id output_index text", "", None),
    ("response.content_part.done", "content_index item_id output_index part", "text type", "reasoning_text"),
    ("response.output_item.done", "item output_index", "content encrypted_content id status summary type", "reasoning"),
]
RECORDED_RESPONSE = (
    "background completed_at created_at error frequency_penalty id incomplete_details instructions max_output_tokens"
    " max_tool_calls metadata model object output parallel_tool_calls presence_penalty previous_response_id"
    " prompt_cache_key reasoning safety_identifier service_tier status store temperature text tool_choice tools"
    " top_logprobs top_p truncation usage user"
)


def recorded(rows):
    return [
        (kind, sorted([*fields.split(), "sequence_number", "type"]), inner.split(), what)
        for kind, fields, inner, what in rows
    ]


def without_repeats(shapes):
    return [one for number, one in enumerate(shapes) if number == 0 or shapes[number - 1] != one]


def test_a_text_has_the_recorded_shape(ask):
    pen = ask().pen
    events = [*pen.opening(), *pen.reasoning("plan"), *pen.text("hello"), pen.completed(1_790_000_002)]
    shapes = without_repeats([shape(event.data) for event in events])
    assert shapes[2:-1] == recorded(RECORDED_TEXT)
    for event in (events[0], events[1], events[-1]):
        assert sorted(event.data["response"]) == RECORDED_RESPONSE.split()
    last = events[-1].data["response"]
    assert (last["id"].count("-"), last["completed_at"]) == (4, 1_790_000_002)
    assert last["usage"]["input_tokens_details"] == {"cached_tokens": 192}


def test_newer_models_thoughts_have_theirs(ask):
    pen = ask().pen
    pen.reasoning_text = True
    events = [*pen.reasoning("plan"), pen.completed(0)]
    assert [shape(event.data) for event in events[:-1]] == recorded(RECORDED_THOUGHTS)
    (told,) = events[-1].data["response"]["output"]
    assert (told["summary"], "content" in told) == ([{"text": "plan", "type": "summary_text"}], False)


def test_a_functions_arguments_come_in_one_piece_unless_asked_otherwise(ask):
    for changes, pieces in (({}, 1), ({"stream_tool_calls": True}, 2)):
        pen = ask(**changes).pen
        events = list(pen.call("read_file", '{"path":"abcdefg.txt"}'))
        assert sum(event.type == "response.function_call_arguments.delta" for event in events) == pieces
        assert events[-1].data["item"]["call_id"].startswith("call-")
        assert events[-1].data["item"]["id"] == f"fc_{pen.id}_0"


def test_searches_overlap_and_end_in_another_order(ask):
    events = played(ask, "interleaved")
    order = [(e.type.rpartition(".")[2], e.data["output_index"]) for e in events if ".output_item." in e.type]
    assert order == [
        *(("added", 0), ("added", 1), ("added", 2), ("added", 3)),
        *(("done", 3), ("done", 1), ("done", 2), ("done", 0)),
        *(("added", 4), ("done", 4)),
    ]
    usage = events[-1].data["response"]["usage"]
    assert usage["num_server_side_tools_used"] == 4
    assert usage["server_side_tool_usage_details"]["web_search_calls"] == 3
    assert usage["context_details"] == {"input_tokens": 100, "output_tokens": 8}


def test_a_search_on_x_looks_like_a_clients_tool(ask):
    events = played(ask, "x_search")
    kinds = [e.type for e in events if "custom" in e.type]
    assert kinds == ["response.custom_tool_call_input.delta", "response.custom_tool_call_input.done"]
    item = events[-1].data["response"]["output"][0]
    assert (item["type"], item["name"]) == ("custom_tool_call", "x_keyword_search")
    assert item["call_id"].startswith("xs_call_")


def test_citations_have_no_place(ask):
    events = played(ask, "web_search")
    (note,) = [e.data["annotation"] for e in events if e.type == "response.output_text.annotation.added"]
    assert (note["start_index"], note["end_index"]) == (0, 0)
    (found,) = [i for i in events[-1].data["response"]["output"] if i["type"] == "web_search_call"]
    assert found["action"]["sources"]


def test_streams_of_odd_forms(ask):
    assert {event.type for event in played(ask, "data_only")} == {""}
    assert sum(event.type == "ping" for event in played(ask, "ping")) > 2
    assert next(iter(scenarios.play("byte_order_mark", ask(), SCENARIOS))) == b"\xef\xbb\xbf"
    (only,) = played(ask, "entitlement_frame")
    assert only.data["type"] == "error"
    assert "active Grok subscription" in only.data["message"]
    assert "type" not in played(ask, "overload")[-1].data


def test_the_scenarios_are_for_xais_pen(ask):
    made = ask()
    made.pen = Pen(made.body, "gpt-5.5", 1, lambda: "sealed", 1, 0)
    with pytest.raises(TypeError):
        list(scenarios.play("x_search", made, SCENARIOS))


def test_the_list_names_them_all(ask):
    text = "".join(e.data["delta"] for e in played(ask, "list") if e.type == "response.output_text.delta")
    for name in SCENARIOS:
        assert f"demo:{name} " in text
    assert "demo:spending_limit " in listing()
    assert any(isinstance(step, Wait | At | Open) for step in scenarios.play("slow", ask(), SCENARIOS))
