"""Scenarios that fail inside a stream, in time or in the connection, and streams that are odd but right."""

from __future__ import annotations

from typing import Any

from rotom.simulator.play import Cut, Open, Play, Stall, Wait
from rotom.simulator.scenarios_answers import reasoning, short_text, whole_answer
from rotom.simulator.scenarios_ask import Ask, Maker, Table
from rotom.simulator.scenarios_refusals import FAILURES, when
from rotom.simulator.stream import OpenCall
from rotom.sse import Event, dumps, encode

scenario = Table()


# Failures inside a stream.


def _failing(code: str) -> Maker:
    def failed(ask: Ask) -> Play:
        yield from ask.pen.opening()
        if ask.options.get("after"):
            yield Wait(ask.number("after", 0))
        yield ask.pen.failed(code, FAILURES[code])

    return failed


for _code in FAILURES:
    scenario(f"failed_{_code}", f"an answer that fails at once: {_code} (after=SECONDS)")(_failing(_code))


@scenario("overload", "an overload that is told inside a stream (after=SECONDS)")
def _overload(ask: Ask) -> Play:
    yield from _failing("server_is_overloaded")(ask)


@scenario("failed_late", "some text, then a failure (code=server_error)")
def _failed_late(ask: Ask) -> Play:
    yield from _some_text(ask)
    code = ask.options.get("code", "server_error")
    yield ask.pen.failed(code, FAILURES.get(code, "An error occurred."))


@scenario("failed_usage_limit", "the usage limit, told inside a stream")
def _failed_usage_limit(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield ask.pen.failed("usage_limit_reached", "The usage limit has been reached", **when(ask))


@scenario("error_event", "a bare error event at once")
def _error_event(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield ask.pen.event("error", code="server_error", message=FAILURES["server_error"], param=None)


@scenario("error_late", "some text, then an error event")
def _error_late(ask: Ask) -> Play:
    yield from _some_text(ask)
    yield ask.pen.event("error", code="server_error", message=FAILURES["server_error"], param=None)


@scenario("error_nested", "an error event of the other form, with a status in it")
def _error_nested(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield Event(
        "error",
        data={
            "type": "error",
            "status": 429,
            "error": {"type": "usage_limit_reached", "message": "The usage limit has been reached", **when(ask)},
        },
    )


# Trouble with time and connections.


def _some_text(ask: Ask, opening: bool = True) -> Play:
    if opening:
        yield from ask.pen.opening()
    message = ask.pen.open_message()
    yield from message.begin()
    for piece in ("This ", "answer ", "will not "):
        ask.pen.wrote(piece)
        yield message.delta(piece)


@scenario("stall", "some text, then silence for ever")
def _stall(ask: Ask) -> Play:
    yield from _some_text(ask)
    yield Stall()


@scenario("silent", "the head of an answer, then silence for ever")
def _silent(ask: Ask) -> Play:
    yield Open()
    yield Stall()


@scenario("mute", "not even the head of an answer")
def _mute(ask: Ask) -> Play:
    yield Stall()


@scenario("slow", "an answer that takes its time to begin (seconds=15)")
def _slow(ask: Ask) -> Play:
    yield Wait(ask.number("seconds", 15))
    yield from whole_answer(ask)


@scenario("slow_first_event", "the head at once, the first event later (seconds=15)")
def _slow_first_event(ask: Ask) -> Play:
    yield Open()
    yield Wait(ask.number("seconds", 15))
    yield from whole_answer(ask)


@scenario("slow_thinking", "created at once, content later (seconds=15)")
def _slow_thinking(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield Wait(ask.number("seconds", 15))
    yield from ask.pen.text("That took a while.")
    yield ask.complete()


@scenario("pause", "some text, a long pause, more text (seconds=15)")
def _pause(ask: Ask) -> Play:
    yield from ask.pen.opening()
    message = ask.pen.open_message()
    yield from message.begin()
    yield message.delta("Wait for it ...")
    yield Wait(ask.number("seconds", 15))
    yield message.delta(" here it is.")
    yield from message.end("Wait for it ... here it is.")
    yield ask.complete()


@scenario("cut", "some text, then the connection breaks in the middle of an event")
def _cut(ask: Ask) -> Play:
    yield from _some_text(ask)
    whole = encode([ask.pen.event("response.output_text.delta", delta="never seen")])
    yield whole[: len(whole) // 2]
    yield Cut()


@scenario("cut_at_once", "the connection breaks behind the head")
def _cut_at_once(ask: Ask) -> Play:
    yield Open()
    yield Cut()


@scenario("cut_in_tool", "the connection breaks in the middle of a tool call")
def _cut_in_tool(ask: Ask) -> Play:
    yield from ask.pen.opening()
    wanted = ask.example_calls(1)[0]
    call = OpenCall(ask.pen, wanted.name, wanted.namespace)
    yield call.begin()
    yield call.delta(dumps(wanted.arguments).decode()[:7])
    yield Cut()


@scenario("eof", "some text, then a clean end without a last event")
def _eof(ask: Ask) -> Play:
    yield from _some_text(ask)


@scenario("eof_at_once", "a stream that ends before it begins")
def _eof_at_once(ask: Ask) -> Play:
    yield Open()


# Peculiarities of the stream.


@scenario("rate_limits", "the private rate-limit event first, then text")
def _rate_limits(ask: Ask) -> Play:
    yield Event("codex.rate_limits", data=ask.quota.event(ask.account, ask.clock()))
    yield from short_text(ask)


@scenario("private", "private events, comments and keep-alives between the events of a text")
def _private(ask: Ask) -> Play:
    noise: list[Any] = [
        Event(":", b"keep-alive"),
        Event("keepalive", data={"type": "keepalive"}),
        Event("codex.response.metadata", data={"type": "codex.response.metadata", "headers": {}}),
        Event("responsesapi.websocket_timing", data={"type": "responsesapi.websocket_timing", "timing": {}}),
        Event("response.something_new", data={"type": "response.something_new", "value": 1}),
    ]
    for number, step in enumerate(short_text(ask)):
        yield noise[number % len(noise)]
        yield step


@scenario("joined", "all events of an answer in one write")
def _joined(ask: Ask) -> Play:
    yield [step for step in reasoning(ask) if isinstance(step, Event)]


@scenario("broken_json", "an event that is not JSON")
def _broken_json(ask: Ask) -> Play:
    yield from _some_text(ask)
    yield b"event: response.output_text.delta\ndata: {not json\n\n"
    yield ask.complete()


@scenario("no_usage", "an answer that does not tell its tokens")
def _no_usage(ask: Ask) -> Play:
    for step in short_text(ask):
        if isinstance(step, Event) and step.type == "response.completed":
            step.data["response"]["usage"] = None
        yield step
