"""Scenarios that answer: the brain, texts, thoughts, tools, pictures, and answers that end early."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

from rotom.simulator import brain
from rotom.simulator.brain_tools import Call, Compact, Draw, Say, Search
from rotom.simulator.play import At, Framed, Play
from rotom.simulator.scenarios_ask import Ask, Table
from rotom.simulator.stream import OpenCall, slices
from rotom.sse import Event, Json, dumps, encode

scenario = Table()

STORY: Final = (
    "This is a long answer of rotom's demonstration. It comes word by word, at an even pace, so that you can watch how "
    "your program shows a stream, and what it does when you interrupt it."
)


@scenario("answer", "the demonstration's own answer, as without any of these words")
def whole_answer(ask: Ask) -> Play:
    yield from ask.pen.opening()
    parts = brain.answer(ask.body)
    if not any(isinstance(part, Compact) for part in parts):
        yield from ask.pen.reasoning("**Looking at the question**\n\nI look for something that I can do about it.")
    for part in parts:
        last = part is parts[-1]
        if isinstance(part, Say):
            yield from ask.pen.text(
                part.text, phase="final_answer" if last else "commentary", annotations=_citations(part)
            )
        elif isinstance(part, Search):
            yield from ask.pen.search(part.query, _sources(ask))
        elif isinstance(part, Draw):
            yield from ask.pen.image(part.prompt, _partial(ask))
        elif isinstance(part, Compact):
            yield from ask.pen.compaction()
        else:
            yield from _call(ask, part)
    yield ask.complete()


def _call(ask: Ask, call: Call) -> Play:
    if isinstance(call.arguments, str):
        yield from ask.pen.custom_call(call.name, call.arguments, namespace=call.namespace)
    else:
        yield from ask.pen.call(call.name, dumps(call.arguments).decode(), namespace=call.namespace)


def _partial(ask: Ask) -> int:
    """How many partial images the question's own tool shall send."""
    tools = [tool for tool in ask.body.get("tools") or () if tool.get("type") == "image_generation"]
    return int(tools[0].get("partial_images") or 0) if tools else 0


def _citations(part: Say) -> list[Json]:
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


@scenario("text", "a short text, without reasoning")
def short_text(ask: Ask) -> Play:
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
def reasoning(ask: Ask) -> Play:
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
    yield from overlapping(ask)
    yield ask.complete()


def overlapping(ask: Ask, *, whole: bool = False) -> Play:
    """Two calls that are open at once and end in the other order; their arguments `whole`, or piece by piece in turns."""
    wanted = [(call.name, dumps(call.arguments).decode(), call.namespace) for call in ask.example_calls(2)]
    calls = [OpenCall(ask.pen, name, namespace) for name, _, namespace in wanted]
    for call in calls:
        yield call.begin()
    cuts = [[arguments] if whole else slices(arguments, 7) for _, arguments, _ in wanted]
    for number in range(max(map(len, cuts))):
        for call, pieces in zip(calls, cuts, strict=True):
            if number < len(pieces):
                yield call.delta(pieces[number])
    for call, (_, arguments, _) in reversed(list(zip(calls, wanted, strict=True))):
        yield from call.end(arguments)


@scenario("late_arguments", "a tool call whose arguments are only told at its end")
def _late(ask: Ask) -> Play:
    call = ask.example_calls(1)[0]
    yield from ask.pen.opening()
    yield from ask.pen.call(call.name, dumps(call.arguments).decode(), namespace=call.namespace, cuts=())
    yield ask.complete()


@scenario("nearly_full", "a tool call that nearly fills the context window (tokens=250000)")
def _nearly_full(ask: Ask) -> Play:
    ask.pen.input_tokens = int(ask.number("tokens", 250_000))
    yield from _tool(ask)


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
    yield from ask.pen.text(text, annotations=_citations(Say(text, (("Weather in Paris", url),))))
    yield ask.complete()


@scenario("image", "a picture of the provider's own tool")
def _image(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.image("A red fox", _partial(ask))
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
