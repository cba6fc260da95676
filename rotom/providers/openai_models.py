"""The models of the Codex service that are known without asking, and how its live list is read.

The built-in list is what Codex CLI 0.169 carries (2026-11), and older ids that people still have in their settings. With
a ChatGPT login those marked retired are refused ("... is not supported when using Codex with a ChatGPT account", seen by
others on the real service, 2026-09); they stay known so that the service's own words reach the client. The live list
decides what is served: it differs by plan and by the client version that is sent.

What is not here: which name means which model (catalogue.py), and fetching (openai.py, upstream/models.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rotom.catalogue import Model
from rotom.sse import Json

PROVIDER = "openai"

ULTRA = "ultra"
"""An effort of the vendor's client, not of the service: it means several agents at `max`."""

_TO_XHIGH = ("low", "medium", "high", "xhigh")
_TO_MAX = (*_TO_XHIGH, "max")


def _model(id: str, title: str, description: str, priority: int, **facts: Any) -> Model:
    facts = {
        "context": 272_000,
        "max_context": 872_000,
        "efforts": _TO_MAX,
        "default_effort": "medium",
        "tiers": ("priority",),
        **facts,
    }
    return Model(id, PROVIDER, title, description, priority=priority, **facts)


def _old(id: str, title: str, priority: int, **facts: Any) -> Model:
    facts = {"max_context": 272_000, "efforts": _TO_XHIGH, "tiers": (), "retired": True, **facts}
    return _model(id, title, "Retired by the provider for ChatGPT logins.", priority, **facts)


BUILTIN: tuple[Model, ...] = (
    _model(
        "gpt-6.1-sol", "GPT-6.1-Sol", "Latest workhorse model for coding and everyday work.", 1, default_effort="low"
    ),
    _model("gpt-6-astra", "GPT-6-Astra", "Frontier intelligence for the most demanding work.", 2, default_effort="low"),
    _model("gpt-6-sol", "GPT-6-Sol", "Previous generation workhorse model.", 3),
    _model("gpt-6-luna", "GPT-6-Luna", "Fast and affordable model for easier tasks.", 4),
    _model("gpt-5.6-sol", "GPT-5.6-Sol", "Older generation workhorse model.", 5, default_effort="low"),
    _model("gpt-6.1-terra", "GPT-6.1 Terra", "GPT-6.1 Terra Codex model.", 7, default_effort="low", context=500_000),
    _model("gpt-5.6-terra", "GPT-5.6-Terra", "Older balanced model for straightforward work.", 8),
    _model("gpt-5.6-luna", "GPT-5.6-Luna", "Older fast and efficient model.", 9),
    _model("gpt-5.5", "GPT-5.5", "Legacy coding model.", 13, max_context=272_000, efforts=_TO_XHIGH),
    _model(
        "gpt-5.4-mini",
        "GPT-5.4-Mini",
        "Small, fast, and cost-efficient model for simpler coding tasks.",
        23,
        max_context=272_000,
        efforts=_TO_XHIGH,
        tiers=(),
    ),
    _model("codex-auto-review", "Codex Auto Review", "Automatic approval review model for Codex.", 43, hidden=True),
    _old("gpt-5.4", "GPT-5.4", 100, max_context=1_000_000, tiers=("priority",)),
    _old(
        "gpt-5.3-codex-spark",
        "GPT-5.3-Codex-Spark",
        101,
        context=128_000,
        max_context=128_000,
        images=False,
        default_effort="high",
    ),
    _old("gpt-5.3-codex", "GPT-5.3-Codex", 102),
    _old("gpt-5.2-codex", "GPT-5.2-Codex", 103),
    _old("gpt-5.2", "GPT-5.2", 104),
    _old("gpt-5.1-codex-max", "GPT-5.1-Codex-Max", 105),
    _old("gpt-5.1-codex-mini", "GPT-5.1-Codex-Mini", 106),
    _old("gpt-5.1", "GPT-5.1", 107),
)

IMAGES: tuple[Model, ...] = (
    Model("gpt-image-2", PROVIDER, "GPT Image 2", "Makes and edits images.", hidden=True, draws=True),
)
"""The name that the vendor's client sends; which model really draws is the service's affair."""


def read_models(entries: Iterable[object]) -> list[Model]:
    """The models in an answer of ``GET /models``. What cannot be understood of one is left at its default; a name that
    is none (it will be shown, logged and pasted into a shell) leaves the model out."""
    return [_read(entry) for entry in entries if isinstance(entry, dict) and is_name(entry.get("slug"))]


def is_name(value: object) -> bool:
    """Whether this could be a model's id."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w.:/@+-]{0,127}", value, re.ASCII) is not None


def _read(entry: Json) -> Model:
    levels = [level.get("effort") for level in _dicts(entry.get("supported_reasoning_levels"))]
    modalities = entry.get("input_modalities")
    return Model(
        id=entry["slug"],
        provider=PROVIDER,
        title=_text(entry.get("display_name")) or entry["slug"],
        description=_text(entry.get("description")),
        context=_number(entry.get("context_window")),
        max_context=_number(entry.get("max_context_window")),
        efforts=tuple(level for level in levels if isinstance(level, str) and level != ULTRA),
        default_effort=_text(entry.get("default_reasoning_level")) or None,
        images="image" in modalities if isinstance(modalities, list) else True,
        parallel_tools=entry.get("supports_parallel_tool_calls") is not False,
        verbosity=entry.get("support_verbosity") is not False,
        tiers=tuple(id for tier in _dicts(entry.get("service_tiers")) if isinstance(id := tier.get("id"), str)),
        hidden=entry.get("visibility") not in (None, "list"),
        priority=_number(entry.get("priority")) or 0,
    )


def _dicts(value: object) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
