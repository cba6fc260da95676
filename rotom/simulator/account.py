"""What the simulated backend knows of an account beside its login: its limits, and what of its prompts is cached. Pure."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from rotom.simulator.oauth_claims import Account
from rotom.sse import Json, dumps

CACHE_BLOCK: Final = 512
"""Prompts are cached in blocks of 128 tokens, taken as four bytes each."""
CACHE_LEAST: Final = 1024
CACHE_KEPT: Final = 200_000


@dataclass(slots=True)
class Quota:
    """The windows of use, as a test or a scenario sets them; each question uses a little of both.

    Fields:
      primary, secondary: percent used of the window of five hours and of the week.
      primary_resets_in, secondary_resets_in: seconds.
      per_turn: percent of the primary window that one question uses.
    """

    primary: float = 7.0
    secondary: float = 2.0
    primary_resets_in: int = 4851
    secondary_resets_in: int = 592_029
    per_turn: float = 0.1

    def used(self) -> None:
        """One question was answered."""
        self.primary = min(100.0, self.primary + self.per_turn)
        self.secondary = min(100.0, self.secondary + self.per_turn / 10)

    def headers(self, account: Account, now: float, primary: float | None = None) -> list[tuple[str, str]]:
        """The response headers that tell of it; `primary` overrules the percentage."""
        return [
            ("x-codex-plan-type", account.plan),
            ("x-codex-active-limit", "codex"),
            ("x-codex-primary-used-percent", f"{self.primary if primary is None else primary:.1f}"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", str(int(now) + self.primary_resets_in)),
            ("x-codex-secondary-used-percent", f"{self.secondary:.1f}"),
            ("x-codex-secondary-window-minutes", "10080"),
            ("x-codex-secondary-reset-at", str(int(now) + self.secondary_resets_in)),
            ("x-codex-credits-has-credits", "False"),
            ("x-codex-credits-unlimited", "False"),
            ("x-codex-credits-balance", "0"),
        ]

    def event(self, account: Account, now: float) -> Json:
        """The same as the private event ``codex.rate_limits``."""
        return {
            "type": "codex.rate_limits",
            "plan_type": account.plan,
            "rate_limits": {
                "allowed": True,
                "limit_reached": False,
                "primary": {
                    "used_percent": int(self.primary),
                    "window_minutes": 300,
                    "reset_after_seconds": self.primary_resets_in,
                    "reset_at": int(now) + self.primary_resets_in,
                },
                "secondary": {
                    "used_percent": int(self.secondary),
                    "window_minutes": 10080,
                    "reset_after_seconds": self.secondary_resets_in,
                    "reset_at": int(now) + self.secondary_resets_in,
                },
            },
            "code_review_rate_limits": None,
            "additional_rate_limits": None,
            "credits": {"has_credits": False, "unlimited": False, "balance": "0"},
            "promo": None,
        }

    def usage(self, account: Account, now: float) -> Json:
        """The answer of the usage endpoint."""

        def window(percent: float, seconds: int, resets_in: int) -> Json:
            return {
                "used_percent": int(percent),
                "limit_window_seconds": seconds,
                "reset_after_seconds": resets_in,
                "reset_at": int(now) + resets_in,
            }

        reached = self.primary >= 100 or self.secondary >= 100
        return {
            "user_id": account.user_id,
            "account_id": account.account_id,
            "email": account.email,
            "plan_type": account.plan,
            "rate_limit": {
                "allowed": not reached,
                "limit_reached": reached,
                "primary_window": window(self.primary, 18_000, self.primary_resets_in),
                "secondary_window": window(self.secondary, 604_800, self.secondary_resets_in),
            },
            "code_review_rate_limit": {
                "allowed": True,
                "limit_reached": False,
                "primary_window": window(0, 604_800, 604_800),
                "secondary_window": None,
            },
            "additional_rate_limits": None,
            "credits": {
                "has_credits": False,
                "unlimited": False,
                "balance": None,
                "approx_local_messages": None,
                "approx_cloud_messages": None,
            },
            "promo": None,
        }


def accounts_check(account: Account) -> Json:
    """The answer that tells which workspaces there are and where their requests go."""
    entry = {
        "id": account.account_id,
        "account_user_id": f"{account.user_id}__{account.account_id}",
        "name": account.name,
        "plan_type": account.plan,
        "structure": account.structure,
        "profile_picture_url": None,
        "workspace_backend_origin": account.backend_origin,
        "account_routing_override": account.routing,
        "is_fedramp_compliant_workspace": account.fedramp,
    }
    return {
        "accounts": [entry],
        "account_ordering": [account.account_id],
        "default_account_id": account.account_id,
    }


class PromptCache:
    """Measures how much of a prompt was seen before under the same ``prompt_cache_key``.

    What is compared is the prompt's canonical JSON, tools first, cut into blocks; each block is known by a hash of
    everything up to its end, so that only a shared beginning counts, as on the real backend.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def measure(self, body: Json) -> tuple[int, int]:
        """(input tokens, cached ones of them), and remember the prompt."""
        prompt = dumps([body.get("tools") or [], body.get("instructions") or "", body["input"]])
        tokens = -(-len(prompt) // 4)
        told = f"{body.get('model')} {body.get('prompt_cache_key')} "
        hashed = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=12)
        shared, hit = 0, True
        for start in range(0, len(prompt) - CACHE_BLOCK + 1, CACHE_BLOCK):
            hashed.update(prompt[start : start + CACHE_BLOCK])
            digest = hashed.digest()
            hit = hit and digest in self._seen
            shared += hit
            self._seen[digest] = None
            self._seen.move_to_end(digest)
        while len(self._seen) > CACHE_KEPT:
            self._seen.popitem(last=False)
        cached = shared * CACHE_BLOCK // 4
        return tokens, min(cached, tokens) if cached >= CACHE_LEAST and body.get("prompt_cache_key") else 0
