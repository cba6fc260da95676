"""The models of the simulated backend: its list, and which of them a client may use.

The entries have the shape of the real list (seen for Codex CLI 0.169 in 2026-11 and in a live answer of 2026-08), without
the prompt texts. What is refused: retired names, clients that are too old for a model, and for one family clients that do
not call themselves Codex.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rotom.simulator.play import Refused, detail, error
from rotom.sse import Json, dumps

EFFORTS: Final = {
    "low": "Fast responses with lighter reasoning",
    "medium": "Balances speed and reasoning depth for everyday tasks",
    "high": "Greater reasoning depth for complex problems",
    "xhigh": "Extra high reasoning depth for complex problems",
    "max": "Maximum reasoning depth for the hardest problems",
    "ultra": "Maximum reasoning with automatic task delegation",
}
UP_TO_XHIGH: Final = tuple(EFFORTS)[:4]
UP_TO_MAX: Final = tuple(EFFORTS)[:5]
ALL: Final = tuple(EFFORTS)
CODEX_FAMILY: Final = re.compile(r"codex[_-](cli_rs|exec|tui|vscode|sdk)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model.

    Fields:
      efforts: as the list tells them; the last one of six, ``ultra``, is for clients and never accepted in a request.
      since: the oldest client version that is served.
      codex_only: answers 404 to clients that do not call themselves Codex.
      lite: made for the reduced form of requests; the plain form works as well.
    """

    slug: str
    title: str
    description: str
    priority: int
    default_effort: str
    efforts: tuple[str, ...]
    since: str
    context: int = 272_000
    max_context: int = 872_000
    lite: bool = True
    hidden: bool = False
    codex_only: bool = False

    @property
    def accepted_efforts(self) -> tuple[str, ...]:
        """The efforts that a request may name."""
        return tuple(effort for effort in self.efforts if effort != "ultra")

    def info(self) -> Json:
        """The entry in the list."""
        return {
            "slug": self.slug,
            "display_name": self.title,
            "description": self.description,
            "default_reasoning_level": self.default_effort,
            "supported_reasoning_levels": [{"effort": e, "description": EFFORTS[e]} for e in self.efforts],
            "shell_type": "unified_exec",
            "visibility": "hide" if self.hidden else "list",
            "minimal_client_version": self.since,
            "supported_in_api": True,
            "priority": self.priority,
            "additional_speed_tiers": ["fast"],
            "service_tiers": [{"id": "priority", "name": "Fast", "description": "1.5x speed, increased usage"}],
            "default_service_tier": None,
            "available_in_plans": ["business", "edu", "enterprise", "free", "go", "plus", "pro", "prolite", "team"],
            "default_reasoning_summary": "none",
            "supports_reasoning_summaries": True,
            "support_verbosity": True,
            "default_verbosity": "low",
            "apply_patch_tool_type": "freeform",
            "web_search_tool_type": "text_and_image",
            "truncation_policy": {"mode": "tokens", "limit": 10000},
            "supports_image_detail_original": True,
            "supports_parallel_tool_calls": True,
            "context_window": self.context,
            "max_context_window": self.max_context,
            "auto_compact_token_limit": None,
            "effective_context_window_percent": 95,
            "comp_hash": "3000",
            "experimental_supported_tools": [],
            "input_modalities": ["text", "image"],
            "supports_search_tool": True,
            "use_responses_lite": self.lite,
            "prefer_websockets": False,
            "tool_mode": "code_mode_only" if self.lite else None,
        }


MODELS: Final = (
    SimulatedModel(
        "gpt-6.1-sol",
        "GPT-6.1-Sol",
        "Latest workhorse model for coding and everyday work.",
        1,
        "low",
        ALL,
        "0.160.0",
    ),
    SimulatedModel(
        "gpt-6-astra",
        "GPT-6-Astra",
        "Frontier intelligence for the most demanding work.",
        2,
        "low",
        ALL,
        "0.153.0",
    ),
    SimulatedModel("gpt-6-sol", "GPT-6-Sol", "Previous generation workhorse model.", 3, "medium", ALL, "0.153.0"),
    SimulatedModel(
        "gpt-6-luna", "GPT-6-Luna", "Fast and affordable model for easier tasks.", 4, "medium", UP_TO_MAX, "0.153.0"
    ),
    SimulatedModel("gpt-5.6-sol", "GPT-5.6-Sol", "Older generation workhorse model.", 5, "low", ALL, "0.144.0"),
    SimulatedModel(
        "gpt-6.1-terra", "GPT-6.1 Terra", "GPT-6.1 Terra Codex model.", 7, "low", ALL, "0.160.0", context=500_000
    ),
    SimulatedModel(
        "gpt-5.6-terra",
        "GPT-5.6-Terra",
        "Older balanced model for straightforward work.",
        8,
        "medium",
        ALL,
        "0.144.0",
    ),
    SimulatedModel(
        "gpt-5.6-luna",
        "GPT-5.6-Luna",
        "Older fast and efficient model.",
        9,
        "medium",
        UP_TO_MAX,
        "0.144.0",
        codex_only=True,
    ),
    SimulatedModel(
        "gpt-5.5",
        "GPT-5.5",
        "Legacy coding model.",
        13,
        "medium",
        UP_TO_XHIGH,
        "0.124.0",
        max_context=272_000,
        lite=False,
    ),
    SimulatedModel(
        "gpt-5.4-mini",
        "GPT-5.4-Mini",
        "Small, fast, and cost-efficient model for simpler coding tasks.",
        23,
        "medium",
        UP_TO_XHIGH,
        "0.98.0",
        max_context=272_000,
        lite=False,
    ),
    SimulatedModel(
        "codex-auto-review",
        "Codex Auto Review",
        "Automatic approval review model for Codex.",
        43,
        "medium",
        UP_TO_MAX,
        "0.98.0",
        hidden=True,
    ),
)
BY_SLUG: Final = {model.slug: model for model in MODELS}
DEMO_MODEL: Final = BY_SLUG["gpt-5.5"]


def version(text: str | None) -> tuple[int, ...]:
    """A client version in a form that compares; nothing that can be read is older than everything."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text or "")
    return tuple(int(part or 0) for part in match.groups()) if match else (0,)


@lru_cache(maxsize=16)
def listing(client_version: str | None) -> tuple[Json, str]:
    """The list for a client of that version, and its etag. Old clients get a shorter list without a word about it."""
    models = [model.info() for model in MODELS if version(client_version) >= version(model.since)]
    value = {"models": models}
    return value, f'W/"{hashlib.sha256(dumps(value)).hexdigest()[:32]}"'


def serve_model(name: str, headers: Mapping[str, str]) -> SimulatedModel:
    """The model that a request names.

    Raises:
      Refused: there is none, or not for this client.
    """
    model = BY_SLUG.get(name)
    if model is None:
        raise Refused(detail(400, f"The '{name}' model is not supported when using Codex with a ChatGPT account."))
    if version(headers.get("version")) < version(model.since):
        raise Refused(
            detail(
                400,
                f"The '{name}' model requires a newer version of Codex. "
                "Please upgrade to the latest app or CLI and try again.",
            )
        )
    if model.codex_only:
        originator, agent = headers.get("originator", ""), headers.get("user-agent", "")
        if not CODEX_FAMILY.match(originator) or not CODEX_FAMILY.match(agent):
            raise Refused(error(404, f"Model not found {name}", param="model"))
    return model
