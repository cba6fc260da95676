"""What a client is told when a provider refuses: a row for each refusal that is known of, asked in each dialect.

The providers are the simulator's, and refuse in the words that were recorded or reported. A row says the status for
Messages and for OpenAI's APIs, the code, and what the words must hold so that the person knows what to do. What every row
must hold to: nothing that is the person's own or the account's looks like a fault of the server; and no issuer is asked for
a token, unless the refusal says that the token is dead: then once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}
RETRIED = 3
"""How often a provider is asked at most what may pass."""


@dataclass(frozen=True)
class Row:
    """A refusal.

    Fields:
      scenario: as it is asked for in a prompt; of Sign in with ChatGPT (status, code) as well.
      status: for OpenAI's APIs; messages: for Messages, where it is another; responses: for Responses, where it is.
      code: in OpenAI's form. says: what the words must hold. asked: how often the provider is asked.
      renewed: how often its issuer is asked for a token. passes: whether the client may try again by itself.
    """

    scenario: str | tuple[int, str]
    status: int
    code: str | None
    says: tuple[str, ...]
    asked: int = 1
    renewed: int = 0
    passes: bool = False
    messages: int | None = None
    responses: int | None = None

    def expected(self, dialect: str) -> int:
        return {"messages": self.messages, "responses": self.responses}.get(dialect) or self.status


SETTINGS = "settings/usage"
PLAN = ("https://grok.com/?_s=usage", "The login itself is good", "rotom config set grok_origin auto")
FREE = ("free usage is used up", "https://grok.com/?_s=usage", "rotom config set grok_origin auto")
DENIED = ("grok_token_auth", "grok_client_version", "log in again", "rotom config set grok_origin api")
OVER = ("run 'rotom login --provider {}'",)
CODEX_PLAN = ("upgrade to Plus", "rotom login --provider openai")
GATE = ("Cloudflare", "nothing about your account", "wait some minutes")

COMMON = (
    Row("cloudflare", 502, "cloudflare", GATE),
    Row("http_500", 502, "server_error", ("the provider refused (500)",), RETRIED, passes=True),
    Row("http_502", 502, "bad_gateway", ("down for the moment",), RETRIED, passes=True),
)

OF_OPENAI = (  # the same at both ways to it
    Row("rate_limited", 429, "rate_limit_exceeded", ("slows us down",), RETRIED, passes=True),
    Row("http_400_policy", 400, "cyber_policy", ("flagged for possible cybersecurity risk",)),
    Row("http_400_context", 400, "context_length_exceeded", ()),
    Row("http_403", 403, "unsupported_country_region_territory", ("the address you connect from",)),
    Row("http_413", 413, "request_too_large", ("Too Large",)),
    Row(
        "overloaded", 503, "server_is_overloaded", ("overloaded", "try again later"), RETRIED, passes=True, messages=529
    ),
    Row(
        "slow_down", 503, "server_is_overloaded", ("overloaded", "try again later"), RETRIED, passes=True, messages=529
    ),
    Row("failed_context_length_exceeded", 400, "context_length_exceeded", ()),
    Row("failed_insufficient_quota", 429, "insufficient_quota", ("no credit left", "check your plan")),
    Row(
        "failed_server_is_overloaded", 503, "server_is_overloaded", ("overloaded",), RETRIED, passes=True, messages=529
    ),
    Row("failed_slow_down", 503, "server_is_overloaded", ("overloaded",), RETRIED, passes=True, messages=529),
    Row("failed_server_error", 502, "server_error", ("the provider failed",), RETRIED, passes=True),
    Row("failed_invalid_prompt", 400, "invalid_prompt", ("prompt was flagged",)),
    Row("failed_cyber_policy", 400, "cyber_policy", ("flagged",)),
    Row("failed_bio_policy", 400, "bio_policy", ("flagged",)),
    Row("failed_rate_limit_exceeded", 429, "rate_limit_exceeded", ("try again in 1.898s",), RETRIED, passes=True),
)

ROWS: dict[str, tuple[Row, ...]] = {
    "openai": (
        *COMMON,
        *OF_OPENAI,
        Row("http_401", 401, "login_over", OVER, 2, 1),
        Row("usage_limit", 429, "usage_limit_reached", ("5-hour usage limit", "it resets at")),
        Row("usage_not_included", 403, "usage_not_included", CODEX_PLAN, messages=402, responses=429),
        Row("failed_usage_not_included", 403, "usage_not_included", CODEX_PLAN, messages=402, responses=429),
        Row("failed_usage_limit", 429, "usage_limit_reached", ("usage limit", "it resets at")),
        Row("http_400", 400, None, ("Unsupported parameter: temperature",)),
        Row("http_404", 502, "not_found", ("openai_base_url",)),
        Row("http_404_model", 404, "model_not_found", ("'rotom models'", "openai_client_version"), messages=400),
    ),
    "chatgpt": (
        *COMMON,
        *OF_OPENAI,
        # Its tokens cannot be renewed before a moment that is not yet here: that is told, and the issuer is not asked.
        Row("http_401", 401, "too_early", ("cannot be renewed before", "rotom login --provider chatgpt"), passes=True),
        Row((429, "subscription_sharing_usage_limit_exceeded"), 429, "usage_limit_reached", (SETTINGS, "1 min")),
        Row(
            (429, "subscription_sharing_usage_unavailable"),
            503,
            "subscription_sharing_usage_unavailable",
            ("cannot tell at the moment",),
            passes=True,
        ),
        Row(
            (403, "subscription_sharing_user_not_eligible"),
            403,
            "subscription_sharing_user_not_eligible",
            ("Plus or Pro", "rotom login --provider openai"),
            messages=402,
        ),
        Row(
            (401, "subscription_sharing_invalid_user"),
            403,
            "subscription_sharing_invalid_user",
            ("Plus or Pro", "rotom login --provider openai"),
        ),
        Row(
            (401, "subscription_sharing_user_unavailable"),
            403,
            "subscription_sharing_user_unavailable",
            ("Plus or Pro", "rotom login --provider openai"),
        ),
        Row(
            (400, "subscription_sharing_unsupported_capability"),
            400,
            "unsupported_capability",
            ("rotom login --provider openai",),
        ),
        Row(
            (403, "chatpass_v2_scope_not_authorized"),
            403,
            "chatpass_v2_scope_not_authorized",
            ("log in again and allow it", "rotom login --provider chatgpt"),
        ),
        Row(
            (403, "chatpass_v2_invalid_authorization_context"),
            403,
            "chatpass_v2_invalid_authorization_context",
            ("log in again and allow it", "rotom login --provider chatgpt"),
        ),
    ),
    "grok": (
        *COMMON,
        Row("failed code=server_error", 502, "server_error", ("the provider failed",), RETRIED, passes=True),
        Row("rate_limited", 429, "rate_limit_exceeded", ("slows us down",), RETRIED, passes=True),
        Row("bad_credentials", 401, "login_over", OVER, 2, 1),
        Row("bad_credentials_401", 401, "login_over", OVER, 2, 1),
        Row("bad_credentials_old", 401, "login_over", OVER, 2, 1),
        Row("no_subscription", 403, "entitlement", PLAN, messages=402),
        Row("spending_limit", 403, "entitlement", PLAN, messages=402),
        Row("spending_limit_402", 403, "entitlement", PLAN, messages=402),
        Row("spending_limit_429", 403, "entitlement", PLAN, messages=402),
        Row("entitlement_frame", 403, "entitlement", PLAN, messages=402),
        Row("blocked_user", 403, "blocked_user", ("blocked this account", "Only xAI can change that")),
        Row("permission_denied", 403, "access_denied", DENIED),
        Row("access_denied", 403, "access_denied", DENIED),
        Row("policy", 400, "content_policy_violation", ("violates usage guidelines",)),
        Row("outdated", 400, "client_version", ("the setting grok_client_version",)),
        Row("free_usage", 429, "usage_limit_reached", FREE),
        Row("error_event", 429, "usage_limit_reached", FREE),
        Row("tokens_per_minute", 429, "rate_limit_exceeded", ("Tokens per Minute",), passes=True),
        Row("no_effort", 400, "unsupported_effort", ("does not support parameter reasoningEffort",), 2),
        Row("http_400", 400, None, ("Argument not supported: metadata",)),
        Row("http_400_context", 400, "context_length_exceeded", ("256000", "300000")),
        Row("http_404_model", 404, "model_not_found", ("'rotom models'",), messages=400),
        Row("http_503", 503, "unavailable", ("temporarily overloaded",), RETRIED, passes=True),
        Row("http_520", 502, "bad_gateway", ("down for the moment",), RETRIED, passes=True),
        Row("http_525", 502, "bad_gateway", ("down for the moment",)),
        Row("overload", 503, "server_is_overloaded", ("overloaded",), RETRIED, passes=True, messages=529),
        Row("overloaded", 503, "server_is_overloaded", ("overloaded",), RETRIED, passes=True, messages=529),
    ),
}
MODELS = {"openai": "gpt-5.5", "chatgpt": "chatgpt/gpt-5.5", "grok": "grok-4.6"}
TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error"}


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("provider", ROWS)
async def test_what_is_told(build: Any, quick_clock: object, provider: str, dialect: str) -> None:
    async with build(login=False) as house:
        await house.log_in(provider)
        for row in ROWS[provider]:
            if not row.renewed:
                await _told(house, provider, dialect, row)


@pytest.mark.parametrize(
    ("provider", "row"), [(name, row) for name, rows in ROWS.items() for row in rows if row.renewed], ids=str
)
async def test_a_dead_token_is_renewed_once(build: Any, quick_clock: object, provider: str, row: Row) -> None:
    """And when the next one is refused as well, not once more for a while."""
    async with build(login=False) as house:
        await house.log_in(provider)
        await _told(house, provider, "responses", row)
        again = replace(row, says=("run `rotom login --provider {}`",), asked=1, renewed=0)
        await _told(house, provider, "messages", again)
        house.simulator.requests.clear()
        assert (await house.ask("hello", model=MODELS[provider])).status_code == 200
        assert house.renewals() == []


async def _told(house: Any, provider: str, dialect: str, row: Row) -> None:
    """Ask, and hold what comes back against the row."""
    house.simulator.requests.clear()
    text, house.simulator.siwc.refusing = (
        (f"demo:{row.scenario}", None) if isinstance(row.scenario, str) else ("hello", row.scenario)
    )
    answer = await house.ask(text, path=PATHS[dialect], model=MODELS[provider])
    error, status = answer.json()["error"], row.expected(dialect)
    assert (row.scenario, answer.status_code) == (row.scenario, status), answer.text
    told = error["message"] if dialect == "messages" else (error["message"], error["code"])
    for words in row.says:
        assert words.format(provider) in error["message"], (row.scenario, told)
    if dialect != "messages":
        assert (row.scenario, error["code"]) == (row.scenario, row.code)
    elif status in TYPES:
        assert (row.scenario, error["type"]) == (row.scenario, TYPES[status])
    assert ".." not in error["message"]
    assert (row.scenario, len(house.asked(provider)), len(house.renewals())) == (row.scenario, row.asked, row.renewed)
    final = answer.headers.get("x-should-retry") == "false"
    assert (row.scenario, final) == (row.scenario, not row.passes)
