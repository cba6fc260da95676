"""Scenarios that refuse a question with a status, in the backend's words and those of what stands before it."""

from __future__ import annotations

from typing import Final

from rotom.simulator.play import Play, Reply, detail, error, json_reply, unauthorized
from rotom.simulator.scenarios_ask import Ask, Maker, Table
from rotom.sse import Json

scenario = Table()

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


def when(ask: Ask) -> Json:
    resets = ask.quota.primary_resets_in
    return {
        "plan_type": ask.account.plan,
        "resets_at": int(ask.clock()) + resets,
        "resets_in_seconds": resets,
    }


@scenario("usage_limit", "429: the plan's limit is reached, with the time at which it ends")
def _usage_limit(ask: Ask) -> Play:
    what = {"type": "usage_limit_reached", "message": "The usage limit has been reached", **when(ask)}
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
