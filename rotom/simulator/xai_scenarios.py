"""Scenarios of simulated xAI: those of the common table that are the same there, and what only xAI does.

Refusals are those collected from reports of 2026, status and body; where one came with a header that says whether to try
again, so does ours. The shapes of streams are recorded ones (see xai_pen.py).
"""

from __future__ import annotations

from typing import Final

from rotom.simulator import scenarios, scenarios_answers
from rotom.simulator.play import Open, Play, Reply
from rotom.simulator.scenarios_answers import reasoning, short_text, whole_answer
from rotom.simulator.scenarios_ask import Ask, Maker, Scenario, Table
from rotom.simulator.xai_forms import (
    BAD_CREDENTIALS,
    CLOUDFLARE,
    HTML,
    INVALID,
    NO_CREDITS,
    SPENDING_LIMIT,
    flat,
    nested,
)
from rotom.simulator.xai_pen import OpenSearch, XaiPen
from rotom.sse import Event

scenario = Table()

NO_PERMISSION: Final = "The caller does not have permission to execute the specified operation"
VALIDATED: Final = "The OAuth2 access token could not be validated."
OUTDATED: Final = (
    "Your Grok CLI version ({}) is outdated. Please update to version 0.1.202 or later via `grok update` or the "
    "installation documentation."
)
CHAT_DENIED: Final = (
    "Access to the chat endpoint is denied. Please ensure you're using the correct credentials. If you believe this is a "
    "mistake, please log into console.x.ai and update the permissions, or contact support."
)
FREE_USED: Final = (
    "You've used all the included free usage for model grok-4.5-build-free for now. Usage resets over a rolling 24-hour "
    "window — tokens (actual/limit): 1065387/1000000. Upgrade to a Grok subscription for higher limits: "
    "https://grok.com/supergrok"
)
TOO_MANY_TOKENS: Final = (
    "Too many tokens for team 99999999-2222-4333-8444-555555555555 and model grok-4-0709. Your team's rate limit is — "
    "Tokens per Minute (actual/limit): 65605/16000."
)
NO_SUBSCRIPTION: Final = (
    "You have either run out of available resources or do not have an active Grok subscription. Manage at "
    "https://grok.com/?_s=usage"
)
OVERLOADED: Final = "Service temporarily overloaded"
NO_RETRY: Final = ("x-should-retry", "false")
RETRY: Final = ("x-should-retry", "true")

REFUSALS: Final[dict[str, tuple[str, Reply]]] = {
    "bad_credentials_401": ("401: a bearer that is dead", flat(401, BAD_CREDENTIALS, VALIDATED)),
    "bad_credentials": ("403: the same, as it is usually told", flat(403, BAD_CREDENTIALS, VALIDATED)),
    "bad_credentials_old": (
        "403: the same, with the reason in a marker",
        flat(403, NO_PERMISSION, f"{VALIDATED} [WKE={BAD_CREDENTIALS}]"),
    ),
    "no_subscription": (
        "403: no subscription, or nothing left of it",
        flat(403, NO_PERMISSION, NO_SUBSCRIPTION, NO_RETRY),
    ),
    "spending_limit": ("403: no credits for this origin", flat(403, SPENDING_LIMIT, NO_CREDITS, NO_RETRY)),
    "spending_limit_402": ("402: the same", flat(402, SPENDING_LIMIT, NO_CREDITS, NO_RETRY)),
    "spending_limit_429": (
        "429: the same with a number for a code",
        flat(429, 429, f"You ran out of credits. [WKE={SPENDING_LIMIT}]", NO_RETRY),
    ),
    "blocked_user": ("403: the account is blocked", flat(403, "unauthorized:blocked-user", "User is blocked.")),
    "permission_denied": ("403: not the headers that this origin wants", flat(403, "permission-denied", CHAT_DENIED)),
    "access_denied": ("403: refused by the edge, or for want of a scope", flat(403, None, "Access denied")),
    "policy": ("403: the prompt is against a policy", flat(403, None, "Content violates usage guidelines.")),
    "outdated": ("426: the client's version is too old", flat(426, None, OUTDATED.format("none"), NO_RETRY)),
    "free_usage": (
        "429: the free tokens of a day are used",
        flat(429, "subscription:free-usage-exhausted", FREE_USED, NO_RETRY),
    ),
    "tokens_per_minute": ("429: a team's limit", flat(429, "rate_limit", TOO_MANY_TOKENS, RETRY)),
    "no_effort": (
        "400: a model that takes no effort",
        flat(400, INVALID, "Model grok-build does not support parameter reasoningEffort."),
    ),
    "http_400": ("400: a field that xAI does not have", flat(400, "400", "Argument not supported: metadata")),
    "http_400_context": (
        "400: the prompt is too long",
        flat(400, INVALID, "This model's maximum prompt length is 256000 but the request contains 300000 tokens."),
    ),
    "http_404_model": (
        "404: no such model",
        flat(404, "Some requested entity was not found", "The model grok-9 does not exist."),
    ),
    "cloudflare": ("403: a page of Cloudflare's", CLOUDFLARE),
    "http_500": ("500: an internal error", flat(500, "Internal error", "Internal error")),
    "http_502": ("502: a page of the edge's", Reply(502, b"<html><body>502 Bad Gateway</body></html>", (HTML,))),
    "http_503": ("503: not available", flat(503, "The service is currently unavailable", OVERLOADED)),
    "http_520": ("520: a page of Cloudflare's", Reply(520, b"<html><body>error code: 520</body></html>", (HTML,))),
    "http_525": ("525: no TLS behind Cloudflare", Reply(525, b"<html><body>error code: 525</body></html>", (HTML,))),
    "overloaded": ("529: overloaded", nested(529, "Overloaded", "overloaded_error")),
}
"""Every way in which xAI was reported to refuse a question."""


def _replying(reply: Reply) -> Maker:
    def refused(ask: Ask) -> Play:
        yield reply

    return refused


for _name, (_shows, _reply) in REFUSALS.items():
    scenario(_name, _shows)(_replying(_reply))


@scenario("rate_limited", "429: too many requests at once (retry_after=1)")
def _rate_limited(ask: Ask) -> Play:
    seconds = ask.options.get("retry_after", "1")
    headers = () if seconds == "none" else (("retry-after", seconds),)
    yield flat(429, "rate_limit", "too many requests", RETRY, *headers)


@scenario("no_credits", "402 at api.x.ai, an answer at the subscription's own origin")
def _no_credits(ask: Ask) -> Play:
    if pen_of(ask).origin == "api":
        yield REFUSALS["spending_limit_402"][1]
    else:
        yield from whole_answer(ask)


# Errors inside a stream.


@scenario("entitlement_frame", "200, and no subscription told in the first frame")
def _entitlement_frame(ask: Ask) -> Play:
    yield Event("error", data={"type": "error", "message": NO_SUBSCRIPTION})


@scenario("error_event", "an error event that says so")
def _error_event(ask: Ask) -> Play:
    yield from ask.pen.opening()
    said = {"type": "error", "code": "subscription:free-usage-exhausted", "error": FREE_USED}
    yield Event("error", data=said)


@scenario("overload", "an overload told inside a stream, without a type")
def _overload(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield Event("", data={"error": OVERLOADED, "code": "overloaded_error"})


@scenario("error_nested", "the same in OpenAI's form")
def _error_nested(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield Event("", data={"error": {"message": "upstream overloaded", "type": "overloaded_error", "code": 503}})


@scenario("error_late", "some text, then an error without a type")
def _error_late(ask: Ask) -> Play:
    yield from ask.pen.opening()
    message = ask.pen.open_message()
    yield from message.begin()
    yield message.delta("This answer will not ")
    yield Event("", data={"error": OVERLOADED, "code": "overloaded_error"})


@scenario("failed", "an answer that fails (code=server_error)")
def _failed(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield ask.pen.failed(ask.options.get("code", "server_error"), "The response could not be generated.")


# Peculiar streams.


@scenario("x_search", "a search on X: a call of a tool that runs at xAI, though it does not look so")
def _x_search(ask: Ask) -> Play:
    pen = pen_of(ask)
    yield from pen.opening()
    yield from pen.x_search("weather in Paris")
    yield from pen.text("People say that it is sunny in Paris.")
    yield ask.complete()


@scenario("interleaved", "searches that begin before others end, and end in another order")
def _interleaved(ask: Ask) -> Play:
    pen = pen_of(ask)
    yield from pen.opening()
    searches = [OpenSearch(pen, query, ("https://example.com/",)) for query in ("one", "two", "three")]
    for search in searches:
        yield from search.begin()
    yield from pen.x_search("four")
    for search in (searches[1], searches[2], searches[0]):
        yield from search.end()
    pen.context_tokens = pen.input_tokens // 2, 8
    yield from pen.text("I searched three times.")
    yield ask.complete()


@scenario("overlapping_tools", "two tool calls that are both open before either is done, and end in the other order")
def _overlapping_tools(ask: Ask) -> Play:
    pen = pen_of(ask)
    yield from pen.opening()
    yield from scenarios_answers.overlapping(ask, whole=True)
    yield ask.complete()


@scenario("max_time_limit", "an answer that was cut because it took too long")
def _max_time_limit(ask: Ask) -> Play:
    yield from ask.pen.opening()
    yield from ask.pen.text("This took")
    yield ask.pen.incomplete("max_time_limit")


@scenario("list", "this list")
def _list(ask: Ask) -> Play:
    yield from ask.pen.opening()
    text = f"These are the scenarios:\n\n```\n{scenarios.listing()}\n\n{listing()}\n```"
    yield from ask.pen.text(text, deltas=text.splitlines(keepends=True))
    yield ask.complete()


@scenario("reasoning_text", "thoughts in the form of newer models")
def _reasoning_text(ask: Ask) -> Play:
    pen_of(ask).reasoning_text = True
    yield from reasoning(ask)


@scenario("empty_output", "a last event that does not repeat the output")
def _empty_output(ask: Ask) -> Play:
    pen_of(ask).tell_output = False
    yield from whole_answer(ask)


@scenario("ping", "pings before and between the events of a text")
def _ping(ask: Ask) -> Play:
    yield Open()
    ping = Event("ping", data={"type": "ping"})
    yield ping
    for number, step in enumerate(short_text(ask)):
        yield step
        yield ping if number % 2 else Event(":", b"keep-alive")


@scenario("data_only", "events without their event fields")
def _data_only(ask: Ask) -> Play:
    for step in whole_answer(ask):
        yield Event("", data=step.data) if isinstance(step, Event) else step


@scenario("byte_order_mark", "a stream that begins with a byte order mark")
def _byte_order_mark(ask: Ask) -> Play:
    yield b"\xef\xbb\xbf"
    yield from short_text(ask)


def pen_of(ask: Ask) -> XaiPen:
    """The pen, which for these scenarios is xAI's."""
    if not isinstance(ask.pen, XaiPen):
        raise TypeError("this scenario is for questions to xAI")
    return ask.pen


_COMMON: Final = (
    *("answer", "text", "unicode", "long", "paced", "reasoning", "tool", "parallel_tools", "late_arguments"),
    *("nearly_full", "web_search", "image", "max_output_tokens", "empty", "thoughts_only"),
    *(
        "stall",
        "silent",
        "mute",
        "slow",
        "slow_first_event",
        "slow_thinking",
        "pause",
        "cut",
        "cut_at_once",
        "cut_in_tool",
    ),
    *("eof", "eof_at_once", "joined", "broken_json", "no_usage"),
)
"""Names of the common table that mean the same at xAI."""

SCENARIOS: Final[dict[str, Scenario]] = {
    **{name: scenarios.SCENARIOS[name] for name in _COMMON},
    **scenario,
}


def listing() -> str:
    """The table of what only xAI does, for people."""
    return "With a grok model, the common ones and these:\n\n" + scenarios.lines_of(scenario)
