"""The models of xAI that are known without asking, and how its two live lists are read.

The built-in list is what xAI's documentation and its own client 1.0.41 name (2026-11). The live lists decide: that of the
API is plain, with aliases and efforts where they are known; that of the proxy is richer and differs by account. Efforts
are a matter of life and death: a model that has none refuses a request that names one.

``grok-4.3-fast`` is no name of xAI's (it is in none of its lists): it stands here for grok-4.3 with little or no
reasoning, so that settings which have it go on working.

What is not here: which name means which model (catalogue.py), and fetching (grok.py, upstream/models.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rotom.catalogue import EFFORTS, Model
from rotom.sse import Json

PROVIDER = "grok"

FAST = "grok-4.3-fast"
LOCAL = {FAST: "grok-4.3"}
"""Names of ours -> the model that answers for them."""

PROXY_CONTEXT = 256_000
"""The window of a model whose entry in the proxy's list has none (so the official client 1.0.41)."""

MEDIA = "grok-imagine-"
"""How the names begin of models that do not talk."""

_HIGH = ("low", "medium", "high")


def _model(id: str, title: str, description: str, priority: int, **facts: Any) -> Model:
    return Model(id, PROVIDER, title, description, priority=priority, verbosity=False, **facts)


BUILTIN: tuple[Model, ...] = (
    _model("grok-4.7", "Grok 4.7", "The latest model.", 1, context=500_000, efforts=_HIGH, default_effort="high"),
    _model(
        "grok-4.6",
        "Grok 4.6",
        "For coding and everyday work.",
        2,
        context=500_000,
        efforts=(*_HIGH, "xhigh"),
        default_effort="high",
        served_as=("grok-4.6-build",),
    ),
    _model("grok-4.5", "Grok 4.5", "An older model.", 3, context=500_000, efforts=_HIGH, default_effort="high"),
    _model(
        "grok-4.3",
        "Grok 4.3",
        "An older model with a long window.",
        4,
        context=1_000_000,
        efforts=("none", *_HIGH),
        default_effort="low",
    ),
    _model(
        FAST,
        "Grok 4.3 Fast",
        "Grok 4.3 with little or no reasoning.",
        5,
        context=1_000_000,
        efforts=("none", "low"),
        default_effort="none",
        served_as=("grok-4.3",),
    ),
    _model(
        "grok-4",
        "Grok 4",
        "Whatever xAI's name grok-4 means now (grok-4.3 in 2026).",
        6,
        context=1_000_000,
        efforts=("none", *_HIGH),
        default_effort="low",
        served_as=("grok-4.3",),
        hidden=True,
    ),
    _model("grok-4.20", "Grok 4.20", "An older model.", 7, context=1_000_000),
    _model("grok-4.20-0309-reasoning", "Grok 4.20 Reasoning", "An older model.", 8, context=1_000_000),
    _model("grok-4.20-0309-non-reasoning", "Grok 4.20 Non-Reasoning", "An older model.", 9, context=1_000_000),
    _model(
        "grok-4.20-multi-agent-0309",
        "Grok 4.20 Multi-Agent",
        "Several agents; the effort is their number.",
        10,
        context=1_000_000,
        efforts=_HIGH,
    ),
    _model("grok-build-0.1", "Grok Build", "A small model for coding.", 11, context=256_000),
    _model(
        "grok-composer-2.5-fast",
        "Grok Composer 2.5 Fast",
        "A fast model for coding; the proxy alone has it.",
        12,
        context=200_000,
        images=False,
        hidden=True,
    ),
)

IMAGES: tuple[Model, ...] = tuple(
    Model(id, PROVIDER, title, "Makes and edits images.", hidden=True, draws=True)
    for id, title in (
        ("grok-imagine-image", "Grok Imagine Image"),
        ("grok-imagine-image-quality", "Grok Imagine Image Quality"),
        ("grok-imagine-image-2.0", "Grok Imagine Image 2.0"),
    )
)

_BUILTIN = {model.id: model for model in BUILTIN}
_LATER = 500
"""The place of models that are new to us, behind those that we know."""


def upstream_id(model: Model) -> str:
    """The name under which xAI knows a model."""
    return LOCAL.get(model.id, model.id)


def read_models(entries: Iterable[object]) -> list[Model]:
    """The models in either list, and names of ours for them. What cannot be understood of one is left as it is built in,
    or at its default; a name that is none leaves the model out, and so do models that do not talk."""
    found: dict[str, Model] = {}
    aliases: dict[str, Model] = {}
    for number, entry in enumerate(entry for entry in entries if isinstance(entry, dict)):
        id = entry.get("id") or entry.get("model")
        if not isinstance(id, str) or not _is_name(id) or id.startswith(MEDIA):
            continue
        found[id] = model = _read(id, entry, number)
        for alias in _names(entry.get("aliases")):
            aliases[alias] = replace(model, id=alias, title=alias, hidden=True, served_as=(*model.served_as, id))
    for alias, model in aliases.items():
        found.setdefault(alias, model)
    for id, target in LOCAL.items():
        if target in found:
            ours = _BUILTIN[id]
            efforts = tuple(effort for effort in ours.efforts if effort in found[target].efforts)
            found.setdefault(id, replace(ours, context=found[target].context, efforts=efforts))
    return list(found.values())


def _read(id: str, entry: Json, number: int) -> Model:
    known = _BUILTIN.get(id)
    efforts, default = _efforts(entry)
    modalities = entry.get("input_modalities")
    if efforts is None:
        efforts, default = (known.efforts, known.default_effort) if known else ((), None)
    context = _number(entry.get("context_window")) or _number(entry.get("context_length"))
    if context is None:
        context = known.context if known else PROXY_CONTEXT if "api_backend" in entry else None
    return Model(
        id=id,
        provider=PROVIDER,
        title=_text(entry.get("name")) or (known.title if known else id),
        description=_text(entry.get("description")) or (known.description if known else ""),
        context=context,
        efforts=efforts,
        default_effort=default,
        images="image" in modalities if isinstance(modalities, list) else known.images if known else True,
        verbosity=False,
        served_as=tuple(dict.fromkeys((*(known.served_as if known else ()), f"{id}-build"))),
        priority=known.priority if known else _LATER + number,
    )


def _efforts(entry: Json) -> tuple[tuple[str, ...] | None, str | None]:
    """The efforts that an entry names, lowest first, and its default; None when it does not tell."""
    capabilities = entry.get("capabilities")
    levels: Any = None
    default: Any = None
    if isinstance(capabilities, dict):
        levels, default = capabilities.get("reasoning_effort"), capabilities.get("default_reasoning_effort")
    elif entry.get("supports_reasoning_effort") is False:
        levels = []
    elif isinstance(entry.get("reasoning_efforts"), list):
        options = [option for option in entry["reasoning_efforts"] if isinstance(option, dict)]
        levels = [option.get("value") for option in options]
        default = next((option.get("value") for option in options if option.get("default")), None)
        default = default or entry.get("reasoning_effort")
    if not isinstance(levels, list):
        return None, None
    found = {level for level in levels if isinstance(level, str)}
    ordered = (*(level for level in EFFORTS if level in found), *sorted(found.difference(EFFORTS)))
    return ordered, default if default in found else None


def _names(value: object) -> Iterator[str]:
    yield from (name for name in value if _is_name(name)) if isinstance(value, list) else ()


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w.:/@+-]{0,127}", value, re.ASCII) is not None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
