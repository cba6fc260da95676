"""What xAI says of an account: who it is, what plan it has, how much of the week's pool is used.

All of it is asked of the proxy, whichever origin answers turns: the API has no such calls (they are 404 there). Each of
the two questions may fail by itself; only when both do, that is told. The answers leave out what is zero.

What is not here: limits of pace in the headers of answers (grok_refusals.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any

from rotom.config import Config
from rotom.problem import Problem
from rotom.providers import Flow, Outgoing, Reply, Token, Usage, Window
from rotom.providers.grok_identity import PROXY, base_url, identity
from rotom.providers.grok_refusals import refusal
from rotom.providers.loose import object_in, object_of
from rotom.sse import Json

PERIODS = {"USAGE_PERIOD_TYPE_WEEKLY": 10_080, "USAGE_PERIOD_TYPE_MONTHLY": 43_200}


def usage(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns the account's Usage.

    The flow raises Problem UNAUTHENTICATED ``token_refused`` when the token is not accepted, and another one when nothing
    could be learned.
    """

    def flow(token: Token) -> Flow:
        found: dict[str, Json] = {}
        trouble: Problem | None = None
        for path in ("user?include=subscription", "billing?format=credits"):
            headers = (*identity(config, PROXY, token), ("accept", "application/json"))
            try:
                reply: Reply = yield Outgoing.get(f"{base_url(config, PROXY)}/{path}", headers)
                if reply.status != 200:
                    raise refusal(reply.status, reply.headers, reply.body)
            except Problem as problem:
                if problem.code == "token_refused":
                    raise
                trouble = trouble or problem
            else:
                found[path.partition("?")[0]] = object_of(reply)
        if not found and trouble is not None:
            raise trouble
        user, bill = found.get("user", {}), object_in(found.get("billing", {}).get("config"))
        return Usage(
            plan=_text(user.get("subscriptionTier")),
            email=_text(user.get("email")),
            account_id=_text(user.get("principalId")) or _text(user.get("userId")),
            windows=_windows(bill),
            credits=_credits(bill) or None,
        )

    return flow


def _windows(bill: Json) -> tuple[Window, ...]:
    period = object_in(bill.get("currentPeriod"))
    if not period:
        return _older(bill)
    start, end = _moment(period.get("start")), _moment(period.get("end"))
    minutes = PERIODS.get(str(period.get("type")))
    if minutes is None and start is not None and end is not None and end > start:
        minutes = round((end - start) / 60)
    if minutes is None:
        return ()
    found = [Window(minutes, _percent(bill.get("creditUsagePercent")), end)]
    products = bill.get("productUsage")
    found += [
        Window(minutes, _percent(product.get("usagePercent")), end, name[:40])
        for product in (products if isinstance(products, list) else ())
        if isinstance(product, dict) and (name := _text(product.get("product")))
    ]
    return tuple(found)


def _older(bill: Json) -> tuple[Window, ...]:
    """The form without a period: money used of money allowed, by the month."""
    limit, used = _cents(bill.get("monthlyLimit")), _cents(bill.get("used"))
    if not limit:
        return ()
    return (Window(43_200, min(100.0, 100 * (used or 0.0) / limit), _moment(bill.get("billingPeriodEnd"))),)


def _credits(bill: Json) -> Json:
    """Money in US cents, by name."""
    names = {"prepaidBalance": "prepaid_balance", "onDemandCap": "on_demand_cap", "onDemandUsed": "on_demand_used"}
    return {ours: cents for theirs, ours in names.items() if (cents := _cents(bill.get(theirs))) is not None}


def _cents(value: Any) -> float | None:
    """``{"val": 12}``; ``{}`` is zero."""
    return _number(value.get("val", 0)) if isinstance(value, dict) else None


def _percent(value: Any) -> float:
    return min(max(_number(value) or 0.0, 0.0), 100.0)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) and abs(number) < 1e12 else None


def _moment(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
