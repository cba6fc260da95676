"""Every scenario, played without a network."""

import re

import pytest

from rotom.simulator.account import Quota
from rotom.simulator.oauth_claims import Account
from rotom.simulator.play import At, Cut, Framed, Open, Reply, Stall, Wait
from rotom.simulator.scenarios import SCENARIOS, find, listing, play
from rotom.simulator.scenarios_ask import Ask
from rotom.simulator.scenarios_refusals import FAILURES
from rotom.simulator.stream import Pen
from rotom.sse import Decoder, Event


@pytest.fixture
def ask(kit):
    def make(prompt="hi", options=(), **changes):
        body = kit.question(prompt, **changes)
        pen = Pen(body, "gpt-5.5", 1e9, lambda: "sealed", 10, 0)
        return Ask(body, prompt, pen, Account(), Quota(), lambda: 1e9, dict(options))

    return make


def events_of(steps):
    found = []
    for step in steps:
        if isinstance(step, Event):
            found.append(step)
        elif isinstance(step, list):
            found.extend(step)
        elif isinstance(step, Framed):
            found.extend(Decoder().feed(re.sub(rb"(?:^|\r\n)[0-9a-f]+\r\n", b"", step.data).removesuffix(b"\r\n")))
    return found


QUIET = {"count": "5", "rate": "1000"}
ENDLESS = {"stall", "silent", "mute"}
CUT = {"cut", "cut_at_once", "cut_in_tool"}
WITHOUT_END = {"eof", "eof_at_once", "error_event", "error_late", "error_nested"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_keeps_the_grammar(ask, name):
    steps = list(play(name, ask(options=QUIET)))
    replies = [step for step in steps if isinstance(step, Reply)]
    if replies:
        assert len(steps) == 1
        assert replies[0].status >= 400
        return
    events = [event for event in events_of(steps) if event.type not in (":", "keepalive", "response.something_new")]
    numbers = [event.data["sequence_number"] for event in events if event.type.startswith("response.")]
    assert numbers == list(range(len(numbers)))
    assert isinstance(steps[-1], Stall) == (name in ENDLESS)
    assert isinstance(steps[-1], Cut) == (name in CUT)
    if name not in ENDLESS | CUT | WITHOUT_END:
        assert events[-1].type in ("response.completed", "response.incomplete", "response.failed")
        open_items = set()
        for event in events:
            if event.type == "response.output_item.added":
                open_items.add(event.data["output_index"])
            elif event.type == "response.output_item.done":
                open_items.remove(event.data["output_index"])
        whole = events[-1].type == "response.completed" and name != "broken_json"
        assert not (open_items and whole)


def test_names_and_options_in_a_prompt():
    assert find("please demo:long rate=5 count=40, thanks") == ("long", {"rate": "5", "count": "40"})
    assert find("(demo:usage-limit)") == ("usage_limit", {})
    assert find("see http://demo:80/") is None
    assert find("my-demo of it") is None


def test_a_name_that_is_unknown_is_answered_with_the_list(ask, kit):
    assert "demo:usage_limit" in kit.text_of(events_of(play("nonsense", ask())))


def test_the_list_has_every_scenario():
    shown = listing()
    assert all(f"demo:{name} " in shown for name in SCENARIOS)
    assert all(len(line) <= 120 for line in shown.splitlines())


def test_a_scenario_tells_the_tokens_that_it_is_asked_to(ask):
    last = events_of(play("nearly_full", ask(options={"tokens": "9"})))[-1]
    assert last.data["response"]["usage"]["input_tokens"] == 9


def test_a_paced_answer_tells_number_and_time_of_each_delta(ask, kit):
    steps = list(play("paced", ask(options={"rate": "50", "count": "4"})))
    assert [step.seconds for step in steps if isinstance(step, At)] == [0, 0.02, 0.04, 0.06]
    lines = [line.split() for line in kit.text_of(events_of(steps)).splitlines()]
    assert [int(number) for number, _ in lines] == [0, 1, 2, 3]
    times = [int(time) for _, time in lines]
    assert times == sorted(times)


@pytest.mark.parametrize(("chunk", "write", "writes"), [(1, 4, 3), (5, 1, 2), (3, 100, 1)])
def test_a_flood_is_prepared_http_chunks(ask, kit, chunk, write, writes):
    options = {"count": "10", "chunk": str(chunk), "write": str(write), "size": "30"}
    steps = list(play("flood", ask(options=options)))
    assert sum(isinstance(step, Framed) for step in steps) == writes
    text = kit.text_of(events_of(steps))
    assert len(text) == 300
    assert re.findall(r"\d{6}", text) == [f"{number:06d}" for number in range(10)]
    assert events_of(steps)[-4].data["text"] == text


def test_a_cut_is_in_the_middle_of_an_event(ask):
    *_, half, cut = play("cut", ask())
    assert isinstance(half, bytes)
    assert not half.endswith(b"\n\n")
    assert isinstance(cut, Cut)


def test_waits_can_be_set(ask):
    assert [s.seconds for s in play("slow", ask(options={"seconds": "3"})) if isinstance(s, Wait)] == [3]
    assert [s.seconds for s in play("overload", ask(options={"after": "2"})) if isinstance(s, Wait)] == [2]
    assert isinstance(next(play("slow_first_event", ask())), Open)
    assert next(play("rate_limited", ask(options={"retry_after": "7"}))).headers[-1] == ("retry-after", "7")


def test_sources_of_a_search_are_told_to_those_who_ask(ask):
    asked = ask(include=["web_search_call.action.sources"])
    items = [e.data["item"] for e in events_of(play("web_search", asked)) if e.type == "response.output_item.done"]
    assert items[0]["action"]["sources"]
    url = items[1]["content"][0]["annotations"][0]
    assert items[1]["content"][0]["text"][url["start_index"] : url["end_index"]] == url["url"]


def test_every_failure_has_its_message():
    assert all(f"failed_{code}" in SCENARIOS for code in FAILURES)
