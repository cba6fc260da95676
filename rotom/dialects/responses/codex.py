"""The list of models as Codex CLI reads it (0.169, 2026-11), made from what is known here.

It has some fields that only the vendor knows; they are given values that work with any model: tools of the plainest kind,
no prompt of the model's own. Where the provider gives its own list, that is better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rotom.catalogue import Model
from rotom.sse import Json, dumps


def listing(models: Iterable[Model]) -> tuple[Json, str]:
    """The list, and an etag that changes with it."""
    value = {"models": [info(model) for model in models]}
    return value, f'W/"{hashlib.sha256(dumps(value)).hexdigest()[:32]}"'


def joined(vendor: Json, others: Iterable[Model]) -> Json:
    """A vendor's own list, with the models of others behind all of its own. Its etag stays good: it is the vendor's that is
    told with its answers."""
    own = vendor.get("models")
    own = [*own] if isinstance(own, list) else []
    last = max(
        (place for one in own if isinstance(one, dict) and isinstance(place := one.get("priority"), int)), default=0
    )
    more = [info(model) | {"priority": last + index} for index, model in enumerate(others, 1)]
    return {**vendor, "models": own + more}


def info(model: Model) -> Json:
    """One model."""
    efforts = model.efforts or ("low", "medium", "high")
    return {
        "slug": model.id,
        "display_name": model.title or model.id,
        "description": model.description,
        "default_reasoning_level": model.default_effort or "medium",
        "supported_reasoning_levels": [{"effort": effort, "description": effort} for effort in efforts],
        "shell_type": "shell_command",
        "visibility": "hide" if model.hidden else "list",
        "minimal_client_version": "0.0.0",
        "supported_in_api": True,
        "priority": model.priority,
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": "",
        "additional_speed_tiers": ["fast"] if "priority" in model.tiers else [],
        "service_tiers": [{"id": tier, "name": tier.title(), "description": ""} for tier in model.tiers],
        "default_service_tier": None,
        "default_reasoning_summary": "auto",
        "supports_reasoning_summaries": True,
        "support_verbosity": model.verbosity,
        "default_verbosity": "low" if model.verbosity else None,
        "apply_patch_tool_type": "freeform",
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_image_detail_original": False,
        "supports_parallel_tool_calls": model.parallel_tools,
        "context_window": model.context,
        "max_context_window": model.max_context,
        "auto_compact_token_limit": None,
        "effective_context_window_percent": 95,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"] if model.images else ["text"],
        "supports_search_tool": False,
        "use_responses_lite": False,
        "prefer_websockets": False,
    }
