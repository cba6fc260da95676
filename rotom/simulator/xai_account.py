"""What simulated xAI tells of an account: who it is, what its subscription gives, and how much of that is used. Pure.

The shapes are those of Grok's CLI 1.0.41 and of reports (2026-11). As in the real documents, which are made from protocol
buffers, a zero is not written at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rotom.simulator.xai_claims import CLIENT_ID, XaiAccount
from rotom.sse import Json

WEEK: Final = 604_800
PERIODS: Final = {"weekly": "USAGE_PERIOD_TYPE_WEEKLY", "monthly": "USAGE_PERIOD_TYPE_MONTHLY"}


@dataclass(slots=True)
class Pool:
    """What of a subscription is used, as a test or a scenario sets it; each question uses a little.

    Fields:
      percent: of the pool; None: not published, as for some plans.
      period: ``weekly`` or ``monthly``; resets_in: seconds until it begins again.
      on_demand_cap, on_demand_used, prepaid: cents.
      requests: (limit, remaining) of the rate limit that answers tell in headers; None: they do not.
    """

    percent: float | None = 4.0
    period: str = "weekly"
    resets_in: int = 309_600
    per_turn: float = 0.1
    on_demand_cap: int = 0
    on_demand_used: int = 0
    prepaid: int = 0
    products: dict[str, float] = field(default_factory=lambda: {"GrokBuild": 3.0, "Api": 1.0})
    requests: tuple[int, int] | None = (480, 480)

    def used(self) -> None:
        """One question was answered."""
        if self.percent is not None:
            self.percent = min(100.0, round(self.percent + self.per_turn, 3))
        if self.requests is not None:
            self.requests = self.requests[0], max(0, self.requests[1] - 1)

    def headers(self) -> list[tuple[str, str]]:
        """The rate limit as answers tell it."""
        if self.requests is None:
            return []
        limit, left = self.requests
        return [
            ("x-ratelimit-limit-requests", str(limit)),
            ("x-ratelimit-remaining-requests", str(left)),
            ("x-ratelimit-limit-tokens", "4000000"),
            ("x-ratelimit-remaining-tokens", "3990000"),
        ]

    def credits(self, now: float) -> Json:
        """``/billing?format=credits``."""
        begin, end = _iso(now + self.resets_in - WEEK), _iso(now + self.resets_in)
        config: Json = {
            "currentPeriod": {"type": PERIODS[self.period], "start": begin, "end": end},
            "productUsage": [_without_zeros(product=name, usagePercent=used) for name, used in self.products.items()],
            "onDemandCap": _cents(self.on_demand_cap),
            "onDemandUsed": _cents(self.on_demand_used),
            "prepaidBalance": _cents(self.prepaid),
            "isUnifiedBillingUser": True,
            "billingPeriodStart": begin,
            "billingPeriodEnd": end,
        }
        return {"config": {**config, **_without_zeros(creditUsagePercent=self.percent)}}

    def legacy(self, now: float) -> Json:
        """``/billing``, the older form: cents instead of percent."""
        limit = 3000
        return {
            "config": {
                "monthlyLimit": _cents(limit),
                "used": _cents(round(limit * (self.percent or 0) / 100)),
                "onDemandCap": _cents(self.on_demand_cap),
                "billingPeriodStart": _iso(now + self.resets_in - WEEK),
                "billingPeriodEnd": _iso(now + self.resets_in),
                "history": [],
            }
        }


def user(account: XaiAccount, subscription: bool) -> Json:
    """``/user``, with or without ``?include=subscription``."""
    document: Json = {
        "userId": account.principal_id,
        "email": account.email,
        "firstName": account.first_name,
        "lastName": account.last_name,
        "profileImageAssetId": None,
        "principalType": "User",
        "principalId": account.principal_id,
        "teamId": account.team_id,
        "teamName": None,
        "teamRole": None,
        "organizationId": None,
        "userBlockedReason": None,
        "teamBlockedReasons": [],
        "codingDataRetentionOptOut": False,
    }
    return {**document, "subscriptionTier": account.subscription} if subscription else document


def settings(account: XaiAccount) -> Json:
    """``/settings``."""
    slug = None if account.subscription is None else account.subscription.lower().replace(" ", "_")
    return {
        "subscription_tier": slug,
        "subscription_tier_display": account.subscription,
        "on_demand_enabled": False,
        "allow_access": True,
    }


def topup_rule() -> Json:
    """``/auto-topup-rule``."""
    return {"rule": {"topupAmount": {"val": 1000}, "minBeforeHittingSl": {"val": 100}}}


def me(account: XaiAccount) -> Json:
    """``/me`` of the API."""
    return {
        "user_id": account.principal_id,
        "team_id": account.team_id,
        "team_blocked": False,
        "zdr_status": "disabled",
        "oauth": {"client_id": CLIENT_ID},
    }


def _cents(amount: int) -> Json:
    return _without_zeros(val=amount)


def _without_zeros(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value not in (0, None)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
