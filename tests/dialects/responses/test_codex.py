"""Codex CLI's list of models, made here: no field of the vendor's own entries that its client insists on is missing."""

from __future__ import annotations

from rotom.catalogue import Model
from rotom.dialects.responses.codex import info, listing

NEEDED = {
    *("slug", "display_name", "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api", "priority"),
    *("base_instructions", "support_verbosity", "truncation_policy", "supports_parallel_tool_calls"),
    *("experimental_supported_tools", "context_window", "input_modalities"),
}


def test_a_model() -> None:
    one = info(
        Model("m", "openai", "M", efforts=("low", "high"), default_effort="low", images=False, tiers=("priority",))
    )
    assert one.keys() >= NEEDED
    assert one["input_modalities"] == ["text"]
    assert [level["effort"] for level in one["supported_reasoning_levels"]] == ["low", "high"]
    assert one["service_tiers"][0]["id"] == "priority"


def test_the_etag_changes_with_the_list() -> None:
    first, etag = listing([Model("m", "openai")])
    assert listing([Model("m", "openai")]) == (first, etag)
    assert listing([Model("n", "openai")])[1] != etag
