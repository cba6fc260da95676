"""Scenarios: what the simulated backend can do to a question, by name.

A test queues them (`Simulator.script`); a person writes ``demo:NAME`` in a prompt, with options behind it as in
``demo:long rate=5 count=40``, or asks for the model ``demo-NAME``. ``demo:NAME_once`` plays the scenario when the prompt is
seen for the first time and answers properly from then on. Each scenario is a generator of steps (play.py) that is made
afresh for each question. Without a name the demo's brain answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from rotom.simulator import brain
from rotom.simulator.account import Quota
from rotom.simulator.oauth import Account
from rotom.simulator.play import (
    At,
    Cut,
    Framed,
    Open,
    Play,
    Refused,
    Reply,
    Stall,
    Wait,
    detail,
    error,
    json_reply,
    unauthorized,
)
from rotom.simulator.stream import Call, Pen, slices
from rotom.sse import Event, Json, dumps, encode

CLOUDFLARE: Final = b"""<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>
<div class="main-content"><h1>Checking your browser before accessing chatgpt.com.</h1><p>Enable JavaScript and cookies to
continue</p></div></body></html>"""
BAD_GATEWAY: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
</center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)
FAILURES: Final = {
    "context_length_exceeded": "Your input exceeds the context window of this model. "
    "Please adjust your input and try again.",
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "usage_not_included": "To use Codex with your ChatGPT plan, upgrade to Plus: https://openai.com/chatgpt/pricing",
    "server_is_overloaded": "Our servers are currently overloaded. Please try again later.",
    "slow_down": "Our servers are currently overloaded. Please slow down and try again later.",
    "invalid_prompt": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    "cyber_policy": "This request has been flagged for possible cybersecurity risk.",
    "bio_policy": "This request has been flagged for possible biological risk.",
    "rate_limit_exceeded": "Rate limit reached for gpt-5.5 on tokens per min (TPM). Please try again in 1.898s.",
    "server_error": "An error occurred while processing your request.",
}
"""``response.failed`` codes and their messages, as seen in the vendor's client and in reports of 2026."""

STORY: Final = (
    "This is a long answer of rotom's demonstration. It comes word by word, at an even pace, so that you can watch how "
    "your program shows a stream, and what it does when you interrupt it."
)


@dataclass(slots=True)
class Ask:
    """One question, as a scenario sees it.

    Fields:
      body: the request; prompt: what the person last said in it.
      pen: writes the answer's events.
      options: ``name=value`` words behind the scenario's name.
      clock: unix time.
    """

    body: Json
    prompt: str
    pen: Pen
    account: Account
    quota: Quota
    clock: Callable[[], float]
    options: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """An option that is a number."""
        try:
            return float(self.options[name])
        except (KeyError, ValueError):
            return default

    def example_calls(self, count: int) -> list[brain.Call]:
        """Calls of tools that this client has."""
        return brain.example_calls(brain.tools_of(self.body), count)

    def complete(self) -> Event:
        """The good end, now."""
        return self.pen.completed(self.clock())


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its name, what it shows (a line for people), and its steps for a question."""

    name: str
    shows: str
    play: Callable[[Ask], Play]


SCENARIOS: Final[dict[str, Scenario]] = {}

Maker = Callable[[Ask], Play]


def scenario(name: str, shows: str) -> Callable[[Maker], Maker]:
    """Enter a generator function in the table."""

    def enter(play: Maker) -> Maker:
        SCENARIOS[name] = Scenario(name, shows, play)
        return play

    return enter


def find(text: str) -> tuple[str, dict[str, str]] | None:
    """The scenario that a text asks for and its options; a name that is not in the table as well."""
    match = re.search(r"(?<![\w/])demo:([a-z][a-z0-9_-]*)((?:\s+[a-z_]+=[^\s,;]+)*)", text)
    if not match:
        return None
    return match[1].replace("-", "_"), dict(word.split("=", 1) for word in match[2].split())


def play(name: str, ask: Ask) -> Play:
    """The steps of the scenario of this name."""
    if name in SCENARIOS:
        return SCENARIOS[name].play(ask)
    return _tell_list(ask, f"There is no scenario “{name}”. ")


def listing() -> str:
    """The table for people."""
    width = max(map(len, SCENARIOS)) + 5
    lines = [f"  {'demo:' + s.name:<{width}}  {s.shows}" for s in SCENARIOS.values()]
    return (
        "Write one of these in a prompt (options behind it: demo:long rate=5), or ask for the model demo-NAME.\n"
        "demo:NAME_once plays it for the first request with a prompt only. Without any, the demonstration answers.\n\n"
        + "\n".join(lines)
    )


# Answers.


@scenario("answer", "the demonstration's own answer, as without any of these words")
def _answer(ask: Ask) -> Play:
    yield from ask.pen.opening()
    parts = brain.answer(ask.body)
    if not any(isinstance(part, brain.Compact) for part in parts):
        yield from ask.pen.reasoning("**Looking at the question**\n\nI look for something that I can do about it.")
    for part in parts:
        last = part is parts[-1]
        if isinstance(part, brain.Say):
            yield from ask.pen.text(
                part.text, phase="final_answer" if last else "commentary", annotations=_citations(part)
            )
        elif isinstance(part, brain.Search):
            yield from ask.pen.search(part.query, _sources(ask))
        elif isinstance(part, brain.Draw):
            yield from ask.pen.image(part.prompt)
        elif isinstance(part, brain.Compact):
            yield from ask.pen.compaction()
        else:
            yield from _call(ask, part)
    yield ask.complete()


def _call(ask: Ask, call: brain.Call) -> Play:
    if isinstance(call.arguments, str):
        yield from ask.pen.custom_call(call.name, call.arguments, namespace=call.namespace)
    else:
        yield from ask.pen.call(call.name, dumps(call.arguments).decode(), namespace=call.namespace)


def _citations(part: brain.Say) -> list[Json]:
    return [
        {
            "type": "url_citation",
            "start_index": max(0, part.text.find(url)),
            "end_index": max(0, part.text.find(url)) + len(url),
            "title": title,
            "url": url,
        }
        for title, url in part.links
    ]


def _sources(ask: Ask) -> list[str]:
    wanted = "web_search_call.action.sources" in (ask.body.get("include") or [])
    return ["https://example.com/simulated-result"] if wanted else []


@scenario("list", "this list")
def _list(ask: Ask) -> Play:
    yield from _tell_list(ask, "")


def _tell_list(ask: Ask, first: str) -> Play:
    yield from ask.pen.opening()
    text = f"{first}These are the scenarios:\n\n```\n{listing()}\n```"
    yield from ask.pen.text(text, deltas=text.splitlines(keepends=True))
    yield ask.complete()


@scenario("text", "a short text, without reasoning")
def _text(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.text(ask.options.get("say", "Hello there"))
    yield ask.complete()


@scenario("unicode", "text that is hard to cut: emoji, right-to-left, combining marks, escapes")
def _unicode(ask: Ask) -> Play:
    text = 'Grüße 👩‍👩‍👧‍👦 שלום \u202e مرحبا e\u0301 \\n "quoted" </script> \u2028 \u0000 \x7f 𝔘 end'
    yield from ask.pen.opening()
    yield from ask.pen.text(text, deltas=slices(text, 1))
    yield ask.complete()


@scenario("long", "a long answer at an even pace (rate=20 words a second, count=200)")
def _long(ask: Ask) -> Play:
    rate, count = ask.number("rate", 20), int(ask.number("count", 200))
    story = STORY.split()
    words = [story[number % len(story)] + " " for number in range(count)]
    message = ask.pen.open_message()
    yield from ask.pen.opening()
    yield from message.begin()
    for number, word in enumerate(words):
        yield At(number / rate)
        yield message.delta(word)
    yield from message.end("".join(words))
    yield ask.complete()


@scenario("paced", "for measuring: deltas tell their number and time (rate=50 count=100)")
def _paced(ask: Ask) -> Play:
    rate, count = ask.number("rate", 50), int(ask.number("count", 100))
    message = ask.pen.open_message()
    yield ask.pen.opening()
    yield list(message.begin())
    said = []
    for number in range(count):
        yield At(number / rate)
        said.append(f"{number} {time.perf_counter_ns()}\n".rjust(30))
        yield message.delta(said[-1])
    yield [*message.end("".join(said)), ask.complete()]


@scenario("flood", "for measuring: numbered deltas at full speed (count=2000, chunk, write, size)")
def _flood(ask: Ask) -> Play:
    # chunk: events in an HTTP chunk; write: chunks in a write; size: characters in a delta.
    count, chunk, write = (int(ask.number(*pair)) for pair in (("count", 2000), ("chunk", 1), ("write", 64)))
    writes, said = _flood_frames(count, max(1, chunk), max(1, write), int(ask.number("size", 30)))
    message = ask.pen.open_message(item_id=_FLOOD_ID)
    yield [*ask.pen.opening(), *message.begin()]
    yield from writes
    ask.pen.skip(count)
    yield [*message.end(said), ask.complete()]


_FLOOD_ID: Final = "msg_" + "f" * 48


@lru_cache(maxsize=8)
def _flood_frames(count: int, chunk: int, write: int, size: int) -> tuple[list[Framed], str]:
    """The writes of a flood, with their HTTP framing, made once; and the text in them."""
    said = [f"{number:06d} ".ljust(size, "x") for number in range(count)]
    chunks = []
    for start in range(0, count, chunk):
        events = [
            Event(
                "response.output_text.delta",
                data={
                    "type": "response.output_text.delta",
                    "item_id": _FLOOD_ID,
                    "output_index": 0,
                    "content_index": 0,
                    "delta": said[number],
                    "logprobs": [],
                    "sequence_number": number + 4,
                },
            )
            for number in range(start, min(start + chunk, count))
        ]
        data = encode(events)
        chunks.append(b"%x\r\n%b\r\n" % (len(data), data))
    return [Framed(b"".join(chunks[at : at + write])) for at in range(0, len(chunks), write)], "".join(said)


@scenario("reasoning", "thoughts first, told when the client asks for summaries, then an answer")
def _reasoning(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.reasoning(
        "**Understanding the question**\n\nFirst I read it twice.",
        "**Finding an answer**\n\nThen I think of something to say.",
        hidden=256,
    )
    yield from ask.pen.text("I thought about it, and the answer is 42.")
    yield ask.complete()


@scenario("commentary", "a remark while it works, more thoughts, then the answer")
def _commentary(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.reasoning("**Planning**")
    yield from ask.pen.text("I will look at that.", phase="commentary")
    yield from ask.pen.reasoning("**Looking**")
    yield from ask.pen.text("It looks good.")
    yield ask.complete()


# Tools.


@scenario("tool", "a call of one of the client's tools")
def _tool(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.reasoning("**Choosing a tool**")
    yield from ask.pen.text("Let me look at that.", phase="commentary")
    yield from _call(ask, ask.example_calls(1)[0])
    yield ask.complete()


@scenario("parallel_tools", "two tool calls in one answer, one after the other")
def _parallel(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.reasoning("**Choosing tools**")
    for call in ask.example_calls(2):
        yield from _call(ask, call)
    yield ask.complete()


@scenario("interleaved_tools", "two tool calls whose arguments come in turns")
def _interleaved(ask: Ask) -> Play:
    yield from ask.pen.opening()
    wanted = [(call.name, dumps(call.arguments).decode(), call.namespace) for call in ask.example_calls(2)]
    calls = [Call(ask.pen, name, namespace) for name, _, namespace in wanted]
    for call in calls:
        yield call.begin()
    cuts = [slices(arguments, 7) for _, arguments, _ in wanted]
    for number in range(max(map(len, cuts))):
        for call, pieces in zip(calls, cuts, strict=True):
            if number < len(pieces):
                yield call.delta(pieces[number])
    for call, (_, arguments, _) in reversed(list(zip(calls, wanted, strict=True))):
        yield from call.end(arguments)
    yield ask.complete()


@scenario("late_arguments", "a tool call whose arguments are only told at its end")
def _late(ask: Ask) -> Play:
    call = ask.example_calls(1)[0]
    yield from ask.pen.opening()
    yield from ask.pen.call(call.name, dumps(call.arguments).decode(), namespace=call.namespace, cuts=())
    yield ask.complete()


@scenario("custom_tool", "a call of a free-form tool (apply_patch)")
def _custom(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.custom_call("apply_patch", "*** Begin Patch\n*** Add File: demo.txt\n+hi\n*** End Patch")
    yield ask.complete()


@scenario("web_search", "a web search of the provider's own, and an answer that cites it")
def _web_search(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.search("weather in Paris", _sources(ask))
    url = "https://example.com/simulated-result"
    text = f"It is sunny in Paris ({url})."
    yield from ask.pen.text(text, annotations=_citations(brain.Say(text, (("Weather in Paris", url),))))
    yield ask.complete()


@scenario("image", "a picture of the provider's own tool")
def _image(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.image("A red fox")
    yield from ask.pen.text("Here is your fox.")
    yield ask.complete()


# Answers that end early.


@scenario("refusal", "the model declines")
def _refusal(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.refusal("I'm sorry, but I can't help with that.")
    yield ask.complete()


@scenario("max_output_tokens", "an answer that was cut because it got too long")
def _max_output_tokens(ask: Ask) -> Play:
    yield from _stopped(ask, "max_output_tokens")


@scenario("content_filter", "an answer that was stopped by the provider's filter")
def _content_filter(ask: Ask) -> Play:
    yield from _stopped(ask, "content_filter")


def _stopped(ask: Ask, reason: str) -> Play:
    yield from ask.pen.opening()
    message = ask.pen.open_message()
    yield from message.begin()
    for piece in ("This ", "answer ", "ends in the mid"):
        ask.pen.wrote(piece)
        yield message.delta(piece)
    yield ask.pen.incomplete(reason)


@scenario("empty", "an answer without anything in it")
def _empty(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield ask.complete()


@scenario("thoughts_only", "an answer that is nothing but reasoning")
def _thoughts_only(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.reasoning("**Thinking, and that is all**")
    yield ask.complete()


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
    yield ask.pen.failed("usage_limit_reached", "The usage limit has been reached", **_when(ask))


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
            "error": {"type": "usage_limit_reached", "message": "The usage limit has been reached", **_when(ask)},
        },
    )


# Refusals.


def _when(ask: Ask) -> Json:
    resets = ask.quota.primary_resets_in
    return {
        "plan_type": ask.account.plan,
        "resets_at": int(ask.clock()) + resets,
        "resets_in_seconds": resets,
    }


@scenario("usage_limit", "429: the plan's limit is reached, with the time at which it ends")
def _usage_limit(ask: Ask) -> Play:
    what = {"type": "usage_limit_reached", "message": "The usage limit has been reached", **_when(ask)}
    headers = ask.quota.headers(ask.account, ask.clock(), primary=100.0)
    yield json_reply(429, {"error": what}, *headers, ("x-codex-rate-limit-reached-type", "primary"))


@scenario("usage_not_included", "429: the plan does not include this")
def _usage_not_included(ask: Ask) -> Play:
    yield json_reply(
        429,
        {
            "error": {
                "type": "usage_not_included",
                "message": FAILURES["usage_not_included"],
                "plan_type": ask.account.plan,
            }
        },
    )


@scenario("rate_limited", "429: too many requests at once (retry_after=1)")
def _rate_limited(ask: Ask) -> Play:
    seconds = ask.options.get("retry_after", "1")
    headers = () if seconds == "none" else (("retry-after", seconds),)
    yield error(
        429,
        "Rate limit reached for requests. Please slow down.",
        "rate_limit_exceeded",
        type="requests",
        headers=headers,
    )


def _replying(reply: Reply) -> Maker:
    def refused(ask: Ask) -> Play:
        yield reply

    return refused


_HTML: Final = ("content-type", "text/html; charset=UTF-8")
for _name, _shows, _reply in (
    ("http_400", "400: a parameter that is not supported", detail(400, "Unsupported parameter: temperature")),
    (
        "http_400_policy",
        "400: a policy",
        error(400, "This request has been flagged for possible cybersecurity risk.", "cyber_policy"),
    ),
    (
        "http_400_context",
        "400: the prompt is too long",
        error(400, FAILURES["context_length_exceeded"], "context_length_exceeded", "input"),
    ),
    (
        "http_401",
        "401: the login is over",
        unauthorized(
            "token_invalidated", "Your authentication token has been invalidated. Please try signing in again."
        ),
    ),
    (
        "http_403",
        "403: not in this country",
        error(
            403,
            "Country, region, or territory not supported",
            "unsupported_country_region_territory",
            type="request_forbidden",
        ),
    ),
    (
        "cloudflare",
        "403: a page of Cloudflare's",
        Reply(403, CLOUDFLARE, (_HTML, ("cf-mitigated", "challenge"), ("server", "cloudflare"))),
    ),
    ("http_404", "404: nothing there", detail(404, "Not Found")),
    ("http_404_model", "404: the model is not for this client", error(404, "Model not found gpt-5.5", param="model")),
    ("http_413", "413: the request is too large", detail(413, "Request Entity Too Large")),
    (
        "http_500",
        "500: an internal error",
        error(
            500,
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            type="server_error",
        ),
    ),
    ("http_502", "502: a proxy's page", Reply(502, BAD_GATEWAY, (_HTML, ("server", "cloudflare")))),
    (
        "overloaded",
        "503: overloaded",
        error(503, FAILURES["server_is_overloaded"], "server_is_overloaded", type="service_unavailable_error"),
    ),
    ("slow_down", "503: slow down", error(503, FAILURES["slow_down"], "slow_down", type="service_unavailable_error")),
):
    scenario(_name, _shows)(_replying(_reply))


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
    yield from _answer(ask)


@scenario("slow_first_event", "the head at once, the first event later (seconds=15)")
def _slow_first_event(ask: Ask) -> Play:
    yield Open()
    yield Wait(ask.number("seconds", 15))
    yield from _answer(ask)


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
    call = Call(ask.pen, wanted.name, wanted.namespace)
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
    yield from _text(ask)


@scenario("private", "private events, comments and keep-alives between the events of a text")
def _private(ask: Ask) -> Play:
    noise: list[Any] = [
        Event(":", b"keep-alive"),
        Event("keepalive", data={"type": "keepalive"}),
        Event("codex.response.metadata", data={"type": "codex.response.metadata", "headers": {}}),
        Event("responsesapi.websocket_timing", data={"type": "responsesapi.websocket_timing", "timing": {}}),
        Event("response.something_new", data={"type": "response.something_new", "value": 1}),
    ]
    for number, step in enumerate(_text(ask)):
        yield noise[number % len(noise)]
        yield step


@scenario("joined", "all events of an answer in one write")
def _joined(ask: Ask) -> Play:
    yield [step for step in _reasoning(ask) if isinstance(step, Event)]


@scenario("broken_json", "an event that is not JSON")
def _broken_json(ask: Ask) -> Play:
    yield from _some_text(ask)
    yield b"event: response.output_text.delta\ndata: {not json\n\n"
    yield ask.complete()


@scenario("no_usage", "an answer that does not tell its tokens")
def _no_usage(ask: Ask) -> Play:
    for step in _text(ask):
        if isinstance(step, Event) and step.type == "response.completed":
            step.data["response"]["usage"] = None
        yield step


def refuse(refused: Refused) -> Play:
    """The steps of a refusal."""
    yield refused.reply
